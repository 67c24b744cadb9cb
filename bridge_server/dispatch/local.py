# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs each job in a worker process on this machine: one per GPU at a time, or one where there is none, and a draft.

A worker stays after its job, its model loaded, for the next one on its seat that wants the same model. Another model
takes another process, which is the one sure way of freeing all that the first one held.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path

import structlog

from bridge_server.dispatch.process import Hear, WorkerProcess
from bridge_server.jobs.tasks import Task
from bridge_server.jobs.work import Ending, Lane, Outcome, Progress, Seat, WorkOrder
from maskedit.devices import Device
from maskedit.faults import Point, reach
from maskedit.progress import Stage

WORKER = (sys.executable, "-P", "-m", "bridge_server.worker")
# What a worker may take to put its work away before it can be given more.
_TIDY_SECONDS = 30.0
_STAYS = (Ending.SUCCEEDED, Ending.FAILED, Ending.CANCELLED)
_AGAIN = "Memory ran out: tried once more in a way that needs less of it."
_LOG = structlog.get_logger()


@dataclass(frozen=True)
class _Kept:
    """A worker between jobs. `wanted` is set to have `keeper` hand it over, if it is still there."""

    worker: WorkerProcess
    model: str
    wanted: asyncio.Event
    keeper: asyncio.Task[WorkerProcess | None]


class LocalDispatcher:
    """A Dispatcher. `command` starts a worker; it gets the options that worker/__main__.py describes."""

    def __init__(
        self,
        data_dir: Path,
        *,
        cache: Path,
        logs: Path,
        devices: Sequence[Device],
        command: Sequence[str] = WORKER,
        idle_seconds: float = 0.0,
    ) -> None:
        """`idle_seconds`: how long a worker waits for another job with the same model, 0 = it ends after each."""
        self._options = {"--data-dir": data_dir, "--cache": cache}
        self._logs = logs
        self._command = tuple(command)
        self._idle_seconds = idle_seconds
        self._seats = (*_model_seats(devices), Seat(lane=Lane.DRAFT))
        self._kept: dict[int, _Kept] = {}

    @property
    def seats(self) -> tuple[Seat, ...]:
        return self._seats

    async def run(self, order: WorkOrder, on_progress: Hear) -> Outcome:
        outcome = await self._try(order, on_progress)
        if outcome.ending is not Ending.OUT_OF_MEMORY or order.lane is Lane.DRAFT:
            return outcome
        if order.stopped:
            return Outcome(ending=order.stopped)
        _LOG.warning("memory ran out: trying a smaller plan", **outcome.result)
        await on_progress(Progress(stage=Stage.PREPARE, done=0, total=1, message=_AGAIN))
        return await self._try(order, on_progress, ran_out=int(outcome.result["planned_bytes"]))

    async def mended(self, order: WorkOrder) -> None:
        """At once: whatever died there, the next attempt has a worker of its own."""

    async def _try(self, order: WorkOrder, hear: Hear, *, ran_out: int | None = None) -> Outcome:
        reach(Point.WORKER_START)
        log = self._logs / f"{order.job_id}.log"
        worker = await self._take(order, log)
        if worker is None:
            assert order.stopped is not None
            return Outcome(ending=order.stopped)
        keep = self._idle_seconds > 0 and order.lane is Lane.GENERATE and bool(order.model)
        task = Task(
            request=order.folder / "request.json",
            output=order.folder / "output",
            log=log,
            last=not keep,
            ran_out=ran_out,
        )
        outcome = await worker.do(task, order, hear)
        if outcome.ending is Ending.DIED and worker.left_before:
            return await self._try(order, hear, ran_out=ran_out)  # by a new one
        if keep and outcome.ending in _STAYS:
            wanted = asyncio.Event()
            # Outside this job's context: what is logged of an idle worker is nothing of the job's.
            keeper = asyncio.create_task(self._keep(worker, wanted), context=Context())
            self._kept[order.seat] = _Kept(worker, order.model, wanted, keeper)
        else:
            await worker.leave()
        return outcome

    async def _take(self, order: WorkOrder, log: Path) -> WorkerProcess | None:
        """The seat's worker if it has the order's model loaded, or a new one; None where it is told to stop before."""
        if order.stopped:
            return None
        kept = self._kept.pop(order.seat, None)
        if kept is not None and kept.model == order.model:
            if not await self._handed_over(kept, order):
                return None
            if (worker := kept.keeper.result()) is not None:
                _LOG.info("worker goes on", pid=worker.pid, model=order.model)
                return worker
        elif kept is not None:
            kept.keeper.cancel()
            await kept.worker.end()
        variables = _variables(self._seats[order.seat])
        worker = await WorkerProcess.start(self._command, options=self._options, log=log, variables=variables)
        _LOG.info("worker starts", pid=worker.pid, model=order.model, **variables)
        return worker

    async def _handed_over(self, kept: _Kept, order: WorkOrder) -> bool:
        """Whether its keeper is done, which can take a while where the last job was big. It stays if the order is
        told to stop before that."""
        kept.wanted.set()
        stopping = asyncio.create_task(order.told_to_stop())
        try:
            await asyncio.wait([kept.keeper, stopping], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            kept.keeper.cancel()
            raise
        finally:
            stopping.cancel()
        if not kept.keeper.done():
            kept.wanted.clear()
            self._kept[order.seat] = kept
        return kept.keeper.done()

    async def _keep(self, worker: WorkerProcess, wanted: asyncio.Event) -> WorkerProcess | None:
        """Hold an idle worker until it is wanted, and return it; None, and it is ended, where it waited too long."""
        waits: list[asyncio.Task[object]] = []
        fit = False
        try:
            async with asyncio.timeout(_TIDY_SECONDS):
                ready = await worker.ready()
            if ready:
                waits = [asyncio.create_task(worker.wait()), asyncio.create_task(wanted.wait())]
                await asyncio.wait(waits, timeout=self._idle_seconds, return_when=asyncio.FIRST_COMPLETED)
                fit = wanted.is_set() and worker.lives
        except TimeoutError:
            _LOG.warning("worker does not get ready", pid=worker.pid)
        finally:
            for each in waits:
                each.cancel()
            # Also where this task is cancelled, because the server stops.
            if not fit:
                _LOG.info("idle worker ends", pid=worker.pid)
                await worker.end()
        return worker if fit else None


def _model_seats(devices: Sequence[Device]) -> list[Seat]:
    """A seat per GPU, or one where there is none. A CUDA_VISIBLE_DEVICES from outside is the user's wish and stays."""
    gpus = [device for device in devices if device.uuid]
    if gpus and "CUDA_VISIBLE_DEVICES" not in os.environ:
        return [Seat(lane=Lane.GENERATE, memory_bytes=gpu.memory_bytes, device=gpu.uuid) for gpu in gpus]
    most = max((device.memory_bytes for device in gpus or devices), default=None)
    return [Seat(lane=Lane.GENERATE, memory_bytes=most)]


def _variables(seat: Seat) -> dict[str, str]:
    """What a worker on that seat sees of the machine: its own GPU, and for a draft none."""
    return {"CUDA_VISIBLE_DEVICES": seat.device} if seat.device or seat.lane is Lane.DRAFT else {}
