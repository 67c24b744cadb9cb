# SPDX-License-Identifier: GPL-3.0-or-later
"""The window's last line: how the server stands, what runs and a Stop beside it, whether the project is saved."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.session import ServerState
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.elided import ElidedLabel

_COLOURS = {
    ServerState.CONNECTED: theme.GOOD,
    ServerState.SEARCHING: theme.WARNING,
    ServerState.STARTING: theme.WARNING,
    ServerState.LOST: theme.ERROR,
    ServerState.REFUSED: theme.ERROR,
}


class StatusLine(QWidget):
    """Follows session, runs and project. The Stop button is there whenever a run of this project is."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._busy = ""
        self.server_mark, self.server = QLabel("●"), ElidedLabel()
        self.run_words = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.run_words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.progress = QProgressBar()
        self.progress.setMaximum(1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(120, 10)
        self.stop = QPushButton("Stop")
        self.stop.setProperty("danger", True)
        self.stop.setToolTip("Cancel the run at once; what it has learnt so far is kept for the next one (Ctrl+.)")
        self.saved = QLabel()
        self.saved.setProperty("dim", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 2, theme.SPACE, 2)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.server_mark)
        row.addWidget(self.server, 3)
        row.addWidget(self.run_words, 2)
        for part in (self.progress, self.stop, self.saved):
            row.addWidget(part)
        self.stop.clicked.connect(self.stop_run)
        desk.session.changed.connect(self._show_server)
        for signal in (desk.runs.changed, desk.runs.progressed, desk.session.changed):
            signal.connect(self._show_run)
        for signal in (desk.project.dirty_changed, desk.project.folder_changed, desk.takes.changed):
            signal.connect(self._show_saved)
        self._show_server()
        self._show_run()
        self._show_saved()

    def say_busy(self, words: str) -> None:
        """Show what is being read, in place of the server's words, until told ""."""
        self._busy = words
        self._show_server()

    def stop_run(self) -> None:
        """Cancel the run that is shown."""
        self._desk.runs.stop()

    def _show_server(self) -> None:
        session = self._desk.session
        self.server.setText(self._busy or session.words)
        self.server_mark.setStyleSheet(f"color: {_COLOURS[session.state]};")
        self.server_mark.setToolTip(session.words)

    def _show_run(self) -> None:
        runs = self._desk.runs
        take = runs.foremost
        course = runs.course(take.job_id) if take is not None else None
        words = runs.words(take) if take is not None else ""
        self.run_words.setText(f"{take.name}: {words}" if take is not None and words else runs.sending)
        share = course.share if course is not None else None
        self.progress.setVisible(take is not None)
        self.progress.setMaximum(1000 if share is not None else 0)
        self.progress.setValue(round(1000 * share) if share is not None else 0)
        self.stop.setVisible(take is not None)

    def _show_saved(self) -> None:
        project = self._desk.project
        if not project.document.clip:
            words = ""
        elif project.folder is None:
            words = "Never saved"
        else:
            words = "Changed" if project.dirty else "Saved"
        self.saved.setText(words)
