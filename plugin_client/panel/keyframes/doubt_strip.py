# SPDX-License-Identifier: GPL-3.0-or-later
"""How unsure each frame is, as heat along the time axis, and where painting would help most."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from plugin_client.panel.keyframes.doubting import Doubtful, doubts_on
from plugin_client.panel.keyframes.strips import paint_gutter, paint_playhead, turn_wheel
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme

_HEIGHT = 20
_SURE, _UNSURE = QColor("#2f4a38"), QColor("#c8553d")


class DoubtStrip(QWidget):
    """Green where the keyframes show all of the region, red where they show none of it. A click seeks."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._known: Doubtful | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Uncertainty")
        for signal in (desk.draft.changed, desk.takes.chosen, desk.takes.updated, desk.project.changed):
            signal.connect(self._follow)
        desk.playhead.moved.connect(self.update)
        desk.axis.changed.connect(self.update)
        self._follow()

    @property
    def known(self) -> Doubtful | None:
        """What is shown."""
        return self._known

    def sizeHint(self) -> QSize:
        """One low row."""
        return QSize(400, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """As high as ever."""
        return QSize(200, _HEIGHT)

    def _follow(self, *_: object) -> None:
        known = doubts_on(self._desk)
        if known != self._known:
            self._known = known
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Heat, marker, playhead, name."""
        painter, axis = QPainter(self), self._desk.axis
        painter.fillRect(self.rect(), QColor(theme.SUNKEN))
        known = self._known
        if known is not None:
            wide = axis.frame_width(self.width())
            for frame, share in known.uncertainty.items():
                left = axis.x_of(frame, self.width()) - wide / 2
                painter.fillRect(QRectF(left, 4, wide + 0.5, self.height() - 8), _heat(share))
            if known.best is not None:
                self._paint_marker(painter, axis.x_of(known.best, self.width()))
        paint_playhead(painter, self, self._desk)
        paint_gutter(painter, self, self._desk, "Uncertainty")
        if known is None:
            painter.setPen(QColor(theme.FAINT))
            space = self.rect().adjusted(axis.left + theme.SPACE, 0, -axis.right, 0)
            text = self.fontMetrics().elidedText(
                "Known as soon as the live draft is ready", Qt.TextElideMode.ElideRight, space.width()
            )
            painter.drawText(space, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _paint_marker(self, painter: QPainter, x: float) -> None:
        middle, reach = self.height() / 2, 6.0
        corners = [(0, -reach), (reach, 0), (0, reach), (-reach, 0)]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(theme.LINE))
        painter.setBrush(QColor(theme.WARNING))
        painter.drawPolygon(QPolygonF([QPointF(x + across, middle + down) for across, down in corners]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go to the frame, or to the marked one beside it."""
        self._seek(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Scrub."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom and pan in time."""
        if event is not None:
            turn_wheel(event, self, self._desk)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """All keys belong to the window."""
        assert event is not None
        event.ignore()

    def event(self, event: QEvent | None) -> bool:
        """Say in words what lies under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)

    def words_at(self, x: float) -> str:
        """The tooltip at `x`."""
        if self._known is None:
            return f"Which frames no keyframe shows yet. {_capital(self._desk.draft.state)}."
        if x < self._desk.axis.left:
            hint = self._known.hint
            return f"Green: the keyframes show all of the region. Red: they show none of it. {hint}".strip()
        return self._known.words(self._frame_at(x))

    def _frame_at(self, x: float) -> int:
        frame, best = self._desk.axis.frame_at(x, self.width()), self._known.best if self._known else None
        if best is not None and abs(self._desk.axis.x_of(best, self.width()) - x) <= 6:
            return best
        return frame

    def _seek(self, event: QMouseEvent | None) -> None:
        if event is not None and event.position().x() >= self._desk.axis.left:
            self._desk.playhead.stop()
            self._desk.playhead.seek(self._frame_at(event.position().x()))


def _heat(share: float) -> QColor:
    # Small shares already show.
    part = max(0.0, min(1.0, share)) ** 0.7
    mixed = [round(a + part * (b - a)) for a, b in zip(_SURE.getRgb()[:3], _UNSURE.getRgb()[:3], strict=True)]
    return QColor(*mixed)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".")
