# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that paints and erases with a round brush."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, QObject, QPointF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QTabletEvent

from plugin_client.panel.roto.brushes import brush_stroke
from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.layers import free_name, next_colour
from plugin_client.panel.roto.overlay import Surface, paint_drawing
from plugin_client.panel.roto.painting import draw_ring, draw_stroke
from plugin_client.panel.roto.projecting import Projection, xy

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_WIDER = 1.15
_HARDER = 0.1
_LEAST_STEP_PX = 0.5
_HARDNESS_PX = 200.0
_WAYS: dict[int, int] = {
    Qt.Key.Key_BracketLeft: -1,
    Qt.Key.Key_BracketRight: 1,
    Qt.Key.Key_BraceLeft: -1,
    Qt.Key.Key_BraceRight: 1,
}
_TABLET = (QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease)


class Pen(QObject):
    """How hard a tablet's pen is pressed, 0 to 1; a mouse presses fully.

    Qt tells a widget of the pen first, and makes a mouse event of what nobody takes.
    """

    def __init__(self, surface: QObject) -> None:
        super().__init__(surface)
        self.pressure = 1.0
        surface.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Note the pressure, and let the event go on."""
        if isinstance(event, QTabletEvent) and event.type() in _TABLET:
            # A pen that hovers says 0, and may leave without another word: then the mouse would paint nothing.
            self.pressure = event.pressure() if event.buttons() else 1.0
        return False


class BrushTool:
    """Drag: paint. Ctrl+drag sideways: width, up and down: hardness; [ and ]: width, with Shift hardness."""

    cursor = Qt.CursorShape.BlankCursor

    def __init__(self, drawing: Drawing, surface: Surface, pen: Pen, *, erases: bool) -> None:
        self._drawing, self._surface, self._pen, self._erases = drawing, surface, pen, erases
        self._path: list[tuple[float, float, float]] = []
        self._pointer: np.ndarray | None = None
        self._sizing: tuple[np.ndarray, float, float] | None = None

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        """Set the brush down, or begin to size it."""
        if event.button() != Qt.MouseButton.LeftButton or not self._drawing.can_draw:
            return False
        self._pointer = xy(point)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            options = self._drawing.options.now
            self._sizing = self._pointer, options.width, options.hardness
        else:
            self._path = [(*self._pointer.tolist(), self._pen.pressure)]
        self._surface.update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        """Paint on, or size the brush."""
        here, self._pointer = xy(point), xy(point)
        if self._sizing is not None:
            start, width, hardness = self._sizing
            self._pointer = start
            projection = Projection.of(self._surface.view)
            across, up = (projection.points(here) - projection.points(start)) * (1, -1)
            wider = 2 * across / projection.scale
            self._drawing.options.set(width=width + wider, hardness=hardness + up / _HARDNESS_PX)
        elif self._path:
            last = np.array(self._path[-1][:2])
            if np.hypot(*(here - last)) * Projection.of(self._surface.view).scale >= _LEAST_STEP_PX:
                self._path.append((*here.tolist(), self._pen.pressure))
        self._surface.update()
        return self._sizing is not None or bool(self._path)

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        """Lift the brush: the stroke is one step."""
        if self._sizing is not None:
            self._sizing = None
            return True
        if not self._path:
            return False
        path, self._path = np.array(self._path), []
        drawing = self._drawing
        stroke = brush_stroke(
            path,
            drawing.options.now,
            frame=drawing.frame,
            last=drawing.playhead.last,
            name=free_name(drawing.document, "Eraser 1" if self._erases else "Brush 1"),
            blend="subtract" if self._erases else "add",
        )
        drawing.add("Erase" if self._erases else "Paint", stroke)
        self._surface.update()
        return True

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        """As two clicks: two dabs."""
        return self.press(point, event)

    def key(self, event: QKeyEvent) -> bool:
        """Size the brush; Esc drops the stroke that is being painted."""
        options = self._drawing.options
        if (way := _WAYS.get(event.key())) is not None:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                options.set(hardness=options.now.hardness + way * _HARDER)
            else:
                options.set(width=options.now.width * _WIDER**way)
        elif event.key() == Qt.Key.Key_Escape and self._path:
            self._path = []
        else:
            return False
        self._surface.update()
        return True

    def finish(self) -> None:
        """Another tool is taken up: a stroke that is being painted is dropped."""
        self._path, self._sizing = [], None

    def paint(self, painter: QPainter, view: View) -> None:
        """The drawing, the stroke so far, and the brush itself."""
        projection, options = Projection.of(view), self._drawing.options.now
        paint_drawing(painter, self._drawing, projection)
        radius = options.width / 2 * projection.scale
        if self._path:
            path = np.array(self._path)
            colour = QColor("#ff5252") if self._erases else QColor(next_colour(self._drawing.document))
            shown = np.column_stack([projection.points(path[:, :2]), path[:, 2] * radius])
            draw_stroke(painter, shown, colour, dimmed=False)
        if self._pointer is not None:
            draw_ring(painter, projection.points(self._pointer), radius, hardness=options.hardness)
