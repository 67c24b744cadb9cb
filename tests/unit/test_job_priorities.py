# SPDX-License-Identifier: GPL-3.0-or-later
"""Lanes, priorities and memory in the queue's order, against lists; and databases from before there were any."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.jobs.rows import SCHEMA, NewJob
from bridge_server.jobs.states import JobState, Priority
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Lane

GB = 10**9


@dataclass(frozen=True)
class Wish:
    """A job of the model: `lane`, `priority` and gigabytes."""

    name: str
    lane: Lane
    priority: Priority
    gigabytes: int


def add(store: JobStore, wish: Wish) -> None:
    new = NewJob(
        job_id=wish.name,
        idempotency_key=wish.name,
        request=b"edit",
        report="{}",
        lane=wish.lane,
        priority=wish.priority,
        memory_bytes=wish.gigabytes * GB,
    )
    store.add(new)


def in_order(wishes: list[Wish], lane: Lane) -> list[Wish]:
    """Of equals, the list's order counts."""
    return sorted((wish for wish in wishes if wish.lane is lane), key=lambda wish: -wish.priority)


def waiting(store: JobStore, lane: Lane) -> list[str]:
    """The queued jobs of a lane by the positions that clients are told."""
    positions = store.queue_positions()
    jobs = [job for job in store.list(states=[JobState.QUEUED], limit=-1) if job.lane is lane]
    assert sorted(positions[job.number] for job in jobs) == list(range(len(jobs)))
    return [job.job_id for job in sorted(jobs, key=lambda job: positions[job.number])]


def described(path: Path) -> set[tuple]:
    """The columns and indexes of the jobs."""
    db = sqlite3.connect(path)
    found = {row[1:] for pragma in ("index_list", "table_info") for row in db.execute(f"PRAGMA {pragma}(jobs)")}
    db.close()
    return found


lanes, priorities, gigabytes = st.sampled_from(Lane), st.sampled_from(Priority), st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("add"), lanes, priorities, gigabytes),
    st.tuples(st.just("claim"), st.dictionaries(lanes, st.none() | gigabytes)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(-2, 12)),
)


@settings(max_examples=25)
@given(st.lists(steps, max_size=25))
def test_higher_first_then_in_order_and_each_lane_for_itself(script: list[tuple]) -> None:
    with TemporaryDirectory() as folder:
        store, wishes, made = JobStore(Path(folder) / "jobs.sqlite"), [], 0
        for what, *given_values in script:
            if what == "add":
                wishes.append(Wish(f"job{made}", *given_values))
                made += 1
                add(store, wishes[-1])
            elif what == "claim":
                (room,) = given_values
                fitting = [
                    wish
                    for wish in wishes
                    if wish.lane in room and (room[wish.lane] is None or wish.gigabytes <= room[wish.lane])
                ]
                best = max(fitting, key=lambda wish: wish.priority, default=None)  # the first of equals
                claimed = store.claim({lane: most if most is None else most * GB for lane, most in room.items()})
                assert (claimed and claimed.job_id) == (best and best.name)
                wishes = [wish for wish in wishes if wish is not best]
            elif wishes:
                which, position = given_values
                moved = wishes[which % len(wishes)]
                others = [wish for wish in in_order(wishes, moved.lane) if wish is not moved]
                higher = sum(wish.priority > moved.priority for wish in others)
                equals = sum(wish.priority == moved.priority for wish in others)
                place = min(max(higher, position), higher + equals)
                assert store.reorder(moved.name, position) == place
                wishes = [*others[:place], moved, *others[place:], *(w for w in wishes if w.lane is not moved.lane)]
                # A job keeps its turn among those of the other lane that are claimed by the order of submission.
                places = {job.job_id: job.place for job in store.list(states=[JobState.QUEUED], limit=-1)}
                wishes.sort(key=lambda wish: places[wish.name])
            for lane in Lane:
                assert waiting(store, lane) == [wish.name for wish in in_order(wishes, lane)]
        store.close()


def test_a_paused_queue_gives_nothing_whatever_its_lane_or_priority(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    for lane in Lane:
        add(store, Wish(lane, lane, Priority.HIGH, 0))
    store.set_paused(True)
    assert store.claim() is None
    store.set_paused(False)
    assert {job.lane for job in (store.claim(), store.claim()) if job} == set(Lane)
    assert store.claim() is None
    store.close()


def test_a_database_from_before_lanes_keeps_its_jobs_and_their_order(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    later = ("lane", "priority", "memory_bytes", "model")
    lines = [line for line in SCHEMA.splitlines(keepends=True) if not any(word in line for word in later)]
    second = "".join(lines).replace("DEFAULT 0,\n);", "DEFAULT 0);")
    with sqlite3.connect(path) as db:
        db.executescript(f"{second} CREATE INDEX jobs_by_place ON jobs (state, place); PRAGMA user_version = 2;")
        for number, place in enumerate((2, 1, 3)):
            db.execute(
                "INSERT INTO jobs (place, job_id, idempotency_key, state, request, report, retry_of, created_ms, "
                f"last_sequence) VALUES ({place}, 'job{number}', 'key{number}', 'queued', x'00', '{{}}', '', 5, 1)"
            )
    db.close()
    store = JobStore(path)
    job = store.get("job0")
    assert (job.lane, job.priority, job.memory_bytes, job.model) == (Lane.GENERATE, Priority.NORMAL, 0, "")
    add(store, Wish("urgent", Lane.GENERATE, Priority.HIGH, 0))
    assert waiting(store, Lane.GENERATE) == ["urgent", "job1", "job0", "job2"]
    store.close()
    with sqlite3.connect(path.with_name("jobs.sqlite.v2")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (2,)
        assert "lane" not in {row[1] for row in copy.execute("PRAGMA table_info(jobs)")}
    copy.close()
    JobStore(tmp_path / "new.sqlite").close()
    assert described(path) == described(tmp_path / "new.sqlite")
