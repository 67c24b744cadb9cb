# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler with a dispatcher whose attempts end when the test says so."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.errors import NotFoundError
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
    """Each attempt waits for its outcome in `ends`, or for its cancel, which it obeys unless told otherwise. A seat on
    which one died is mended while `whole` is set."""

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
        cancel = asyncio.create_task(order.cancel.wait())
        await asyncio.wait([end, cancel] if self.obeys else [end], return_when=asyncio.FIRST_COMPLETED)
        cancel.cancel()
        self.taken.remove(order.seat)
        return end.result() if end.done() else Outcome(ending=Ending.CANCELLED)

    async def mended(self, order: WorkOrder) -> None:
        await self.whole.wait()


class Bench:
    """A scheduler on a store in `folder`."""

    def __init__(self, folder: Path, *, slots: int = 1, seats: Sequence[Seat] = (), gate: Gate | None = None) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.cache.mkdir(exist_ok=True)
        self.store = JobStore(folder / "jobs.sqlite")
        self.dispatcher = ManualDispatcher(seats or (Seat(lane=Lane.GENERATE),) * slots)
        feed = EventFeed(self.store)
        self.scheduler = Scheduler(
            self.store, feed, dispatcher=self.dispatcher, folder=folder, cache=self.cache, gate=gate
        )

    def add(self, *names: str, lane: Lane = Lane.GENERATE, memory_bytes: int = 0) -> None:
        for name in names:
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


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(Bench(tmp_path)) as started:
        yield started


async def test_a_job_runs_and_its_result_is_kept(bench: Bench) -> None:
    bench.add("a")
    await bench.end("a", SUCCESS)
    job = await bench.reach("a", S.SUCCEEDED)
    assert json.loads(job.result) == {"files": []}
    assert bench.history("a") == [S.QUEUED, S.RUNNING, S.SUCCEEDED]
    assert [event.done for event in bench.store.events("a") if event.stage] == [1]


async def test_failure_says_why(bench: Bench) -> None:
    bench.add("a")
    await bench.end("a", Outcome(ending=Ending.FAILED, message="The matte is empty."))
    assert (await bench.reach("a", S.FAILED)).error == "The matte is empty."


async def test_no_more_jobs_run_at_once_than_there_are_slots(tmp_path: Path) -> None:
    async with running(Bench(tmp_path, slots=2)) as bench:
        bench.add("a", "b", "c")
        await bench.reach("a", S.RUNNING)
        await bench.reach("b", S.RUNNING)
        await asyncio.sleep(0.05)
        assert bench.job("c").state is S.QUEUED
        await bench.end("b", SUCCESS)
        await bench.reach("c", S.RUNNING)
        assert bench.job("a").state is S.RUNNING


async def test_a_draft_waits_for_drafts_only(tmp_path: Path) -> None:
    lanes = (Seat(lane=Lane.GENERATE), Seat(lane=Lane.DRAFT))
    async with running(Bench(tmp_path, seats=lanes)) as bench:
        bench.add("long", "next")
        bench.add("draft", "second draft", lane=Lane.DRAFT)
        await bench.reach("long", S.RUNNING)
        await bench.reach("draft", S.RUNNING)
        assert (bench.job("next").state, bench.job("second draft").state) == (S.QUEUED, S.QUEUED)
        await bench.end("draft", SUCCESS)
        await bench.reach("second draft", S.RUNNING)
        assert (bench.job("long").state, bench.job("next").state) == (S.RUNNING, S.QUEUED)
        await bench.end("long", SUCCESS)
        await bench.reach("next", S.RUNNING)


async def test_a_job_waits_for_a_device_with_room_and_lets_smaller_ones_by(tmp_path: Path) -> None:
    seats = tuple(Seat(lane=Lane.GENERATE, memory_bytes=size) for size in (10, 20))
    async with running(Bench(tmp_path, seats=seats)) as bench:
        bench.add("big", "also big", memory_bytes=15)
        bench.add("small", memory_bytes=5)
        await bench.reach("big", S.RUNNING)
        await bench.reach("small", S.RUNNING)
        assert bench.job("also big").state is S.QUEUED
        await bench.end("small", SUCCESS)
        await bench.reach("small", S.SUCCEEDED)
        await asyncio.sleep(0.05)
        assert bench.job("also big").state is S.QUEUED
        await bench.end("big", SUCCESS)
        await bench.reach("also big", S.RUNNING)


async def test_a_queued_job_is_cancelled_at_once_and_never_runs(bench: Bench) -> None:
    bench.add("a", "b")
    await bench.reach("a", S.RUNNING)
    assert (await bench.scheduler.cancel("b")).state is S.CANCELLED
    await bench.end("a", SUCCESS)
    await bench.reach("a", S.SUCCEEDED)
    await asyncio.sleep(0.05)
    assert bench.dispatcher.orders == ["a"]


async def test_a_running_job_is_cancelled_through_its_order(bench: Bench) -> None:
    bench.add("a")
    await bench.reach("a", S.RUNNING)
    assert (await bench.scheduler.cancel("a")).state is S.CANCELLING
    await bench.reach("a", S.CANCELLED)
    assert bench.history("a") == [S.QUEUED, S.RUNNING, S.CANCELLING, S.CANCELLED]


async def test_a_second_cancel_does_not_free_the_slot_early(bench: Bench) -> None:
    bench.dispatcher.obeys = False
    bench.add("a", "b")
    await bench.reach("a", S.RUNNING)
    for _ in range(3):
        assert (await bench.scheduler.cancel("a")).state is S.CANCELLING
    await asyncio.sleep(0.05)
    assert bench.job("b").state is S.QUEUED
    await bench.end("a", Outcome(ending=Ending.CANCELLED))
    await bench.reach("b", S.RUNNING)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(SUCCESS, S.SUCCEEDED), (Outcome(ending=Ending.FAILED, message="x"), S.CANCELLED), (DEATH, S.CANCELLED)],
)
async def test_what_a_cancelled_worker_does_last_decides(bench: Bench, outcome: Outcome, state: JobState) -> None:
    bench.dispatcher.obeys = False
    bench.add("a")
    await bench.reach("a", S.RUNNING)
    await bench.scheduler.cancel("a")
    await bench.end("a", outcome)
    await bench.reach("a", state)


async def test_cancelling_what_has_ended_changes_nothing(bench: Bench) -> None:
    bench.add("a")
    await bench.end("a", SUCCESS)
    before = await bench.reach("a", S.SUCCEEDED)
    assert await bench.scheduler.cancel("a") == before
    with pytest.raises(NotFoundError):
        await bench.scheduler.cancel("b")


async def test_a_dead_worker_means_another_attempt_up_to_three_in_vain(bench: Bench) -> None:
    bench.add("a")
    for _ in range(3):
        await bench.end("a", DEATH)
    job = await bench.reach("a", S.FAILED)
    assert job.error == "The worker died. It was tried 3 times without getting any further."
    assert job.attempts == 3
    again = [S.RUNNING, S.INTERRUPTED, S.QUEUED]
    assert bench.history("a") == [S.QUEUED, *again, *again, S.RUNNING, S.INTERRUPTED, S.FAILED]


async def test_attempts_that_leave_checkpoints_do_not_count(bench: Bench) -> None:
    bench.add("a")
    for attempt in range(5):
        await until(lambda: "a" in bench.dispatcher.ends)
        time.sleep(0.01)  # file systems stamp with a clock of 4 ms
        (bench.cache / f"checkpoint{attempt}").touch()
        await bench.end("a", DEATH)
    await bench.end("a", SUCCESS)
    assert (await bench.reach("a", S.SUCCEEDED)).attempts == 6


async def test_a_seat_takes_nothing_until_it_is_mended_and_its_job_goes_on_elsewhere(tmp_path: Path) -> None:
    async with running(Bench(tmp_path, slots=2)) as bench:
        bench.dispatcher.whole.clear()
        bench.add("a", "b")
        await bench.reach("b", S.RUNNING)
        broken = bench.scheduler._orders["a"].seat
        bench.add("c")
        await bench.end("a", DEATH)
        await bench.reach("a", S.QUEUED)
        await bench.end("b", SUCCESS)
        await until(lambda: "a" in bench.dispatcher.ends)
        assert bench.scheduler._orders["a"].seat != broken
        await asyncio.sleep(0.05)
        assert bench.job("c").state is S.QUEUED
        bench.dispatcher.whole.set()
        await until(lambda: "c" in bench.dispatcher.ends)
        assert bench.scheduler._orders["c"].seat == broken
        assert bench.history("a") == [S.QUEUED, S.RUNNING, S.INTERRUPTED, S.QUEUED, S.RUNNING]


async def test_a_seat_that_is_never_mended_keeps_no_server_from_stopping(tmp_path: Path) -> None:
    async with running(Bench(tmp_path)) as bench:
        bench.dispatcher.whole.clear()
        bench.add("a")
        await bench.end("a", DEATH)
        await bench.reach("a", S.QUEUED)
        await asyncio.wait_for(bench.scheduler.drain(), 5)
        assert bench.history("a") == [S.QUEUED, S.RUNNING, S.INTERRUPTED, S.QUEUED]


@pytest.mark.parametrize("outcome", [SUCCESS, DEATH])
async def test_a_job_that_waits_again_is_not_cancelled_by_whoever_settles_it_once_more(
    tmp_path: Path, outcome: Outcome
) -> None:
    """A stop, or a disk that fails after the write: either comes when the first settling has been written already."""
    bench = Bench(tmp_path)
    bench.add("a")
    claimed = bench.store.claim()
    assert claimed is not None
    bench.scheduler._settle(claimed, DEATH)
    assert bench.job("a").state is S.QUEUED
    bench.scheduler._put_back("a")
    assert bench.job("a").state is S.QUEUED
    bench.scheduler._settle(claimed, outcome)
    assert bench.job("a").state is S.QUEUED
    bench.store.close()


async def test_a_dispatcher_that_breaks_fails_the_job_and_nothing_else(bench: Bench) -> None:
    bench.add("a", "b")
    await bench.end("a", OSError("no more processes"))
    assert "its log says why" in (await bench.reach("a", S.FAILED)).error
    await bench.end("b", SUCCESS)
    await bench.reach("b", S.SUCCEEDED)


async def test_a_full_disk_delays_what_became_of_a_job_and_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._PAUSE_SECONDS", 0.01)
    bench.add("a", "b")
    await until(lambda: "a" in bench.dispatcher.ends)
    database = bench.store._db
    database.execute("PRAGMA max_page_count = 1")  # no more than it has now
    result = {"files": [], "padding": "x" * 100_000}
    await bench.end("a", Outcome(ending=Ending.SUCCEEDED, result=result))
    await asyncio.sleep(0.1)
    assert bench.job("a").state is S.RUNNING
    database.execute(f"PRAGMA max_page_count = {1 << 30}")
    assert json.loads((await bench.reach("a", S.SUCCEEDED)).result) == result
    await bench.reach("b", S.RUNNING)


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(bench: Bench) -> None:
    bench.store.set_paused(True)
    bench.add("a")
    await asyncio.sleep(0.05)
    assert bench.job("a").state is S.QUEUED
    bench.store.set_paused(False)
    bench.scheduler.wake()
    await bench.reach("a", S.RUNNING)


async def test_draining_puts_running_jobs_back_without_blame(tmp_path: Path) -> None:
    async with running(Bench(tmp_path)) as bench:
        bench.add("a")
        await bench.reach("a", S.RUNNING)
        await bench.scheduler.drain()
        job = bench.job("a")
        assert (job.state, job.barren_attempts) == (S.QUEUED, 0)


async def test_a_new_server_takes_up_what_a_dead_one_left(tmp_path: Path) -> None:
    dead = Bench(tmp_path)
    dead.add("running", "cancelling", "queued")
    for _ in range(2):
        dead.store.claim()
    dead.store.move("cancelling", S.CANCELLING)
    dead.store.close()
    async with running(Bench(tmp_path)) as bench:
        assert bench.job("cancelling").state is S.CANCELLED
        for name in ("running", "queued"):
            await bench.end(name, SUCCESS)
            await bench.reach(name, S.SUCCEEDED)
        assert bench.job("running").barren_attempts == 1
        assert bench.history("running")[:5] == [S.QUEUED, S.RUNNING, S.INTERRUPTED, S.QUEUED, S.RUNNING]


async def test_a_job_that_kills_the_server_is_given_up_too(tmp_path: Path) -> None:
    for _ in range(3):
        dead = Bench(tmp_path)
        if not dead.store.list():
            dead.add("a")
        dead.store.claim()
        dead.scheduler._recover()
        dead.store.close()
    async with running(Bench(tmp_path)) as bench:
        assert "tried 3 times" in (await bench.reach("a", S.FAILED)).error
