# SPDX-License-Identifier: GPL-3.0-or-later
"""A job database that a bad disk has changed below the server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def spoiled(database: Path, name: str) -> Iterator[None]:
    """For the length of the block, the first page of that table or index is not what SQLite has written."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    at = (page - 1) * size
    content = database.read_bytes()[at : at + size]
    _write(database, at, b"\xff" * size)
    try:
        yield
    finally:
        _write(database, at, content)


def _write(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)
