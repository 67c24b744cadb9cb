# SPDX-License-Identifier: GPL-3.0-or-later
"""What every roto tool shows: the drawing at this frame, the selected layers bright, the others dimmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from PyQt6.QtGui import QColor, QPainter

from maskedit.mattes.roto import Stroke
from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.keying import key_frames
from plugin_client.panel.roto.layers import LayerRef, colour_at
from plugin_client.panel.roto.painting import (
    draw_dot,
    draw_handles,
    draw_line,
    draw_points,
    draw_stroke,
    line_path,
    outline_path,
)
from plugin_client.panel.roto.projecting import Projection

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

_MOST_PATH_FRAMES = 200


class Surface(Protocol):
    """What the tools need of the canvas that they lie on."""

    @property
    def view(self) -> View: ...
    def update(self) -> None: ...


def colour_of(drawing: Drawing, ref: LayerRef) -> QColor:
    """The colour of a layer on screen."""
    return QColor(colour_at(drawing.document, ref))


def radii_path(drawing: Drawing, ref: LayerRef, projection: Projection) -> np.ndarray:
    """(points, 3): a stroke's x, y and radius in the widget's px."""
    stroke, path = drawing.layer(ref), drawing.values(ref)
    width = stroke.width if isinstance(stroke, Stroke) else 0.0
    return np.column_stack([projection.points(path[:, :2]), path[:, 2] * width / 2 * projection.scale])


def paint_drawing(painter: QPainter, drawing: Drawing, projection: Projection, *, points: bool = False) -> None:
    """Everything drawn at this frame; `points`: with points and handles of what is selected."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    chosen = drawing.chosen()
    for ref in sorted(drawing.seen(), key=chosen.__contains__):
        layer, colour, dimmed = drawing.layer(ref), colour_of(drawing, ref), ref not in chosen
        if ref.kind == "stroke":
            draw_stroke(painter, radii_path(drawing, ref, projection), colour, dimmed=dimmed)
            continue
        outline = projection.outline(drawing.values(ref))
        draw_line(painter, outline_path(outline), colour, dimmed=dimmed, dashed=layer.blend == "subtract")
        if points and not dimmed:
            selected = drawing.selection.points_of(ref)
            if drawing.options.now.shows_paths:
                _paint_ways(painter, drawing, projection, ref=ref)
            draw_handles(painter, outline, colour, points=selected)
            draw_points(painter, outline[:, 0], colour, selected=selected)


def _paint_ways(painter: QPainter, drawing: Drawing, projection: Projection, *, ref: LayerRef) -> None:
    """The ways of a shape's selected points over its keys, a dot on each key."""
    layer, keys = drawing.layer(ref), key_frames(drawing.layer(ref))
    step = max(1, (keys[-1] - keys[0]) // _MOST_PATH_FRAMES)
    frames = sorted({*range(keys[0], keys[-1] + 1, step), *keys})
    places = np.array([drawing.values_of(layer, frame)[:, 0] for frame in frames])
    for index in drawing.selection.points_of(ref):
        way = projection.points(places[:, index])
        draw_line(painter, line_path(way), colour_of(drawing, ref), dimmed=True)
        for key in keys:
            draw_dot(painter, way[frames.index(key)], colour_of(drawing, ref), radius=2)
