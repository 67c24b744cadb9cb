# SPDX-License-Identifier: GPL-3.0-or-later
"""What the strips of this room have in common: their name, the playhead's line, and the wheel."""

from __future__ import annotations

from PyQt6.QtCore import QLineF, QRect, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QWheelEvent
from PyQt6.QtWidgets import QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme


def paint_gutter(painter: QPainter, strip: QWidget, desk: Desk, name: str) -> None:
    """The strip's name, over whatever was painted there, and the line below the strip."""
    gutter = QRect(0, 0, desk.axis.left, strip.height())
    painter.fillRect(gutter, QColor(theme.WINDOW))
    painter.setPen(QColor(theme.DIM))
    painter.drawText(gutter.adjusted(theme.SPACE, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, name)
    painter.setPen(QColor(theme.LINE))
    painter.drawLine(0, strip.height() - 1, strip.width(), strip.height() - 1)


def paint_playhead(painter: QPainter, strip: QWidget, desk: Desk) -> None:
    """A line through the middle of the playhead's frame, where there is a clip."""
    if desk.project.facts is None:
        return
    x = desk.axis.x_of(desk.playhead.frame, strip.width())
    painter.setPen(QPen(QColor(theme.ERROR), 1))
    painter.drawLine(QLineF(x, 0, x, strip.height()))


def turn_wheel(event: QWheelEvent, strip: QWidget, desk: Desk) -> None:
    """As on the ruler: zoom in time about the mouse; sideways or with Shift, pan."""
    axis, turn = desk.axis, event.angleDelta()
    sideways = turn.x() or (turn.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
    if sideways:
        axis.pan(-sideways / 120 * 0.1 * (axis.last - axis.first))
    elif turn.y():
        axis.zoom(1.25 ** (turn.y() / 120), axis.frame_at(event.position().x(), strip.width()))
    event.accept()
