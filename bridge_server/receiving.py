# SPDX-License-Identifier: GPL-3.0-or-later
"""A file on its way in: measured and hashed piece by piece, whole under its name or not there at all."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from io import BufferedRandom
from pathlib import Path

from bridge_server.errors import ChecksumError, WrongStateError
from bridge_server.tally import TALLY, Count
from maskedit import faults
from maskedit.errors import InputError
from maskedit.faults import Point, reach
from maskedit.whole import sync_folder

_SYNC_BYTES = 16 << 20


class Upload:
    """An upload under way into `file`, which may hold its beginning already. `close` it before the file is closed."""

    def __init__(self, file: BufferedRandom, *, sha256: str, size_bytes: int, target: Path) -> None:
        self._file = file
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._target = target
        file.seek(0)
        self._digest = hashlib.file_digest(file, "sha256")
        self._synced_bytes = file.tell()
        # It has a thread only once there is something to sync before the end.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._syncing: Future[None] | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Raises InputError when more arrives than was announced."""
        if self._file.tell() + len(data) > self._size_bytes:
            raise InputError("More bytes arrived than the upload announced: hash and measure the file again.")
        faults.write(self._file, data, Point.ASSET_WRITE)
        self._digest.update(data)
        TALLY.add(Count.UPLOADED_BYTES, len(data))
        if self._file.tell() - self._synced_bytes >= _SYNC_BYTES:
            self._await_sync()
            self._file.flush()
            self._synced_bytes = self._file.tell()
            # The disk writes while the next pieces arrive, so much at a time that little is left to do at the end.
            self._syncing = self._disk.submit(self._sync)

    def finish(self) -> None:
        """Check the content and give it its name. Raises WrongStateError if bytes are missing, or ChecksumError."""
        partial = Path(self._file.name)
        if self._file.tell() < self._size_bytes:
            raise WrongStateError(f"The upload ended after {self._file.tell()} bytes: go on from there.")
        if self._digest.hexdigest() != self._sha256:
            partial.unlink(missing_ok=True)
            raise ChecksumError("The uploaded bytes do not match their SHA-256: send the file again from its start.")
        self._await_sync()
        self._file.flush()
        self._sync()
        place(partial, self._target)
        # Not before: what died under its partial name has to be opened for writing again.
        self._target.chmod(0o400)

    def close(self) -> None:
        """Wait until nothing is done to the file any more."""
        self._disk.shutdown()

    def _await_sync(self) -> None:
        """Raises what the last sync did."""
        if self._syncing is not None:
            self._syncing.result()

    def _sync(self) -> None:
        try:
            reach(Point.ASSET_SYNC)
            os.fsync(self._file.fileno())
        except OSError:
            # What could not be synced once counts as clean afterwards: no later sync would notice that it is not there.
            Path(self._file.name).unlink(missing_ok=True)
            raise


def place(file: Path, target: Path) -> None:
    """Rename `file`, which is on the disk already, so that it survives a power cut."""
    reach(Point.ASSET_RENAME)
    file.replace(target)
    reach(Point.ASSET_RENAMED)
    sync_folder(target.parent)
