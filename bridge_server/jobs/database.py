# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening the job store's database: made where there is none, copied and brought up to date where it is older."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bridge_server.errors import StartError
from bridge_server.jobs.rows import MIGRATIONS, SCHEMA, SCHEMA_VERSION


def open_database(path: Path, *, only_look: bool = False) -> tuple[sqlite3.Connection, bool]:
    """A connection for any thread, in which each statement is its own transaction, and whether it is new.

    An older database is copied to PATH.vVERSION first. `only_look`: it is a copy of `path`, which is gone when it is
    closed; everything on the disk stays as it is.
    Raises StartError if it is damaged or of a newer version.
    """
    try:
        place = "" if only_look else path  # "": a temporary one
        db = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        if only_look:
            _copy(path, db)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA foreign_keys = ON")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        if 0 < version < SCHEMA_VERSION and not only_look:
            with closing(sqlite3.connect(path.with_name(f"{path.name}.v{version}"))) as copy:
                db.backup(copy)
        for older in range(version, SCHEMA_VERSION) if version else ():
            # One transaction a step: what breaks off is taken up by the next start.
            db.executescript(f"BEGIN; {MIGRATIONS[older]} PRAGMA user_version = {older + 1}; COMMIT;")
    except sqlite3.DatabaseError as error:
        raise StartError(f"The job database {path} cannot be opened ({error}): move it away.") from error
    if version > SCHEMA_VERSION:
        raise StartError(f"The job database {path} was made by a newer MaskEdit: update this one.")
    return db, version == 0


def _copy(path: Path, into: sqlite3.Connection) -> None:
    # Where there is no log nobody writes, and a reader that did not know would leave an empty one behind.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as source:
        source.backup(into)
