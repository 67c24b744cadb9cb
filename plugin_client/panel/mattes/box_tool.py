# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that drags a rough box around the thing that is to be cut out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_LEAST_PX = 6
_HINT = "Drag a box around the thing, with a little background on all sides"


class BoxTool:
    """Calls `cut` with the box, in source pixels, when the mouse lets it go; Esc lets go without, or, before any box,
    calls `leave`. `update` has the canvas painted anew.

    The box stays to be seen until `clear`.
    """

    def __init__(self, cut: Callable[[QRectF], None], *, leave: Callable[[], None], update: Callable[[], None]) -> None:
        self._cut, self._leave, self._update = cut, leave, update
        self._from: QPointF | None = None
        self._box: QRectF | None = None
        self.cursor = Qt.CursorShape.CrossCursor

    def clear(self) -> None:
        """The box has done its work."""
        self._from = self._box = None
        self._update()

    def paint(self, painter: QPainter, view: View) -> None:
        """The box, dimmed around; before there is one, what to do."""
        if self._box is None:
            _write_hint(painter)
            return
        box = QRectF(view.to_widget(self._box.topLeft()), view.to_widget(self._box.bottomRight())).normalized()
        for width, colour in ((3.0, QColor(0, 0, 0, 140)), (1.5, QColor("#ffd54f"))):
            pen = QPen(colour, width, Qt.PenStyle.SolidLine if self._from is not None else Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.drawRect(box)

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        self._from, self._box = point, QRectF(point, point)
        self._update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        if self._from is None:
            return False
        self._box = QRectF(self._from, point).normalized()
        self._update()
        return True

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        if self._from is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        box = QRectF(self._from, point).normalized()
        self._from = None
        if min(box.width(), box.height()) < _LEAST_PX:
            self.clear()
            return True
        self._box = box
        self._update()
        self._cut(box)
        return True

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        return False

    def key(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Escape:
            return False
        if self._box is None:
            self._leave()
        else:
            self.clear()
        return True

    def finish(self) -> None:
        self._from = self._box = None


def _write_hint(painter: QPainter) -> None:
    device = painter.device()
    if device is None:
        return
    metrics = painter.fontMetrics()
    text = metrics.boundingRect(_HINT).adjusted(-8, -4, 8, 4)
    place = QRectF((painter.viewport().width() - text.width()) / 2, 12, text.width(), text.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 170))
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(QColor("#e8e8e8"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, _HINT)
