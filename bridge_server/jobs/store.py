# SPDX-License-Identifier: GPL-3.0-or-later
"""The job store: SQLite in WAL mode behind one small class. Its rows are the authority on every job.

Every method is one transaction, and raises StoreError where the disk does not let it. A change of state
and its event are written together and synced to disk before the method returns; progress is not synced. Methods may be
called from any thread.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge_server.errors import AlreadyUsedError, NotFoundError, StoreError, WrongStateError
from bridge_server.jobs import turns
from bridge_server.jobs.database import open_database
from bridge_server.jobs.rows import EventRow, JobRow, NewJob, event_row, job_row
from bridge_server.jobs.states import JobState, Priority, sources
from bridge_server.jobs.work import Lane, Progress
from maskedit.faults import Point, reach

# Progress events kept per job; changes of state are always kept.
KEPT_PROGRESS = 1000
_TRIM_EVERY = 100
# More events than are ever unsynced: SQLite syncs its log every 1000 pages by itself, and an event takes two at least.
_UNSYNCED = 1000
_LAST_EVENT = "SELECT * FROM events WHERE job_number = ? ORDER BY sequence DESC LIMIT 1"


class JobStore:
    """The database at `path`, as `open_database` finds it. `is_new`: it was made just now. Raises StartError."""

    def __init__(self, path: Path, *, only_look: bool = False) -> None:
        self._lock = threading.Lock()
        self._db, self.is_new = open_database(path, only_look=only_look)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, job: NewJob) -> JobRow:
        """Queue a job; if its key is known already, return the job that it made then.

        Raises AlreadyUsedError if that one holds another request.
        """
        with self._transaction() as db:
            known = db.execute("SELECT * FROM jobs WHERE idempotency_key = ?", (job.idempotency_key,)).fetchone()
            if known is not None:
                return _same_request(job_row(known), job.request)
            values = {
                "job_id": job.job_id,
                "idempotency_key": job.idempotency_key,
                "state": JobState.QUEUED,
                "request": job.request,
                "report": job.report,
                "retry_of": job.retry_of,
                "created_ms": _now(),
                "last_sequence": 1,
                "lane": job.lane,
                "priority": job.priority,
                "memory_bytes": job.memory_bytes,
                "model": job.model,
            }
            (row,) = db.execute(
                f"INSERT INTO jobs (place, {','.join(values)}) "
                f"SELECT COALESCE(MAX(place), 0) + 1, {','.join('?' * len(values))} FROM jobs RETURNING *",
                tuple(values.values()),
            ).fetchall()
            _write_event(db, row, state=JobState.QUEUED, message=job.message)
            return job_row(row)

    def find_submitted(self, idempotency_key: str, request: bytes) -> JobRow | None:
        """The job that this key has made, if any. Raises AlreadyUsedError as `add` does."""
        row = self._read("SELECT * FROM jobs WHERE idempotency_key = ?", idempotency_key)
        return _same_request(job_row(row[0]), request) if row else None

    def get(self, job_id: str) -> JobRow:
        """Raises NotFoundError."""
        with self._locked() as db:
            return _get(db, job_id)

    def list(self, *, states: Sequence[JobState] = (), below: int = 0, limit: int = 50) -> list[JobRow]:
        """Newest first; `below`: only jobs with a smaller number, 0 = from the newest."""
        # Only where states are asked for: the index that finds them knows no order among them.
        wanted = f"state IN ({','.join('?' * len(states))}) AND" if states else ""
        query = f"SELECT * FROM jobs WHERE {wanted} number < ? ORDER BY number DESC LIMIT ?"
        return [job_row(row) for row in self._read(query, *states, below or turns.LARGEST, limit)]

    def count(self, state: JobState) -> int:
        """How many jobs are in `state`."""
        return self._read("SELECT COUNT(*) FROM jobs WHERE state = ?", state)[0][0]

    def queue_lengths(self) -> dict[Lane, int]:
        """How many jobs wait in each lane."""
        rows = self._read("SELECT lane, COUNT(*) FROM jobs WHERE state = ? GROUP BY lane", JobState.QUEUED)
        return {lane: 0 for lane in Lane} | {Lane(lane): count for lane, count in rows}

    def oldest_queued_ms(self) -> int:
        """When the job that has waited longest was submitted, in milliseconds since 1970 UTC; 0 if none waits."""
        return self._read("SELECT COALESCE(MIN(created_ms), 0) FROM jobs WHERE state = ?", JobState.QUEUED)[0][0]

    def claim(self, room: Mapping[Lane, int | None] = turns.ANYWHERE) -> JobRow | None:
        """Move the first queued job for which there is room to RUNNING and return it.

        `room`: the lanes that have any, with the memory of the largest device that is free, in bytes, None = enough for
        everything. None if there is no such job or the queue is paused.
        """
        now = _now()
        with self._transaction() as db:
            first = turns.first(db, room)
            if first is None:
                return None
            (row,) = db.execute(
                "UPDATE jobs SET state = ?, attempts = attempts + 1, last_sequence = last_sequence + 1, "
                "claimed_ms = ?, started_ms = CASE started_ms WHEN 0 THEN ? ELSE started_ms END WHERE number = ? "
                "RETURNING *",
                (JobState.RUNNING, now, now, first["number"]),
            ).fetchall()
            _write_event(db, row, state=JobState.RUNNING)
            return job_row(row)

    def peek(self, room: Mapping[Lane, int | None]) -> JobRow | None:
        """The job that `claim` would take."""
        with self._locked() as db:
            row = turns.first(db, room)
            return None if row is None else job_row(row)

    def remark(self, job_id: str, message: str) -> bool:
        """Say in an event why a queued job still waits, unless that was said last; returns whether it was said now."""
        with self._transaction() as db:
            job = _get(db, job_id)
            last = db.execute(_LAST_EVENT, (job.number,)).fetchone()
            if job.state is not JobState.QUEUED or last["message"] == message:
                return False
            (row,) = db.execute(
                "UPDATE jobs SET last_sequence = last_sequence + 1 WHERE number = ? RETURNING *", (job.number,)
            ).fetchall()
            _write_event(db, row, state=JobState.QUEUED, message=message)
            return True

    def move(
        self,
        job_id: str,
        target: JobState,
        *,
        source: JobState | None = None,
        attempt: int | None = None,
        message: str = "",
        result: str = "",
    ) -> JobRow:
        """Change a job's state. `message` goes into the event and, where it FAILED, into the job's error.

        Raises NotFoundError, or WrongStateError where the table of transitions has no such step or the job is not in
        the state `source`, or in attempt number `attempt`, if one is given.
        """
        with self._transaction() as db:
            return _step(db, job_id, target, source=source, attempt=attempt, message=message, result=result)

    def reorder(self, job_id: str, position: int, *, priority: Priority | None = None) -> int:
        """Let `position` queued jobs of its lane go before this one, as far as priorities let it; returns how many do.

        `priority`: the one that it shall have from now on; None = the one that it has. Raises NotFoundError, or
        WrongStateError if the job is not queued.
        """
        with self._transaction() as db:
            job = _get(db, job_id)
            if job.state is not JobState.QUEUED:
                raise WrongStateError(f"The job is {job.state}: only one that waits in the queue can be moved.")
            if priority is not None:
                db.execute("UPDATE jobs SET priority = ? WHERE number = ?", (priority, job.number))
                job = _get(db, job_id)
            return turns.put(db, job, position)

    def interrupt(
        self,
        job_id: str,
        *,
        reason: str,
        then: JobState,
        message: str,
        attempt: int | None = None,
        barren_attempts: int | None = None,
    ) -> JobRow:
        """Pass through INTERRUPTED to QUEUED or FAILED at once, so that no crash leaves a job in between.

        `barren_attempts`: the new count; None leaves it. Raises as `move` does.
        """
        with self._transaction() as db:
            _step(db, job_id, JobState.INTERRUPTED, attempt=attempt, message=reason)
            if barren_attempts is not None:
                db.execute("UPDATE jobs SET barren_attempts = ? WHERE job_id = ?", (barren_attempts, job_id))
            return _step(db, job_id, then, message=message)

    def skip_numbers(self) -> None:
        """Let no event to come of a RUNNING job have a number that clients may have seen already.

        For what a dead server left: a power cut takes the events since the last sync away again. An interruption has
        to follow, whose event then is the job's last.
        """
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET last_sequence = last_sequence + ? WHERE state = ?", (_UNSYNCED, JobState.RUNNING)
            )

    def add_progress(self, job_id: str, progress: Progress) -> None:
        """Write a progress event if the job is RUNNING; otherwise it comes too late and is dropped."""
        with self._transaction(durable=False) as db:
            rows = db.execute(
                "UPDATE jobs SET last_sequence = last_sequence + 1 WHERE job_id = ? AND state = ? RETURNING *",
                (job_id, JobState.RUNNING),
            ).fetchall()
            if not rows:
                return
            (row,) = rows
            if progress.preview:
                db.execute("UPDATE events SET preview = x'' WHERE job_number = ?", (row["number"],))
            _write_event(db, row, state=JobState.RUNNING, progress=progress)
            if row["last_sequence"] % _TRIM_EVERY == 0:
                db.execute(
                    "DELETE FROM events WHERE job_number = ? AND stage != '' AND sequence <= ?",
                    (row["number"], row["last_sequence"] - KEPT_PROGRESS),
                )

    def events(self, job_id: str, *, after: int = 0, limit: int = 100) -> list[EventRow]:
        """The job's events with a sequence number above `after`, oldest first."""
        rows = self._read(
            "SELECT events.* FROM events JOIN jobs ON job_number = number "
            "WHERE job_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            job_id,
            after,
            limit,
        )
        return [event_row(row) for row in rows]

    def last_event(self, job: JobRow) -> EventRow:
        return event_row(self._read(_LAST_EVENT, job.number)[0])

    def last_events(self, jobs: Sequence[JobRow]) -> dict[int, EventRow]:
        """The last event of each job, by its number; a job that was deleted meanwhile has none."""
        marks = ",".join("?" * len(jobs))
        query = (
            "SELECT events.* FROM jobs JOIN events ON job_number = number AND sequence = last_sequence "
            f"WHERE number IN ({marks})"
        )
        return {row["job_number"]: event_row(row) for row in self._read(query, *(job.number for job in jobs))}

    def queue_positions(self) -> dict[int, int]:
        """How many jobs of its lane go before each queued job, by its number."""
        with self._locked() as db:
            return turns.positions(db)

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, with its events. Raises NotFoundError or WrongStateError."""
        final = tuple(state for state in JobState if state.final)
        with self._transaction() as db:
            marks = ",".join("?" * len(final))
            gone = db.execute(f"DELETE FROM jobs WHERE job_id = ? AND state IN ({marks})", (job_id, *final)).rowcount
        if not gone:
            raise WrongStateError(f"The job is {self.get(job_id).state}: cancel it before deleting it.")

    @property
    def paused(self) -> bool:
        return bool(self._read("SELECT paused FROM queue")[0][0])

    def set_paused(self, paused: bool) -> None:
        with self._transaction() as db:
            db.execute("UPDATE queue SET paused = ?", (paused,))

    def _read(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._locked() as db:
            return db.execute(query, values).fetchall()

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        """The database for one thread. Raises StoreError where the disk is full or broken."""
        with self._lock:
            try:
                reach(Point.STORE_USE, fail_as=sqlite3.OperationalError)
                yield self._db
            except sqlite3.OperationalError as error:
                raise StoreError(f"The server cannot use its job store ({error}): free some space there.") from error
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise  # our own mistake
                raise StoreError(
                    f"The job store is damaged ({error}): stop the server, then put a copy back or move it away."
                ) from error

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Commits at the end of the block, rolls back if it raises; `durable`: synced to disk by the commit.

        Raises StoreError where the disk is full or broken.
        """
        with self._locked() as db:
            try:
                db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                db.execute("BEGIN IMMEDIATE")
                yield db
                reach(Point.STORE_COMMIT, fail_as=sqlite3.OperationalError)
                db.execute("COMMIT")
                reach(Point.STORE_COMMITTED)
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise


def _same_request(job: JobRow, request: bytes) -> JobRow:
    if job.request != request:
        raise AlreadyUsedError("This idempotency key was used for another edit: choose a new one.")
    return job


def _get(db: sqlite3.Connection, job_id: str) -> JobRow:
    row = db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no job {job_id}: it was deleted, or belongs to another server.")
    return job_row(row)


def _step(
    db: sqlite3.Connection,
    job_id: str,
    target: JobState,
    *,
    source: JobState | None = None,
    attempt: int | None = None,
    message: str = "",
    result: str = "",
) -> JobRow:
    """One step in the table of transitions, with its event."""
    allowed = [state for state in sources(target) if source in (None, state)]
    error = message if target is JobState.FAILED else ""
    rows = db.execute(
        "UPDATE jobs SET state = ?, error = ?, result = ?, ended_ms = ?, last_sequence = last_sequence + 1 "
        f"WHERE job_id = ? AND attempts = COALESCE(?, attempts) AND state IN ({','.join('?' * len(allowed))}) "
        "RETURNING *",
        (target, error, result, _now() if target.final else 0, job_id, attempt, *allowed),
    ).fetchall()
    if not rows:
        raise WrongStateError(f"The job is {_get(db, job_id).state} and cannot become {target}.")
    _write_event(db, rows[0], state=target, message=message)
    return job_row(rows[0])


def _write_event(
    db: sqlite3.Connection,
    job: sqlite3.Row,
    *,
    state: JobState,
    message: str = "",
    progress: Progress | None = None,
) -> None:
    values = (progress.stage, progress.done, progress.total, progress.message, progress.preview) if progress else ()
    reach(Point.EVENT_APPEND, fail_as=sqlite3.OperationalError)
    db.execute(
        "INSERT INTO events (job_number, sequence, at_ms, state, stage, done, total, message, preview) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (job["number"], job["last_sequence"], _now(), state, *(values or ("", 0, 0, message, b""))),
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
