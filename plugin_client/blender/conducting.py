# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in this Blender: begun, followed and placed without ever making Blender wait.

The main thread calls, and `drain` takes up what the workers have to tell; everything that takes time is theirs. A run
outlives its file, its server and its Blender: the ledger knows how far it has come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from plugin_client.blender.checking import Checks, Looked
from plugin_client.blender.landing import Landing, Timeline
from plugin_client.blender.orders import Order
from plugin_client.blender.orders_json import order_from_json, order_to_json
from plugin_client.blender.runs import Prepares, Run, RunState, Tell
from plugin_client.blender.session import Session
from plugin_client.blender.worker import Worker
from plugin_client.core.course import Course
from plugin_client.core.errors import BadInput
from plugin_client.core.job import JobState
from plugin_client.core.ledger import Ledger

_DRAIN_SECONDS = 0.004
# What counts down moves without being told anything.
_COUNTED_SECONDS = 1.0
_REDRAW_SECONDS = 0.2
_STOP_SECONDS = 1.0
_POLL_SECONDS = 0.02


class Engine:
    """One per Blender, see `engine.engine`; its methods are for the main thread and answer at once, `wait` apart.

    `redraw` is called by `drain` when what is shown has changed.
    """

    def __init__(
        self, timeline: Timeline, session: Session, *, ledger: Ledger, redraw: Callable[[], None] = lambda: None
    ) -> None:
        self.session = session
        self._ledger, self._redraw = ledger, redraw
        self._landing = Landing(timeline, ledger)
        self._runs: dict[str, Run] = {}
        self._workers: dict[str, Worker] = {}
        self._unlisted: set[str] = set()
        self._told: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._checks = Checks(session, self._told.put)
        self._drawn_at, self._is_stale = 0.0, False

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is known of here, the one submitted last first."""
        return tuple(run for run in reversed(self._runs.values()) if run.run_id not in self._unlisted)

    def run(self, run_id: str) -> Run:
        """The run of that id. Raises BadInput if there is none."""
        if run_id not in self._runs or run_id in self._unlisted:
            raise BadInput(f"There is no run {run_id!r}: it was taken off the list, or belongs to another Blender.")
        return self._runs[run_id]

    def new_folder(self) -> Path:
        """A folder for what an order's preparation writes; it goes with the run. Raises ClientError."""
        return self._ledger.folder(self._ledger.new_run())

    def submit(self, order: Order, prepares: Prepares) -> str:
        """Begin the run that `order` describes, for the file that is open; returns its id. Raises ClientError."""
        self.session.keep_alive()
        run = Run(run_id=prepares.folder.name, order=order)
        self._landing.belongs(run, order=order_to_json(order))
        self._runs[run.run_id] = run
        self._work(run, prepares)
        return run.run_id

    def check(self, order: Order, prepares: Prepares, callback: Callable[[Looked | None, str], None]) -> None:
        """Have the server look at an order without running it: `drain` calls `callback(what it said, "")`, or
        `callback(None, why it could not)`. A check that is under way is given up for this one."""
        self.session.keep_alive()
        self._checks.check(order, prepares, callback, done=lambda: self._ledger.forget(prepares.folder.name))

    def cancel(self, run_id: str) -> None:
        """End the run. It is over at once, or "cancelling" where the server has it, until that has answered."""
        run = self.run(run_id)
        if run.is_over and run.state is not RunState.WAITING:
            return
        worker = self._workers.get(run_id)
        if run.state is RunState.WAITING or worker is None:
            run.state, run.error = RunState.CANCELLED, ""
            self._ledger.forget(run_id)
            return
        run.state = RunState.CANCELLING if run.state is RunState.RUNNING else RunState.CANCELLED
        worker.cancel()

    def retry(self, run_id: str) -> None:
        """Let a run go on that stands still: sent or fetched once more, begun again from the server's last checkpoint,
        or placed in the file that is open now. Raises BadInput for one that was never ready to be sent."""
        run = self.run(run_id)
        if run.error and not run.can_retry:
            raise BadInput("This edit was never ready to be sent: run it again from its strip.")
        self.session.keep_alive()
        run.error = ""
        if run.media:
            run.state = RunState.WAITING
            self._landing.belongs(run)
            return
        if run.job_id and run.course.state is not JobState.SUCCEEDED:
            self._ledger.note(run_id, retry_of=run.job_id, job_id="", key="", sequence=0)
            run.job_id, run.course = "", Course()
        run.state = RunState.PREPARING
        self._work(run)

    def forget(self, run_id: str) -> None:
        """Take a run off the list that is over; its result stays where it is."""
        run = self.run(run_id)
        if run.is_over or run.state is RunState.WAITING:
            self._unlisted.add(run_id)
            # A placed one is safe when its file is saved, a cancelled one when the server has heard of it.
            if run.state in (RunState.FAILED, RunState.WAITING):
                run.state, run.error = RunState.CANCELLED, ""
                self._ledger.forget(run_id)

    def wait(self, run_id: str, seconds: float) -> Run:
        """Drain until the run is over or that many seconds have passed: for scripts, where no timer runs."""
        run, deadline = self.run(run_id), time.monotonic() + seconds
        while not run.is_over and time.monotonic() < deadline:
            self.drain()
            time.sleep(_POLL_SECONDS)
        return run

    def drain(self) -> None:
        """Take up what was told since the last time, and place what may be placed; takes milliseconds."""
        changed, deadline = False, time.perf_counter() + _DRAIN_SECONDS
        with suppress(Empty):
            while time.perf_counter() < deadline:
                self._told.get_nowait()()
                changed = True
        changed |= self._landing.land(self._runs.values())
        now = time.monotonic()
        if any(not run.is_over and run.state is not RunState.WAITING for run in self._runs.values()):
            self.session.keep_alive()
            changed |= now - self._drawn_at > _COUNTED_SECONDS
        self._is_stale |= changed
        if self._is_stale and now - self._drawn_at > _REDRAW_SECONDS:
            self._is_stale, self._drawn_at = False, now
            self._redraw()

    # What becomes of the file and of Blender.

    def resume(self) -> None:
        """Take up the runs that an earlier Blender has left, and that no other one holds."""
        self._ledger.sweep()
        for run_id in self._ledger.runs():
            if run_id not in self._runs and self._ledger.hold(run_id) and not self._take_up(run_id):
                self._ledger.release(run_id)

    def loaded(self) -> None:
        """Another file is open."""
        self._landing.loaded(self._runs.values())
        self.resume()

    def saved(self) -> None:
        """The open file was saved."""
        self._landing.saved(self._runs.values())

    def stop(self) -> None:
        """End all threads, promptly; runs go on when `resume` is called in the next Blender."""
        self._checks.stop()
        for worker in self._workers.values():
            worker.stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for worker in self._workers.values():
            worker.join(max(0.0, deadline - time.monotonic()))
        self.session.close()
        self._ledger.close()

    def _work(self, run: Run, prepares: Prepares | None = None) -> None:
        self._workers[run.run_id] = Worker(
            run.run_id,
            run.order,
            ledger=self._ledger,
            session=self.session,
            tell=self._telling(run),
            prepares=prepares,
        )

    def _telling(self, run: Run) -> Tell:
        return lambda change: self._told.put(lambda: change(run))

    def _take_up(self, run_id: str) -> bool:
        entry = self._ledger.entry(run_id)
        try:
            run = Run(
                run_id=run_id,
                order=order_from_json(entry["order"]),
                blend=entry.get("blend", ""),
                job_id=entry.get("job_id", ""),
                media=entry.get("media", ""),
                is_prepared=bool(entry.get("media")),
            )
        except (KeyError, TypeError, ValueError):  # an entry of another version
            return False
        if run.media and entry.get("placed") and not run.blend:
            # It lay in a file that was thrown away.
            self._ledger.forget(run_id)
            return True
        self._runs[run_id] = run
        if entry.get("cancelled"):  # the server has not heard of it yet
            run.state = RunState.CANCELLED
            self._unlisted.add(run_id)
            self._work(run)
        elif run.media:
            run.state = RunState.WAITING
        else:
            self._work(run)
        return True
