# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as clients show it: moved before the server has answered, as the server will; and why a job waits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState as ServersState
from bridge_server.jobs.states import Priority
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Lane
from plugin_client.core.job import PRIORITIES, Event, Job, JobState
from plugin_client.core.queue import Line, line_of, waiting_words


def job(name: str, state: JobState = JobState.QUEUED, **more) -> Job:
    return Job(job_id=name, state=state, name=name, created_at=datetime.now(UTC), **more)


def line_in(store: JobStore) -> Line:
    positions = store.queue_positions()
    return line_of(
        job(
            row.job_id,
            queue_position=positions[row.number],
            priority=row.priority.name.lower(),
            is_draft=row.lane is Lane.DRAFT,
        )
        for row in store.list(states=[ServersState.QUEUED], limit=100)
    )


def names(line: Line) -> list[tuple[str, int]]:
    return [(each.job_id, each.queue_position) for each in line.waiting]


jobs = st.lists(st.tuples(st.sampled_from(PRIORITIES), st.booleans()), min_size=1, max_size=7)
moves = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 8)), max_size=5)


@settings(max_examples=40)
@given(jobs, moves)
def test_a_line_is_moved_as_the_server_will_move_it(made: list[tuple[str, bool]], script: list[tuple[int, int]]):
    with TemporaryDirectory() as folder:
        store = JobStore(Path(folder) / "jobs.sqlite")
        for number, (priority, is_draft) in enumerate(made):
            lane = Lane.DRAFT if is_draft else Lane.GENERATE
            key, rank = f"job{number}", Priority[priority.upper()]
            new = NewJob(job_id=key, idempotency_key=key, request=b"", report="{}", lane=lane, priority=rank)
            store.add(new)
        for which, place in script:
            before, job_id = line_in(store), f"job{which % len(made)}"
            reached = {before.moved(job_id, each).place(job_id) for each in range(-1, 9)}
            assert reached == set(before.places(job_id))
            got = store.reorder(job_id, place)
            assert names(before.moved(job_id, place)) == names(line_in(store))
            assert line_in(store).place(job_id) == got
        store.close()


def test_drafts_stand_first_and_are_a_line_of_their_own():
    line = line_of(
        [
            job("d", is_draft=True, queue_position=1),
            job("c", queue_position=1),
            job("b", is_draft=True),
            job("a"),
            job("now", JobState.RUNNING),
            job("before", JobState.INTERRUPTED),
        ],
        [job("done", JobState.SUCCEEDED)],
    )
    assert [each.job_id for each in line.jobs] == ["before", "now", "b", "d", "a", "c", "done"]
    assert [each.job_id for each in line.peers("c")] == ["a", "c"] and line.place("c") == 1
    assert line.peers("now") == () == line.peers("nobody") and not line.places("now")
    assert line.moved("now", 0) is line
    with pytest.raises(ValueError):
        line.place("done")


def test_another_priority_puts_a_job_behind_those_of_that():
    waiting = [("a", "high"), ("b", "normal"), ("c", "normal"), ("d", "low")]
    line = line_of(job(name, priority=each, queue_position=at) for at, (name, each) in enumerate(waiting))
    assert [line.places(name) for name, _ in waiting] == [range(0, 1), range(1, 3), range(1, 3), range(3, 4)]
    raised = line.prioritised("c", "high")
    assert names(raised) == [("a", 0), ("c", 1), ("b", 2), ("d", 3)] and raised.get("c").priority == "high"
    assert names(line.prioritised("a", "low")) == [("b", 0), ("c", 1), ("d", 2), ("a", 3)]
    assert line.prioritised("nobody", "high") is line


def said(message: str, *, sequence: int = 2) -> Event:
    return Event(sequence=sequence, state=JobState.QUEUED, message=message)


@pytest.mark.parametrize(
    ("waits", "words"),
    [
        ({}, "next"),
        ({"queue_position": 2}, "waits behind 2"),
        ({"queue_position": 1, "is_draft": True, "priority": "high"}, "waits behind 1 of the drafts, high priority"),
        ({"is_draft": True}, "next of the drafts"),
        # What was said when it was submitted is about the edit; later it is about the waiting, while it is first.
        ({"last_event": said("Frame 3 repeats the one before.", sequence=1)}, "next"),
        ({"last_event": said("Starts once other programs have left the GPU alone."), "priority": "low"},
         "starts once other programs have left the GPU alone, low priority"),
        ({"last_event": said("Starts once."), "queue_position": 1}, "waits behind 1"),
    ],
)  # fmt: skip
def test_a_waiting_job_says_why(waits: dict, words: str):
    assert waiting_words(job("a", **waits)) == words


def test_a_paused_queue_is_why_the_first_waits():
    first = job("a", last_event=said("Starts once other programs have left the GPU alone."))
    assert waiting_words(first, paused=True) == "paused"
    assert waiting_words(job("b", queue_position=3), paused=True) == "waits behind 3"
