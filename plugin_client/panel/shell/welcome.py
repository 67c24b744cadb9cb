# SPDX-License-Identifier: GPL-3.0-or-later
"""What one meets first: the sample with one button, and the page that stands where no clip is open."""

from __future__ import annotations

from pathlib import Path

import qtawesome
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.sample import is_sample

_SAMPLE = (
    "The rabbit's head is to become a fox's. The matte is drawn around it, and frame 0 is painted: "
    "that is all an edit needs."
)


class SampleCard(QFrame):
    """Stands above the sample until it has been run once: what is there, and the button that makes the edit."""

    open_clip = pyqtSignal()
    show_models = pyqtSignal()
    started = pyqtSignal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._closed = False
        heading = QLabel("This is the sample")
        heading.setStyleSheet("font-weight: 600;")
        self.words = QLabel(_SAMPLE)
        self.words.setWordWrap(True)
        self.words.setProperty("dim", True)
        self.make = QPushButton("Make the edit")
        self.make.setProperty("primary", True)
        self.make.clicked.connect(self._make)
        own = QPushButton("Open your own clip …")
        own.clicked.connect(self.open_clip)
        close = QToolButton()
        close.setAutoRaise(True)
        close.setToolTip("Put this card away")
        close.setAccessibleName("Put this card away")
        close.setIcon(qtawesome.icon("mdi6.close", color=theme.DIM))
        close.clicked.connect(self._close)
        text = QVBoxLayout()
        text.setSpacing(theme.SPACE // 2)
        text.addWidget(heading)
        text.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        row.setSpacing(theme.SPACE)
        row.addLayout(text, 1)
        for part in (own, self.make, close):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setStyleSheet(
            f"SampleCard {{ background: {theme.RAISED}; border-left: 4px solid {theme.ACCENT};"
            f" border-bottom: 1px solid {theme.LINE}; }}"
        )
        for signal in (desk.project.changed, desk.takes.changed, desk.session.changed, desk.runs.changed):
            signal.connect(self._show)
        self._show()

    @property
    def _ready(self) -> bool:
        system = self._desk.session.system
        return system is not None and any(not model.problems for model in system.models)

    def _show(self) -> None:
        desk = self._desk
        waits = is_sample(desk.project.document) and not desk.takes.takes and not self._closed
        self.setVisible(waits)
        if desk.runs.sending:
            label, enabled = "Sending …", False
        elif not desk.session.connected:
            label, enabled = "Waiting for the server …", False
        else:
            label, enabled = ("Make the edit" if self._ready else "See what is missing …"), True
        self.make.setText(label)
        self.make.setEnabled(enabled)
        self.make.setToolTip("" if enabled else desk.runs.sending or desk.session.words)

    def _make(self) -> None:
        if self._ready:
            self._desk.runs.run()
            self.started.emit()
        else:
            self.show_models.emit()

    def _close(self) -> None:
        self._closed = True
        self._show()


class StartPage(QWidget):
    """Where no clip is open: open one, or go on with a recent one. `chosen(path)`: a recent one was picked."""

    open_clip = pyqtSignal()
    open_project = pyqtSignal()
    open_sample = pyqtSignal()
    chosen = pyqtSignal(str)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        heading = QLabel("MaskEdit")
        heading.setProperty("heading", True)
        intro = QLabel("Paint one frame; the region follows through the whole clip. Drag a clip or a project here, or:")
        intro.setWordWrap(True)
        intro.setProperty("dim", True)
        clip = QPushButton("Open a clip …")
        clip.setProperty("primary", True)
        project, sample = QPushButton("Open a project …"), QPushButton("Open the sample")
        clip.clicked.connect(self.open_clip)
        project.clicked.connect(self.open_project)
        sample.clicked.connect(self.open_sample)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        for button in (clip, project, sample):
            buttons.addWidget(button)
        buttons.addStretch()
        self._title = QLabel("Recent")
        self.recent = QListWidget()
        self.recent.setIconSize(QSize(20, 20))
        self.recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent.setAccessibleName("Recent clips and projects")
        self.recent.itemActivated.connect(lambda item: self.chosen.emit(item.data(Qt.ItemDataRole.UserRole)))
        column = QVBoxLayout()
        column.setSpacing(2 * theme.SPACE)
        column.addStretch(1)
        column.addWidget(heading)
        column.addWidget(intro)
        column.addLayout(buttons)
        column.addWidget(self._title)
        column.addWidget(self.recent, 3)
        column.addStretch(1)
        page = QHBoxLayout(self)
        page.addStretch(1)
        page.addLayout(column, 4)
        page.addStretch(1)
        desk.preferences.changed.connect(self._follow)
        self._show_recent()

    def _follow(self, name: str) -> None:
        if name == "recent":
            self._show_recent()

    def _show_recent(self) -> None:
        self.recent.clear()
        for path in self._desk.preferences.recent:
            name = Path(path)
            icon = "mdi6.folder-outline" if name.suffix == ".maskedit" else "mdi6.filmstrip"
            item = QListWidgetItem(qtawesome.icon(icon, color=theme.DIM), f"{name.stem}    {name.parent}")
            item.setData(Qt.ItemDataRole.UserRole, path)
            item.setToolTip(path)
            self.recent.addItem(item)
        for part in (self._title, self.recent):
            part.setVisible(self.recent.count() > 0)
