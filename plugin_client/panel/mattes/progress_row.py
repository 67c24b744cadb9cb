# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task is."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from plugin_client.panel.mattes.task import Task
from plugin_client.panel.roto.fields import icon
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.elided import ElidedLabel

_STEPS = 1000


class ProgressRow(QWidget):
    """What is being done, how far it is, and the button that stops it; not there while nothing is."""

    def __init__(self, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task = task
        self.words = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _STEPS)
        self.bar.setFixedHeight(6)
        self.stop = QPushButton(icon("stop"), "Stop")
        self.stop.setToolTip("Give up; nothing is changed")
        self.stop.clicked.connect(task.stop)
        left = QVBoxLayout()
        left.setSpacing(theme.SPACE // 2)
        left.addWidget(self.words)
        left.addWidget(self.bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(*[theme.SPACE] * 4)
        row.setSpacing(theme.SPACE)
        row.addLayout(left, 1)
        row.addWidget(self.stop)
        task.changed.connect(self._show)
        task.progressed.connect(lambda done: self.bar.setValue(round(_STEPS * done)))
        self._show()

    def _show(self) -> None:
        self.words.setText(f"{self._task.words} …")
        self.setVisible(self._task.is_running)
