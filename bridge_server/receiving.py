# SPDX-License-Identifier: GPL-3.0-or-later
"""A file on its way in: measured and hashed piece by piece, whole under its name or not there at all."""

from __future__ import annotations

import hashlib
import os
from io import BufferedRandom
from pathlib import Path

from bridge_server.errors import ChecksumError, WrongStateError
from maskedit.errors import InputError


class Upload:
    """An upload under way into `file`, which may hold its beginning already."""

    def __init__(self, file: BufferedRandom, *, sha256: str, size_bytes: int, target: Path) -> None:
        self._file = file
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._target = target
        file.seek(0)
        self._digest = hashlib.file_digest(file, "sha256")

    def write(self, data: bytes) -> None:
        """Raises InputError when more arrives than was announced."""
        if self._file.tell() + len(data) > self._size_bytes:
            raise InputError("More bytes arrived than the upload announced: hash and measure the file again.")
        self._file.write(data)
        self._digest.update(data)

    def finish(self) -> None:
        """Check the content and give it its name. Raises WrongStateError if bytes are missing, or ChecksumError."""
        partial = Path(self._file.name)
        if self._file.tell() < self._size_bytes:
            raise WrongStateError(f"The upload ended after {self._file.tell()} bytes: go on from there.")
        if self._digest.hexdigest() != self._sha256:
            partial.unlink()
            raise ChecksumError("The uploaded bytes do not match their SHA-256: send the file again from its start.")
        self._file.flush()
        os.fsync(self._file.fileno())
        partial.chmod(0o400)
        place(partial, self._target)


def place(file: Path, target: Path) -> None:
    """Rename `file`, which is on the disk already, so that it survives a power cut."""
    file.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
