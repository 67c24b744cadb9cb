# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of transitions, and the store held to it by arbitrary sequences of operations."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from bridge_server.errors import NotFoundError, WrongStateError
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import TRANSITIONS, JobState, sources
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Progress
from maskedit.progress import Stage

S = JobState


def test_the_table_is_the_contract() -> None:
    assert {(a, b) for a, targets in TRANSITIONS.items() for b in targets} == {
        (S.QUEUED, S.RUNNING),
        (S.QUEUED, S.CANCELLED),
        (S.QUEUED, S.FAILED),
        (S.RUNNING, S.SUCCEEDED),
        (S.RUNNING, S.FAILED),
        (S.RUNNING, S.CANCELLED),
        (S.RUNNING, S.CANCELLING),
        (S.RUNNING, S.INTERRUPTED),
        (S.CANCELLING, S.CANCELLED),
        (S.CANCELLING, S.SUCCEEDED),
        (S.INTERRUPTED, S.QUEUED),
        (S.INTERRUPTED, S.FAILED),
    }


def test_final_states_are_those_without_a_way_out() -> None:
    assert {state for state in JobState if state.final} == {S.SUCCEEDED, S.FAILED, S.CANCELLED}


@pytest.mark.parametrize("target", JobState)
def test_sources_are_the_table_read_backwards(target: JobState) -> None:
    assert {state for state in JobState if target in TRANSITIONS[state]} == set(sources(target))


class StoreMachine(RuleBasedStateMachine):
    """Whatever is done to the store in whatever order, it agrees with a dictionary that obeys the table."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "jobs.sqlite"
        self.store = JobStore(self.path)
        self.expected: dict[str, JobState] = {}
        self.paused = False
        self.made = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(target=jobs)
    def add(self) -> str:
        self.made += 1
        job_id = f"job{self.made}"
        self.store.add(NewJob(job_id=job_id, idempotency_key=job_id, request=b"edit", report="{}"))
        self.expected[job_id] = S.QUEUED
        return job_id

    @rule(job_id=jobs)
    def add_again(self, job_id: str) -> None:
        if job_id in self.expected:
            again = NewJob(job_id="other", idempotency_key=job_id, request=b"edit", report="{}")
            assert self.store.add(again).job_id == job_id

    @rule()
    def claim(self) -> None:
        queued = [job_id for job_id, state in self.expected.items() if state is S.QUEUED]
        claimed = self.store.claim()
        if self.paused or not queued:
            assert claimed is None
        else:
            assert claimed is not None and claimed.job_id == queued[0]
            self.expected[queued[0]] = S.RUNNING

    @rule(job_id=jobs, goal=st.sampled_from(JobState), source=st.none() | st.sampled_from(JobState))
    def move(self, job_id: str, goal: JobState, source: JobState | None) -> None:
        before = self.expected.get(job_id)
        if before is None:
            with pytest.raises(NotFoundError):
                self.store.move(job_id, goal, source=source)
        elif goal in TRANSITIONS[before] and source in (None, before):
            assert self.store.move(job_id, goal, source=source).state is goal
            self.expected[job_id] = goal
        else:
            with pytest.raises(WrongStateError):
                self.store.move(job_id, goal, source=source)

    @rule(job_id=jobs, then=st.sampled_from(JobState))
    def interrupt(self, job_id: str, then: JobState) -> None:
        state = self.expected.get(job_id)
        if state is S.RUNNING and then in (S.QUEUED, S.FAILED):
            assert self.store.interrupt(job_id, reason="r", then=then, message="m").state is then
            self.expected[job_id] = then
        else:  # and nothing of it happens
            with pytest.raises(WrongStateError if state else NotFoundError):
                self.store.interrupt(job_id, reason="r", then=then, message="m")

    @rule(job_id=jobs, done=st.integers(0, 9))
    def progress(self, job_id: str, done: int) -> None:
        before = self.store.events(job_id)
        self.store.add_progress(job_id, Progress(stage=Stage.RENDER, done=done, total=9))
        grew = len(self.store.events(job_id)) - len(before)
        assert grew == (self.expected.get(job_id) is S.RUNNING)

    @rule(job_id=jobs)
    def delete(self, job_id: str) -> None:
        state = self.expected.get(job_id)
        if state is None or not state.final:
            with pytest.raises(WrongStateError if state else NotFoundError):
                self.store.delete(job_id)
        else:
            self.store.delete(job_id)
            del self.expected[job_id]
            assert self.store.events(job_id) == []

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.store.set_paused(paused)
        self.paused = paused

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = JobStore(self.path)

    @invariant()
    def agrees(self) -> None:
        assert {job.job_id: job.state for job in self.store.list(limit=-1)} == self.expected
        assert self.store.paused is self.paused
        for state in JobState:
            assert self.store.count(state) == list(self.expected.values()).count(state)

    @invariant()
    def histories_obey_the_table(self) -> None:
        for job_id, state in self.expected.items():
            events = self.store.events(job_id, limit=-1)
            assert [event.sequence for event in events] == list(range(1, len(events) + 1))
            changes = [event.state for event in events if event.stage is None]
            assert changes[0] is S.QUEUED and changes[-1] is state
            assert all(b in TRANSITIONS[a] for a, b in pairwise(changes))
            if state.final:
                assert events[-1].state is state


StoreMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestStore = StoreMachine.TestCase
