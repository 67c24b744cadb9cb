# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the job store, and their rows as values."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TypeVar

from bridge_server.jobs.states import JobState, Priority
from bridge_server.jobs.work import Lane
from maskedit.progress import Stage

T = TypeVar("T")
SCHEMA_VERSION = 3
SCHEMA = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of submission
    place INTEGER NOT NULL,                    -- the order of the queue among equals
    job_id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    request BLOB NOT NULL,                     -- opaque: the edit as the client sent it
    report TEXT NOT NULL,                      -- JSON: what the check at submission found
    retry_of TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER NOT NULL DEFAULT 0,     -- of the first attempt
    claimed_ms INTEGER NOT NULL DEFAULT 0,     -- of the latest attempt
    ended_ms INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    barren_attempts INTEGER NOT NULL DEFAULT 0, -- in a row, without a new checkpoint
    error TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '',           -- JSON: what the worker says of its files
    last_sequence INTEGER NOT NULL DEFAULT 0,
    lane TEXT NOT NULL DEFAULT 'generate',
    priority INTEGER NOT NULL DEFAULT 0,
    memory_bytes INTEGER NOT NULL DEFAULT 0,   -- what its device has to have; 0 = whatever there is
    model TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_by_turn ON jobs (state, lane, priority DESC, place);
CREATE TABLE events (
    job_number INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT '',            -- '' on changes of state
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '',
    preview BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (job_number, sequence)
) WITHOUT ROWID;
CREATE TABLE queue (paused INTEGER NOT NULL);
INSERT INTO queue VALUES (0);
"""

MIGRATIONS = {
    1: """
ALTER TABLE jobs ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET place = number;
CREATE INDEX jobs_by_place ON jobs (state, place);
""",
    # Drafts that waited meanwhile are done as they would have been: among the others.
    2: """
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'generate';
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN model TEXT NOT NULL DEFAULT '';
DROP INDEX jobs_by_place;
CREATE INDEX jobs_by_turn ON jobs (state, lane, priority DESC, place);
""",
}
"""A database's version → what makes it one of the next."""


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What a submission brings. `message`: what its user should know before it starts.

    `memory_bytes`: the least that its device has to have, 0 = any will do; `model`: as the request names it, or "".
    """

    job_id: str
    idempotency_key: str
    request: bytes
    report: str
    retry_of: str = ""
    message: str = ""
    lane: Lane = Lane.GENERATE
    priority: Priority = Priority.NORMAL
    memory_bytes: int = 0
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job. `place`: of the same lane and priority, those with smaller ones go before it.

    Times in milliseconds since 1970 UTC, 0 = not yet.
    """

    number: int
    place: int
    job_id: str
    idempotency_key: str
    state: JobState
    request: bytes
    report: str
    retry_of: str
    created_ms: int
    started_ms: int
    claimed_ms: int
    ended_ms: int
    attempts: int
    barren_attempts: int
    error: str
    result: str
    last_sequence: int
    lane: Lane
    priority: Priority
    memory_bytes: int
    model: str


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One event. `sequence` counts up within the job; `stage` is None on changes of state."""

    sequence: int
    at_ms: int
    state: JobState
    stage: Stage | None
    done: int
    total: int
    message: str
    preview: bytes


def job_row(row: sqlite3.Row) -> JobRow:
    job = _filled(JobRow, row)
    kinds = {"state": _STATES[job.state], "lane": Lane(job.lane), "priority": Priority(job.priority)}
    job.__dict__.update(kinds)
    return job


def event_row(row: sqlite3.Row) -> EventRow:
    event = _filled(EventRow, row)
    event.__dict__.update(state=_STATES[event.state], stage=Stage(event.stage) if event.stage else None)
    return event


def _filled(kind: type[T], row: sqlite3.Row) -> T:
    """A `kind` with the columns as they are. Past its constructor, which costs most of what listing a job does."""
    made = object.__new__(kind)
    made.__dict__.update(zip(row.keys(), row, strict=True))
    return made


_STATES: dict[str, JobState] = {state.value: state for state in JobState}
