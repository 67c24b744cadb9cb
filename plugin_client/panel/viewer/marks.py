# SPDX-License-Identifier: GPL-3.0-or-later
"""What the canvas draws that is no picture: its ground, the wipe's line, names, a sentence where nothing is to see."""

from __future__ import annotations

from functools import lru_cache

from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QImage, QPainter, QPen

from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.view import View

_GROUND = "#161616"
_CHECK = "#1a1a1a"
_CHECK_PX = 12
_LINE = QColor(255, 255, 255, 210)
_EDGE = QColor(0, 0, 0, 130)
_PLAQUE = QColor(0, 0, 0, 150)


def draw_ground(painter: QPainter, area: QRect) -> None:
    """The checkerboard on which pictures lie."""
    painter.fillRect(area, _checks())


def draw_sentence(painter: QPainter, area: QRect, words: str, *, is_fault: bool = False) -> None:
    """A sentence in the middle of the canvas."""
    painter.setPen(QColor(theme.WARNING if is_fault else theme.DIM))
    inside = area.adjusted(2 * theme.SPACE, theme.SPACE, -2 * theme.SPACE, -theme.SPACE)
    painter.drawText(inside, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)


def draw_name(painter: QPainter, area: QRectF, words: str, *, right: bool = False) -> None:
    """What is shown in `area`, in its upper corner, shortened where there is no room."""
    metrics = painter.fontMetrics()
    most = round(area.width()) - 4 * theme.SPACE
    words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, max(0, most))
    plaque = QRectF(0, 0, metrics.horizontalAdvance(words) + 2 * theme.SPACE, metrics.height() + theme.SPACE)
    left = area.right() - theme.SPACE - plaque.width() if right else area.left() + theme.SPACE
    plaque.moveTo(left, area.top() + theme.SPACE)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLAQUE)
    painter.drawRoundedRect(plaque, 3, 3)
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(plaque, Qt.AlignmentFlag.AlignCenter, words)


def draw_wipe(painter: QPainter, view: View, wipe: float) -> None:
    """The wipe's line with its grip."""
    rect = view.rect
    x = rect.left() + wipe * rect.width()
    top, bottom = QPointF(x, rect.top()), QPointF(x, rect.bottom())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((_EDGE, 3.0), (_LINE, 1.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(top, bottom)
    painter.setPen(QPen(_EDGE, 1.0))
    painter.setBrush(_LINE)
    painter.drawRoundedRect(QRectF(x - 4, rect.center().y() - 14, 8, 28), 4, 4)


@lru_cache(maxsize=1)
def _checks() -> QBrush:
    tile = QImage(2 * _CHECK_PX, 2 * _CHECK_PX, QImage.Format.Format_RGB32)
    tile.fill(QColor(_GROUND))
    painter = QPainter(tile)
    for at in (0, _CHECK_PX):
        painter.fillRect(at, at, _CHECK_PX, _CHECK_PX, QColor(_CHECK))
    painter.end()
    return QBrush(tile)
