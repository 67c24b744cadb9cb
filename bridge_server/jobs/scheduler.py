# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes queued jobs to a dispatcher's free seats, and writes down what becomes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import structlog

from bridge_server.errors import NotFoundError, StoreError, WrongStateError
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.rows import JobRow
from bridge_server.jobs.seating import Gate, Seating
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.tasks import gain_mark
from bridge_server.jobs.troubles import Troubles
from bridge_server.jobs.work import Dispatcher, Ending, Lane, Outcome, Progress, WorkOrder
from bridge_server.tally import TALLY, Count
from maskedit.faults import Point, reach
from maskedit.progress import Ask, Stage

BARREN_LIMIT = 3
_TUNING = (Stage.TUNE_MOTION, Stage.TUNE_APPEARANCE)
# Between looks at a gate that keeps a job waiting.
_LOOK_SECONDS = 2.0
# What a dispatcher takes to halt a job, and a little more.
_HALT_SECONDS = 12.0
# Between attempts to use a full or broken disk.
_PAUSE_SECONDS = 1.0
P = ParamSpec("P")
T = TypeVar("T")
_LOG = structlog.get_logger()


class Scheduler:
    """`start` it, `wake` it when a job was queued, `drain` it at the end. Belongs to one event loop."""

    def __init__(
        self,
        store: JobStore,
        feed: EventFeed,
        *,
        dispatcher: Dispatcher,
        folder: Path,
        gate: Gate | None = None,
    ) -> None:
        """`folder` holds a folder per job. `gate`: keeps jobs from starting for now; None = nothing does."""
        self._store = store
        self._feed = feed
        self._dispatcher = dispatcher
        self._folder = folder
        self._news = asyncio.Event()
        self.troubles = Troubles()
        self._orders: dict[str, WorkOrder] = {}
        self._seating = Seating(dispatcher.seats)
        self._gate = gate
        self._attempts: set[asyncio.Task[None]] = set()
        self._mending: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Put right what a dead server left behind, then begin to claim jobs."""
        await asyncio.to_thread(self._recover)
        reach(Point.RECOVERED)
        self._news.set()
        self._loop = asyncio.create_task(self._claim_forever())

    def wake(self) -> None:
        """Look for queued jobs now."""
        self._news.set()

    def refuse_too_large(self, lane: Lane, *, memory_bytes: int) -> None:
        """Raises InputError where no device of the lane could ever run a job that needs so much memory."""
        self._seating.refuse_too_large(lane, memory_bytes=memory_bytes)

    async def cancel(self, job_id: str) -> JobRow:
        """Cancel a queued job at once, a running one within 2 seconds; one that has ended stays as it is.

        Returns the job as it is then: CANCELLED, CANCELLING or in its final state. Raises NotFoundError.
        """
        steps = {JobState.QUEUED: JobState.CANCELLED, JobState.RUNNING: JobState.CANCELLING}
        while True:
            job = await asyncio.to_thread(self._store.get, job_id)
            if job.state not in steps:
                return job
            with suppress(WrongStateError):  # it has just gone on: look again
                job = await asyncio.to_thread(self._store.move, job_id, steps[job.state], source=job.state)
                break
        self._feed.announce(job_id)
        if order := self._orders.get(job_id):
            order.cancel.set()
        return job

    async def ask(self, job_id: str, ask: Ask) -> None:
        """Ask something of a job that is being tuned, which answers with an event.

        Raises NotFoundError, or WrongStateError for a job that is doing something else.
        """
        job = await asyncio.to_thread(self._store.get, job_id)
        event = await asyncio.to_thread(self._store.last_event, job)
        order = self._orders.get(job_id)
        if order is None or job.state is not JobState.RUNNING or event.stage not in _TUNING:
            raise WrongStateError("The job is not being tuned now: ask while it learns the shot's motion or the edit.")
        order.asks.put_nowait(ask)

    async def drain(self) -> None:
        """Claim nothing more and halt what runs: it ends meanwhile, or waits again and goes on at the next start."""
        await _end(*self._mending, *([self._loop] if self._loop else []))
        for order in self._orders.values():
            order.halt.set()
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=_HALT_SECONDS)
        await _end(*self._attempts, *self._mending)
        try:
            # What was claimed a moment before, and whose attempt never began.
            await asyncio.to_thread(self._put_back_all)
        except StoreError:
            _LOG.exception("jobs cannot be put back: the next start finds them")

    async def _claim_forever(self) -> None:
        hindered = False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS if hindered and self._gate else None):
                    await self._news.wait()
            self._news.clear()
            with self.troubles.noted() as note:
                while True:
                    try:
                        await self._claim_all()
                        hindered = await self._tell_hindered()
                        break
                    except Exception:
                        # Whatever it is: a server that starts no jobs any more must not look like one that does.
                        note("The server cannot start jobs: its log says why.")
                        await asyncio.sleep(_PAUSE_SECONDS)

    async def _claim_all(self) -> None:
        """Start the jobs for which there is room."""
        if self._gate is not None:
            await asyncio.to_thread(self._seating.look, self._gate)
        while room := self._seating.room():
            job = await self._claim(room)
            if job is None:
                break
            reach(Point.CLAIMED)
            order = self._orders[job.job_id] = WorkOrder(
                job_id=job.job_id,
                folder=self._folder / job.job_id,
                lane=job.lane,
                seat=self._seating.take(job),
                model=job.model,
            )
            _begin(self._sit(job, order), self._attempts)

    async def _tell_hindered(self) -> bool:
        """Say in an event why the first job of a lane does not start, unless it only waits for its turn."""
        told = False
        for lane in Lane:
            job = await self._surely(self._store.peek, {lane: None})
            if job is not None and (reason := self._seating.hindrance(job)):
                told = True
                with suppress(NotFoundError):  # cancelled and deleted just now
                    if await self._surely(self._store.remark, job.job_id, reason):
                        self._feed.announce(job.job_id)
        return told

    async def _claim(self, room: Mapping[Lane, int | None]) -> JobRow | None:
        """The next job with room. A drain waits for a claim that is being written, so that it can be put back."""
        claiming = asyncio.create_task(self._surely(self._store.claim, room))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await asyncio.wait({claiming}, timeout=_PAUSE_SECONDS)
            claiming.cancel()
            raise

    async def _sit(self, job: JobRow, order: WorkOrder) -> None:
        """Make an attempt, and give its seat back once that can take another: the job may go on elsewhere before."""
        died = False
        try:
            died = await self._attempt(job, order)
        finally:
            if died:
                _begin(self._mend(order), self._mending)
            else:
                self._seating.give_back(order, died=False)
            self.wake()

    async def _mend(self, order: WorkOrder) -> None:
        try:
            await self._dispatcher.mended(order)
        finally:
            self._seating.give_back(order, died=True)
            self.wake()

    async def _attempt(self, job: JobRow, order: WorkOrder) -> bool:
        """Whether it died."""
        job_id = job.job_id
        # An attempt is a task of its own: from here on, every line that comes of it names the job.
        structlog.contextvars.bind_contextvars(job_id=job_id, attempt=job.attempts)
        _LOG.info("job starts", waited_seconds=round((job.claimed_ms - job.created_ms) / 1000, 1))
        if job.attempts == 1:
            TALLY.add(Count.STARTED_JOBS)
            TALLY.add(Count.WAITED_SECONDS, (job.claimed_ms - job.created_ms) / 1000)
        self._feed.announce(job_id)

        async def on_progress(progress: Progress) -> None:
            try:
                await asyncio.to_thread(self._store.add_progress, job_id, progress)
            except StoreError:
                _LOG.warning("progress lost", exc_info=True)  # which is no reason to lose the work
            self._feed.announce(job_id)

        died = False
        try:
            if (await self._surely(self._store.get, job_id)).state is JobState.CANCELLING:
                order.cancel.set()  # asked for between the claim and now
            outcome = await self._dispatcher.run(order, on_progress)
            died = outcome.ending is Ending.DIED
            reach(Point.OUTCOME_HEARD)
            await self._surely(self._settle, job, outcome)
            reach(Point.OUTCOME_KEPT)
            _count(outcome)
            _LOG.info("job ends", ending=outcome.ending, reason=outcome.message)
        except Exception:
            _LOG.exception("job cannot be run")
            broken = Outcome(ending=Ending.FAILED, message="The server could not run the job: its log says why.")
            await self._surely(self._settle, job, broken)
        finally:
            # It may be under way again already, on another seat.
            if self._orders.get(job_id) is order:
                del self._orders[job_id]
            self._feed.announce(job_id)
        return died

    async def _surely(self, use: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call it in a thread, again and again until the store can be used."""
        with self.troubles.noted() as note:
            while True:
                try:
                    return await asyncio.to_thread(use, *arguments, **named)
                except StoreError as error:
                    note(str(error))
                    await asyncio.sleep(_PAUSE_SECONDS)

    def _settle(self, job: JobRow, outcome: Outcome) -> None:
        """Write down how an attempt ended. Runs in a thread, as all below."""
        this = {"source": JobState.RUNNING, "attempt": job.attempts}
        try:
            if outcome.ending is Ending.SUCCEEDED:
                said = json.dumps(outcome.result)
                self._store.move(job.job_id, JobState.SUCCEEDED, attempt=job.attempts, result=said)
            elif outcome.ending in (Ending.FAILED, Ending.OUT_OF_MEMORY):
                self._store.move(job.job_id, JobState.FAILED, message=outcome.message, **this)
            elif outcome.ending is Ending.DIED:
                self._try_again(job, outcome.message)
            elif outcome.ending is Ending.HALTED:
                self._put_back(job)
            else:
                self._store.move(job.job_id, JobState.CANCELLED, **this)
        except WrongStateError:
            self._cancelled(job)

    def _cancelled(self, job: JobRow) -> None:
        """From CANCELLING a job can neither fail nor be interrupted: the user is done with it.

        A job in any other state, or in another attempt, was settled a moment ago, and stays: one that waits again must
        not be cancelled.
        """
        with suppress(WrongStateError):
            self._store.move(job.job_id, JobState.CANCELLED, source=JobState.CANCELLING, attempt=job.attempts)

    def _try_again(self, job: JobRow, reason: str) -> None:
        gain = gain_mark(self._folder / job.job_id)
        barren = 0 if gain.exists() else job.barren_attempts + 1
        then, message = JobState.QUEUED, "Starts again from its last checkpoint."
        if barren >= BARREN_LIMIT:
            then, message = JobState.FAILED, f"{reason} It was tried {barren} times without getting any further."
        self._store.interrupt(
            job.job_id,
            reason=reason,
            then=then,
            message=message,
            attempt=job.attempts,
            barren_attempts=barren,
        )
        # Only now: whoever writes this down once more, because the disk failed, finds it still.
        with suppress(OSError):
            gain.unlink(missing_ok=True)

    def _put_back_all(self) -> None:
        for job in self._store.list(states=[JobState.RUNNING, JobState.CANCELLING], limit=-1):
            self._put_back(job)

    def _put_back(self, job: JobRow) -> None:
        reason, message = "The server was stopped.", "Goes on when the server starts again."
        try:
            self._store.interrupt(
                job.job_id, reason=reason, then=JobState.QUEUED, message=message, attempt=job.attempts
            )
        except WrongStateError:
            self._cancelled(job)

    def _recover(self) -> None:
        """Nothing runs at start-up, so whatever the store calls running died with the last server."""
        for job in self._store.list(states=[JobState.CANCELLING], limit=-1):
            self._store.move(job.job_id, JobState.CANCELLED)
        running = self._store.list(states=[JobState.RUNNING], limit=-1)
        if running:
            self._store.skip_numbers()
        for job in running:
            self._try_again(job, "The server died while the job ran.")


def _begin(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Have it done as one of `tasks`, to which it belongs as long as it takes."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _count(outcome: Outcome) -> None:
    if outcome.ending is Ending.DIED:
        TALLY.add(Count.DEAD_WORKERS)
    for stage, seconds in outcome.result.get("stage_seconds", {}).items():
        TALLY.add(Count.STAGE_SECONDS, seconds, label=stage)
