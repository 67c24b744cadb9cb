# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker process as its server sees it: told one job after another, heard, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from bridge_server.dispatch.oom import OomWatch, offer_to_kernel
from bridge_server.jobs.tasks import READY, TAKEN, Task, task_line
from bridge_server.jobs.work import Ending, Outcome, Progress, WorkOrder, parse_line

# Together under the 2 seconds that a cancel may take.
_NOTICE_SECONDS = 1.0
_TERMINATE_SECONDS = 0.5
# A server that stops lets tuning finish its step and save a checkpoint. packaging/maskedit.service grants it the time.
_HALT_SECONDS = 8.0
_KERNEL_KILLED = (
    "The machine's memory ran out, and its system ended the work: close other programs, or take a faster preset, a "
    "shorter range or a smaller model."
)
_LINE_LIMIT = 8 << 20
_LOG = structlog.get_logger()
# What it comes to where a worker was told to stop: it may say so, or die of it.
_STOPPED = (Ending.CANCELLED, Ending.DIED)
Hear = Callable[[Progress], Awaitable[None]]


class WorkerProcess:
    """Made by `start`. Whoever has it calls `end` when it is not to take another job."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, transport: asyncio.BaseTransport) -> None:
        self._process = process
        # asyncio keeps every waiter for a process until that ends, whether it still waits or not: one for all the jobs.
        self._death = asyncio.create_task(process.wait())
        self._reader = reader
        self._transport = transport
        self._over = self._killed = False
        self._oom, self._planned_bytes = OomWatch(process.pid), 0
        self._experienced = self._took = False

    @classmethod
    async def start(
        cls, command: Sequence[str], *, options: Mapping[str, Path], log: Path, variables: Mapping[str, str]
    ) -> WorkerProcess:
        """Start `command` with `options` and --events-fd N, its stderr at the end of `log`. Raises OSError."""
        listening_end, speaking_end = os.pipe()
        try:
            with log.open("ab") as file:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    *(str(part) for option in options.items() for part in option),
                    "--events-fd",
                    str(speaking_end),
                    stdin=PIPE,
                    stdout=file,
                    stderr=STDOUT,
                    pass_fds=(speaking_end,),
                    # Threads that wait asleep: spinning ones slow a shared machine, the editor's own program too,
                    # tenfold.
                    env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **variables},
                    # A group of its own: what the worker starts is killed with it, and Ctrl-C reaches the server only.
                    start_new_session=True,
                )
        except BaseException:
            os.close(listening_end)
            raise
        finally:
            os.close(speaking_end)
        offer_to_kernel(process.pid)
        reader = asyncio.StreamReader(limit=_LINE_LIMIT)
        protocol = asyncio.StreamReaderProtocol(reader)
        pipe = os.fdopen(listening_end, "rb")
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        return cls(process, reader, transport)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lives(self) -> bool:
        if self._process.returncode is not None:
            return False
        try:
            # asyncio hears of a death a moment later.
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    @property
    def left_before(self) -> bool:
        """Whether it has done a job, and was on its way out already when it was given the next."""
        return self._experienced and not self._took

    async def do(self, task: Task, order: WorkOrder, hear: Hear) -> Outcome:
        """Have it do one job; returns its last word on it, or what its silence means.

        It lives on where its last word was its own and not that of its death, nor of its server's end. If this
        coroutine is cancelled it is killed.
        """
        self._took = False
        self._oom, self._planned_bytes = OomWatch(self.pid), 0
        listening = asyncio.create_task(self._listen(hear))
        ends = [asyncio.create_task(self.wait()), asyncio.create_task(order.told_to_stop())]
        asking = asyncio.create_task(self._pass_on(order))
        try:
            await self._tell(task_line(task))
            await asyncio.wait([listening, *ends], return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                halted = order.stopped is Ending.HALTED
                word, seconds = (b"halt\n", _HALT_SECONDS) if halted else (b"cancel\n", _NOTICE_SECONDS)
                await self._stop(listening, word, seconds=seconds)
            said = await listening
        except BaseException:
            await self.end()
            raise
        finally:
            for each in (listening, asking, *ends):
                each.cancel()
        if said is None:
            await self.leave()
            said = self._last_will(task.log)
        stopped = order.stopped
        if said.ending is Ending.CANCELLED and stopped is None:
            # A machine that shuts down tells every process of it, and a server hears of it no sooner than a worker.
            said = Outcome(ending=Ending.DIED, message="Somebody else than its server told the worker to stop.")
        if said.ending is Ending.DIED or stopped is Ending.HALTED:
            await self.end()
        else:
            self._experienced = True
        return Outcome(ending=stopped) if stopped and said.ending in _STOPPED else said

    async def ready(self) -> bool:
        """Wait until it can take another job; False where it will not."""
        try:
            return await self._reader.readline() == READY
        except ValueError:
            return False

    async def leave(self) -> None:
        """Let it end by itself, for a while; then `end` it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _NOTICE_SECONDS)
        await self.end()

    async def end(self) -> None:
        """Kill it and whatever it has started; returns when nothing of it runs. May be called again."""
        if self._over:
            return  # long since, maybe, and its number is another's
        await self._kill()
        self._over = True
        self._transport.close()

    async def wait(self) -> None:
        """Until it lives no more."""
        await asyncio.shield(self._death)

    async def _listen(self, hear: Hear) -> Outcome | None:
        try:
            # A worker killed while it spoke leaves half a line.
            while (line := await self._reader.readline()).endswith(b"\n"):
                if line == TAKEN:
                    self._took = True
                    continue
                said = parse_line(line)
                if isinstance(said, Outcome):
                    return said
                self._planned_bytes = said.planned_bytes
                await hear(said)
        except (ValueError, TypeError, KeyError):
            _LOG.exception("worker unintelligible")
            return Outcome(ending=Ending.DIED, message="The worker broke its protocol: the server's log says how.")
        return None

    async def _pass_on(self, order: WorkOrder) -> None:
        """Tell the worker what is asked of it."""
        while True:
            await self._tell(f"{await order.asks.get()}\n".encode())

    async def _tell(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(ConnectionError):  # it has just ended
            self._process.stdin.write(line)
            await self._process.stdin.drain()

    async def _stop(self, listening: asyncio.Task[Outcome | None], word: bytes, *, seconds: float) -> None:
        """Notify, then terminate, then kill; returns at its last word, or when neither it nor what it started runs."""
        ending = asyncio.create_task(self.wait())
        await self._tell(word)
        await asyncio.wait([listening, ending], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            with suppress(ProcessLookupError):
                self._process.terminate()
            await asyncio.wait([ending], timeout=_TERMINATE_SECONDS)
            await self._kill()
        ending.cancel()

    async def _kill(self) -> None:
        self._killed |= self.lives
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def _last_will(self, log: Path) -> Outcome:
        """What it means that it died without a word."""
        code = self._process.returncode or 0
        if code == -signal.SIGKILL and not self._killed and self._oom.killed:
            return Outcome(
                ending=Ending.OUT_OF_MEMORY, message=_KERNEL_KILLED, result={"planned_bytes": self._planned_bytes}
            )
        if code == -signal.SIGKILL:
            return Outcome(
                ending=Ending.DIED, message="The worker was killed, by hand or because the machine's memory ran out."
            )
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        said = f"The worker stopped {how} without saying why: {log} may know more."
        return Outcome(ending=Ending.DIED, message=said)
