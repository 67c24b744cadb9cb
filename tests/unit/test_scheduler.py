# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler from claim to outcome: turns, seats, cancels, pauses, and a store that fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge_server.errors import NotFoundError
from bridge_server.jobs.states import JobState
from bridge_server.jobs.work import Ending, Lane, Outcome, Seat
from tests.damage import spoiled
from tests.unit.manual_queue import DEATH, SUCCESS, Bench, running, until

S = JobState


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


async def test_a_damaged_store_is_said_and_not_the_end_of_claiming(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._PAUSE_SECONDS", 0.01)
    said: list[str] = []

    async def follow() -> None:
        async for sentence in bench.scheduler.troubles.changes():
            said.append(sentence)

    following = asyncio.create_task(follow())
    bench.store.set_paused(True)
    bench.add("a")
    bench.store.set_paused(False)
    with spoiled(bench.folder / "jobs.sqlite", "jobs_by_turn"):
        bench.store._db.execute("PRAGMA shrink_memory")
        bench.scheduler.wake()
        await until(lambda: bool(said))
        await asyncio.sleep(0.05)
        assert said == [bench.scheduler.troubles.sentence] and "damaged" in said[0]
    bench.store._db.execute("PRAGMA shrink_memory")
    await bench.reach("a", S.RUNNING)
    await until(lambda: said[-1] == "")
    following.cancel()


async def test_a_look_at_the_machine_that_fails_is_not_the_end_of_claiming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._PAUSE_SECONDS", 0.01)

    class Gate:
        broken = True

        def reason(self, seat: Seat) -> str:
            if self.broken:
                raise PermissionError("no look at other programs")
            return ""

    gate = Gate()
    async with running(Bench(tmp_path, gate=gate)) as bench:
        bench.add("a")
        await until(lambda: "its log says why" in bench.scheduler.troubles.sentence)
        gate.broken = False
        await bench.reach("a", S.RUNNING)
        await until(lambda: bench.scheduler.troubles.sentence == "")


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(bench: Bench) -> None:
    bench.store.set_paused(True)
    bench.add("a")
    await asyncio.sleep(0.05)
    assert bench.job("a").state is S.QUEUED
    bench.store.set_paused(False)
    bench.scheduler.wake()
    await bench.reach("a", S.RUNNING)
