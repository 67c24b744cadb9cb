# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs each job in a worker process on this machine, one per GPU at a time, or one where there is none."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from bridge_server.jobs.work import Ending, Outcome, Progress, WorkOrder, parse_line
from maskedit.devices import Device
from maskedit.faults import Point, reach

WORKER = (sys.executable, "-P", "-m", "bridge_server.worker")
# Together under the 2 seconds that a cancel may take.
_NOTICE_SECONDS = 1.0
_TERMINATE_SECONDS = 0.5
_LINE_LIMIT = 8 << 20
_LOG = structlog.get_logger()


class LocalDispatcher:
    """A Dispatcher. `command` starts a worker; it gets the options that worker/__main__.py describes."""

    def __init__(
        self, data_dir: Path, *, cache: Path, logs: Path, devices: Sequence[Device], command: Sequence[str] = WORKER
    ) -> None:
        self._data_dir = data_dir
        self._cache = cache
        self._logs = logs
        self._command = tuple(command)
        self._free = _environments(devices)
        self._slots = len(self._free)

    @property
    def slots(self) -> int:
        return self._slots

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        environment = self._free.pop()
        try:
            return await self._run(order, on_progress, environment)
        finally:
            self._free.append(environment)

    async def _run(
        self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]], environment: dict[str, str]
    ) -> Outcome:
        log = self._logs / f"{order.job_id}.log"
        listening_end, speaking_end = os.pipe()
        try:
            process = await self._start(order, log, speaking_end, environment)
        except BaseException:
            os.close(listening_end)
            raise
        finally:
            os.close(speaking_end)
        said = await _supervise(process, listening_end, order, on_progress)
        if said is not None:
            return said
        if order.cancel.is_set():
            return Outcome(ending=Ending.CANCELLED)
        return Outcome(ending=Ending.DIED, message=_cause_of_death(process, log))

    async def _start(self, order: WorkOrder, log: Path, events_fd: int, environment: dict[str, str]) -> Process:
        reach(Point.WORKER_START)
        options = {
            "--request": order.folder / "request.json",
            "--output": order.folder / "output",
            "--cache": self._cache,
            "--data-dir": self._data_dir,
            "--log": log,
            "--events-fd": events_fd,
        }
        with log.open("ab") as file:
            return await asyncio.create_subprocess_exec(
                *self._command,
                *(str(part) for option in options.items() for part in option),
                stdin=PIPE,
                stdout=file,
                stderr=STDOUT,
                pass_fds=(events_fd,),
                # Threads that wait asleep: spinning ones slow a shared machine, the editor's own program too, tenfold.
                env={"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | environment,
                # A group of its own: what the worker starts is killed with it, and Ctrl-C reaches the server only.
                start_new_session=True,
            )


def _environments(devices: Sequence[Device]) -> list[dict[str, str]]:
    """One set of variables per slot. A CUDA_VISIBLE_DEVICES from outside is the user's wish and stays."""
    gpus = [device for device in devices if device.uuid]
    if not gpus or "CUDA_VISIBLE_DEVICES" in os.environ:
        return [{}]
    return [{"CUDA_VISIBLE_DEVICES": gpu.uuid} for gpu in gpus]


async def _supervise(
    process: Process, events_fd: int, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]
) -> Outcome | None:
    """Wait for the worker's last word, its end or the cancel; returns the last word, if it had one."""
    listening = asyncio.create_task(_listen(events_fd, on_progress))
    ends = [asyncio.create_task(process.wait()), asyncio.create_task(order.cancel.wait())]
    asking = asyncio.create_task(_pass_on(order, process))
    try:
        await asyncio.wait([listening, *ends], return_when=asyncio.FIRST_COMPLETED)
    finally:
        asking.cancel()
        # Also when this coroutine is cancelled because the server stops.
        await _stop(process)
        for end in ends:
            end.cancel()
    return await listening


async def _pass_on(order: WorkOrder, process: Process) -> None:
    """Tell the worker what is asked of it."""
    assert process.stdin is not None
    while True:
        ask = await order.asks.get()
        with suppress(ConnectionError):  # it has just ended
            process.stdin.write(f"{ask}\n".encode())
            await process.stdin.drain()


async def _listen(events_fd: int, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome | None:
    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(events_fd, "rb"))
    try:
        # A worker killed while it spoke leaves half a line.
        while (line := await reader.readline()).endswith(b"\n"):
            said = parse_line(line)
            if isinstance(said, Outcome):
                return said
            await on_progress(said)
    except (ValueError, TypeError, KeyError):
        _LOG.exception("worker unintelligible")
        return Outcome(ending=Ending.DIED, message="The worker broke its protocol: the server's log says how.")
    finally:
        transport.close()
    return None


async def _stop(process: Process) -> None:
    """Notify, then terminate, then kill; returns when neither the worker nor anything it started runs."""
    stdin = process.stdin
    assert stdin is not None
    asks = (
        (lambda: stdin.write(b"cancel\n"), _NOTICE_SECONDS),
        (process.terminate, _TERMINATE_SECONDS),
    )
    for ask, patience in asks:
        if process.returncode is None:
            with suppress(ProcessLookupError, ConnectionError):
                ask()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _cause_of_death(process: Process, log: Path) -> str:
    code = process.returncode or 0
    if code == -signal.SIGKILL:
        return "The worker was killed, by hand or because the machine's memory ran out."
    how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"The worker stopped {how} without saying why: {log} may know more."
