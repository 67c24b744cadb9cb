# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything at once: cancels, deletes, pauses, deaths, a failing disk and servers that stop, at whatever moment."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count, pairwise
from pathlib import Path

import pytest

from bridge_server.errors import NotFoundError, StoreError, WrongStateError
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.states import TRANSITIONS, JobState
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.tasks import gain_mark
from bridge_server.jobs.work import Ending, Lane, Outcome, Progress, Seat, WorkOrder
from maskedit.faults import planned
from maskedit.progress import Stage

ENDINGS = {
    Ending.SUCCEEDED: 6,
    Ending.DIED: 6,
    Ending.FAILED: 1,
    Ending.OUT_OF_MEMORY: 1,
}
ACTIONS = {"submit": 8, "cancel": 5, "delete": 4, "pause": 2, "go on": 3, "stop": 1, "wait": 8}
DISK = "store.use=EIO~0.01,store.commit=EIO~0.02"


class Rough:
    """A dispatcher whose attempts end by chance; it notices when a job or a seat is given out twice."""

    seats = (Seat(lane=Lane.GENERATE), Seat(lane=Lane.GENERATE), Seat(lane=Lane.DRAFT))

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.taken: dict[int, str] = {}
        self.mending: set[int] = set()
        self.succeeded: Counter[str] = Counter()

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        assert order.seat not in self.taken and order.seat not in self.mending
        assert order.job_id not in self.taken.values()
        self.taken[order.seat] = order.job_id
        try:
            for done in range(self.chance.randrange(4)):
                await on_progress(Progress(stage=Stage.TUNE_MOTION, done=done, total=4))
                with suppress(TimeoutError):
                    await asyncio.wait_for(order.told_to_stop(), self.chance.uniform(0, 0.004))
                if order.stopped and self.chance.random() < 0.7:
                    return Outcome(ending=order.stopped)
            if self.chance.random() < 0.05:
                raise OSError("no more processes")
            if self.chance.random() < 0.1:
                await order.told_to_stop()  # this one would go on for ever
                assert order.stopped is not None
                return Outcome(ending=order.stopped)
            if self.chance.random() < 0.3:
                gain_mark(order.folder).touch()
            (ending,) = self.chance.choices([*ENDINGS], [*ENDINGS.values()])
            self.succeeded[order.job_id] += ending is Ending.SUCCEEDED
            return Outcome(ending=ending, message=f"It {ending}.")
        finally:
            del self.taken[order.seat]

    async def mended(self, order: WorkOrder) -> None:
        self.mending.add(order.seat)
        try:
            await asyncio.sleep(self.chance.uniform(0, 0.004))
        finally:
            self.mending.remove(order.seat)


class Storm:
    """One server after another on a store in `folder`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.store = JobStore(folder / "jobs.sqlite")
        self.dispatcher = Rough(self.chance)
        self.names = (f"job{number}" for number in count())
        self.seen: dict[str, JobState] = {}

    async def start(self) -> None:
        feed = EventFeed(self.store)
        self.scheduler = Scheduler(self.store, feed, dispatcher=self.dispatcher, folder=self.folder)
        while True:
            with suppress(StoreError):
                return await self.scheduler.start()

    async def act(self, action: str) -> None:
        known = [job.job_id for job in self.store.list(limit=-1)]
        if action == "submit":
            name = next(self.names)
            (self.folder / name).mkdir()
            lane = self.chance.choice([*Lane])
            self.store.add(NewJob(job_id=name, idempotency_key=name, request=b"", report="{}", lane=lane))
            self.scheduler.wake()
        elif action == "cancel" and known:
            await self.scheduler.cancel(self.chance.choice(known))
        elif action == "delete" and known:
            self.delete(self.chance.choice(known))
        elif action in ("pause", "go on"):
            self.store.set_paused(action == "pause")
            self.scheduler.wake()
        elif action == "stop":
            await self.scheduler.drain()
            assert not self.dispatcher.taken
            await self.start()
        await asyncio.sleep(self.chance.uniform(0, 0.006))

    def delete(self, name: str) -> None:
        job, history = self.store.get(name), self.history(name)
        self.store.delete(name)
        assert history[-1] is job.state
        self.seen[name] = job.state

    def history(self, name: str) -> list[JobState]:
        steps = [event.state for event in self.store.events(name, limit=-1) if event.stage is None]
        assert all(after in TRANSITIONS[before] for before, after in pairwise(steps)), steps
        return steps

    async def calm_down(self) -> dict[str, JobState]:
        """Let all jobs end; returns how they did, the deleted ones too."""
        self.store.set_paused(False)
        self.scheduler.wake()
        async with asyncio.timeout(20):
            while not all(job.state.final for job in self.store.list(limit=-1)):
                await asyncio.sleep(0.05)
                for job in self.store.list(states=[JobState.RUNNING], limit=-1):
                    await self.scheduler.cancel(job.job_id)
            while self.scheduler._seating.room().keys() != {*Lane} or len(self.scheduler._seating._free) < 3:
                await asyncio.sleep(0.005)
        return self.seen | {job.job_id: self.history(job.job_id)[-1] for job in self.store.list(limit=-1)}


async def test_no_storm_loses_a_job_or_a_seat_or_makes_anything_twice(
    tmp_path: Path, budget: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._PAUSE_SECONDS", 0.003)
    ends: Counter[str] = Counter()
    for seed in range(budget["storms"]):
        folder = tmp_path / str(seed)
        folder.mkdir()
        storm = Storm(folder, seed)
        await storm.start()
        with planned(DISK, seed=seed):
            for action in storm.chance.choices([*ACTIONS], [*ACTIONS.values()], k=60):
                with suppress(StoreError, NotFoundError, WrongStateError):
                    await storm.act(action)
        states = await storm.calm_down()
        for name, state in states.items():
            assert storm.dispatcher.succeeded[name] <= 1
            assert (state is JobState.SUCCEEDED) == (storm.dispatcher.succeeded[name] == 1)
        await storm.scheduler.drain()
        storm.store.close()
        ends += Counter(states.values())
    print(f'{{"storms": {budget["storms"]}, "jobs": {ends.total()}, "ends": {dict(ends)}}}')
