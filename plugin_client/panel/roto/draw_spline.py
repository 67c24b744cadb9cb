# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that draws a new shape, point by point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter

from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.layers import next_colour
from plugin_client.panel.roto.overlay import Surface, paint_drawing
from plugin_client.panel.roto.painting import LIGHT, draw_handles, draw_line, draw_points, line_path, outline_path
from plugin_client.panel.roto.projecting import Projection, point_under, xy

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_DRAG_PX = 3.0


class DrawSpline:
    """Click: corner; drag: smooth point. A click on the first point, a double click or Enter closes; Backspace takes
    the last point back, Esc all of them. Shift keeps to eighths of a turn.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, drawing: Drawing, surface: Surface) -> None:
        self._drawing, self._surface = drawing, surface
        self._points: list[np.ndarray] = []
        self._held = np.zeros((3, 2))
        self._pulling = self._closing = False
        self._pointer: np.ndarray | None = None

    @property
    def outline(self) -> np.ndarray:
        """(points, 3, 2): what is drawn so far, in the picture's pixels."""
        return np.array(self._points).reshape(-1, 3, 2)

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        """Set a point, or close on the first one."""
        if event.button() == Qt.MouseButton.RightButton and self._points:
            self.close()
            return True
        if event.button() != Qt.MouseButton.LeftButton or not self._drawing.can_draw:
            return False
        self._closing = self._is_on_first(point)
        if not self._closing:
            self._points.append(np.array([self._turned(xy(point), event), (0, 0), (0, 0)], dtype=np.float64))
        self._held = self._points[0 if self._closing else -1].copy()
        self._pulling = True
        self._surface.update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        """Pull the new point's handles out."""
        self._pointer = xy(point)
        if self._pulling:
            index = 0 if self._closing else -1
            pull = self._pointer - self._points[index][0]
            far = np.hypot(*pull) * Projection.of(self._surface.view).scale > _DRAG_PX
            self._points[index][1:] = (-pull, pull) if far else self._held[1:]
        self._surface.update()
        return self._pulling

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        """The point is set."""
        was, self._pulling = self._pulling, False
        if was and self._closing:
            self.close()
        return was

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        """Close: the first of both clicks has set the last point."""
        self.close()
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Close, take back or give up."""
        if not self._points:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        elif event.key() == Qt.Key.Key_Escape:
            self._points = []
        elif event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._points.pop()
        else:
            return False
        self._pulling = False
        self._surface.update()
        return True

    def finish(self) -> None:
        """Another tool is taken up: what encloses something is kept."""
        self.close()

    def close(self) -> None:
        """Make a shape of what is drawn, if it encloses anything; too few points are dropped."""
        outline, self._points, self._pulling, self._closing = self.outline, [], False, False
        if len(outline) > 2 or (len(outline) == 2 and bool(outline[:, 1:].any())):
            self._drawing.add_shape(outline)
        self._surface.update()

    def paint(self, painter: QPainter, view: View) -> None:
        """The drawing, the line so far, and the curve that the next point would make."""
        projection = Projection.of(view)
        paint_drawing(painter, self._drawing, projection)
        if not self._points:
            return
        outline = projection.outline(self.outline)
        colour = QColor(next_colour(self._drawing.document))
        draw_line(painter, outline_path(outline, closed=False), colour)
        if self._pointer is not None and not self._pulling:
            next_point = np.array([projection.points(self._pointer), (0, 0), (0, 0)])
            draw_line(painter, outline_path(np.array([outline[-1], next_point]), closed=False), LIGHT, dimmed=True)
        if self._pointer is not None and len(outline) > 1 and not self._pulling:
            draw_line(
                painter, line_path(np.array([projection.points(self._pointer), outline[0, 0]])), LIGHT, dimmed=True
            )
        draw_handles(painter, outline, colour, points=[len(outline) - 1])
        draw_points(painter, outline[:, 0], colour, selected=[0 if self._closes_here(projection) else len(outline) - 1])

    def _closes_here(self, projection: Projection) -> bool:
        return self._pointer is not None and self._is_on_first(QPointF(*self._pointer))

    def _is_on_first(self, point: QPointF) -> bool:
        if len(self._points) < 2:
            return False
        projection = Projection.of(self._surface.view)
        return point_under(projection.points(self.outline[:1, 0]), projection.points(xy(point))) is not None

    def _turned(self, place: np.ndarray, event: QMouseEvent) -> np.ndarray:
        """`place`, with Shift in one of eight directions from the last point."""
        if not self._points or not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return place
        start = self._points[-1][0]
        angle = np.round(np.arctan2(*(place - start)[::-1]) / (np.pi / 4)) * np.pi / 4
        direction = np.array([np.cos(angle), np.sin(angle)])
        return start + direction * float((place - start) @ direction)
