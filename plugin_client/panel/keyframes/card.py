# SPDX-License-Identifier: GPL-3.0-or-later
"""One keyframe in the list: the plate beside what was painted, what was found on it, and what to do about that."""

from __future__ import annotations

from functools import partial

import qtawesome
from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugin_client.panel.keyframes.inspecting import Observation
from plugin_client.panel.keyframes.keyframing import Keyframing
from plugin_client.panel.keyframes.thumbnails import scaled
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.running.remedies import Remedy
from plugin_client.panel.shell import theme

_MARKS = {
    "note": ("mdi6.information-outline", theme.ACCENT),
    "warning": ("mdi6.alert-outline", theme.WARNING),
    "error": ("mdi6.alert-octagon-outline", theme.ERROR),
}


class KeyframeCard(QFrame):
    """Shows one keyframe as it is; `show` it again when something is different."""

    chosen = pyqtSignal(int)
    edit = pyqtSignal(int)
    compare = pyqtSignal(int)
    remove = pyqtSignal(int)

    def __init__(self, desk: Desk, keyframing: Keyframing, keyframe: KeyframePicture) -> None:
        super().__init__()
        self._desk, self._keyframing, self.keyframe = desk, keyframing, keyframe
        self._is_here: bool | None = None
        self._observed: tuple[Observation, ...] | None = ()
        frame = keyframe.frame
        self._title, self._state = QLabel(f"Frame {frame}"), QLabel()
        self._state.setProperty("dim", True)
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self._title)
        head.addWidget(self._state, 1)
        for icon, words, signal in (
            ("mdi6.brush", "Paint it on in the image editor", self.edit),
            ("mdi6.compare", "Compare with the original in the viewer", self.compare),
            ("mdi6.delete-outline", "Remove this keyframe", self.remove),
        ):
            head.addWidget(self._button(icon, words, partial(signal.emit, frame)))
        self.pictures = _Pair()
        self._findings = QGridLayout()
        self._findings.setColumnStretch(1, 1)
        self._findings.setHorizontalSpacing(theme.SPACE)
        self._findings.setVerticalSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, 4, theme.SPACE, theme.SPACE)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.pictures)
        column.addLayout(self._findings)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Keyframe {frame}")
        self.show_state()

    def show_state(self) -> None:
        """Show what is known of it now."""
        frame, thumbnails = self.keyframe.frame, self._keyframing.thumbnails
        here = frame == self._desk.playhead.frame
        border = theme.ACCENT if here else theme.LINE
        self.setStyleSheet(
            f"KeyframeCard {{ background: {theme.RAISED}; border: 1px solid {border}; border-radius: 3px; }}"
        )
        self._state.setText(f"in {self._keyframing.editor_name}" if frame in self._keyframing.painting else "")
        self.pictures.show_pair(thumbnails.plate(frame), thumbnails.painted(self.keyframe.path))
        observed = self._keyframing.inspection.on(frame)
        if observed != self._observed:
            self._observed = observed
            self._show_findings(observed)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go there."""
        self.chosen.emit(self.keyframe.frame)

    def _show_findings(self, observed: tuple[Observation, ...] | None) -> None:
        while (item := self._findings.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if observed is None:
            observed = (Observation("", "Held against its plate …"),)
        for row, each in enumerate(observed):
            mark = QLabel()
            if each.severity:
                icon, colour = _MARKS[each.severity]
                mark.setPixmap(qtawesome.icon(icon, color=colour).pixmap(16, 16))
            words = QLabel(each.sentence)
            words.setWordWrap(True)
            words.setProperty("dim", not each.severity)
            self._findings.addWidget(mark, 2 * row, 0, Qt.AlignmentFlag.AlignTop)
            self._findings.addWidget(words, 2 * row, 1)
            if each.remedy is not None:
                button = QPushButton(each.remedy.label)
                button.clicked.connect(partial(self._apply, each.remedy))
                self._findings.addWidget(button, 2 * row + 1, 1, Qt.AlignmentFlag.AlignLeft)

    def _apply(self, remedy: Remedy, *_: object) -> None:
        if remedy.document is not None:
            self._desk.project.change(remedy.label, remedy.document)
        elif remedy.frame is not None:
            self._desk.playhead.seek(remedy.frame)

    def _button(self, icon: str, words: str, do: object) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setIcon(qtawesome.icon(icon, color=theme.TEXT))
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.clicked.connect(do)
        return button


class _Pair(QWidget):
    """The plate on the left, the painted picture on the right; only the plate while the button is held."""

    def __init__(self) -> None:
        super().__init__()
        self._plate: QPixmap | None = None
        self._painted: QPixmap | None = None
        self._is_held = False
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setToolTip("Original on the left, painted on the right. Hold the button to see the original in both")

    def show_pair(self, plate: QPixmap | None, painted: QPixmap | None) -> None:
        """None: not known yet."""
        self._plate, self._painted = plate, painted
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        known = next((each for each in (self._plate, self._painted) if each is not None and not each.isNull()), None)
        share = known.height() / known.width() if known is not None else 9 / 16
        return round((width - 4) / 2 * share)

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self._is_held = True
        self.update()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self._is_held = False
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        half = (self.width() - 4) / 2
        for left, picture in ((0.0, self._plate), (half + 4, self._plate if self._is_held else self._painted)):
            place = QRectF(left, 0, half, self.height())
            painter.fillRect(place, QColor(theme.SUNKEN))
            if picture is None:
                continue
            if picture.isNull():
                painter.setPen(QColor(theme.ERROR))
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "missing")
                continue
            fitting = scaled(picture, place.size().toSize(), self.devicePixelRatioF())
            size = fitting.deviceIndependentSize()
            painter.drawPixmap(place.center() - QRectF(0, 0, size.width(), size.height()).center(), fitting)
