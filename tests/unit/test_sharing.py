# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs start only where others have left the device alone for a while; what is theirs is told from what is ours."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pynvml
import pytest

from bridge_server.jobs.states import JobState
from bridge_server.jobs.work import Lane, Seat
from bridge_server.sharing import QUIET_SECONDS, MachineProbe, QuietGate, share_of_others
from tests.unit.test_scheduler import SUCCESS, Bench, running, until

GPU, CPU, DRAFT = Seat(lane=Lane.GENERATE, device="GPU-1"), Seat(lane=Lane.GENERATE), Seat(lane=Lane.DRAFT)


@dataclass
class Neighbours:
    """A Probe whose answer the test sets."""

    share: float | None = 0.0
    asked: list[str] = field(default_factory=list)

    def others(self, device: str) -> float | None:
        self.asked.append(device)
        return self.share


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def looks(gate: QuietGate, seat: Seat, clock: Clock, *, seconds: float, every: float = 2.0) -> list[bool]:
    """Whether a job might start, look after look."""
    found = []
    for _ in range(round(seconds / every)):
        clock.now += every
        found.append(gate.reason(seat) == "")
    return found


@pytest.mark.parametrize(("seat", "busy", "quiet"), [(GPU, 0.5, 0.05), (CPU, 0.6, 0.2)])
def test_it_opens_after_a_quiet_while_and_shuts_at_once(seat: Seat, busy: float, quiet: float, clock: Clock) -> None:
    probe = Neighbours(busy)
    gate = QuietGate(probe, clock=clock)
    assert not any(looks(gate, seat, clock, seconds=60))
    probe.share = quiet
    opened = looks(gate, seat, clock, seconds=20)
    assert opened == [2.0 * (look + 1) >= QUIET_SECONDS for look in range(10)]
    probe.share = busy
    assert looks(gate, seat, clock, seconds=2) == [False]
    probe.share = quiet
    assert looks(gate, seat, clock, seconds=8) == [False] * 4


def test_what_nobody_looked_at_was_not_quiet(clock: Clock) -> None:
    gate = QuietGate(Neighbours(), clock=clock)
    assert looks(gate, GPU, clock, seconds=120, every=60) == [False, False]
    assert gate.reason(GPU) == "Starts once other programs have left the GPU alone for 10 seconds."
    probe = Neighbours(None)
    assert not any(looks(QuietGate(probe, clock=clock), CPU, clock, seconds=60))
    assert set(probe.asked) == {""}


def test_a_draft_passes_whatever_others_do(clock: Clock) -> None:
    probe = Neighbours(1.0)
    assert QuietGate(probe, clock=clock).reason(DRAFT) == ""
    assert probe.asked == []


async def test_a_job_says_why_it_waits_and_starts_when_the_others_are_done(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler with a gate whose clock runs a hundred times as fast."""
    monkeypatch.setattr("bridge_server.jobs.scheduler._LOOK_SECONDS", 0.02)
    probe = Neighbours(0.9)
    bench = Bench(tmp_path, seats=(GPU, DRAFT), gate=QuietGate(probe, clock=lambda: 100 * time.monotonic()))
    async with running(bench):
        bench.add("a", "b")
        bench.add("draft", lane=Lane.DRAFT)
        await bench.reach("draft", JobState.RUNNING)
        await until(lambda: len(bench.store.events("a")) == 2)
        await asyncio.sleep(0.2)
        assert bench.job("a").state is JobState.QUEUED
        messages = [event.message for event in bench.store.events("a")]
        assert messages == ["", "Starts once other programs have left the GPU alone for 10 seconds."]
        assert len(bench.store.events("b")) == 1
        probe.share = 0.0
        await bench.reach("a", JobState.RUNNING)
        probe.share = 0.9
        await asyncio.sleep(0.1)
        assert bench.job("a").state is JobState.RUNNING
        await bench.end("draft", SUCCESS)
        await bench.end("a", SUCCESS)


async def test_a_job_that_no_device_can_hold_any_more_says_so_and_lets_others_by(tmp_path: Path) -> None:
    async with running(Bench(tmp_path, seats=(Seat(lane=Lane.GENERATE, memory_bytes=8 * 10**9), DRAFT))) as bench:
        bench.add("from a bigger machine", memory_bytes=40 * 10**9)
        bench.add("small", memory_bytes=10**9)
        await bench.reach("small", JobState.RUNNING)
        await until(lambda: len(bench.store.events("from a bigger machine")) == 2)
        told = bench.store.events("from a bigger machine")[-1].message
        assert told == "No device here has the 40.0 GB of memory that it needs: it waits for one."
        assert (await bench.scheduler.cancel("from a bigger machine")).state is JobState.CANCELLED


@dataclass(frozen=True)
class Sample:
    """As NVML gives them."""

    pid: int
    timeStamp: int
    smUtil: int


def test_the_newest_sample_of_each_foreign_process_counts() -> None:
    samples = [Sample(1, 5, 90), Sample(1, 9, 20), Sample(1, 7, 80), Sample(2, 1, 15), Sample(3, 9, 100)]
    assert share_of_others(samples, ours={3}) == pytest.approx(0.35)
    assert share_of_others(samples, ours={1, 2}) == 1.0
    assert share_of_others([], ours=()) == 0.0


def test_processor_time_of_others_counts_and_our_own_does_not() -> None:
    """Seen from this process its busy child is ours, seen from the child's idle sibling it is another's."""
    spin = "import time\nwhile time.process_time() < 20: pass"
    idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    busy = subprocess.Popen([sys.executable, "-c", spin])
    try:
        ours, theirs = MachineProbe(psutil.Process().pid), MachineProbe(idle.pid)
        assert ours.others("") is None is theirs.others("")
        begun = psutil.Process(busy.pid).cpu_times().user
        while psutil.Process(busy.pid).cpu_times().user < begun + 0.2:
            time.sleep(0.02)
        apart, together = theirs.others(""), ours.others("")
        assert apart is not None and together is not None
        assert 0 <= together < apart <= 1
    finally:
        for process in (idle, busy):
            process.kill()
            process.wait()


def test_a_gpu_whose_driver_does_not_answer_counts_as_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)  # its driver was updated meanwhile

    monkeypatch.setattr(pynvml, "nvmlInit", broken)
    assert MachineProbe(psutil.Process().pid).others("GPU-1") is None
