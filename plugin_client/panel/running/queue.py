# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's queue as the panel knows it: asked for every few seconds while somebody looks."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from plugin_client.core.jobs import Jobs
from plugin_client.core.queue import Line
from plugin_client.panel.running.session import Session
from plugin_client.panel.running.wording import in_words

_EVERY_MS = 2000
_SHOWN_ENDED = 20


class Queue(QObject):
    """`line` as it was last heard. `failed` carries a sentence."""

    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.line = Line()
        self._asking, self._steps = False, 0
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
        self._asking, steps = True, self._steps

        def done(line: Line) -> None:
            self._asking = False
            if steps == self._steps:
                self._show(line)
            else:  # it may be older than what was done meanwhile
                self.refresh()

        def failed(_: Exception) -> None:  # the session says what is wrong with the server
            self._asking = False

        self._session.call(lambda connection: Jobs(connection).line(ended=_SHOWN_ENDED), done, failed, owner=self)

    def cancel(self, job_id: str) -> None:
        """Stop the job, wherever it stands."""
        self._do(lambda jobs: jobs.cancel(job_id))

    def retry(self, job_id: str, *, place: int | None = None) -> None:
        """Queue the same edit again, with `place` jobs before it; None = behind all of its priority."""
        self._do(lambda jobs: jobs.retry(job_id, place=place))

    def move(self, job_id: str, place: int) -> None:
        """Let `place` jobs go before it, as far as priorities let it."""
        self._show(self.line.moved(job_id, place))
        self._do(lambda jobs: jobs.move(job_id, place))

    def prioritise(self, job_id: str, priority: str) -> None:
        """Give it another priority, one of PRIORITIES; it goes behind those that have that already."""
        self._show(self.line.prioritised(job_id, priority))
        self._do(lambda jobs: jobs.prioritise(job_id, priority))

    def pause(self, on: bool) -> None:
        """Start no further job, or go on."""
        self._do(lambda jobs: jobs.pause_queue(on))

    def _show(self, line: Line) -> None:
        if line != self.line:
            self.line = line
            self.changed.emit()

    def _do(self, call: Callable[[Jobs], object]) -> None:
        def done(_: object) -> None:
            self._steps += 1
            self._session.look_again()
            self.refresh()

        def failed(error: Exception) -> None:
            self._steps += 1
            self.failed.emit(in_words(error))
            self.refresh()

        self._steps += 1
        self._session.call(lambda connection: call(Jobs(connection)), done, failed, owner=self)
