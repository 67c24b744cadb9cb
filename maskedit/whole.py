# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole under their names or not there, through a crash, a full disk and a power cut (torch-free).

A rename alone does not do: a name reaches the disk before its content does, and a power cut then leaves an empty file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from maskedit.faults import Point, reach


@contextmanager
def written_whole(path: Path, *, renaming: Point | None = None, renamed: Point | None = None) -> Iterator[Path]:
    """Yields where to write a file, which at the end of the block is on the disk and then takes the place of `path`.

    The folder is made if need be. Where the block raises, or the disk does (OSError), `path` stays as it was and
    nothing else is left. `renaming`, `renamed`: points to come by before and after the rename.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        sync_file(unfinished)
        if renaming is not None:
            reach(renaming, partly=lambda: os.truncate(unfinished, unfinished.stat().st_size // 2))
        os.replace(unfinished, path)
        if renamed is not None:
            reach(renamed)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Bring the file's content to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in the folder to the disk. Windows can open no folder, and keeps a log of names by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
