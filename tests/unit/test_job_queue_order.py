# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the queue: moved jobs against a list, and databases from before jobs could be moved."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.errors import NotFoundError, WrongStateError
from bridge_server.jobs.rows import MIGRATIONS, SCHEMA, SCHEMA_VERSION, NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore


def new(name: str) -> NewJob:
    return NewJob(job_id=name, idempotency_key=name, request=b"edit", report="{}")


def waiting(store: JobStore) -> list[str]:
    """The queued jobs in the order in which their positions put them."""
    jobs = store.list(states=[JobState.QUEUED], limit=100)
    found = store.queue_positions()
    positions = {found[job.number]: job.job_id for job in jobs}
    assert sorted(positions) == list(range(len(jobs)))
    return [positions[position] for position in sorted(positions)]


steps = st.one_of(
    st.tuples(st.just("add"), st.just(0), st.just(0)),
    st.tuples(st.just("claim"), st.just(0), st.just(0)),
    st.tuples(st.just("requeue"), st.just(0), st.just(0)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(-2, 12)),
)


@settings(max_examples=40)
@given(st.lists(steps, max_size=25))
def test_moving_is_taking_out_of_a_list_and_putting_back(script: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        store, expected, made, running = JobStore(Path(folder) / "jobs.sqlite"), [], 0, ""
        for what, which, position in script:
            if what == "add":
                store.add(new(f"job{made}"))
                expected.append(f"job{made}")
                made += 1
            elif what == "claim":
                job = store.claim()
                assert (job.job_id if job else None) == (expected.pop(0) if expected else None)
                running = job.job_id if job else running
            elif what == "requeue" and running:
                store.interrupt(running, reason="It died.", then=JobState.QUEUED, message="Again.")
                expected, running = waiting(store), ""
            elif what == "move" and expected:
                name = expected[which % len(expected)]
                expected.remove(name)
                place = min(max(0, position), len(expected))
                expected.insert(place, name)
                assert store.reorder(name, position) == place
            assert waiting(store) == expected
        store.close()


def test_only_what_waits_can_be_moved(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.add(new("a"))
    store.claim()
    with pytest.raises(WrongStateError, match="running"):
        store.reorder("a", 0)
    with pytest.raises(NotFoundError):
        store.reorder("nobody", 0)
    store.close()


def test_a_database_from_before_jobs_could_be_moved_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    later = ("place", "lane", "priority", "memory_bytes", "model")
    lines = [line for line in SCHEMA.splitlines(keepends=True) if not any(word in line for word in later)]
    first = "".join(lines).replace("DEFAULT 0,\n);", "DEFAULT 0);")
    with sqlite3.connect(path) as db:
        db.executescript(f"{first} PRAGMA user_version = 1;")
        for number in range(3):
            values = f"'job{number}', 'key{number}', 'queued', x'00', '{{}}', '', 5, 1"
            db.execute(
                "INSERT INTO jobs (job_id, idempotency_key, state, request, report, retry_of, created_ms, "
                f"last_sequence) VALUES ({values})"
            )
    db.close()
    store = JobStore(path)
    assert waiting(store) == ["job0", "job1", "job2"]
    store.add(new("job3"))
    store.reorder("job3", 1)
    assert waiting(store) == ["job0", "job3", "job1", "job2"]
    store.close()
    again = JobStore(path)
    assert waiting(again) == ["job0", "job3", "job1", "job2"]
    again.close()


def test_there_is_a_way_from_every_older_version() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA_VERSION))
