# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting what was written in its place, so that a power cut leaves the old or the new and nothing in between."""

from __future__ import annotations

import os
from pathlib import Path

# What an fsync asks for: Windows syncs only what may be written to.
_CONTENT = os.O_RDWR if os.name == "nt" else os.O_RDONLY


def put_in_place(part: Path, destination: Path) -> None:
    """Give `part`, a file or a folder with all in it, the name `destination` once it is on the disk. Raises OSError.

    A rename alone may reach the disk before the content does: an empty file of the right name is then what is left.
    """
    bring_to_disk(part)
    os.replace(part, destination)
    _sync_folder(destination.parent)


def bring_to_disk(part: Path) -> None:
    """Have the content of a file, or of all files in a folder, and their names on the disk. Raises OSError."""
    if not part.is_dir():
        _sync(part, _CONTENT)
    for folder, _, files in os.walk(part):
        for name in files:
            _sync(Path(folder, name), _CONTENT)
        _sync_folder(Path(folder))


def _sync_folder(folder: Path) -> None:
    """Windows can open no folder, and keeps a log of names by itself."""
    if os.name != "nt":
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
