# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that moves, scales and turns whole shapes and strokes by a box around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter

from maskedit.mattes.coverage import flatten
from plugin_client.panel.roto.curves import transformed
from plugin_client.panel.roto.drawing import Drawing, Gesture
from plugin_client.panel.roto.keying import Reshape
from plugin_client.panel.roto.layers import LayerRef, without_layers
from plugin_client.panel.roto.overlay import Surface, paint_drawing, radii_path
from plugin_client.panel.roto.painting import LIGHT, draw_dot, draw_line, draw_points, line_path
from plugin_client.panel.roto.projecting import GRAB_PX, Projection, inside, point_under, xy

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float64)
_SIDES = np.array([(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)])
_TURN_REACH_PX = 28.0
_LEAST_SCALE = 0.01
_CLICK_PX = 3.0
_TURN_STEP = np.pi / 12

Part = Literal["move", "scale", "turn"]


class TransformTool:
    """Inside the box: move; its handles: scale, with Shift evenly, with Alt about the middle; outside its corners:
    turn, with Shift in steps of 15°. A click elsewhere selects another shape or stroke, Shift adds.
    """

    def __init__(self, drawing: Drawing, surface: Surface) -> None:
        self._drawing, self._surface = drawing, surface
        self._gesture: Gesture | None = None
        self._part: Part = "move"
        self._handle = np.zeros(2)
        self._low = self._high = self._start = np.zeros(2)
        self._moved = False
        self._cursor = Qt.CursorShape.ArrowCursor

    @property
    def cursor(self) -> Qt.CursorShape:
        """What would happen under the pointer."""
        return self._cursor

    def box(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(left and top, right and bottom) around what is selected, in the picture's pixels."""
        refs = self._drawing.chosen()
        if not refs:
            return None
        places = np.concatenate([silhouette(self._drawing.values(ref)) for ref in refs])
        return places.min(axis=0), places.max(axis=0)

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        """Take hold of the box, or select what lies there."""
        if event.button() != Qt.MouseButton.LeftButton or not self._drawing.can_draw:
            return False
        adds = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._start, self._moved = xy(point), False
        grip = self._grip_at(self._start)
        if grip is None or (adds and grip[0] == "move"):
            self._select(adds=adds)
            grip = self._grip_at(self._start)
        box = self.box()
        if grip is not None and box is not None:
            self._part, self._handle = grip
            self._low, self._high = box
            names = {"move": "Move shape", "scale": "Scale shape", "turn": "Rotate shape"}
            self._gesture = self._drawing.gesture(names[self._part], self._drawing.chosen())
        self._surface.update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        """Drag the box; without a button, show what can be taken hold of."""
        if self._gesture is None:
            grip = self._grip_at(xy(point))
            shapes = {"move": Qt.CursorShape.SizeAllCursor, "turn": Qt.CursorShape.CrossCursor}
            self._cursor = Qt.CursorShape.ArrowCursor if grip is None else shapes.get(grip[0], self._sizing(grip[1]))
            return False
        delta = xy(point) - self._start
        if self._moved or np.hypot(*delta) * Projection.of(self._surface.view).scale >= _CLICK_PX:
            self._moved = True
            matrix, about, offset = self._change(xy(point), event.modifiers())
            change = whole(matrix, about=about, offset=offset)
            self._gesture.reshape(dict.fromkeys(self._gesture.before, change))
        return True

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        """The drag is over."""
        if self._gesture is None:
            return False
        self._gesture.end()
        self._gesture = None
        return True

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        """As two clicks."""
        return self.press(point, event)

    def key(self, event: QKeyEvent) -> bool:
        """Delete what is selected, or select nothing."""
        selection = self._drawing.selection
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and selection.layers:
            self._drawing.project.change("Delete shape", without_layers(self._drawing.document, selection.layers))
        elif event.key() == Qt.Key.Key_Escape and selection.layers:
            selection.clear()
        else:
            return False
        return True

    def finish(self) -> None:
        """Another tool is taken up."""
        if self._gesture is not None:
            self._gesture.end()
        self._gesture = None

    def paint(self, painter: QPainter, view: View) -> None:
        """The drawing, and the box with its handles."""
        projection = Projection.of(view)
        paint_drawing(painter, self._drawing, projection)
        box = self.box()
        if box is None:
            return
        corners, sides = (projection.points(at_box(box, places)) for places in (_CORNERS, _SIDES))
        draw_line(painter, line_path(corners, closed=True), LIGHT, dashed=True)
        draw_points(painter, np.concatenate([corners, sides]), LIGHT, selected=range(8))
        draw_dot(painter, projection.points((box[0] + box[1]) / 2), LIGHT, radius=2)

    def _change(self, here: np.ndarray, held: Qt.KeyboardModifier) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(matrix, about which point, offset) of the drag as far as `here`."""
        even = bool(held & Qt.KeyboardModifier.ShiftModifier)
        middle, still = (self._low + self._high) / 2, np.zeros(2)
        if self._part == "move":
            delta = here - self._start
            return np.eye(2), middle, delta * (np.abs(delta) == np.abs(delta).max()) if even else delta
        if self._part == "turn":
            # Pixels may be wider than high: what is seen turns, and is no wider for it.
            seen = np.array([self._drawing.pixel_aspect, 1])
            before, after = (self._start - middle) * seen, (here - middle) * seen
            angle = np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0])
            angle = np.round(angle / _TURN_STEP) * _TURN_STEP if even else angle
            sine, cosine = np.sin(angle), np.cos(angle)
            return np.array([(cosine, -sine), (sine, cosine)]) * seen / seen[:, None], middle, still
        about = middle
        if not held & Qt.KeyboardModifier.AltModifier:
            about = at_box((self._low, self._high), 1 - self._handle)
        reach = at_box((self._low, self._high), self._handle) - about
        acts = (self._handle != 0.5) & (np.abs(reach) > 1e-6)
        scale = np.where(acts, 1 + (here - self._start) / np.where(acts, reach, 1), 1.0)
        if even:
            scale[:] = scale[np.argmax(np.abs(scale - 1))]
        return np.diag(np.where(np.abs(scale) < _LEAST_SCALE, _LEAST_SCALE, scale)), about, still

    def _grip_at(self, here: np.ndarray) -> tuple[Part, np.ndarray] | None:
        """What of the box lies at `here` (in the picture): the part, and for scaling the handle's place in the box."""
        if (box := self.box()) is None:
            return None
        projection = Projection.of(self._surface.view)
        pointer, places = projection.points(here), np.concatenate([_CORNERS, _SIDES])
        grips = projection.points(at_box(box, places))
        if (handle := point_under(grips, pointer)) is not None:
            return "scale", places[handle]
        if (here >= box[0]).all() and (here <= box[1]).all():
            return "move", np.full(2, 0.5)
        if np.hypot(*(grips[:4] - pointer).T).min() <= _TURN_REACH_PX:
            return "turn", np.full(2, 0.5)
        return None

    def _sizing(self, handle: np.ndarray) -> Qt.CursorShape:
        if 0.5 in handle:
            return Qt.CursorShape.SizeVerCursor if handle[0] == 0.5 else Qt.CursorShape.SizeHorCursor
        return Qt.CursorShape.SizeFDiagCursor if handle[0] == handle[1] else Qt.CursorShape.SizeBDiagCursor

    def _select(self, *, adds: bool) -> None:
        """Select what lies under the pointer, topmost first; without Shift nothing else."""
        projection, selection = Projection.of(self._surface.view), self._drawing.selection
        pointer = projection.points(self._start)
        hit = next((ref for ref in reversed(self._drawing.seen()) if self._covers(ref, projection, pointer)), None)
        if not adds:
            selection.choose([] if hit is None else [hit])
        elif hit in selection.layers:
            selection.choose([ref for ref in selection.layers if ref != hit])
        elif hit is not None:
            selection.choose([*selection.layers, hit])

    def _covers(self, ref: LayerRef, projection: Projection, pointer: np.ndarray) -> bool:
        if ref.kind == "stroke":
            path = radii_path(self._drawing, ref, projection)
            return bool((np.hypot(*(path[:, :2] - pointer).T) <= np.maximum(path[:, 2], GRAB_PX)).any())
        polygon = flatten(projection.outline(self._drawing.values(ref)))
        return inside(polygon, pointer) or bool(np.hypot(*(polygon - pointer).T).min() <= GRAB_PX)


def silhouette(values: np.ndarray) -> np.ndarray:
    """The points (n, 2) that an outline or a path runs through."""
    return flatten(values) if values.ndim == 3 else values[:, :2]


def at_box(box: tuple[np.ndarray, np.ndarray], places: np.ndarray) -> np.ndarray:
    """Where places (…, 2) from 0 to 1 across a box lie."""
    return box[0] + places * (box[1] - box[0])


def whole(matrix: np.ndarray, *, about: np.ndarray, offset: np.ndarray) -> Reshape:
    """Moves a whole outline or path: p → about + matrix @ (p - about) + offset."""

    def moved(values: np.ndarray) -> np.ndarray:
        if values.ndim == 3:
            return transformed(values, matrix, about=about, offset=offset)
        places = (values[:, :2] - about) @ matrix.T + about + offset
        return np.column_stack([places, values[:, 2]])

    return moved
