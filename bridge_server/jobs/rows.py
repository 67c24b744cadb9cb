# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the job store, and their rows as values."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields
from typing import Any

from bridge_server.jobs.states import JobState
from maskedit.progress import Stage

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of submission
    place INTEGER NOT NULL,                    -- the order of the queue
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
    last_sequence INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_by_place ON jobs (state, place);
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
"""
}
"""A database's version → what makes it one of the next."""


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What a submission brings. `message`: what its user should know before it starts."""

    job_id: str
    idempotency_key: str
    request: bytes
    report: str
    retry_of: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job. `place`: jobs with smaller ones go before it. Times in milliseconds since 1970 UTC, 0 = not yet."""

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
    values: dict[str, Any] = {key: row[key] for key in _JOB_FIELDS}
    values["state"] = JobState(row["state"])
    return JobRow(**values)


def event_row(row: sqlite3.Row) -> EventRow:
    values: dict[str, Any] = {key: row[key] for key in _EVENT_FIELDS}
    values["state"] = JobState(row["state"])
    values["stage"] = Stage(row["stage"]) if row["stage"] else None
    return EventRow(**values)


_JOB_FIELDS = tuple(field.name for field in fields(JobRow))
_EVENT_FIELDS = tuple(field.name for field in fields(EventRow))
