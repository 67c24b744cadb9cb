# SPDX-License-Identifier: GPL-3.0-or-later
"""A file on its way in: measured and hashed piece by piece, whole under its name or not there at all."""

from __future__ import annotations

import hashlib
import os
from io import BufferedRandom
from pathlib import Path

from bridge_server.errors import ChecksumError, WrongStateError
from bridge_server.tally import TALLY, Count
from maskedit import faults
from maskedit.errors import InputError
from maskedit.faults import Point, reach

_SYNC_BYTES = 16 << 20


class Upload:
    """An upload under way into `file`, which may hold its beginning already."""

    def __init__(self, file: BufferedRandom, *, sha256: str, size_bytes: int, target: Path) -> None:
        self._file = file
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._target = target
        file.seek(0)
        self._digest = hashlib.file_digest(file, "sha256")
        self._synced_bytes = file.tell()

    def write(self, data: bytes) -> None:
        """Raises InputError when more arrives than was announced."""
        if self._file.tell() + len(data) > self._size_bytes:
            raise InputError("More bytes arrived than the upload announced: hash and measure the file again.")
        faults.write(self._file, data, Point.ASSET_WRITE)
        self._digest.update(data)
        TALLY.add(Count.UPLOADED_BYTES, len(data))
        if self._file.tell() - self._synced_bytes >= _SYNC_BYTES:
            self._sync()

    def finish(self) -> None:
        """Check the content and give it its name. Raises WrongStateError if bytes are missing, or ChecksumError."""
        partial = Path(self._file.name)
        if self._file.tell() < self._size_bytes:
            raise WrongStateError(f"The upload ended after {self._file.tell()} bytes: go on from there.")
        if self._digest.hexdigest() != self._sha256:
            partial.unlink()
            raise ChecksumError("The uploaded bytes do not match their SHA-256: send the file again from its start.")
        self._sync()
        place(partial, self._target)
        # Not before: what died under its partial name has to be opened for writing again.
        self._target.chmod(0o400)

    def _sync(self) -> None:
        """Bring what has arrived to the disk, so that little is left to wait for at the end."""
        try:
            self._file.flush()
            reach(Point.ASSET_SYNC)
            os.fsync(self._file.fileno())
        except OSError:
            # What could not be synced once counts as clean afterwards: no later sync would notice that it is not there.
            Path(self._file.name).unlink()
            raise
        self._synced_bytes = self._file.tell()


def place(file: Path, target: Path) -> None:
    """Rename `file`, which is on the disk already, so that it survives a power cut."""
    reach(Point.ASSET_RENAME)
    file.replace(target)
    reach(Point.ASSET_RENAMED)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in the folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
