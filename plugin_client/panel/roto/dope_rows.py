# SPDX-License-Identifier: GPL-3.0-or-later
"""How a row of the dope sheet looks: name, the frames it counts on, a mark for each key."""

from __future__ import annotations

from itertools import pairwise

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from PyQt6.QtWidgets import QWidget

from maskedit.mattes.animation import Interp
from plugin_client.panel.model.axis import TimeAxis
from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.keying import Layer
from plugin_client.panel.roto.layers import LayerRef, colour_at
from plugin_client.panel.shell import theme

ROW_PX = 20
_MARK_PX = 4.5
_MARKS = {
    "linear": QPolygonF([QPointF(0, -5.5), QPointF(5.5, 0), QPointF(0, 5.5), QPointF(-5.5, 0)]),
    "hold": QPolygonF([QPointF(-4, -4), QPointF(4, -4), QPointF(4, 4), QPointF(-4, 4)]),
}
_NAME_PX = 8
_EMPTY = "No shapes yet. Draw one (P) or paint with the brush (B): its keys appear here."


def paint_row(painter: QPainter, widget: QWidget, *, drawing: Drawing, axis: TimeAxis, ref: LayerRef, top: int) -> None:
    """One row, whose upper edge lies at `top`."""
    layer, palette = drawing.layer(ref), widget.palette()
    colour = QColor(colour_at(drawing.document, ref))
    chosen, width = ref in drawing.selection.layers, widget.width()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ground = palette.color(QPalette.ColorRole.AlternateBase if chosen else QPalette.ColorRole.Base)
    painter.fillRect(QRectF(0, top, width, ROW_PX - 1), ground)
    painter.save()
    painter.setClipRect(QRectF(axis.left, top, width - axis.left - axis.right, ROW_PX))
    for left, right in _spans(layer, axis, width):
        band = QColor(colour)
        band.setAlphaF(0.5 if chosen else 0.3)
        painter.fillRect(QRectF(left, top + 6, right - left, ROW_PX - 13), band)
    middle = top + ROW_PX / 2 - 0.5
    for key, following in pairwise(layer.keys):
        if key.frame <= axis.last and following.frame >= axis.first:
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine if key.interp == "hold" else Qt.PenStyle.SolidLine))
            ends = (axis.x_of(each.frame, width) for each in (key, following))
            painter.drawLine(*(QPointF(x, middle) for x in ends))
    painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
    for key in layer.keys:
        if axis.first - 1 <= key.frame <= axis.last + 1:
            painter.setBrush(Qt.GlobalColor.white if (ref, key.frame) in drawing.selection.keys else colour)
            _paint_mark(painter, QPointF(axis.x_of(key.frame, width), middle), interp=key.interp)
    painter.restore()
    _paint_name(painter, widget, layer, colour, QRectF(0, top, axis.left - 4, ROW_PX - 1), chosen=chosen)


def paint_empty(painter: QPainter, widget: QWidget) -> None:
    """What the sheet says while nothing is drawn."""
    painter.setPen(QColor(theme.DIM))
    painter.drawText(QRectF(widget.rect()), Qt.AlignmentFlag.AlignCenter, _EMPTY)


def _paint_name(painter: QPainter, widget: QWidget, layer: Layer, colour: QColor, box: QRectF, *, chosen: bool) -> None:
    painter.fillRect(QRectF(box.left(), box.top(), 3, box.height()), colour)
    painter.setPen(QColor(theme.TEXT if chosen else theme.DIM))
    room = box.adjusted(_NAME_PX, 0, 0, 0)
    words = widget.fontMetrics().elidedText(layer.name, Qt.TextElideMode.ElideRight, int(room.width()))
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def _paint_mark(painter: QPainter, place: QPointF, *, interp: Interp) -> None:
    """Diamond: linear; square: hold; circle: smooth."""
    if interp == "smooth":
        painter.drawEllipse(place, _MARK_PX, _MARK_PX)
    else:
        painter.drawPolygon(_MARKS[interp].translated(place))


def _spans(layer: Layer, axis: TimeAxis, width: int) -> list[tuple[float, float]]:
    """The frames on which a layer counts, as px from left to right."""
    ranges = [(0, axis.count - 1)] if layer.visible is None else layer.visible
    return [(axis.x_of(first - 0.5, width), axis.x_of(last + 0.5, width)) for first, last in ranges]
