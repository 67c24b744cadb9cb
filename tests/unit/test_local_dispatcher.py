# SPDX-License-Identifier: GPL-3.0-or-later
"""Real worker processes: what they say is heard, and none outlives its attempt."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bridge_server.dispatch.local import LocalDispatcher
from bridge_server.dispatch.process import WorkerProcess
from bridge_server.jobs.work import Ending, Lane, Outcome, Progress, WorkOrder
from maskedit.devices import Device
from maskedit.progress import Stage
from maskedit.request import EditRequest, MediaReference, to_json

PACED = (sys.executable, str(Path(__file__).parents[1] / "children" / "paced_worker.py"))
CPU = Device(device_id="cpu", name="", memory_bytes=0, free_memory_bytes=0)
GPUS = [Device(device_id=f"cuda:{i}", name="", memory_bytes=0, free_memory_bytes=0, uuid=f"GPU-{i}") for i in (0, 1)]


class Attempt:
    """One attempt of a paced worker at `script`."""

    def __init__(self, folder: Path, script: str) -> None:
        self.folder = folder
        self.heard: list[Progress] = []
        request = EditRequest(target=MediaReference(), regions=(), keyframes=(), prompt=script)
        for name in ("cache", "logs"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "request.json").write_text(to_json(request))
        self.order = WorkOrder(job_id="job", folder=folder)
        self.dispatcher = LocalDispatcher(
            folder, cache=folder / "cache", logs=folder / "logs", devices=[CPU], command=PACED
        )

    async def run(self) -> Outcome:
        async with asyncio.timeout(30):
            return await self.dispatcher.run(self.order, self.hear)

    async def hear(self, progress: Progress) -> None:
        self.heard.append(progress)

    async def stubborn_processes(self) -> list[psutil.Process]:
        """The worker that hears nothing, and its child, once both run."""
        pids = self.folder / "pids"
        while not (pids.exists() and len(pids.read_text().split()) == 2):
            await asyncio.sleep(0.02)
        return [psutil.Process(int(pid)) for pid in pids.read_text().split()]


async def gone(process: psutil.Process) -> bool:
    """Whether it is dead by now or within the moment that a kill takes to arrive."""
    for _ in range(25):
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)
                continue
        return True
    return False


async def test_progress_and_result_are_heard(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "steps=3 pause=0.11")
    outcome = await attempt.run()
    assert outcome.ending is Ending.SUCCEEDED
    assert outcome.result["files"][0]["name"] == "result.txt"
    steps = [(said.stage, said.done, said.total, said.message) for said in attempt.heard]
    assert steps == [(Stage.TUNE_MOTION, n + 1, 3, f"step {n}") for n in range(3)]


async def test_steps_in_quick_succession_are_thinned(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "steps=2000")
    await attempt.run()
    assert attempt.heard[0].done == 1 and attempt.heard[-1].done == 2000
    assert len(attempt.heard) < 200


async def test_a_failure_keeps_its_sentence(tmp_path: Path) -> None:
    outcome = await Attempt(tmp_path, "end=fail").run()
    assert (outcome.ending, outcome.message) == (Ending.FAILED, "The script says so: write another.")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [("die=1", "killed, by hand or because"), ("end=crash", "exit code 9"), ("end=garbage", "broke its protocol")],
)
async def test_a_death_is_told_by_its_cause(tmp_path: Path, script: str, sentence: str) -> None:
    outcome = await Attempt(tmp_path, script).run()
    assert outcome.ending is Ending.DIED
    assert sentence in outcome.message


async def test_a_worker_that_listens_stops_by_itself(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "steps=1000 pause=0.05")
    running = asyncio.create_task(attempt.run())
    while not attempt.heard:
        await asyncio.sleep(0.02)
    began = time.monotonic()
    attempt.order.cancel.set()
    assert (await running).ending is Ending.CANCELLED
    assert time.monotonic() - began < 1


async def test_a_worker_that_does_not_is_killed_within_two_seconds_with_all_it_started(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "stubborn=1")
    running = asyncio.create_task(attempt.run())
    processes = await attempt.stubborn_processes()
    began = time.monotonic()
    attempt.order.cancel.set()
    assert (await running).ending is Ending.CANCELLED
    assert time.monotonic() - began < 2
    assert all([await gone(process) for process in processes])


async def test_a_worker_that_is_halted_leaves_a_checkpoint_where_it_stands(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "steps=1000 pause=0.02 checkpoint=900")
    running = asyncio.create_task(attempt.run())
    while not attempt.heard:
        await asyncio.sleep(0.02)
    attempt.order.halt.set()
    assert (await running).ending is Ending.HALTED
    (checkpoint,) = (tmp_path / "cache").iterdir()
    assert int(checkpoint.read_text()) == len((tmp_path / "output" / "result.txt").read_text().split())


async def test_what_a_worker_ends_while_it_is_halted_has_ended(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "steps=2 linger=0.5")
    running = asyncio.create_task(attempt.run())
    while not attempt.heard or attempt.heard[-1].done < 2:
        await asyncio.sleep(0.02)
    attempt.order.halt.set()
    assert (await running).ending is Ending.SUCCEEDED


async def test_a_worker_that_hears_no_halt_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.dispatch.process._HALT_SECONDS", 0.2)
    attempt = Attempt(tmp_path, "stubborn=1")
    running = asyncio.create_task(attempt.run())
    processes = await attempt.stubborn_processes()
    attempt.order.halt.set()
    assert (await running).ending is Ending.HALTED
    assert all([await gone(process) for process in processes])


@pytest.mark.parametrize(("told", "ending"), [("cancel", Ending.CANCELLED), ("halt", Ending.HALTED)])
async def test_what_is_stopped_before_it_begins_starts_no_worker(tmp_path: Path, told: str, ending: Ending) -> None:
    attempt = Attempt(tmp_path, "")
    getattr(attempt.order, told).set()
    assert (await attempt.run()).ending is ending
    assert not (tmp_path / "logs" / "job.log").exists()


async def test_stopping_the_server_stops_the_worker(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "stubborn=1")
    running = asyncio.create_task(attempt.run())
    processes = await attempt.stubborn_processes()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert all([await gone(process) for process in processes])


async def test_a_command_that_cannot_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "")
    attempt.dispatcher._command = (str(tmp_path / "missing"),)
    with pytest.raises(OSError):
        await attempt.run()  # opens what asyncio keeps for subprocesses
    before = psutil.Process().num_fds()
    for _ in range(3):
        with pytest.raises(OSError):
            await attempt.run()
    assert psutil.Process().num_fds() == before


def test_each_gpu_is_a_slot_unless_the_user_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slots(devices: list[Device]) -> int:
        seats = LocalDispatcher(tmp_path, cache=tmp_path, logs=tmp_path, devices=devices).seats
        assert [seat.lane for seat in seats].count(Lane.DRAFT) == 1
        return [seat.lane for seat in seats].count(Lane.GENERATE)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert (slots([CPU]), slots([*GPUS, CPU])) == (1, 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert slots([*GPUS, CPU]) == 1


def test_waiting_for_a_worker_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    """asyncio itself keeps a future for each who waits for a process, until that ends: days, for a warm worker."""

    def futures() -> int:
        gc.collect()
        return sum(issubclass(type(each), asyncio.Future) for each in gc.get_objects())

    async def many_waits() -> int:
        options = {"--data-dir": tmp_path, "--cache": tmp_path}
        worker = await WorkerProcess.start(PACED, options=options, log=tmp_path / "log", variables={})
        before = futures()
        for _ in range(40):
            with suppress(TimeoutError):
                await asyncio.wait_for(worker.wait(), 0.001)
        kept = futures() - before
        await worker.end()
        await worker.wait()
        return kept

    assert asyncio.run(many_waits()) <= 2
