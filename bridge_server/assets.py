# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploaded media: files named by the SHA-256 of their content, so that nothing is sent or kept twice.

A job holds the assets it uses by hard links; an asset with no other link is garbage once room is needed.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bridge_server.errors import BusyError, NotFoundError, QuotaError, WrongStateError, no_room_on_disk
from bridge_server.receiving import Upload
from maskedit.errors import InputError
from maskedit.exhaustion import in_words
from maskedit.faults import Point, reach

_ID = re.compile(r"[0-9a-f]{64}")
# Left free on the disk, for the job store and for people.
_RESERVE_BYTES = 1 << 30
# Younger garbage may belong to an edit about to be submitted.
_GARBAGE_AGE_SECONDS = 24 * 3600


class AssetStore:
    """Assets in `folder`, taking at most `quota_bytes`. Methods block on the disk; call them from threads."""

    def __init__(self, folder: Path, *, quota_bytes: int) -> None:
        self._whole = folder / "whole"
        self._partial = folder / "partial"
        self._quota_bytes = quota_bytes
        # Asset → its size as announced.
        self._uploading: dict[str, int] = {}
        # At most: as it was last counted, and all that was let in since.
        self._held_bytes = math.inf
        self._lock = threading.Lock()
        for part in (self._whole, self._partial):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)

    def has(self, asset_id: str) -> bool:
        """Whether the asset is here, which counts as a use: who asks is about to."""
        try:
            os.utime(self._path(asset_id))
        except FileNotFoundError:
            return False
        return True

    def path(self, asset_id: str) -> Path:
        """Where the asset lies. Raises NotFoundError."""
        path = self._path(asset_id)
        if not path.exists():
            raise NotFoundError(f"There is no asset {asset_id[:12]}…: upload it.")
        return path

    def link(self, asset_id: str, target: Path) -> None:
        """Give the asset a second name, which keeps it from being garbage. Raises NotFoundError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        reach(Point.ASSET_LINK)
        os.link(self.path(asset_id), target)

    def offset(self, asset_id: str) -> int:
        """How many bytes of the asset are here, whole or partial."""
        for path in (self._path(asset_id), self._partial / asset_id):
            if path.exists():
                return path.stat().st_size
        return 0

    @contextmanager
    def receive(self, asset_id: str, *, size_bytes: int, offset: int) -> Iterator[Upload]:
        """Take the bytes from `offset` on; what has arrived stays when the block is left early.

        Raises InputError, WrongStateError (another offset), BusyError (two at once) or QuotaError.
        """
        self._path(asset_id)
        partial = self._partial / asset_id
        with self._lock:
            if asset_id in self._uploading:
                raise BusyError("This file is being uploaded by another call: wait for it, then ask for its offset.")
            held = self.offset(asset_id)
            if held != offset or size_bytes < offset:
                raise WrongStateError(f"The server holds {held} bytes of this file: go on from there.")
            self._make_room(size_bytes - offset)
            self._uploading[asset_id] = size_bytes
        try:
            reach(Point.ASSET_OPEN)
            with (
                partial.open("a+b") as file,
                closing(Upload(file, sha256=asset_id, size_bytes=size_bytes, target=self._path(asset_id))) as upload,
            ):
                yield upload
        finally:
            with self._lock:
                del self._uploading[asset_id]

    def _path(self, asset_id: str) -> Path:
        if not _ID.fullmatch(asset_id):
            raise InputError("An asset id is the SHA-256 of the file as 64 lower-case hex digits.")
        return self._whole / asset_id

    def _make_room(self, needed: int) -> None:
        """Let `needed` bytes in, for which garbage goes where they do not fit, longest unused first.

        Raises QuotaError.
        """
        coming = sum(size - self.offset(asset_id) for asset_id, size in self._uploading.items())
        free = shutil.disk_usage(self._whole).free - _RESERVE_BYTES - coming

        def fits() -> bool:
            return self._held_bytes + needed <= self._quota_bytes and needed <= free

        # Only then: a sequence has thousands of files, and walking over all of them for each takes minutes.
        if not fits():
            files = self._idle_files()
            self._held_bytes = sum(self._uploading.values()) + sum(facts.st_size for _, facts in files)
            newest_garbage = time.time() - _GARBAGE_AGE_SECONDS
            for path, facts in files:
                if facts.st_nlink == 1 and facts.st_mtime < newest_garbage and not fits():
                    path.unlink(missing_ok=True)
                    self._held_bytes -= facts.st_size
                    free += facts.st_size
        if needed > free:
            raise QuotaError(no_room_on_disk(needed, free=free, reserve=_RESERVE_BYTES))
        if not fits():
            raise QuotaError(
                f"The server has no room for {in_words(needed)} more: delete old jobs, or raise its asset quota."
            )
        self._held_bytes += needed

    def _idle_files(self) -> list[tuple[Path, os.stat_result]]:
        """All that no upload is writing to, longest unused first."""
        found = []
        for path in (*self._whole.iterdir(), *self._partial.iterdir()):
            with suppress(FileNotFoundError):  # an upload that has just ended
                if path.name not in self._uploading:
                    found.append((path, path.stat()))
        return sorted(found, key=lambda each: each[1].st_mtime)
