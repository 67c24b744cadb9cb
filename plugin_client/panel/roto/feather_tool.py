# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that draws the soft edge: each point's feather, dragged outwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter

from maskedit.mattes.coverage import flatten, flatten_widths
from maskedit.mattes.roto import Shape
from plugin_client.panel.roto.curves import nearest_spot, outward_normals
from plugin_client.panel.roto.drawing import Drawing, Gesture
from plugin_client.panel.roto.keying import Layer, key_frames
from plugin_client.panel.roto.layers import LayerRef
from plugin_client.panel.roto.overlay import Surface, colour_of, paint_drawing
from plugin_client.panel.roto.painting import LIGHT, draw_dot, draw_line, line_path
from plugin_client.panel.roto.projecting import GRAB_PX, Projection, point_under, xy
from plugin_client.panel.roto.splines import even_feather, widen_feathers

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_STEM_PX = 14.0
_VERTICES = 8


class FeatherTool:
    """Drag the round handle of a point outwards; with Shift, all points of the shape alike. Selected points go
    together. A double click on a handle lets the whole shape follow its own feather again.
    """

    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, drawing: Drawing, surface: Surface) -> None:
        self._drawing, self._surface = drawing, surface
        self._gesture: Gesture | None = None
        self._grip: tuple[LayerRef, int] | None = None
        self._start = np.zeros(2)

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        """Take hold of a feather, or select a shape."""
        if event.button() != Qt.MouseButton.LeftButton or not self._drawing.can_draw:
            return False
        self._start = xy(point)
        self._grip = self._handle_here()
        if self._grip is not None:
            self._gesture = self._drawing.gesture("Feather", [self._grip[0]])
        elif (ref := self._outline_here()) is not None:
            self._drawing.selection.choose([ref])
        else:
            self._drawing.selection.choose([])
        self._surface.update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        """Drag the feather."""
        if self._gesture is None or self._grip is None:
            return False
        ref, grabbed = self._grip
        shape = self._gesture.before[ref]
        assert isinstance(shape, Shape)
        normal = outward_normals(self._gesture.values(ref))[grabbed]
        wider = float((xy(point) - self._start) @ normal) / self._drawing.placing(shape, self._gesture.frame).growth
        points = [grabbed]
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            points = range(len(shape.keys[0].points))
        elif grabbed in (selected := self._drawing.selection.points_of(ref)):
            points = selected
        frames = key_frames(shape) if self._gesture.every_key else (self._gesture.frame,)
        self._gesture.amend(lambda _, layer: widen_feathers(_shape(layer), points, wider, frames=frames))
        return True

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        """The drag is over."""
        if self._gesture is None:
            return False
        self._gesture.end()
        self._gesture = self._grip = None
        return True

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        """Take the points' own feathers away."""
        self._start = xy(point)
        if (grip := self._handle_here()) is None:
            return self.press(point, event)
        self._drawing.amend("Even feather", {grip[0]: even_feather(_shape(self._drawing.layer(grip[0])))})
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Select nothing."""
        if event.key() == Qt.Key.Key_Escape and self._drawing.selection.layers:
            self._drawing.selection.clear()
            return True
        return False

    def finish(self) -> None:
        """Another tool is taken up."""
        if self._gesture is not None:
            self._gesture.end()
        self._gesture = self._grip = None

    def handles(self, ref: LayerRef, projection: Projection) -> np.ndarray:
        """(points, 2): where the feather handles of a shape lie in the widget, a stem away from the soft edge."""
        shape, frame, outline = _shape(self._drawing.layer(ref)), self._drawing.frame, self._drawing.values(ref)
        reach = shape.feathers(frame) * self._drawing.placing(shape, frame).growth + _STEM_PX / projection.scale
        return projection.points(outline[:, 0] + outward_normals(outline) * reach[:, None])

    def paint(self, painter: QPainter, view: View) -> None:
        """The drawing, where the selected shapes' feather ends, and a handle for each of their points."""
        projection = Projection.of(view)
        paint_drawing(painter, self._drawing, projection, points=True)
        for ref in self._shapes():
            shape, frame, outline = _shape(self._drawing.layer(ref)), self._drawing.frame, self._drawing.values(ref)
            colour = QColor(colour_of(self._drawing, ref))
            edge = flatten(outline, segments=_VERTICES)
            widths = (
                flatten_widths(shape.feathers(frame), segments=_VERTICES) * self._drawing.placing(shape, frame).growth
            )
            if widths.any():
                corners = np.stack([edge, np.zeros_like(edge), np.zeros_like(edge)], axis=1)
                soft = edge + outward_normals(corners) * widths[:, None]
                draw_line(painter, line_path(projection.points(soft), closed=True), colour, dashed=True)
            for place, tip in zip(projection.points(outline[:, 0]), self.handles(ref, projection), strict=True):
                draw_line(painter, line_path(np.array([place, tip])), LIGHT, dimmed=True)
                draw_dot(painter, tip, colour, radius=4)

    def _shapes(self) -> list[LayerRef]:
        return [ref for ref in self._drawing.chosen() if ref.kind == "shape"]

    def _handle_here(self) -> tuple[LayerRef, int] | None:
        projection = Projection.of(self._surface.view)
        for ref in reversed(self._shapes()):
            if (index := point_under(self.handles(ref, projection), projection.points(self._start))) is not None:
                return ref, index
        return None

    def _outline_here(self) -> LayerRef | None:
        projection = Projection.of(self._surface.view)
        pointer = projection.points(self._start)
        for ref in reversed(self._drawing.seen_shapes()):
            if nearest_spot(projection.outline(self._drawing.values(ref)), pointer).distance <= GRAB_PX:
                return ref
        return None


def _shape(layer: Layer) -> Shape:
    assert isinstance(layer, Shape)
    return layer
