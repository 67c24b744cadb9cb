# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters in the cache, from jobs and from other tools; read without torch: a safetensors file begins with its
metadata."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge_server.errors import NotFoundError, QuotaError, no_room_on_disk
from bridge_server.receiving import Upload, place
from maskedit.errors import InputError

_ID = re.compile(r"[0-9a-f]{64}")
# The format's own limit is 100 MB; an adapter's header is far below this.
_HEADER_LIMIT_BYTES = 4 << 20
# Rank 128 on every layer of a 14B model is 2.5 GB in float32.
_FILE_LIMIT_BYTES = 8 << 30
# Left free on the disk, for the job store and for people.
_RESERVE_BYTES = 1 << 30
_SCRATCH = ".work-"


@dataclass(frozen=True, kw_only=True)
class AdapterFile:
    """`created_ms` and `used_ms` (last read, as far as the system notes it) since 1970 UTC; `metadata` as
    maskedit.adapters writes it; empty if the header is damaged."""

    adapter_id: str
    path: Path
    size_bytes: int
    created_ms: int
    used_ms: int
    metadata: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A LoRA file on its way in: `upload` makes it `whole`; `converted` is where our own form of it shall lie."""

    upload: Upload
    whole: Path
    converted: Path


class AdapterShelf:
    """The adapters in `folder`, which take at most `quota_bytes` if any are imported.

    Methods block on the disk; call them from threads.
    """

    def __init__(self, folder: Path, *, quota_bytes: int) -> None:
        self._folder = folder
        self._quota_bytes = quota_bytes
        self._incoming_bytes = 0
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def list(self) -> list[AdapterFile]:
        """Newest first."""
        found = []
        for path in self._folder.glob("*.safetensors"):
            with suppress(FileNotFoundError):  # deleted just now
                if _ID.fullmatch(path.stem):
                    found.append(_describe(path))
        return sorted(found, key=lambda adapter: adapter.created_ms, reverse=True)

    def get(self, adapter_id: str) -> AdapterFile:
        """Raises NotFoundError."""
        try:
            return _describe(self.path(adapter_id))
        except FileNotFoundError as error:  # deleted just now
            raise _missing(adapter_id) from error

    def path(self, adapter_id: str) -> Path:
        """Raises NotFoundError."""
        path = self._folder / f"{adapter_id}.safetensors"
        if not _ID.fullmatch(adapter_id) or not path.is_file():
            raise _missing(adapter_id)
        return path

    def delete(self, adapter_id: str) -> None:
        """Raises NotFoundError."""
        try:
            self.path(adapter_id).unlink()
        except FileNotFoundError as error:  # by somebody else at the same time
            raise _missing(adapter_id) from error

    @contextmanager
    def receive(self, *, sha256: str, size_bytes: int) -> Iterator[Incoming]:
        """Take a file in; all of it is gone when the block ends, unless `keep` gave it a place.

        Raises InputError for a file that no adapter can be, QuotaError where there is no room.
        """
        if not _ID.fullmatch(sha256):
            raise InputError("A file's SHA-256 is 64 lower-case hex digits.")
        if not 0 < size_bytes <= _FILE_LIMIT_BYTES:
            raise InputError(f"A LoRA file has up to {_FILE_LIMIT_BYTES >> 30} GB and cannot have {size_bytes} bytes.")
        with self._room_for(size_bytes), self.scratch() as folder, (folder / "partial").open("w+b") as file:
            whole = folder / "whole"
            with closing(Upload(file, sha256=sha256, size_bytes=size_bytes, target=whole)) as upload:
                yield Incoming(upload=upload, whole=whole, converted=folder / "converted")

    def keep(self, file: Path, adapter_id: str) -> AdapterFile:
        """Put a file in our own form on the shelf under that id."""
        with file.open("rb") as written:
            os.fsync(written.fileno())
        place(file, self._folder / f"{adapter_id}.safetensors")
        return self.get(adapter_id)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the shelf's disk that is gone when the block ends."""
        with TemporaryDirectory(prefix=_SCRATCH, dir=self._folder, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def sweep(self) -> None:
        """Remove what a server left that died in the middle of an import or export."""
        for folder in self._folder.glob(f"{_SCRATCH}*"):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _room_for(self, size_bytes: int) -> Iterator[None]:
        with self._lock:
            used = sum(adapter.size_bytes for adapter in self.list()) + self._incoming_bytes
            # The file as it comes, and again in our own form, which may be float32 where the file was half of that.
            free = shutil.disk_usage(self._folder).free - _RESERVE_BYTES - 3 * self._incoming_bytes
            if 3 * size_bytes > free:
                raise QuotaError(no_room_on_disk(3 * size_bytes, free=free, reserve=_RESERVE_BYTES))
            if used + size_bytes > self._quota_bytes:
                raise QuotaError(
                    f"The server has no room for an adapter of {size_bytes / 1e6:.0f} MB: delete old ones, or raise "
                    "its adapter quota."
                )
            self._incoming_bytes += size_bytes
        try:
            yield
        finally:
            with self._lock:
                self._incoming_bytes -= size_bytes


def _missing(adapter_id: str) -> NotFoundError:
    return NotFoundError(f"There is no adapter {adapter_id[:12]}…: list the adapters to see their ids.")


def _describe(path: Path) -> AdapterFile:
    facts = path.stat()
    return AdapterFile(
        adapter_id=path.stem,
        path=path,
        size_bytes=facts.st_size,
        created_ms=facts.st_mtime_ns // 1_000_000,
        used_ms=max(facts.st_atime_ns, facts.st_mtime_ns) // 1_000_000,
        metadata=_metadata(path),
    )


def _metadata(path: Path) -> dict[str, str]:
    """The header's `__metadata__`: 8 bytes of little-endian length, then JSON (safetensors format)."""
    try:
        with open(path, "rb", opener=_looking) as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _HEADER_LIMIT_BYTES)))
        return {_sendable(key): _sendable(value) for key, value in header["__metadata__"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _looking(path: str, flags: int) -> int:
    """Opens a file so that it does not count as read, where the system can: to be listed is not to be used."""
    return os.open(path, flags | getattr(os, "O_NOATIME", 0))


def _sendable(value: object) -> str:
    """JSON can spell halves of characters, which no message takes."""
    return str(value).encode(errors="replace").decode()
