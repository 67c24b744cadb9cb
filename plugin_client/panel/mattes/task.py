# SPDX-License-Identifier: GPL-3.0-or-later
"""One long piece of work at a time, beside the window: how far it is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

from PyQt6.QtCore import QCoreApplication, QObject, QThreadPool, pyqtSignal
from PyQt6.sip import isdeleted

from maskedit.errors import MaskEditError
from plugin_client.core.errors import ClientError
from plugin_client.panel.mattes.stopping import Going, Stopped
from plugin_client.panel.model.notices import Notices
from plugin_client.panel.model.working import in_background

Answer = TypeVar("Answer")

_SECONDS_BETWEEN = 0.05


class Task(QObject):
    """Runs one call on a thread of its own. `words`: what is done now, "" if nothing is.

    What goes wrong is told by `notices` as the sentence that it is. `changed` follows `words`, `progressed` the share
    that is done, from 0 to 1.
    """

    changed = pyqtSignal()
    progressed = pyqtSignal(float)

    def __init__(self, notices: Notices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notices = notices
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._stop = Event()
        self.words = ""
        app = QCoreApplication.instance()
        if app is not None:  # whoever quits does not wait
            app.aboutToQuit.connect(self.stop)

    @property
    def is_running(self) -> bool:
        """Whether there is something to wait for, or to stop."""
        return bool(self.words)

    def run(self, words: str, call: Callable[[Going], Answer], *, done: Callable[[Answer], None]) -> None:
        """Do `call`, which is given its `Going`, then `done` with its answer on the UI thread.

        Raises RuntimeError while something else is done.
        """
        if self.is_running:
            raise RuntimeError(f"{self.words} is not over yet")
        stop = self._stop = Event()
        # Closing the window stops the work too: nobody waits for it any more.
        self.destroyed.connect(stop.set)
        self.words = words
        self.changed.emit()
        self.progressed.emit(0.0)
        in_background(
            lambda: call(self._going(stop)),
            owner=self,
            pool=self._pool,
            done=lambda answer: self._end(lambda: done(answer), stop),
            failed=lambda error: self._end(lambda: self._tell(error), stop),
        )

    def stop(self) -> None:
        """Give up what is done now; it ends within a moment and changes nothing."""
        self._stop.set()

    def _going(self, stop: Event) -> Going:
        told = monotonic()

        def going(done: float) -> bool:
            nonlocal told
            if stop.is_set() or isdeleted(self):
                return False
            if monotonic() - told > _SECONDS_BETWEEN:
                told = monotonic()
                self.progressed.emit(done)
            return True

        return going

    def _end(self, tell: Callable[[], None], stop: Event) -> None:
        self.words = ""
        self.changed.emit()
        if not stop.is_set():
            tell()

    def _tell(self, error: Exception) -> None:
        if isinstance(error, Stopped):
            return
        if not isinstance(error, MaskEditError | ClientError):
            raise error
        self._notices.say(str(error), severity="error")
