# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler where workers die and servers stop or are killed: nothing is lost, made twice or tried for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge_server.errors import StoreError
from bridge_server.jobs.rows import JobRow
from bridge_server.jobs.states import JobState
from bridge_server.jobs.tasks import gain_mark
from bridge_server.jobs.work import Ending, Outcome
from maskedit.faults import planned
from tests.unit.manual_queue import DEATH, SUCCESS, Bench, running, until

S = JobState


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(Bench(tmp_path)) as started:
        yield started


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
    for _ in range(5):
        await until(lambda: "a" in bench.dispatcher.ends)
        gain_mark(bench.folder / "a").touch()
        await bench.end("a", DEATH)
    await bench.end("a", SUCCESS)
    assert (await bench.reach("a", S.SUCCEEDED)).attempts == 6


async def test_a_checkpoint_that_another_job_leaves_is_no_progress_of_this_one(tmp_path: Path) -> None:
    async with running(Bench(tmp_path, slots=2)) as bench:
        bench.add("hopeless", "busy")
        for _ in range(3):
            await until(lambda: bench.dispatcher.ends.keys() == {"hopeless", "busy"})
            gain_mark(bench.folder / "busy").touch()
            (bench.folder / "cache").mkdir(exist_ok=True)
            (bench.folder / "cache" / "checkpoint").touch()
            await bench.end("hopeless", DEATH)
        assert "tried 3 times" in (await bench.reach("hopeless", S.FAILED)).error


async def test_a_gain_counts_once_whatever_becomes_of_the_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add("a")
    claimed = bench.store.claim()
    assert claimed is not None
    gain_mark(bench.folder / "a").touch()
    with planned("store.commit=EIO@1"), pytest.raises(StoreError):
        bench.scheduler._settle(claimed, DEATH)
    bench.scheduler._settle(claimed, DEATH)
    assert bench.job("a").barren_attempts == 0
    for _ in range(2):
        claimed = bench.store.claim()
        assert claimed is not None
        bench.scheduler._settle(claimed, DEATH)
    assert bench.job("a").barren_attempts == 2
    bench.store.close()


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


@pytest.mark.parametrize("outcome", [SUCCESS, DEATH, Outcome(ending=Ending.FAILED), Outcome(ending=Ending.CANCELLED)])
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
    bench.scheduler._put_back(claimed)
    assert bench.job("a").state is S.QUEUED
    bench.scheduler._settle(claimed, outcome)
    assert bench.job("a").state is S.QUEUED
    bench.store.close()


async def test_draining_puts_running_jobs_back_without_blame(tmp_path: Path) -> None:
    async with running(Bench(tmp_path)) as bench:
        bench.add("a")
        await bench.reach("a", S.RUNNING)
        await bench.scheduler.drain()
        job = bench.job("a")
        assert (job.state, job.barren_attempts) == (S.QUEUED, 0)


@pytest.mark.parametrize(
    ("outcome", "state"), [(SUCCESS, S.SUCCEEDED), (Outcome(ending=Ending.FAILED, message="x"), S.FAILED)]
)
async def test_what_ends_while_the_server_stops_has_ended(tmp_path: Path, outcome: Outcome, state: JobState) -> None:
    async with running(Bench(tmp_path)) as bench:
        bench.dispatcher.obeys = False
        bench.add("a", "b")
        await until(lambda: "a" in bench.dispatcher.ends)
        draining = asyncio.create_task(bench.scheduler.drain())
        await asyncio.sleep(0.05)
        await bench.end("a", outcome)
        await asyncio.wait_for(draining, 5)
        assert bench.history("a") == [S.QUEUED, S.RUNNING, state]
        assert bench.history("b") == [S.QUEUED]


async def test_what_hears_nothing_keeps_no_server_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._HALT_SECONDS", 0.1)
    async with running(Bench(tmp_path, slots=2)) as bench:
        bench.dispatcher.obeys = False
        bench.add("a", "b")
        await until(lambda: len(bench.dispatcher.ends) == 2)
        await bench.scheduler.cancel("b")
        await asyncio.wait_for(bench.scheduler.drain(), 5)
        assert bench.history("a") == [S.QUEUED, S.RUNNING, S.INTERRUPTED, S.QUEUED]
        assert bench.history("b") == [S.QUEUED, S.RUNNING, S.CANCELLING, S.CANCELLED]


async def test_a_store_that_fails_keeps_no_server_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._PAUSE_SECONDS", 0.01)
    async with running(Bench(tmp_path)) as bench:
        bench.add("a")
        await until(lambda: "a" in bench.dispatcher.ends)
        with planned("store.commit=EIO@1"):
            await asyncio.wait_for(bench.scheduler.drain(), 5)
        assert bench.job("a").state is S.QUEUED
        bench.store.claim()
        with planned("store.use=EIO@1"):
            await bench.scheduler.drain()
        assert bench.job("a").state is S.RUNNING  # which the next start will find


async def test_a_job_that_goes_on_before_its_last_attempt_is_put_away_can_still_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(Bench(tmp_path, slots=2)) as bench:
        bench.add("a")
        await until(lambda: "a" in bench.dispatcher.ends)
        settle = bench.scheduler._settle

        def settle_slowly(job: JobRow, outcome: Outcome) -> None:
            settle(job, outcome)
            bench.scheduler._loop.get_loop().call_soon_threadsafe(bench.scheduler.wake)  # type: ignore[union-attr]
            while bench.job("a").attempts < 2 or len(bench.dispatcher.orders) < 2:
                time.sleep(0.005)

        monkeypatch.setattr(bench.scheduler, "_settle", settle_slowly)
        await bench.end("a", DEATH)
        await until(lambda: "a" in bench.dispatcher.ends)
        await asyncio.sleep(0.05)
        monkeypatch.undo()
        await bench.scheduler.cancel("a")
        await bench.reach("a", S.CANCELLED)
        bench.add("b", "c")
        await bench.reach("b", S.RUNNING)
        await bench.reach("c", S.RUNNING)  # no seat was lost over it


@pytest.mark.parametrize("outcome", [SUCCESS, DEATH, Outcome(ending=Ending.FAILED), Outcome(ending=Ending.HALTED)])
@pytest.mark.parametrize("cancelled", [False, True])
async def test_what_is_settled_once_more_is_not_the_next_attempt(
    tmp_path: Path, outcome: Outcome, cancelled: bool
) -> None:
    bench = Bench(tmp_path)
    bench.add("a")
    first = bench.store.claim()
    assert first is not None
    bench.scheduler._settle(first, DEATH)
    assert bench.store.claim() is not None
    if cancelled:
        bench.store.move("a", S.CANCELLING)
    before = bench.job("a")
    bench.scheduler._settle(first, outcome)
    assert bench.job("a") == before
    bench.store.close()


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
