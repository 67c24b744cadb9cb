# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters that jobs have left in the cache, read without torch: a safetensors file begins with its metadata."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bridge_server.errors import NotFoundError

_ID = re.compile(r"[0-9a-f]{64}")
# The format's own limit is 100 MB; an adapter's header is far below this.
_HEADER_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class AdapterFile:
    """`created_ms` since 1970 UTC; `metadata` as maskedit.adapters writes it; empty if the header is damaged."""

    adapter_id: str
    path: Path
    size_bytes: int
    created_ms: int
    metadata: dict[str, str]


class AdapterShelf:
    """The adapters in `folder`. Methods block on the disk; call them from threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> list[AdapterFile]:
        """Newest first."""
        found = [_describe(path) for path in self._folder.glob("*.safetensors") if _ID.fullmatch(path.stem)]
        return sorted(found, key=lambda adapter: adapter.created_ms, reverse=True)

    def path(self, adapter_id: str) -> Path:
        """Raises NotFoundError."""
        path = self._folder / f"{adapter_id}.safetensors"
        if not _ID.fullmatch(adapter_id) or not path.is_file():
            raise NotFoundError(f"There is no adapter {adapter_id[:12]}…: list the adapters to see their ids.")
        return path

    def delete(self, adapter_id: str) -> None:
        """Raises NotFoundError."""
        self.path(adapter_id).unlink()


def _describe(path: Path) -> AdapterFile:
    facts = path.stat()
    return AdapterFile(
        adapter_id=path.stem,
        path=path,
        size_bytes=facts.st_size,
        created_ms=facts.st_mtime_ns // 1_000_000,
        metadata=_metadata(path),
    )


def _metadata(path: Path) -> dict[str, str]:
    """The header's `__metadata__`: 8 bytes of little-endian length, then JSON (safetensors format)."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _HEADER_LIMIT_BYTES)))
        return {str(key): str(value) for key, value in header["__metadata__"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
