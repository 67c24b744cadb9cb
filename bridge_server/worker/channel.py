# SPDX-License-Identifier: GPL-3.0-or-later
"""How a worker speaks to its server (a pipe) and hears from it (stdin, SIGTERM, the server's death)."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from bridge_server.jobs.tasks import READY, TAKEN, Task, parse_task
from bridge_server.jobs.work import Outcome, Progress, outcome_line, progress_line
from maskedit import faults
from maskedit.faults import Point, reach
from maskedit.progress import Ask, Cancelled, Stage

# More often than this nobody can read it.
_SECONDS_BETWEEN = 0.1
_ORPHANED = 70
_STDIN = 0


class Channel:
    """A Reporter over the pipe `events_fd`, one JSON line each, for the job that `next_task` gave.

    `planned`: tells what the job's model was planned to take, in bytes, for a server that hears nothing more.
    """

    def __init__(self, events_fd: int) -> None:
        self.planned: Callable[[], int] = lambda: 0
        self._pipe: BinaryIO = os.fdopen(events_fd, "wb")
        self._stop = threading.Event()
        self._resumes = False
        self._tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[Ask] = queue.SimpleQueue()
        self._begin()
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        threading.Thread(target=self._hear, name="hear", daemon=True).start()

    def next_task(self) -> Task | None:
        """Wait for the next job; None where the worker is to end. What was said of the one before is forgotten."""
        line = self._tasks.get()
        self._begin()
        return parse_task(line) if line else None

    def report(
        self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None
    ) -> Ask | None:
        """As in Reporter. Steps in quick succession are passed over, never the first or last of a stage, nor the
        answers to what is asked: that comes one by one, a step each, so that none is lost while another is answered."""
        reach(Point(stage))
        if self._stop.is_set():
            raise Cancelled(resumes=self._resumes)
        now = time.monotonic()
        answers = (stage, done) == self._asked_at
        if (
            preview
            or answers
            or stage is not self._last_stage
            or done == total
            or now - self._last_time >= _SECONDS_BETWEEN
        ):
            self._last_stage, self._last_time = stage, now
            self._say(
                progress_line(
                    Progress(
                        stage=stage,
                        done=done,
                        total=total,
                        message=message,
                        preview=preview or b"",
                        planned_bytes=self.planned(),
                    )
                )
            )
        if answers or self._asked.empty():
            return None
        self._asked_at = stage, done
        return self._asked.get()

    def finish(self, outcome: Outcome) -> None:
        """The last word on a job."""
        self._say(outcome_line(outcome))
        reach(Point.OUTCOME_SAID)

    def offer(self) -> Task | None:
        """Say that another job may come, and that it has come; None where the worker is to end."""
        self._pipe.write(READY)
        self._pipe.flush()
        if (task := self.next_task()) is not None:
            self._pipe.write(TAKEN)
            self._pipe.flush()
        return task

    def _begin(self) -> None:
        self._asked_at: tuple[Stage, int] | None = None
        self._last_stage: Stage | None = None
        self._last_time = 0.0

    def _say(self, line: bytes) -> None:
        faults.write(self._pipe, line, Point.WORKER_SAYS)
        self._pipe.flush()
        reach(Point.WORKER_SAID)

    def _hear(self) -> None:
        # Not through sys.stdin: a thread that waits in it when the interpreter ends makes the process abort.
        begun = b""
        while said := os.read(_STDIN, 1 << 16):
            *lines, begun = (begun + said).split(b"\n")
            for line in lines:
                self._take(line.decode(errors="replace").strip())
        # The server is gone, and with it everyone who waits for the result.
        os._exit(_ORPHANED)

    def _take(self, said: str) -> None:
        if said in ("cancel", "halt"):
            self._stop_job(resumes=said == "halt")
        elif said in tuple(Ask):
            self._asked.put(Ask(said))
        elif said:
            # In the order in which it was said: what still came for the job before this one is void.
            self._stop.clear()
            self._resumes = False
            self._asked = queue.SimpleQueue()
            self._tasks.put(said)

    def _end(self) -> None:
        """Stop the job at its next report, and take no other."""
        self._stop_job(resumes=True)
        self._tasks.put("")

    def _stop_job(self, *, resumes: bool) -> None:
        if not self._stop.is_set():
            self._resumes = resumes
            self._stop.set()
