# SPDX-License-Identifier: GPL-3.0-or-later
"""A scheduler with a dispatcher whose attempts end when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.rows import JobRow, NewJob
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.seating import Gate
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Ending, Lane, Outcome, Progress, Seat, WorkOrder
from maskedit.progress import Stage

S = JobState
SUCCESS = Outcome(ending=Ending.SUCCEEDED, result={"files": []})
DEATH = Outcome(ending=Ending.DIED, message="The worker died.")


class ManualDispatcher:
    """Each attempt waits for its outcome in `ends`, or to be told to stop, which it obeys unless told otherwise. A seat
    on which one died is mended while `whole` is set."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = seats
        self.ends: dict[str, asyncio.Future[Outcome]] = {}
        self.orders: list[str] = []
        self.taken: set[int] = set()
        self.obeys = True
        self.whole = asyncio.Event()
        self.whole.set()

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        end = self.ends[order.job_id] = asyncio.get_running_loop().create_future()
        self.orders.append(order.job_id)
        assert self.seats[order.seat].lane is order.lane and self.taken.isdisjoint({order.seat})
        self.taken.add(order.seat)
        await on_progress(Progress(stage=Stage.RENDER, done=1, total=2))
        told = asyncio.create_task(order.told_to_stop())
        try:
            await asyncio.wait([end, told] if self.obeys else [end], return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            self.taken.remove(order.seat)
        return end.result() if end.done() else Outcome(ending=order.stopped or Ending.DIED)

    async def mended(self, order: WorkOrder) -> None:
        await self.whole.wait()


class Bench:
    """A scheduler on a store in `folder`."""

    def __init__(self, folder: Path, *, slots: int = 1, seats: Sequence[Seat] = (), gate: Gate | None = None) -> None:
        self.folder = folder
        self.store = JobStore(folder / "jobs.sqlite")
        self.dispatcher = ManualDispatcher(seats or (Seat(lane=Lane.GENERATE),) * slots)
        feed = EventFeed(self.store)
        self.scheduler = Scheduler(self.store, feed, dispatcher=self.dispatcher, folder=folder, gate=gate)

    def add(self, *names: str, lane: Lane = Lane.GENERATE, memory_bytes: int = 0) -> None:
        for name in names:
            (self.folder / name).mkdir()
            new = NewJob(job_id=name, idempotency_key=name, request=b"", report="{}")
            self.store.add(replace(new, lane=lane, memory_bytes=memory_bytes))
        self.scheduler.wake()

    def job(self, name: str) -> JobRow:
        return self.store.get(name)

    async def reach(self, name: str, state: JobState) -> JobRow:
        await until(lambda: self.job(name).state is state)
        return self.job(name)

    async def end(self, name: str, outcome: Outcome | Exception) -> None:
        """Let the running attempt of a job end."""
        await until(lambda: name in self.dispatcher.ends)
        future = self.dispatcher.ends.pop(name)
        future.set_exception(outcome) if isinstance(outcome, Exception) else future.set_result(outcome)

    def history(self, name: str) -> list[JobState]:
        return [event.state for event in self.store.events(name, limit=-1) if event.stage is None]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    await bench.scheduler.start()
    try:
        yield bench
    finally:
        await bench.scheduler.drain()
        bench.store.close()
