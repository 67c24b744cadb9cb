# SPDX-License-Identifier: GPL-3.0-or-later
"""The same drawing for the same clip in another size, its frames counted from 0."""

from __future__ import annotations

from math import sqrt
from typing import TypeVar

from maskedit.mattes.roto import RotoFile, Shape, Stroke
from maskedit.mattes.roto_keys import Pair, Point, StrokeKey, Transform

LayerT = TypeVar("LayerT", Shape, Stroke)


def at_size(roto: RotoFile, size: tuple[int, int]) -> RotoFile:
    """`roto` with every coordinate and length in the pixels of `size` (width, height), and `first_number` 0.

    Feathers and brushes grow by the mean of both sides' factors. What is not understood is kept as it is.
    """
    across, down = size[0] / roto.size[0], size[1] / roto.size[1]
    shapes = tuple(_shape(_earlier(shape, roto.first_number), across, down) for shape in roto.shapes)
    strokes = tuple(_stroke(_earlier(stroke, roto.first_number), across, down) for stroke in roto.strokes)
    return roto.model_copy(update={"size": size, "first_number": 0, "shapes": shapes, "strokes": strokes})


def _earlier(layer: LayerT, frames: int) -> LayerT:
    if not frames:
        return layer
    keys = tuple(key.model_copy(update={"frame": key.frame - frames}) for key in layer.keys)
    fields: dict[str, object] = {"keys": keys}
    if layer.visible is not None:
        fields["visible"] = tuple((first - frames, last - frames) for first, last in layer.visible)
    if layer.transform is not None:
        moved = tuple(key.model_copy(update={"frame": key.frame - frames}) for key in layer.transform.keys)
        fields["transform"] = layer.transform.model_copy(update={"keys": moved})
    return layer.model_copy(update=fields)


def _shape(shape: Shape, across: float, down: float) -> Shape:
    if across == down == 1:
        return shape
    mean = sqrt(across * down)

    def point(old: Point) -> Point:
        fields: dict[str, object] = {
            name: _scaled(getattr(old, name), across, down) for name in ("co", "incoming", "outgoing")
        }
        if old.feather is not None:
            fields["feather"] = old.feather * mean
        return old.model_copy(update=fields)

    keys = tuple(key.model_copy(update={"points": tuple(map(point, key.points))}) for key in shape.keys)
    fields = {"keys": keys, "feather": shape.feather * mean, "transform": _transform(shape.transform, across, down)}
    return shape.model_copy(update=fields)


def _stroke(stroke: Stroke, across: float, down: float) -> Stroke:
    if across == down == 1:
        return stroke

    def key(old: StrokeKey) -> StrokeKey:
        points = tuple((x * across, y * down, pressure) for x, y, pressure in old.points)
        return old.model_copy(update={"points": points})

    fields = {
        "keys": tuple(map(key, stroke.keys)),
        "width": stroke.width * sqrt(across * down),
        "transform": _transform(stroke.transform, across, down),
    }
    return stroke.model_copy(update=fields)


def _transform(transform: Transform | None, across: float, down: float) -> Transform | None:
    if transform is None:
        return None
    keys = tuple(
        key.model_copy(update={name: _scaled(getattr(key, name), across, down) for name in ("translate", "anchor")})
        for key in transform.keys
    )
    return transform.model_copy(update={"keys": keys})


def _scaled(pair: Pair, across: float, down: float) -> Pair:
    return pair[0] * across, pair[1] * down
