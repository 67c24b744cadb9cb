# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting jobs are given another priority, against lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.errors import WrongStateError
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState, Priority
from bridge_server.jobs.store import JobStore

FAR = 2**31 - 1


def add(store: JobStore, name: str, priority: Priority = Priority.NORMAL) -> None:
    store.add(NewJob(job_id=name, idempotency_key=name, request=b"", report="{}", priority=priority))


def waiting(store: JobStore) -> Iterator[str]:
    positions = store.queue_positions()
    jobs = store.list(states=[JobState.QUEUED], limit=100)
    yield from (job.job_id for job in sorted(jobs, key=lambda job: positions[job.number]))


priorities = st.sampled_from(tuple(Priority))
steps = st.lists(st.tuples(st.integers(0, 6), priorities, st.sampled_from((0, 1, 2, 5, FAR))), max_size=6)


@settings(max_examples=40)
@given(st.lists(priorities, min_size=1, max_size=7), steps)
def test_a_job_joins_those_of_its_new_priority(made: list[Priority], script: list[tuple[int, Priority, int]]) -> None:
    with TemporaryDirectory() as folder:
        store = JobStore(Path(folder) / "jobs.sqlite")
        queue = {priority: list[str]() for priority in sorted(Priority, reverse=True)}
        for number, priority in enumerate(made):
            add(store, f"job{number}", priority)
            queue[priority].append(f"job{number}")
        for which, priority, position in script:
            name = f"job{which % len(made)}"
            next(names for names in queue.values() if name in names).remove(name)
            ahead = sum(len(names) for each, names in queue.items() if each > priority)
            index = min(max(0, position - ahead), len(queue[priority]))
            queue[priority].insert(index, name)
            assert store.reorder(name, position, priority=priority) == ahead + index
            assert list(waiting(store)) == [name for names in queue.values() for name in names]
            assert store.get(name).priority is priority
        claimed = [job.job_id for job in iter(store.claim, None)]
        assert claimed == [name for names in queue.values() for name in names]
        store.close()


def test_a_running_job_keeps_its_priority(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    add(store, "a")
    store.claim()
    with pytest.raises(WrongStateError, match="running"):
        store.reorder("a", 0, priority=Priority.HIGH)
    assert store.get("a").priority is Priority.NORMAL
    store.close()
