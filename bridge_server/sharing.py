# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving the machine to the programs that people work in: nothing that needs a model starts while they use it.

What keeps a GPU busy is asked of NVIDIA's library, process by process; without a GPU the processors' time counts. Our
own workers do not. What runs already goes on; that it gives way where both want a processor is `nice`'s doing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import psutil
import pynvml
import structlog

from bridge_server.jobs.work import Lane, Seat

# Drawing a window now and then stays below, playing back or rendering does not.
_BUSY_GPU, _BUSY_CPU = 0.15, 0.25
# A pause between two actions is no end of work.
QUIET_SECONDS = 10.0
# Nothing is known of what happened between two looks that are further apart.
_GAP_SECONDS = 5.0
_LOG = structlog.get_logger()


class Probe(Protocol):
    """Looks at what other programs do."""

    def others(self, device: str) -> float | None:
        """The share of the device, 0 to 1, that others use; None = not known yet.

        `device`: a GPU's uuid, "" = the processors.
        """
        ...


class QuietGate:
    """A Gate that opens for a device after QUIET_SECONDS in which others have hardly used it. Drafts always pass."""

    def __init__(self, probe: Probe, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._looked: dict[str, float] = {}
        self._quiet_since: dict[str, float] = {}

    def reason(self, seat: Seat) -> str:
        """As in Gate."""
        if seat.lane is Lane.DRAFT:
            return ""
        device, now = seat.device, self._clock()
        share = self._probe.others(device)
        busy = share is None or share > (_BUSY_GPU if device else _BUSY_CPU)
        if busy or now - self._looked.get(device, float("-inf")) > _GAP_SECONDS:
            self._quiet_since[device] = now
        self._looked[device] = now
        if now - self._quiet_since[device] >= QUIET_SECONDS:
            return ""
        what = "GPU" if device else "processors"
        return f"Starts once other programs have left the {what} alone for {QUIET_SECONDS:.0f} seconds."


class MachineProbe:
    """A Probe of this machine. Processes below `pid` are ours."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._spent: tuple[float, float] | None = None
        self._seen_us: dict[str, int] = {}

    def others(self, device: str) -> float | None:
        """As in Probe."""
        return self._gpu(device) if device else self._processors()

    def _processors(self) -> float | None:
        times = psutil.cpu_times()
        # The time of guests is in that of users already.
        idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "guest", 0.0)
        idle += getattr(times, "guest_nice", 0.0)
        before, self._spent = self._spent, (time.monotonic(), sum(times) - idle - self._own_seconds())
        if before is None:
            return None
        passed, spent = (after - earlier for after, earlier in zip(self._spent, before, strict=True))
        return min(1.0, max(0.0, spent / max(passed, 1e-3) / (os.cpu_count() or 1)))

    def _own_seconds(self) -> float:
        """Processor time of all that is ours, ended children included."""
        found = 0.0
        for process in self._ours():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:  # just now; its parent has its times
                continue
            found += times.user + times.system + times.children_user + times.children_system
        return found

    def _ours(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def _gpu(self, uuid: str) -> float | None:
        try:
            pynvml.nvmlInit()
            try:
                return self._used(uuid)
            finally:
                pynvml.nvmlShutdown()
        except pynvml.NVMLError as error:  # as between an update of the driver and the next start of the machine
            _LOG.warning("GPU cannot be looked at", device=uuid, reason=str(error))
            return None

    def _used(self, uuid: str) -> float:
        """Raises NVMLError."""
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        try:
            samples = pynvml.nvmlDeviceGetProcessUtilization(handle, self._seen_us.get(uuid, 0))
        except pynvml.NVMLError as error:
            code = getattr(error, "value", None)
            if code == pynvml.NVML_ERROR_NOT_FOUND:  # nobody has used it since
                return 0.0
            if code == pynvml.NVML_ERROR_NOT_SUPPORTED:  # all of it then: where a seat is free, ours is idle
                return int(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
            raise
        self._seen_us[uuid] = max((sample.timeStamp for sample in samples), default=self._seen_us.get(uuid, 0))
        return share_of_others(samples, ours={process.pid for process in self._ours()})


class UtilizationSample(Protocol):
    """What NVML says of one process: smUtil in percent, at timeStamp in microseconds."""

    pid: int
    timeStamp: int
    smUtil: int


def share_of_others(samples: Iterable[UtilizationSample], *, ours: Collection[int]) -> float:
    """What processes that are not `ours` used of a GPU, by the newest sample of each, 0 to 1."""
    newest: dict[int, UtilizationSample] = {}
    for sample in samples:
        known = newest.get(sample.pid)
        if sample.pid not in ours and (known is None or sample.timeStamp >= known.timeStamp):
            newest[sample.pid] = sample
    return min(1.0, sum(sample.smUtil for sample in newest.values()) / 100)
