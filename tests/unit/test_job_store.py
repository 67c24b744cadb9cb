# SPDX-License-Identifier: GPL-3.0-or-later
"""What the job store promises beyond its states: order, uniqueness, bounds, and refusing what it does not know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge_server.errors import AlreadyUsedError, NotFoundError, StartError, StoreError
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import KEPT_PROGRESS, JobStore
from bridge_server.jobs.work import Progress
from maskedit.progress import Stage


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    opened = JobStore(tmp_path / "jobs.sqlite")
    yield opened
    opened.close()


def new(name: str, *, key: str = "", request: bytes = b"edit") -> NewJob:
    return NewJob(job_id=name, idempotency_key=key or name, request=request, report="{}")


def report(done: int, *, preview: bytes = b"") -> Progress:
    return Progress(stage=Stage.RENDER, done=done, total=10_000, preview=preview)


def test_six_claimants_share_the_jobs_without_a_duplicate(store: JobStore) -> None:
    for number in range(120):
        store.add(new(f"job{number}"))

    def claim_all(_: int) -> list[str]:
        return [job.job_id for job in iter(store.claim, None)]

    with ThreadPoolExecutor(6) as pool:
        claimed = [name for names in pool.map(claim_all, range(6)) for name in names]
    assert sorted(claimed) == sorted(f"job{number}" for number in range(120))


def test_a_key_makes_one_job_however_often_it_comes(store: JobStore) -> None:
    first = store.add(new("a", key="k"))
    assert store.add(new("b", key="k")) == first
    assert store.find_submitted("k", b"edit") == first
    assert store.find_submitted("other", b"edit") is None
    with pytest.raises(AlreadyUsedError):
        store.add(new("c", key="k", request=b"another edit"))
    with pytest.raises(AlreadyUsedError):
        store.find_submitted("k", b"another edit")


def test_a_requeued_job_goes_before_younger_ones(store: JobStore) -> None:
    for name in ("old", "young"):
        store.add(new(name))
    store.claim()
    store.interrupt("old", reason="It died.", then=JobState.QUEUED, message="Again.", barren_attempts=1)
    claimed = store.claim()
    assert claimed is not None
    assert (claimed.job_id, claimed.attempts, claimed.barren_attempts) == ("old", 2, 1)


def test_listing_pages_through_all_jobs_newest_first(store: JobStore) -> None:
    for number in range(7):
        store.add(new(f"job{number}"))
    store.move("job3", JobState.CANCELLED)
    seen, below = [], 0
    while page := store.list(below=below, limit=3):
        seen += [job.job_id for job in page]
        below = page[-1].number
    assert seen == [f"job{number}" for number in reversed(range(7))]
    assert [job.job_id for job in store.list(states=[JobState.CANCELLED])] == ["job3"]


def test_times_say_when_a_job_began_and_ended(store: JobStore) -> None:
    job = store.add(new("a"))
    assert job.created_ms > 0 == job.started_ms == job.ended_ms
    store.claim()
    ended = store.move("a", JobState.FAILED, message="It broke.")
    assert job.created_ms <= ended.started_ms <= ended.ended_ms
    assert ended.error == "It broke."


def test_progress_is_bounded_and_changes_of_state_are_kept(store: JobStore) -> None:
    store.add(new("a"))
    store.claim()
    for done in range(KEPT_PROGRESS + 250):
        store.add_progress("a", report(done))
    store.move("a", JobState.SUCCEEDED)
    events = store.events("a", limit=-1)
    assert len(events) <= KEPT_PROGRESS + 103
    assert [event.state for event in events if event.stage is None] == [
        JobState.QUEUED,
        JobState.RUNNING,
        JobState.SUCCEEDED,
    ]
    assert max(event.done for event in events) == KEPT_PROGRESS + 249
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))


def test_only_the_newest_preview_is_kept(store: JobStore) -> None:
    store.add(new("a"))
    store.claim()
    for done in range(3):
        store.add_progress("a", report(done, preview=b"picture %d" % done))
    store.add_progress("a", report(3))
    assert [event.preview for event in store.events("a", after=2)] == [b"", b"", b"picture 2", b""]


def test_unknown_jobs_are_not_found(store: JobStore) -> None:
    for call in (store.get, store.delete):
        with pytest.raises(NotFoundError, match="There is no job x"):
            call("x")


def test_state_is_synced_to_disk_and_progress_is_not(store: JobStore) -> None:
    statements: list[str] = []
    store._db.set_trace_callback(statements.append)
    store.add(new("a"))
    store.claim()
    store.add_progress("a", report(1))
    levels = [text for text in statements if text.startswith("PRAGMA synchronous")]
    assert [level.split()[-1] for level in levels] == ["FULL", "FULL", "NORMAL"]


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    JobStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StartError, match="newer MaskEdit"):
        JobStore(path)


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(StartError, match=r"jobs\.sqlite cannot be opened"):
        JobStore(path)


def fill_disk(store: JobStore, *, full: bool) -> None:
    """Let the database grow no further, or as it likes."""
    store._db.execute(f"PRAGMA max_page_count = {1 if full else 1 << 30}")  # 1: no less than it has


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(store: JobStore) -> None:
    store.add(new("a"))
    fill_disk(store, full=True)
    with pytest.raises(StoreError, match="free some space"):
        for number in range(500):
            store.add(new(f"more{number}", request=b"x" * 5000))
    fill_disk(store, full=False)
    assert store.get("a").state is JobState.QUEUED
    refused = next(number for number in range(500) if store.find_submitted(f"more{number}", b"x" * 5000) is None)
    assert store.add(new(f"more{refused}", request=b"x" * 5000)).state is JobState.QUEUED


def test_a_failed_write_changes_nothing(store: JobStore) -> None:
    store.add(new("a"))
    with pytest.raises(sqlite3.IntegrityError):
        store.add(new("a", key="other key"))
    assert [job.job_id for job in store.list()] == ["a"]
    assert store.add(new("b")).state is JobState.QUEUED


def test_numbers_that_a_power_cut_may_have_taken_back_are_not_given_again(store: JobStore) -> None:
    waiting, running = store.add(new("waiting")), store.add(new("running"))
    store.reorder("running", 0)
    store.claim()
    for done in range(5):
        store.add_progress("running", report(done))
    seen = store.last_event(store.get("running")).sequence
    store.skip_numbers()
    store.interrupt("running", reason="died", then=JobState.QUEUED, message="again")
    after = store.events("running", after=seen + 500)
    assert [event.state for event in after] == [JobState.INTERRUPTED, JobState.QUEUED]
    assert store.last_events([store.get("running")])[running.number] == after[-1]
    assert store.last_event(waiting).sequence == 1


def seen(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


@pytest.mark.parametrize("killed", [False, True])
def test_who_only_looks_at_an_older_database_changes_nothing(tmp_path: Path, killed: bool) -> None:
    made = JobStore(tmp_path / "made.sqlite")
    made.add(new("a"))
    made.move("a", JobState.CANCELLED)
    older = tmp_path / "older"
    older.mkdir()
    with sqlite3.connect(made._db.execute("PRAGMA database_list").fetchone()["file"]) as db:
        db.execute("DROP INDEX jobs_by_turn")
        for column in ("lane", "priority", "memory_bytes", "model"):
            db.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        db.execute("CREATE INDEX jobs_by_place ON jobs (state, place)")
        db.execute("PRAGMA user_version = 2")
        db.commit()
        if not killed:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for path in tmp_path.glob("made.sqlite*"):
            if killed or path.suffix == ".sqlite":
                (older / path.name.replace("made", "jobs")).write_bytes(path.read_bytes())
    db.close()
    made.close()
    assert (older / "jobs.sqlite-wal").exists() is killed
    before = seen(older)
    store = JobStore(older / "jobs.sqlite", only_look=True)
    (job,) = store.list()
    assert (job.job_id, job.state, job.model) == ("a", JobState.CANCELLED, "")
    store.close()
    after = seen(older)
    if killed:  # readers note in it where they are
        del before["jobs.sqlite-shm"], after["jobs.sqlite-shm"]
    assert after == before
