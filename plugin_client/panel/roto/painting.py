# SPDX-License-Identifier: GPL-3.0-or-later
"""How outlines, points, handles and strokes look on any picture: a light or coloured line on a dark one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

DARK = QColor(0, 0, 0, 150)
LIGHT = QColor(255, 255, 255)
_DIMMED = 0.6
_POINT_PX, _HANDLE_PX = 3.0, 3.0


def outline_path(outline: np.ndarray, *, closed: bool = True) -> QPainterPath:
    """An outline (points, 3, 2) in the widget's px as what a painter draws."""
    start, end = outline, np.roll(outline, -1, axis=0)
    curves = np.concatenate([start[:, 0] + start[:, 2], end[:, 0] + end[:, 1], end[:, 0]], axis=1).tolist()
    path = QPainterPath(QPointF(*outline[0, 0].tolist()))
    for curve in curves if closed else curves[:-1]:
        path.cubicTo(*curve)
    if closed:
        path.closeSubpath()
    return path


def line_path(places: np.ndarray, *, closed: bool = False) -> QPainterPath:
    """A polyline (points, 2) in the widget's px as what a painter draws."""
    first, *others = places.tolist()
    path = QPainterPath(QPointF(*first))
    for x, y in others:
        path.lineTo(x, y)
    if closed:
        path.closeSubpath()
    return path


def draw_line(
    painter: QPainter, path: QPainterPath, colour: QColor, *, dimmed: bool = False, dashed: bool = False
) -> None:
    """A line that shows on dark and on light pictures.

    Lines of one px are drawn fifty times as fast as wider ones: dimmed ones, of which there may be many, have a shadow.
    """
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setOpacity(_DIMMED if dimmed else 1)
    painter.setPen(QPen(DARK, 1.0 if dimmed else 3.0))
    painter.drawPath(path.translated(1, 1) if dimmed else path)
    pen = QPen(colour, 1.0 if dimmed else 1.5)
    if dashed:
        pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.drawPath(path)
    painter.setOpacity(1)


def draw_points(painter: QPainter, places: np.ndarray, colour: QColor, *, selected: Collection[int]) -> None:
    """Squares at the points (n, 2); filled white where they are selected."""
    for index, place in enumerate(places):
        chosen = index in selected
        half = _POINT_PX + (0.5 if chosen else 0)
        box = QRectF(place[0] - half, place[1] - half, 2 * half, 2 * half)
        painter.setPen(QPen(DARK, 3.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        painter.setPen(QPen(colour if not chosen else LIGHT, 1.25))
        painter.setBrush(LIGHT if chosen else QColor(30, 30, 30, 200))
        painter.drawRect(box)


def draw_handles(painter: QPainter, outline: np.ndarray, colour: QColor, *, points: Iterable[int]) -> None:
    """The handles of `points`: a line from the point to a dot, on both sides."""
    for index in points:
        co = outline[index, 0]
        for side in (1, 2):
            if np.hypot(*outline[index, side]) > _HANDLE_PX:
                tip = co + outline[index, side]
                draw_line(painter, line_path(np.array([co, tip])), LIGHT, dimmed=True)
                draw_dot(painter, tip, colour)


def draw_dot(painter: QPainter, place: np.ndarray, colour: QColor, *, radius: float = _HANDLE_PX) -> None:
    """A round handle."""
    painter.setPen(QPen(DARK, 3.0))
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(*place), radius, radius)
    painter.setPen(QPen(LIGHT, 1.0))
    painter.drawEllipse(QPointF(*place), radius, radius)


def draw_stroke(painter: QPainter, path: np.ndarray, colour: QColor, *, dimmed: bool) -> None:
    """A brush stroke's path (points, 3: x, y, radius) in the widget's px: its line, and its edge as a faint band."""
    band = QColor(colour)
    band.setAlphaF(0.12 if dimmed else 0.25)
    painter.fillPath(_swept(path), band)
    draw_line(painter, line_path(path[:, :2]), colour, dimmed=dimmed)


def draw_ring(painter: QPainter, centre: np.ndarray, radius: float, *, hardness: float) -> None:
    """The brush under the pointer: its edge, and within it where it is full."""
    for size, light in ((radius, 1.0), (radius * hardness, 0.4)):
        for pen, opacity in ((QPen(DARK, 3.0), light), (QPen(LIGHT, 1.25), light)):
            painter.setOpacity(opacity)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(*centre), max(size, 0.5), max(size, 0.5))
    painter.setOpacity(1)


def _swept(path: np.ndarray) -> QPainterPath:
    """What a round brush covers on its way, as one area: all of its pieces turn the same way round."""
    area = QPainterPath()
    area.setFillRule(Qt.FillRule.WindingFill)
    for x, y, radius in path:
        area.addEllipse(QPointF(x, y), radius, radius)
    for first, last in pairwise(path):
        step = last[:2] - first[:2]
        across = np.array([-step[1], step[0]]) / max(float(np.hypot(*step)), 1e-6)
        sides = (first, -1), (last, -1), (last, 1), (first, 1)
        area.addPolygon(QPolygonF([QPointF(*(end[:2] + side * end[2] * across)) for end, side in sides]))
        area.closeSubpath()
    return area
