# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving by itself: shortly after every change, so that nothing is lost whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from maskedit.errors import OutputError
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.working import in_background
from plugin_client.panel.storing.saving import Snapshot, snapshot, write_as, write_into

QUIET_MS = 2000


class Autosave(QObject):
    """Writes the desk's project into its folder, or where an unsaved one lies, `QUIET_MS` after the last change.

    Writes on a thread of the pool, one at a time, and says once when it cannot. `writing` tells whether one is under
    way; `saved` follows each that is done.
    """

    saved = pyqtSignal()

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._failing = False
        self._written: Snapshot | None = None
        self.writing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._save_quietly)
        # A project that is gone has nothing left to save.
        desk.project.destroyed.connect(self._timer.stop)
        desk.project.opened.connect(self._forget)
        desk.project.changed.connect(self._wait)
        for signal in (desk.takes.changed, desk.takes.updated, desk.takes.chosen, desk.playhead.moved):
            signal.connect(self._wait)

    def save_to(self, folder: Path, *, done: Callable[[], None] | None = None) -> None:
        """Save into `folder`, the project's own or another one, then `done()`; says so when it fails."""
        now = snapshot(self._desk)
        write = write_into if folder == now.workspace else write_as

        def finish(_: None) -> None:
            self.writing, self._failing, self._written = False, False, now
            self._desk.project.saved(folder, now.document)
            self.saved.emit()
            if done is not None:
                done()

        def complain(error: Exception) -> None:
            self.writing = False
            if not isinstance(error, OutputError):
                raise error
            self._failing = True
            self._desk.notices.say(
                f"Not saved: {error}", severity="error", action="Try again", do=lambda: self.save_to(folder, done=done)
            )

        self._timer.stop()
        self.writing = True
        in_background(lambda: write(folder, now), owner=self, done=finish, failed=complain)

    def save_now(self) -> None:
        """Write what has not been written yet, here and now: the window closes. Raises OutputError."""
        self._timer.stop()
        project = self._desk.project
        if project.document.clip and (project.folder is None or self._desk.preferences.autosave):
            now = snapshot(self._desk)
            write_into(now.workspace, now)
            if project.folder is not None:
                project.saved(project.folder, now.document)

    def _forget(self) -> None:
        self._timer.stop()
        self._written = None

    def _wait(self) -> None:
        self._timer.start()

    def _save_quietly(self) -> None:
        project = self._desk.project
        if self.writing:
            return self._wait()
        if not project.document.clip or (project.folder is not None and not self._desk.preferences.autosave):
            return
        now = snapshot(self._desk)
        if now == self._written:
            return
        self.writing = True
        folder = project.folder

        def finish(_: None) -> None:
            self.writing, self._failing, self._written = False, False, now
            if folder is not None and folder == project.folder:
                project.saved(folder, now.document)
            self.saved.emit()

        def complain(error: Exception) -> None:
            self.writing = False
            if not isinstance(error, OutputError):
                raise error
            if now.workspace != project.workspace:
                return  # another project lies on the desk by now
            if not self._failing:
                self._failing = True
                self._desk.notices.say(f"Your changes are not saved: {error}", severity="error")
            self._timer.start(10 * QUIET_MS)

        # Owned by the project: once that is closed there is nothing to be noted any more.
        in_background(lambda: write_into(now.workspace, now), owner=project, done=finish, failed=complain)
