# SPDX-License-Identifier: GPL-3.0-or-later
"""Any order of calls, failing writes, deaths and restarts: the store and the uploads against models of a few lines."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bridge_server.assets import AssetStore
from bridge_server.errors import ChecksumError, StoreError, WrongStateError
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import TRANSITIONS, JobState
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Progress
from maskedit.errors import InputError
from maskedit.faults import Point, planned
from maskedit.progress import Stage

KEYS = st.sampled_from("abcd")
FAILING = st.sampled_from((Point.STORE_USE, Point.STORE_COMMIT, Point.EVENT_APPEND))


class Jobs(RuleBasedStateMachine):
    """`states` is the model: what was acknowledged, and nothing else, is what the store holds."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = JobStore(self.folder / "jobs.sqlite")
        self.states: dict[str, JobState] = {}
        self.queue: list[str] = []
        self.paused = False
        self.heard: dict[str, int] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(key=KEYS)
    def submit(self, key: str) -> None:
        job = self.store.add(NewJob(job_id=f"job {key}", idempotency_key=key, request=key.encode(), report="{}"))
        assert job.job_id == f"job {key}"
        if key not in self.states:
            self.states[key] = JobState.QUEUED
            self.queue.append(key)

    @rule()
    def claim(self) -> None:
        job = self.store.claim()
        if self.paused or not self.queue:
            assert job is None
        else:
            assert job is not None and job.idempotency_key == self.queue[0]
            self.states[self.queue.pop(0)] = JobState.RUNNING

    @rule(key=KEYS, to=st.sampled_from(JobState))
    def move(self, key: str, to: JobState) -> None:
        # To RUNNING leads only the claim, and out of INTERRUPTED nothing that a job could rest in.
        if key not in self.states or to in (JobState.RUNNING, JobState.INTERRUPTED, JobState.QUEUED):
            return
        before = self.states[key]
        if to in TRANSITIONS[before]:
            self.store.move(f"job {key}", to)
            self.states[key] = to
            self.queue = [other for other in self.queue if other != key]
        else:
            with pytest.raises(WrongStateError):
                self.store.move(f"job {key}", to)

    @rule(key=KEYS, again=st.booleans())
    def worker_dies(self, key: str, again: bool) -> None:
        then = JobState.QUEUED if again else JobState.FAILED
        if self.states.get(key) is not JobState.RUNNING:
            return
        self.store.interrupt(f"job {key}", reason="It died.", then=then, message="")
        self.states[key] = then
        if again:
            # It keeps its place, which is before those that came after it.
            order = {job.idempotency_key: job.place for job in self.store.list(limit=-1)}
            self.queue = sorted([*self.queue, key], key=order.__getitem__)

    @rule(key=KEYS, position=st.integers(0, 5))
    def reorder(self, key: str, position: int) -> None:
        if key in self.queue:
            self.store.reorder(f"job {key}", position)
            self.queue.remove(key)
            self.queue.insert(min(position, len(self.queue)), key)

    @rule(key=KEYS)
    def report(self, key: str) -> None:
        if key in self.states:
            self.store.add_progress(f"job {key}", Progress(stage=Stage.RENDER, done=1, total=2))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        if key not in self.states:
            return
        if self.states[key].final:
            self.store.delete(f"job {key}")
            del self.states[key]
            self.heard.pop(key, None)
        else:
            with pytest.raises(WrongStateError):
                self.store.delete(f"job {key}")

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.store.set_paused(paused)
        self.paused = paused

    @rule(key=KEYS, point=FAILING)
    def a_write_fails(self, key: str, point: Point) -> None:
        """Refused means that nothing has happened."""
        new = NewJob(job_id=f"job {key}", idempotency_key=key, request=key.encode(), report="{}")
        with planned(f"{point}=ENOSPC"):
            if key in self.states and point is Point.EVENT_APPEND:
                return
            with pytest.raises(StoreError):
                self.store.add(new)

    @rule()
    def the_server_dies(self) -> None:
        """Without closing: the next one finds the write-ahead log as it was left."""
        left = self.folder / "left"
        left.mkdir()
        for path in self.folder.glob("jobs.sqlite*"):
            shutil.copy(path, left)
        self.store.close()
        for path in left.iterdir():
            path.replace(self.folder / path.name)
        left.rmdir()
        self.store = JobStore(self.folder / "jobs.sqlite")

    @invariant()
    def the_store_holds_what_was_acknowledged(self) -> None:
        jobs = self.store.list(limit=-1)
        assert {job.idempotency_key: job.state for job in jobs} == self.states
        waiting = sorted((job for job in jobs if job.state is JobState.QUEUED), key=lambda job: job.place)
        assert [job.idempotency_key for job in waiting] == self.queue
        assert self.store.paused is self.paused

    @invariant()
    def events_are_numbered_upwards_and_never_change(self) -> None:
        for key in self.states:
            events = self.store.events(f"job {key}", limit=-1)
            numbers = [event.sequence for event in events]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= self.heard.get(key, 0)
            assert events[-1].state is self.states[key]
            steps = [event.state for event in events if event.stage is None]
            assert all(after in TRANSITIONS[before] for before, after in pairwise(steps))
            self.heard[key] = len(numbers)


CONTENTS = {hashlib.sha256(content).hexdigest(): content for content in (b"", b"one", bytes(range(200)))}
IDS = st.sampled_from(sorted(CONTENTS))
WRITES = (Point.ASSET_OPEN, Point.ASSET_WRITE, Point.ASSET_SYNC, Point.ASSET_RENAME, Point.ASSET_RENAMED)


class Uploads(RuleBasedStateMachine):
    """What is whole stays and is what its name says; what is partial is a beginning of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.whole: set[str] = set()
        self.restart()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule()
    def restart(self) -> None:
        self.assets = AssetStore(self.folder, quota_bytes=10_000)

    @rule(asset_id=IDS, pieces=st.lists(st.integers(1, 90), max_size=4), ended=st.booleans())
    def send(self, asset_id: str, pieces: list[int], ended: bool) -> None:
        if asset_id in self.whole:
            return
        content, at = CONTENTS[asset_id], self.assets.offset(asset_id)
        with self.assets.receive(asset_id, size_bytes=len(content), offset=at) as upload:
            for size in pieces:
                upload.write(content[at : at + size])
                at = min(at + size, len(content))
            if ended and at == len(content):
                upload.finish()
                self.whole.add(asset_id)
            elif ended:
                with pytest.raises(WrongStateError):
                    upload.finish()
        assert self.assets.offset(asset_id) == at

    @rule(asset_id=IDS, point=st.sampled_from(WRITES), action=st.sampled_from(("ENOSPC", "EIO", "short")))
    def send_while_the_disk_fails(self, asset_id: str, point: Point, action: str) -> None:
        if asset_id in self.whole:
            return
        content, at = CONTENTS[asset_id], self.assets.offset(asset_id)
        receiving = self.assets.receive(asset_id, size_bytes=len(content), offset=at)
        with planned(f"{point}={action}"), pytest.raises(OSError), receiving as upload:
            upload.write(content[at:])
            upload.finish()
        if self.assets.has(asset_id):
            assert point is Point.ASSET_RENAMED
            self.whole.add(asset_id)

    @rule(asset_id=IDS)
    def send_other_bytes(self, asset_id: str) -> None:
        size, at = len(CONTENTS[asset_id]), self.assets.offset(asset_id)
        if asset_id in self.whole or at == size:
            return
        with pytest.raises(ChecksumError), self.assets.receive(asset_id, size_bytes=size, offset=at) as upload:
            upload.write(b"\xff" * (size - at))
            upload.finish()
        assert self.assets.offset(asset_id) == 0

    @rule(asset_id=IDS, offset=st.integers(0, 300))
    def send_from_elsewhere(self, asset_id: str, offset: int) -> None:
        held = self.assets.offset(asset_id)
        if asset_id in self.whole or offset == held:
            return
        with pytest.raises(WrongStateError), self.assets.receive(asset_id, size_bytes=1000, offset=offset):
            raise AssertionError("it was let in")

    @rule(asset_id=IDS)
    def send_too_much(self, asset_id: str) -> None:
        content, at = CONTENTS[asset_id], self.assets.offset(asset_id)
        if asset_id in self.whole:
            return
        receiving = self.assets.receive(asset_id, size_bytes=len(content), offset=at)
        with pytest.raises(InputError), receiving as upload:
            upload.write(content[at:] + b"!")
        assert self.assets.offset(asset_id) == at

    @invariant()
    def what_is_there_is_right(self) -> None:
        for asset_id, content in CONTENTS.items():
            assert self.assets.has(asset_id) == (asset_id in self.whole)
            if asset_id in self.whole:
                assert self.assets.path(asset_id).read_bytes() == content
            else:
                partial = self.folder / "partial" / asset_id
                assert not partial.exists() or content.startswith(partial.read_bytes())


@pytest.mark.parametrize("machine", [Jobs, Uploads])
def test_no_order_of_things_breaks_it(machine: type[RuleBasedStateMachine], budget: dict[str, int]) -> None:
    runs = budget["machine_runs"]
    run_state_machine_as_test(machine, settings=settings(max_examples=runs, stateful_step_count=25, deadline=None))
    print(f'{{"machine": "{machine.__name__}", "runs": {runs}}}')
