# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that edits points and handles of shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from maskedit.mattes.roto import Shape
from plugin_client.panel.roto.curves import is_smooth, nearest_spot, with_handle
from plugin_client.panel.roto.drawing import Drawing, Gesture
from plugin_client.panel.roto.keying import Reshape
from plugin_client.panel.roto.layers import LayerRef, with_layer, without_layers
from plugin_client.panel.roto.overlay import Surface, paint_drawing
from plugin_client.panel.roto.painting import DARK, LIGHT
from plugin_client.panel.roto.projecting import GRAB_PX, Projection, handle_under, point_under, xy
from plugin_client.panel.roto.selection import PointRef
from plugin_client.panel.roto.splines import corner_points, delete_points, insert_point, smooth_points

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_FAR_NUDGE_PX = 10
_CLICK_PX = 3.0
_BOTH = 0
"""In the place of a handle's side (1 incoming, 2 outgoing): Alt on a point pulls out both."""


class EditSpline:
    """Click or drag a box: select (Shift adds); drag: move points or handles, Shift along one axis, Alt breaks a
    handle off or pulls new ones out. Ctrl+click on an outline: insert; double click: smooth or corner; Delete;
    arrows nudge by a pixel, with Shift by ten.
    """

    def __init__(self, drawing: Drawing, surface: Surface) -> None:
        self._drawing, self._surface = drawing, surface
        self._gesture: Gesture | None = None
        self._grip: tuple[LayerRef, int, int] | None = None
        self._start = self._end = np.zeros(2)
        self._band = self._moved = False
        self._cursor = Qt.CursorShape.ArrowCursor

    @property
    def cursor(self) -> Qt.CursorShape:
        """Whether there is something to take hold of under the pointer, or with Ctrl to cut."""
        return self._cursor

    @property
    def _projection(self) -> Projection:
        return Projection.of(self._surface.view)

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        """Select, and begin to drag."""
        if event.button() != Qt.MouseButton.LeftButton or not self._drawing.can_draw:
            return False
        self._start = self._end = xy(point)
        self._grip, self._moved = None, False
        held = event.modifiers()
        adds = bool(held & Qt.KeyboardModifier.ShiftModifier)
        if held & Qt.KeyboardModifier.ControlModifier:
            return self._insert()
        if (handle := self._handle_here()) is not None and not adds:
            self._grip = handle
            self._begin("Move handle", [handle[0]])
        elif (point_ref := self._point_here()) is not None:
            self._take([point_ref], adds=adds)
            if held & Qt.KeyboardModifier.AltModifier:
                self._grip = (*point_ref, _BOTH)
                self._begin("Pull handles", [point_ref[0]])
            else:
                self._begin("Move points", [ref for ref, _ in self._drawing.selection.points])
        elif (ref := self._outline_here()) is not None:
            count = len(self._drawing.layer(ref).keys[0].points)
            self._take([(ref, index) for index in range(count)], adds=adds)
            self._begin("Move points", [each for each, _ in self._drawing.selection.points])
        else:
            self._band = True
        self._surface.update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        """Drag what was pressed."""
        self._end = xy(point)
        if self._band:
            self._surface.update()
            return True
        if self._gesture is None:
            self._start = self._end
            self._cursor = self._cursor_here(event.modifiers())
            return False
        delta = self._end - self._start
        if not self._moved and np.hypot(*delta) * self._projection.scale < _CLICK_PX:
            return True
        self._moved = True
        held = event.modifiers()
        if self._grip is not None:
            broken = bool(held & Qt.KeyboardModifier.AltModifier)
            self._gesture.reshape({self._grip[0]: self._pulled(self._grip, delta, broken=broken)})
        else:
            if held & Qt.KeyboardModifier.ShiftModifier:
                delta = delta * (np.abs(delta) == np.abs(delta).max())
            self._gesture.reshape(self._shifted(delta))
        return True

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        """The drag is over, or the box is drawn."""
        if self._gesture is not None:
            self._gesture.end()
            self._gesture = None
            return True
        if self._band:
            self._band = False
            self._choose_in_box(adds=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            self._surface.update()
            return True
        return False

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        """Toggle a point between smooth and corner."""
        self._start = xy(point)
        if (point_ref := self._point_here()) is None:
            return self.press(point, event)
        ref, index = point_ref
        shape = self._drawing.layer(ref)
        if isinstance(shape, Shape):
            smooth = is_smooth(self._drawing.values(ref)[index])
            change = corner_points if smooth else smooth_points
            self._drawing.amend("Make corner" if smooth else "Make smooth", {ref: change(shape, [index])})
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Delete, nudge, select all or nothing."""
        selection = self._drawing.selection
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and selection.layers:
            self.delete()
        elif event.key() in _ARROWS and selection.points:
            far = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            step = self._projection.whole_step(np.array(_ARROWS[event.key()]))
            self._drawing.reshape("Nudge points", self._shifted(step * (_FAR_NUDGE_PX if far else 1)))
        elif event.key() == Qt.Key.Key_Escape and selection.layers:
            selection.clear()
        elif event.key() == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            refs = self._drawing.chosen() or self._drawing.seen_shapes()
            selection.choose(refs, [pair for ref in refs if ref.kind == "shape" for pair in self._all_points(ref)])
        else:
            return False
        return True

    def finish(self) -> None:
        """Another tool is taken up."""
        if self._gesture is not None:
            self._gesture.end()
        self._gesture, self._band = None, False

    def delete(self) -> None:
        """Delete the selected points; a shape of which less than two are left goes, as one without selected points."""
        selection, document = self._drawing.selection, self._drawing.document
        points = {ref: selection.points_of(ref) for ref in selection.layers}
        if not selection.points:
            self._drawing.project.change("Delete shape", without_layers(document, selection.layers))
            return
        thinner = {
            ref: delete_points(shape, points[ref])
            for ref in points
            if points[ref] and isinstance(shape := self._drawing.layer(ref), Shape)
        }
        gone = [ref for ref, shape in thinner.items() if shape is None]
        for ref, shape in thinner.items():
            if shape is not None:
                document = with_layer(document, ref, shape)
        self._drawing.project.change("Delete points", without_layers(document, gone))

    def paint(self, painter: QPainter, view: View) -> None:
        """The drawing with points and handles, and the box that is dragged."""
        projection = Projection.of(view)
        paint_drawing(painter, self._drawing, projection, points=True)
        if self._band:
            first, last = projection.points(self._start), projection.points(self._end)
            box = QRectF(QPointF(*first), QPointF(*last)).normalized()
            painter.setBrush(QColor(255, 255, 255, 24))
            painter.setPen(QPen(DARK, 2))
            painter.drawRect(box)
            painter.setPen(QPen(LIGHT, 1, Qt.PenStyle.DashLine))
            painter.drawRect(box)

    def _begin(self, name: str, refs: list[LayerRef]) -> None:
        self._gesture = self._drawing.gesture(name, refs)

    def _take(self, points: list[PointRef], *, adds: bool) -> None:
        """Select points; what is selected already stays so, to be dragged together, and is let go of with Shift."""
        selection = self._drawing.selection
        if adds:
            keeps = (
                selection.points - set(points) if set(points) <= selection.points else selection.points | set(points)
            )
            selection.choose([*selection.layers, points[0][0]], keeps)
        elif not set(points) <= selection.points:
            selection.choose([points[0][0]], points)

    def _insert(self) -> bool:
        if (ref := self._outline_here()) is None or not isinstance(shape := self._drawing.layer(ref), Shape):
            return True
        spot = nearest_spot(self._drawing.values(ref), self._start)
        self._drawing.amend("Insert point", {ref: insert_point(shape, spot.segment, spot.at)})
        self._drawing.selection.choose([ref], [(ref, spot.segment + 1)])
        self._begin("Move points", [ref])
        self._surface.update()
        return True

    def _shifted(self, delta: np.ndarray) -> Mapping[LayerRef, Reshape]:
        return {
            ref: mover(self._drawing.selection.points_of(ref), delta)
            for ref in {ref for ref, _ in self._drawing.selection.points}
        }

    def _pulled(self, grip: tuple[LayerRef, int, int], delta: np.ndarray, *, broken: bool) -> Reshape:
        """A handle moved, or both pulled out anew."""
        _, index, side = grip

        def pulled(outline: np.ndarray) -> np.ndarray:
            if side == _BOTH:
                outline = outline.copy()
                outline[index, 1:] = -delta, delta
                return outline
            return with_handle(outline, index, side, outline[index, side] + delta, broken=broken)

        return pulled

    def _outlines(self) -> list[tuple[LayerRef, np.ndarray]]:
        """(shape, its outline in the widget's px), what is to be hit first in front: selected ones, then topmost."""
        chosen = self._drawing.chosen()
        refs = sorted(reversed(self._drawing.seen_shapes()), key=lambda ref: ref not in chosen)
        return [(ref, self._projection.outline(self._drawing.values(ref))) for ref in refs]

    def _cursor_here(self, held: Qt.KeyboardModifier) -> Qt.CursorShape:
        if held & Qt.KeyboardModifier.ControlModifier:
            cuts = self._outline_here() is not None
            return Qt.CursorShape.CrossCursor if cuts else Qt.CursorShape.ArrowCursor
        grabs = self._handle_here() is not None or self._point_here() is not None
        return Qt.CursorShape.PointingHandCursor if grabs else Qt.CursorShape.ArrowCursor

    def _handle_here(self) -> tuple[LayerRef, int, int] | None:
        pointer = self._projection.points(self._start)
        for ref, outline in self._outlines():
            selected = self._drawing.selection.points_of(ref)
            if (found := handle_under(outline, pointer, among=selected)) is not None:
                return (ref, *found)
        return None

    def _point_here(self) -> PointRef | None:
        pointer = self._projection.points(self._start)
        for ref, outline in self._outlines():
            if (found := point_under(outline[:, 0], pointer)) is not None:
                return ref, found
        return None

    def _outline_here(self) -> LayerRef | None:
        pointer = self._projection.points(self._start)
        near = [(nearest_spot(outline, pointer).distance, ref) for ref, outline in self._outlines()]
        return next((ref for distance, ref in near if distance <= GRAB_PX), None)

    def _choose_in_box(self, *, adds: bool) -> None:
        """The points in the box: of the selected shapes, of all of them if those have none in it."""
        low, high = np.minimum(self._start, self._end), np.maximum(self._start, self._end)
        selection = self._drawing.selection

        def within(ref: LayerRef) -> list[PointRef]:
            places = self._drawing.values(ref)[:, 0]
            return [(ref, int(index)) for index in np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))]

        chosen = [ref for ref in self._drawing.chosen() if ref.kind == "shape"]
        found = [pair for ref in chosen for pair in within(ref)]
        found = found or [pair for ref in self._drawing.seen_shapes() for pair in within(ref)]
        if adds:
            selection.choose(selection.layers, selection.points | set(found))
        else:
            selection.choose([], found)

    def _all_points(self, ref: LayerRef) -> list[PointRef]:
        return [(ref, index) for index in range(len(self._drawing.layer(ref).keys[0].points))]


def mover(points: list[int], delta: np.ndarray) -> Reshape:
    """Moves points of an outline by `delta`, handles and all."""

    def moved(outline: np.ndarray) -> np.ndarray:
        outline = outline.copy()
        outline[points, 0] += delta
        return outline

    return moved
