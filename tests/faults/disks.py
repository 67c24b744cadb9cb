# SPDX-License-Identifier: GPL-3.0-or-later
"""Real disks of our own: an ext4 file system in a sparse file, which may be copied at any instant and may be full.

What the mounted file system still holds in memory is not in its image, so that a copy of the image is what a power cut
leaves behind. Linux alone, and root: where that is missing, a test that asks for a disk is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

# Only an fsync, or a full journal, brings anything to the disk within so many seconds.
_COMMIT_SECONDS = 300
_STILL_TRIES = 100
_BLOCK_BYTES = 4096


class Disk:
    """The file system in `image`, mounted at `path`. Made by `disk` and `remounted`."""

    def __init__(self, image: Path, path: Path) -> None:
        self.image = image
        self.path = path
        source = _done("findmnt", "--noheadings", "--output", "SOURCE", "--mountpoint", str(path))
        self._figures = Path("/sys/block") / Path(source.strip()).name / "stat"

    def cut(self, to: Path) -> Path:
        """What a power cut at this instant would leave, as an image `to`. Stop first who writes to the disk."""
        for _ in range(_STILL_TRIES):
            before = self._written()
            _done("cp", "--sparse=always", str(self.image), str(to))
            if before == self._written():
                return to
        raise AssertionError("something writes to the disk all the time: its copy is not of one instant")

    def fill(self, *, leaving: int) -> None:
        """Leave so many bytes free at most. `make_room` undoes it."""
        self.make_room()
        piece = self.free_bytes - leaving
        with self._ballast.open("wb") as file:
            while piece >= _BLOCK_BYTES:
                try:
                    end = file.seek(0, os.SEEK_END)
                    os.posix_fallocate(file.fileno(), end, min(piece, self.free_bytes - leaving))
                except OSError:  # its own book-keeping, and whoever else writes, take room as well
                    piece //= 2
                piece = min(piece, self.free_bytes - leaving)

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.path).free

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def _written(self) -> tuple[int, int]:
        """How many sectors were written so far, and how many requests are under way (kernel, block/stat.rst)."""
        figures = self._figures.read_text().split()
        return int(figures[6]), int(figures[8])


@contextmanager
def disk(folder: Path, *, megabytes: int = 3000, options: str = "") -> Iterator[Disk]:
    """A new disk for the length of the block, mounted at FOLDER/disk; `options`: more of mount's.

    It takes no more of the host's disk than is written to it. Skips the test where none can be made.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not all(map(shutil.which, ("mkfs.ext4", "mount", "findmnt"))):
        pytest.skip("a disk of its own takes root, mount and mkfs.ext4")
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    # A small journal, and nothing kept back for root or left to be set up later: what is free is free.
    _done("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=8", "-E", "lazy_itable_init=1,nodiscard", str(image))
    try:
        with remounted(image, folder / "disk", options=options) as made:
            yield made
    finally:
        image.unlink(missing_ok=True)


@contextmanager
def remounted(image: Path, path: Path, *, options: str = "") -> Iterator[Disk]:
    """The image as a disk at `path` for the length of the block; its journal is replayed, as after a power cut."""
    path.mkdir(exist_ok=True)
    wanted = ",".join(filter(None, ("loop", f"commit={_COMMIT_SECONDS}", "noinit_itable", options)))
    try:
        _done("mount", "-t", "ext4", "-o", wanted, str(image), str(path))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a disk of its own cannot be mounted here: {error.stderr.strip()}")
    try:
        yield Disk(image, path)
    finally:
        _unmount(path)


def _unmount(path: Path) -> None:
    """Wait for processes on their way out; one that stays there keeps the loop device until it ends."""
    for _ in range(_STILL_TRIES):
        with suppress(subprocess.CalledProcessError):
            _done("umount", str(path))
            return
        time.sleep(0.05)
    _done("umount", "--lazy", str(path))


def _done(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
