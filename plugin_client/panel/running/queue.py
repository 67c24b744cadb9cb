# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's queue as the panel knows it: asked for every few seconds while somebody looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from plugin_client.core.connection import Connection
from plugin_client.core.job import Job, JobState
from plugin_client.core.jobs import Jobs
from plugin_client.panel.running.session import Session
from plugin_client.panel.running.wording import in_words

_EVERY_MS = 2000
_WAITING = (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING, JobState.INTERRUPTED)
_ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
_SHOWN_ENDED = 20


@dataclass(frozen=True)
class Line:
    """The jobs in the order in which the server takes them: running ones, waiting ones, then what ended last."""

    running: tuple[Job, ...] = ()
    waiting: tuple[Job, ...] = ()
    ended: tuple[Job, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them."""
        return (*self.running, *self.waiting, *self.ended)


class Queue(QObject):
    """`line` as it was last heard. `failed` carries a sentence."""

    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.line = Line()
        self._asking = False
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        session.changed.connect(self.changed)

    @property
    def paused(self) -> bool:
        """Whether the queue starts no job."""
        return bool(self._session.system and self._session.system.queue_paused)

    def watch(self, on: bool) -> None:
        """Keep asking, from now on, or stop it."""
        if on:
            self.refresh()
            self._timer.start()
        else:
            self._timer.stop()

    def refresh(self) -> None:
        """Ask now."""
        if self._asking or not self._session.connected:
            return
        self._asking = True

        def done(line: Line) -> None:
            self._asking = False
            if line != self.line:
                self.line = line
                self.changed.emit()

        def failed(_: Exception) -> None:  # the session says what is wrong with the server
            self._asking = False

        self._session.call(_line, done, failed, owner=self)

    def cancel(self, job_id: str) -> None:
        """Stop the job, wherever it stands."""
        self._do(lambda jobs: jobs.cancel(job_id))

    def retry(self, job_id: str) -> None:
        """Queue the same edit again."""
        self._do(lambda jobs: jobs.retry(job_id))

    def move(self, job_id: str, position: int) -> None:
        """Let `position` jobs go before it."""
        waiting = [job for job in self.line.waiting if job.job_id != job_id]
        moved = [job for job in self.line.waiting if job.job_id == job_id]
        self.line = Line(self.line.running, (*waiting[:position], *moved, *waiting[position:]), self.line.ended)
        self.changed.emit()
        self._do(lambda jobs: jobs.move(job_id, position))

    def pause(self, on: bool) -> None:
        """Start no further job, or go on."""
        self._do(lambda jobs: jobs.pause_queue(on))

    def _do(self, call: Callable[[Jobs], object]) -> None:
        def done(_: object) -> None:
            self._session.look_again()
            self.refresh()

        def failed(error: Exception) -> None:
            self.failed.emit(in_words(error))
            self.refresh()

        self._session.call(lambda connection: call(Jobs(connection)), done, failed, owner=self)


def _line(connection: Connection) -> Line:
    jobs = Jobs(connection)
    open_jobs = jobs.list(states=_WAITING, limit=200)
    waiting = [job for job in open_jobs if job.state is JobState.QUEUED]
    return Line(
        running=tuple(job for job in reversed(open_jobs) if job.state is not JobState.QUEUED),
        waiting=tuple(sorted(waiting, key=lambda job: job.queue_position)),
        ended=jobs.list(states=_ENDED, limit=_SHOWN_ENDED),
    )
