# SPDX-License-Identifier: GPL-3.0-or-later
"""Real worker processes that stay for the next job: when they do, when they are replaced, and what never stays."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from bridge_server.dispatch.local import LocalDispatcher
from bridge_server.jobs.work import Ending, Lane, Outcome, Progress, WorkOrder
from maskedit.devices import Device
from maskedit.progress import Ask, Stage
from maskedit.request import EditRequest, MediaReference, to_json

PACED = (sys.executable, str(Path(__file__).parents[1] / "children" / "paced_worker.py"))
CPU = Device(device_id="cpu", name="", memory_bytes=0, free_memory_bytes=0)


@dataclass
class House:
    """A dispatcher on `folder`, and what its jobs said."""

    folder: Path
    idle_seconds: float = 60.0
    heard: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("cache", "logs"):
            (self.folder / name).mkdir()
        folders = {"cache": self.folder / "cache", "logs": self.folder / "logs"}
        self.dispatcher = LocalDispatcher(
            self.folder, **folders, devices=[CPU], command=PACED, idle_seconds=self.idle_seconds
        )

    def order(self, job_id: str, script: str = "", *, model: str = "bundled") -> WorkOrder:
        (self.folder / job_id).mkdir()
        request = EditRequest(target=MediaReference(), regions=(), keyframes=(), prompt=script)
        (self.folder / job_id / "request.json").write_text(to_json(request))
        return WorkOrder(job_id=job_id, folder=self.folder / job_id, model=model)

    async def run(self, order: WorkOrder) -> Outcome:
        async with asyncio.timeout(30):
            return await self.dispatcher.run(order, self.hear)

    async def hear(self, progress: Progress) -> None:
        self.heard.append(progress)

    async def do(self, job_id: str, script: str = "", *, model: str = "bundled") -> int:
        """Do a job that succeeds; returns which process did it."""
        assert (await self.run(self.order(job_id, script, model=model))).ending is Ending.SUCCEEDED
        return self.processes(job_id)[-1]

    def processes(self, job_id: str) -> list[int]:
        """Which processes tried the job, by its own log."""
        lines = (self.folder / "logs" / f"{job_id}.log").read_text().splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith("process ")]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    yield House(tmp_path)


async def ended(pid: int) -> bool:
    """Whether the process is gone within a moment."""
    for _ in range(150):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_the_next_job_with_the_model_is_done_by_the_same_process_in_a_log_of_its_own(house: House) -> None:
    first = await house.do("a")
    assert [await house.do("b"), await house.do("c")] == [first, first]
    assert house.processes("a") == house.processes("b") == [first]
    assert (house.folder / "b" / "output" / "result.txt").read_text().split() == ["0", "1", "2"]


async def test_another_model_takes_another_process_and_ends_the_one_before(house: House) -> None:
    first = await house.do("a")
    assert await house.do("b", model="other") != first
    assert await ended(first)


@pytest.mark.parametrize("change", [{"lane": Lane.DRAFT, "seat": 1}, {"model": ""}])
async def test_what_loads_no_model_leaves_no_process(house: House, change: dict) -> None:
    assert (await house.run(replace(house.order("a"), **change))).ending is Ending.SUCCEEDED
    (process,) = house.processes("a")
    assert await ended(process)


async def test_a_worker_waits_no_longer_than_it_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, idle_seconds=0.3)
    first = await house.do("a")
    assert psutil.pid_exists(first) and await ended(first)
    assert await house.do("b") != first


async def test_a_cancelled_job_whose_worker_listens_leaves_it_warm(house: House) -> None:
    order = house.order("a", "steps=1000 pause=0.05")
    running = asyncio.create_task(house.run(order))
    while not house.heard:
        await asyncio.sleep(0.02)
    order.asks.put_nowait(Ask.SAMPLE)
    began = time.monotonic()
    order.cancel.set()
    assert (await running).ending is Ending.CANCELLED and time.monotonic() - began < 1
    house.heard.clear()
    # Neither the cancel nor what was asked is still about when the next job comes.
    assert [await house.do("b")] == house.processes("a")
    assert not any("asked" in said.message for said in house.heard)


async def test_a_cancel_that_comes_with_the_last_word_is_not_the_next_jobs(house: House) -> None:
    first = await house.do("a")
    kept = house.dispatcher._kept[0]
    kept.wanted.set()
    worker = await kept.keeper
    assert worker is not None
    await worker._tell(b"cancel\nsample\n")  # as where both crossed
    house.dispatcher._kept[0] = replace(kept, keeper=asyncio.create_task(_given(worker)))
    assert await house.do("b") == first


async def test_one_that_ends_as_it_is_given_a_job_costs_that_job_no_attempt(house: House) -> None:
    first = await house.do("a")
    kept = house.dispatcher._kept[0]
    kept.wanted.set()
    worker = await kept.keeper
    assert worker is not None
    house.dispatcher._kept[0] = replace(kept, keeper=asyncio.create_task(_given(worker)))
    psutil.Process(first).terminate()
    assert await ended(first)
    assert await house.do("b") != first
    # One that took the job up and died of it is another matter.
    outcome = await house.run(house.order("c", "die=0"))
    assert outcome.ending is Ending.DIED and len(house.processes("c")) == 1


async def _given(worker):  # type: ignore[no-untyped-def]
    return worker


async def test_a_job_is_not_cancelled_by_whoever_tells_its_worker_to_end(house: House) -> None:
    running = asyncio.create_task(house.run(house.order("a", "steps=1000 pause=0.05")))
    while not house.heard:
        await asyncio.sleep(0.02)
    (process,) = house.processes("a")
    psutil.Process(process).terminate()
    outcome = await running
    assert outcome.ending is Ending.DIED and "told the worker to stop" in outcome.message
    assert await ended(process)


async def test_a_cancel_does_not_wait_for_a_worker_that_still_puts_its_last_job_away(house: House) -> None:
    first = await house.do("a")
    kept, tidy = house.dispatcher._kept[0], asyncio.Event()

    async def keeper() -> object:
        await tidy.wait()
        return await kept.keeper

    house.dispatcher._kept[0] = replace(kept, keeper=asyncio.create_task(keeper()))
    order = house.order("b")
    running = asyncio.create_task(house.run(order))
    await asyncio.sleep(0.1)
    assert not running.done()
    order.cancel.set()
    assert (await asyncio.wait_for(running, 1)).ending is Ending.CANCELLED
    tidy.set()
    assert await house.do("c") == first


async def test_one_that_has_to_be_killed_is_replaced(house: House) -> None:
    await house.do("warm")
    order = house.order("a", "stubborn=1")
    running = asyncio.create_task(house.run(order))
    pids = house.folder / "a" / "pids"
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        await asyncio.sleep(0.02)
    order.cancel.set()
    began = time.monotonic()
    assert (await running).ending is Ending.CANCELLED and time.monotonic() - began < 2
    assert all([await ended(int(pid)) for pid in pids.read_text().split()])
    assert await house.do("b") not in house.processes("a")


async def test_one_that_dies_while_it_waits_costs_nobody_anything(house: House) -> None:
    first = await house.do("a")
    psutil.Process(first).kill()
    assert await ended(first)
    assert await house.do("b") != first


async def test_one_that_met_an_unexpected_error_takes_no_other_job(house: House) -> None:
    outcome = await house.run(house.order("a", "steps=none"))
    assert outcome.ending is Ending.FAILED and "unexpected error" in outcome.message
    assert await house.do("b") not in house.processes("a")


async def test_a_death_in_a_later_job_is_told_with_that_jobs_log(house: House) -> None:
    await house.do("a")
    outcome = await house.run(house.order("b", "end=crash"))
    assert outcome.ending is Ending.DIED and str(house.folder / "logs" / "b.log") in outcome.message


def test_a_server_that_stops_leaves_no_idle_worker(tmp_path: Path) -> None:
    """The end of its event loop is the end of them."""

    async def serve() -> int:
        return await House(tmp_path).do("a")

    assert not psutil.pid_exists(asyncio.run(serve()))


def test_a_server_that_is_killed_leaves_no_idle_worker_either(tmp_path: Path) -> None:
    async def serve() -> None:
        process = await House(tmp_path).do("a")
        (tmp_path / "process").write_text(str(process))
        os.kill(os.getpid(), signal.SIGKILL)

    server = multiprocessing.get_context("fork").Process(target=lambda: asyncio.run(serve()))
    server.start()
    server.join(30)
    worker = int((tmp_path / "process").read_text())
    began = time.monotonic()
    assert server.exitcode == -signal.SIGKILL and asyncio.run(ended(worker))
    assert time.monotonic() - began < 1


async def test_memory_that_runs_out_is_met_with_a_smaller_plan_in_a_new_process(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spent").mkdir()
    monkeypatch.setenv("MASKEDIT_FAULTS", "tune_motion=memory@2")
    monkeypatch.setenv("MASKEDIT_FAULTS_SPENT", str(tmp_path / "spent"))
    assert (await house.run(house.order("a"))).ending is Ending.SUCCEEDED
    first, second = house.processes("a")
    assert first != second and await ended(first)
    assert "tried once more" in next(said.message for said in house.heard if said.stage is Stage.PREPARE)
    assert "ran_out 5000000000" in (house.folder / "logs" / "a.log").read_text()
    assert await house.do("b") == second  # which came to no harm


async def test_memory_that_runs_out_twice_ends_the_job_with_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASKEDIT_FAULTS", "tune_motion=memory@2")
    outcome = await house.run(house.order("a"))
    assert outcome.ending is Ending.OUT_OF_MEMORY and "close other programs" in outcome.message
    assert len(set(house.processes("a"))) == 2
    monkeypatch.delenv("MASKEDIT_FAULTS")
    assert await house.do("b") not in house.processes("a")
