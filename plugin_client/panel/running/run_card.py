# SPDX-License-Identifier: GPL-3.0-or-later
"""The run that is under way: what it does, how long yet, what it looks like, and how to stop it."""

from __future__ import annotations

import qtawesome
from PyQt6.QtCore import QSize, Qt, QTimer
from PyQt6.QtGui import QPixmap, QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from plugin_client.core.course import Course
from plugin_client.core.job import JobState
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.loss_curve import LossCurve
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.elided import ElidedLabel

# A time that is left is counted down between reports.
_TICK_MS = 1000
_PREVIEW_PX = 132


class RunCard(QFrame):
    """Shows the project's run that has come furthest; hidden where there is none."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._preview = b""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE)
        self.title, self.words, self.note = ElidedLabel(), QLabel(), ElidedLabel()
        self.title.setStyleSheet("font-weight: 600;")
        self.note.setProperty("dim", True)
        self.stop = QPushButton(qtawesome.icon("mdi6.stop", color="white"), "Stop")
        self.stop.setProperty("danger", True)
        self.stop.setToolTip("Stop this run. What was tuned so far is kept and serves the next one.")
        self.stop.clicked.connect(lambda: desk.runs.stop(self._job()))
        head.addWidget(self.title, 1)
        head.addWidget(self.stop)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.curve, self.picture = LossCurve(), QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setFixedHeight(_PREVIEW_PX)
        self.picture.setStyleSheet(f"background: {theme.SUNKEN};")
        asks = QHBoxLayout()
        asks.setSpacing(theme.SPACE)
        self.sample = QPushButton(qtawesome.icon("mdi6.image-outline", color=theme.TEXT), "Sample now")
        self.sample.setToolTip("Render one small picture with the adapter as it is now.")
        self.save = QPushButton(qtawesome.icon("mdi6.content-save-outline", color=theme.TEXT), "Save now")
        self.save.setToolTip("Keep the adapter as it is now, to begin other edits from.")
        self.sample.clicked.connect(lambda: desk.runs.sample_now(self._job()))
        self.save.clicked.connect(lambda: desk.runs.save_now(self._job()))
        asks.addWidget(self.sample, 1)
        asks.addWidget(self.save, 1)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addWidget(self.bar)
        column.addWidget(self.note)
        column.addWidget(self.picture)
        column.addWidget(self.curve)
        column.addLayout(asks)
        for signal in (desk.runs.changed, desk.runs.progressed, desk.session.changed):
            signal.connect(self._show)
        for signal in (desk.takes.changed, desk.takes.updated):
            signal.connect(self._show)
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._show)
        self._show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._show_picture(self._preview)

    def _job(self) -> str:
        foremost = self._desk.runs.foremost
        return foremost.job_id if foremost is not None else ""

    def _show(self, *_: object) -> None:
        take, sending = self._desk.runs.foremost, self._desk.runs.sending
        self.setVisible(bool(take or sending))
        self._clock.start() if take else self._clock.stop()
        if take is None:
            self.title.setText("New run" if sending else "")
            self._show_course(Course(), words=sending)
            self.stop.setVisible(False)
            return
        course = self._desk.runs.course(take.job_id) or Course()
        more = len(self._desk.runs.running) - 1
        self.title.setText(take.name + (f" and {more} more" if more else ""))
        stopping = take.state is JobState.CANCELLING
        self.stop.setVisible(True)
        self.stop.setEnabled(not stopping)
        self._show_course(course, words=self._desk.runs.words(take))

    def _show_course(self, course: Course, *, words: str) -> None:
        self.words.setText(words)
        if course.share is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * course.share))
        self.note.setText(course.note.splitlines()[0] if course.note else "")
        self.note.setVisible(bool(course.note))
        self.curve.show_losses(course.losses)
        self.curve.setVisible(bool(course.losses))
        if course.preview != self._preview:
            self._show_picture(course.preview)
        self.picture.setVisible(bool(course.preview))
        for button in (self.sample, self.save):
            button.setVisible(bool(course.losses) or course.is_tuning)
            button.setEnabled(course.is_tuning)

    def _show_picture(self, preview: bytes) -> None:
        self._preview = preview
        picture = QPixmap()
        if preview and picture.loadFromData(preview):
            room = QSize(max(1, self.width()), _PREVIEW_PX) * self.devicePixelRatioF()
            picture = picture.scaled(
                room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            picture.setDevicePixelRatio(self.devicePixelRatioF())
        self.picture.setPixmap(picture)
