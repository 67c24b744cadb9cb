# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is: of a lane, the higher priority goes first, among equals the smaller place.

Functions on the job store's database, inside its transactions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from bridge_server.jobs.rows import JobRow
from bridge_server.jobs.states import JobState
from bridge_server.jobs.work import Lane

ANYWHERE: Final = {lane: None for lane in Lane}
"""Room for every job."""
LARGEST: Final = 2**63 - 1
"""More than any number of a job and any memory: SQLite's own largest."""
_QUEUE = "FROM jobs WHERE state = ? AND lane = ? ORDER BY priority DESC, place"


def first(db: sqlite3.Connection, room: Mapping[Lane, int | None]) -> sqlite3.Row | None:
    """The queued job whose turn it is, of those for which there is room; None if the queue is paused.

    `room`: lanes, with the bytes of memory that there are for one job of it; None = enough for any.
    """
    fits = " OR ".join(["lane = ? AND memory_bytes <= ?"] * len(room)) or "FALSE"
    limits = (value for lane, most in room.items() for value in (lane, LARGEST if most is None else most))
    return db.execute(
        f"SELECT * FROM jobs WHERE state = ? AND NOT (SELECT paused FROM queue) AND ({fits}) "
        "ORDER BY priority DESC, place LIMIT 1",
        (JobState.QUEUED, *limits),
    ).fetchone()


def positions(db: sqlite3.Connection) -> dict[int, int]:
    """How many jobs of its lane go before each queued job, by its number."""
    found: dict[int, int] = {}
    for lane in Lane:
        queued = db.execute(f"SELECT number {_QUEUE}", (JobState.QUEUED, lane))
        found |= {number: position for position, (number,) in enumerate(queued)}
    return found


def put(db: sqlite3.Connection, job: JobRow, position: int) -> int:
    """Let `position` jobs of its lane go before a queued one, as far as priorities let it; returns how many do."""
    queued = db.execute(f"SELECT number, priority, place {_QUEUE}", (JobState.QUEUED, job.lane)).fetchall()
    ahead = sum(row["priority"] > job.priority for row in queued)
    equals = [row for row in queued if row["priority"] == job.priority]
    order = [row["number"] for row in equals if row["number"] != job.number]
    index = min(max(0, position - ahead), len(order))
    order.insert(index, job.number)
    # The places stay what they are, and change hands.
    places = [row["place"] for row in equals]
    db.executemany("UPDATE jobs SET place = ? WHERE number = ?", zip(places, order, strict=True))
    return ahead + index
