# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs on an existing Ray cluster: one long-lived actor per GPU, each with a worker process at a time.

State stays ours: Ray carries the order out and the worker's words back; requests, checkpoints and results lie in the
data folder, which every node sees at the same path. An actor that dies is one attempt that died: the scheduler tries
again elsewhere, or here once Ray has restarted the actor. Each actor sits in a placement group of its own: while it
restarts nobody else is given its GPU.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from bridge_server.dispatch.local import WORKER, LocalDispatcher
from bridge_server.errors import StartError
from bridge_server.jobs.work import (
    Ending,
    Lane,
    Outcome,
    Progress,
    Seat,
    WorkOrder,
    outcome_line,
    parse_line,
    progress_line,
)
from maskedit.devices import find_devices
from maskedit.progress import Ask

# Before the import: a cluster without a token runs anyone's code.
os.environ["RAY_AUTH_MODE"] = "token"
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.exceptions import RayError
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

_REACH_SECONDS = 5
_SEATING_SECONDS = 60
# What LocalDispatcher takes to cancel a worker, and the way there and back.
_STOP_SECONDS = 3.0
# Ray restarts an actor in 2 seconds, on a busy machine in 10.
_RESTART_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
_GONE = "The Ray actor of the job died, or its machine did."
_LOG = structlog.get_logger()


class RayDispatcher:
    """A Dispatcher. `command` starts a worker on a node, as LocalDispatcher does."""

    def __init__(
        self,
        address: str,
        *,
        data_dir: Path,
        cache: Path,
        logs: Path,
        command: Sequence[str] = WORKER,
        idle_seconds: float = 0.0,
        spare_bytes: int = 0,
    ) -> None:
        """Join the cluster at `address` and take a seat per GPU, or per node where there is none. Raises StartError.

        `spare_bytes`: what jobs leave to others of a device's memory.
        """
        try:
            _join(address)
            self._actors = _actors(str(data_dir), str(cache), str(logs), tuple(command), idle_seconds)
            sizes = ray.get([actor.memory_bytes.remote() for actor in self._actors], timeout=_SEATING_SECONDS)
        except (RayError, OSError, RuntimeError, ValueError) as error:
            reason = re.split(r"\.\s|\n", str(error).strip())[0].rstrip(".")
            raise StartError(
                f"The Ray cluster at {address} cannot be used ({reason}): check ray-address, that this machine is one "
                "of its nodes, and that RAY_AUTH_TOKEN is the cluster's."
            ) from error
        # A draft takes seconds and no GPU: it is made beside the server.
        self._beside = LocalDispatcher(data_dir, cache=cache, logs=logs, devices=(), command=command)
        seats = (Seat(lane=Lane.GENERATE, memory_bytes=size and max(0, size - spare_bytes)) for size in sizes)
        self._seats = (*seats, Seat(lane=Lane.DRAFT))

    @property
    def seats(self) -> tuple[Seat, ...]:
        return self._seats

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        if order.lane is Lane.DRAFT:
            draft = next(index for index, seat in enumerate(self._beside.seats) if seat.lane is Lane.DRAFT)
            return await self._beside.run(replace(order, seat=draft), on_progress)
        actor = self._actors[order.seat]
        # It may have died while it had nothing to do.
        if not await _answers_in_time(actor, order):
            return _unheard(order)
        asking = asyncio.create_task(_pass_on(order, actor))
        try:
            async for spoken in actor.run.remote(order.job_id, str(order.folder), order.model):
                said = parse_line(await spoken)
                if isinstance(said, Outcome):
                    return said
                await on_progress(said)
        except RayError:
            pass
        except asyncio.CancelledError:
            await _stop(actor, order.job_id)
            raise
        finally:
            asking.cancel()
        return _unheard(order)

    async def mended(self, order: WorkOrder) -> None:
        if order.lane is Lane.GENERATE:
            _LOG.warning("actor is waited for", seat=order.seat)
            await _answers(self._actors[order.seat], order.job_id)
            _LOG.info("actor is back", seat=order.seat)


class Holder:
    """The actor: holds a GPU for as long as the server runs, and runs the workers that use it."""

    def __init__(self, data_dir: str, cache: str, logs: str, command: tuple[str, ...], idle_seconds: float) -> None:
        # One seat: Ray has set CUDA_VISIBLE_DEVICES to this actor's GPU, which the worker inherits.
        self._local = LocalDispatcher(
            Path(data_dir),
            cache=Path(cache),
            logs=Path(logs),
            devices=find_devices(),
            command=command,
            idle_seconds=idle_seconds,
        )
        self._turn = asyncio.Lock()
        self._orders: dict[str, WorkOrder] = {}

    async def memory_bytes(self) -> int | None:
        """Of the device that its workers use; of the largest one where the node has several kinds."""
        return self._local.seats[0].memory_bytes

    async def run(self, job_id: str, folder: str, model: str) -> AsyncIterator[bytes]:
        """The lines that a worker says (jobs/work.py), the outcome last."""
        order = WorkOrder(job_id=job_id, folder=Path(folder), model=model)
        self._orders[job_id] = order
        lines: asyncio.Queue[bytes] = asyncio.Queue()

        async def on_progress(progress: Progress) -> None:
            lines.put_nowait(progress_line(progress))

        async def work() -> None:
            outcome = Outcome(ending=Ending.DIED, message="The worker could not be run: see the node's log.")
            try:
                outcome = await self._local.run(order, on_progress)
            finally:
                lines.put_nowait(outcome_line(outcome))

        try:
            async with self._turn:
                working = asyncio.create_task(work())
                while not working.done() or not lines.empty():
                    yield await lines.get()
                await working
        finally:
            del self._orders[job_id]

    async def ask(self, job_id: str, ask: Ask) -> None:
        """Pass on what is asked of the job, if it still runs here."""
        if order := self._orders.get(job_id):
            order.asks.put_nowait(ask)

    async def halt(self, job_id: str) -> None:
        """Have the job stop so that it can be gone on with, if it still runs here."""
        if order := self._orders.get(job_id):
            order.halt.set()

    async def stop(self, job_id: str) -> None:
        """Cancel the job, and return when nothing of it runs any more."""
        if order := self._orders.get(job_id):
            order.cancel.set()
            async with self._turn:
                pass


def _join(address: str) -> None:
    host, _, port = address.rpartition(":")
    # Ray itself waits for more than a minute for a machine that is not there.
    socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)  # the server drains when it is told to stop, whatever Ray would do


def _actors(*arguments: Any) -> list[Any]:
    """An actor per GPU of the cluster, or per node where there is none, each in a placement group of its own."""
    gpus = int(ray.cluster_resources().get("GPU", 0))
    count = gpus or sum(node["Alive"] for node in ray.nodes())
    bundle = {"GPU": 1.0} if gpus else {"CPU": 1.0}
    groups = [placement_group([bundle]) for _ in range(count)]
    ray.get([group.ready() for group in groups], timeout=_SEATING_SECONDS)
    holder = ray.remote(max_restarts=-1, max_task_retries=0)(Holder)
    return [
        holder.options(
            num_gpus=bundle.get("GPU", 0),
            num_cpus=bundle.get("CPU", 0),
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0),
        ).remote(*arguments)
        for group in groups
    ]


def _unheard(order: WorkOrder) -> Outcome:
    """What it means that nothing comes from the actor."""
    return Outcome(ending=order.stopped) if order.stopped else Outcome(ending=Ending.DIED, message=_GONE)


async def _pass_on(order: WorkOrder, actor: Any) -> None:
    """Tell the actor what is asked of its job, and to stop; ends with the cancel."""
    stopping = asyncio.create_task(order.told_to_stop())
    asked = asyncio.create_task(order.asks.get())
    try:
        while True:
            await asyncio.wait([stopping, asked], return_when=asyncio.FIRST_COMPLETED)
            if order.stopped is Ending.HALTED:
                actor.halt.remote(order.job_id)
                await order.cancel.wait()
            if order.stopped:
                return await _stop(actor, order.job_id)
            actor.ask.remote(order.job_id, asked.result())
            asked = asyncio.create_task(order.asks.get())
    finally:
        stopping.cancel()
        asked.cancel()


async def _answers(actor: Any, job_id: str) -> None:
    """Return when the actor lives and nothing of the job runs there, as after a break in the network it may."""
    while True:
        with suppress(RayError):
            return await actor.stop.remote(job_id)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _answers_in_time(actor: Any, order: WorkOrder) -> bool:
    """Whether it does so before the order is told to stop, and soon enough for a job to wait for it."""
    answering = asyncio.create_task(_answers(actor, order.job_id))
    stopping = asyncio.create_task(order.told_to_stop())
    try:
        await asyncio.wait([answering, stopping], timeout=_RESTART_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return answering.done()
    finally:
        answering.cancel()
        stopping.cancel()


async def _stop(actor: Any, job_id: str) -> None:
    """Returns when nothing of the job runs any more; an actor that does not answer is killed, and comes back empty."""
    with suppress(RayError):
        try:
            await asyncio.wait_for(actor.stop.remote(job_id), _STOP_SECONDS)
        except TimeoutError:
            ray.kill(actor, no_restart=False)
