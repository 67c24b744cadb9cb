# SPDX-License-Identifier: GPL-3.0-or-later
"""The time ruler: scrub, frame numbers and timecode, in and out, and which frames are at hand."""

from __future__ import annotations

from itertools import pairwise

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from plugin_client.core.timeline import FrameRange, nominal_rate
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.ranges import with_in, with_out
from plugin_client.panel.viewer.timecodes import timecode_of

_HEIGHT = 40
_HELD_HEIGHT = 3
_GRIP = 7
_LABEL_GAP = 16
_HELD_EVERY_MS = 200
_RANGE = QColor(77, 143, 214, 60)
_HELD = QColor("#3f6f4a")


def tick_step(px_per_frame: float, *, least_px: float, nominal: int) -> int:
    """Every how many frames a tick fits that needs `least_px`: 1, 2, 5 or 10 frames, or whole seconds of `nominal`
    frames, minutes and so on."""
    seconds = [nominal * each for each in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)]
    within = [each for each in (1, 2, 5, 10) if each < nominal]
    return next((step for step in (*within, *seconds) if step * px_per_frame >= least_px), 2 * seconds[-1])


class TimeRuler(QWidget):
    """Lies on the desk's time axis. Pressing and dragging scrubs; the grips at in and out drag the range, one undo step
    a drag; the wheel zooms about the frame under it, with Shift or sideways it pans."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._drags = ""
        self._held: frozenset[int] = frozenset()
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Time ruler")
        desk.playhead.moved.connect(self.update)
        desk.playhead.last_changed.connect(self.update)
        desk.axis.changed.connect(self.update)
        desk.project.changed.connect(self.update)
        desk.project.facts_changed.connect(self.update)
        self._look = QTimer(self)
        self._look.setInterval(_HELD_EVERY_MS)
        self._look.timeout.connect(self._look_at_held)
        self._look.start()

    def sizeHint(self) -> QSize:
        return QSize(480, _HEIGHT)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.SUNKEN))
            if self._desk.project.facts is None:
                return
            self._paint_range(painter)
            self._paint_ticks(painter)
            self._paint_held(painter)
            self._paint_playhead(painter)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        assert a0 is not None
        if a0.button() is Qt.MouseButton.LeftButton and self._desk.project.facts is not None:
            self._drags = self._grip_at(a0.position()) or "playhead"
            self._drag_to(a0.position())

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        assert a0 is not None
        if self._drags:
            self._drag_to(a0.position())
        else:
            over = self._grip_at(a0.position())
            self.setCursor(Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor)
            self.setToolTip(self._hint(over))

    def mouseReleaseEvent(self, a0: QMouseEvent | None) -> None:
        if self._drags in ("in", "out"):
            self._desk.project.settle()
            QToolTip.hideText()
        self._drags = ""

    def wheelEvent(self, a0: QWheelEvent | None) -> None:
        assert a0 is not None
        axis, turn = self._desk.axis, a0.angleDelta()
        sideways = turn.x() or (turn.y() if a0.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if sideways:
            axis.pan(-sideways / 120 * 0.1 * (axis.last - axis.first))
        elif turn.y():
            axis.zoom(1.25 ** (turn.y() / 120), axis.frame_at(a0.position().x(), self.width()))
        a0.accept()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        assert a0 is not None
        middle = self._desk.playhead.frame
        if a0.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._desk.axis.zoom(1.25, middle)
        elif a0.key() == Qt.Key.Key_Minus:
            self._desk.axis.zoom(0.8, middle)
        else:
            super().keyPressEvent(a0)

    def _drag_to(self, at: QPointF) -> None:
        project, last = self._desk.project, self._desk.playhead.last
        frame = self._desk.axis.frame_at(at.x(), self.width())
        if self._drags == "playhead":
            self._desk.playhead.stop()
            self._desk.playhead.seek(frame)
            return
        span = self._span()
        if self._drags == "in":
            project.change("Move in", with_in(project.document, min(frame, span.last), last=last), merge="in")
        else:
            project.change("Move out", with_out(project.document, max(frame, span.first), last=last), merge="out")
        QToolTip.showText(self.mapToGlobal(at.toPoint()), self._hint(self._drags), self)

    def _span(self) -> FrameRange:
        return self._desk.project.document.frames or FrameRange(0, self._desk.playhead.last)

    def _edges(self) -> tuple[float, float]:
        """The x of the range's two edges, outside of its frames."""
        span, half = self._span(), self._desk.axis.frame_width(self.width()) / 2
        x_of = self._desk.axis.x_of
        return x_of(span.first, self.width()) - half, x_of(span.last, self.width()) + half

    def _grip_at(self, at: QPointF) -> str:
        if self._desk.project.facts is None or at.y() < _HEIGHT / 2:
            return ""
        left, right = self._edges()
        near = {"in": abs(at.x() - left), "out": abs(at.x() - right)}
        closest = min(near, key=near.__getitem__)
        return closest if near[closest] <= _GRIP else ""

    def _hint(self, over: str) -> str:
        facts = self._desk.project.facts
        if facts is None:
            return ""
        span = self._span()
        if over:
            frame = span.first if over == "in" else span.last
            where = f"frame {frame}, {timecode_of(frame, facts)}"
            return f"{over.capitalize()} ({over[0].upper()}): {where} · {len(span)} frames"
        return "Drag to scrub. The grips below are in and out (I, O). Wheel: zoom; Shift and wheel: move along."

    def _paint_range(self, painter: QPainter) -> None:
        left, right = self._edges()
        top, height = _HEIGHT / 2, _HEIGHT / 2 - _HELD_HEIGHT
        painter.fillRect(QRectF(left, top, right - left, height), _RANGE)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.ACCENT))
        for edge, inwards in ((left, 1), (right, -1)):
            bottom = top + height
            painter.drawPolygon(
                QPolygonF([
                    QPointF(edge, top), QPointF(edge + inwards * _GRIP, top), QPointF(edge + inwards * 2, top + 5),
                    QPointF(edge + inwards * 2, bottom), QPointF(edge, bottom),
                ])
            )  # fmt: skip
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_ticks(self, painter: QPainter) -> None:
        facts, axis = self._desk.project.facts, self._desk.axis
        assert facts is not None
        font = painter.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.5))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        nominal, wide = nominal_rate(facts.rate), axis.frame_width(self.width())
        label_px = metrics.horizontalAdvance(str(facts.frame_count - 1)) + _LABEL_GAP
        labelled = tick_step(wide, least_px=label_px, nominal=nominal)
        minor = tick_step(wide, least_px=5, nominal=nominal)
        first, last = max(0, int(axis.first)), min(facts.frame_count - 1, int(axis.last) + 1)
        for frame in range(first - first % minor, last + 1, minor):
            x = axis.x_of(frame, self.width())
            painter.setPen(QColor(theme.FAINT))
            painter.drawLine(QPointF(x, _HEIGHT / 2 - (6 if frame % labelled == 0 else 3)), QPointF(x, _HEIGHT / 2))
        painter.setPen(QColor(theme.DIM))
        for frame in range(first - first % labelled, last + 1, labelled):
            x = axis.x_of(frame, self.width())
            box = QRectF(x - label_px / 2, 0, label_px, _HEIGHT / 2 - 6)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(frame))

    def _paint_held(self, painter: QPainter) -> None:
        axis, half = self._desk.axis, self._desk.axis.frame_width(self.width()) / 2
        for first, last in runs(sorted(self._held)):
            left, right = axis.x_of(first, self.width()) - half, axis.x_of(last, self.width()) + half
            painter.fillRect(QRectF(left, _HEIGHT - _HELD_HEIGHT, right - left, _HELD_HEIGHT), _HELD)

    def _paint_playhead(self, painter: QPainter) -> None:
        frame = self._desk.playhead.frame
        x, text = self._desk.axis.x_of(frame, self.width()), str(frame)
        painter.setPen(QPen(QColor(theme.ERROR), 1.0))
        painter.drawLine(QPointF(x, 0), QPointF(x, _HEIGHT))
        wide = painter.fontMetrics().horizontalAdvance(text) + theme.SPACE
        box = QRectF(x - wide / 2, 1, wide, _HEIGHT / 2 - 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(theme.ERROR))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor("white"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _look_at_held(self) -> None:
        document = self._desk.project.document
        if not document.clip or self._desk.project.facts is None or not self.isVisible():
            return
        held = self._desk.footage.open(document.clip, colour=document.choices.colour).held_frames()
        if held != self._held:
            self._held = held
            self.update()


def runs(frames: list[int]) -> list[tuple[int, int]]:
    """Ascending frames as ranges (first, last) without a gap."""
    if not frames:
        return []
    breaks = [(left, right) for left, right in pairwise(frames) if right != left + 1]
    return list(
        zip([frames[0], *(right for _, right in breaks)], [*(left for left, _ in breaks), frames[-1]], strict=True)
    )
