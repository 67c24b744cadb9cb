# SPDX-License-Identifier: GPL-3.0-or-later
"""A shape with all of its keys: points come and go on every key at once, so that keys keep equal numbers of points."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from maskedit.mattes.roto import Shape
from maskedit.mattes.roto_keys import Key
from plugin_client.panel.roto.curves import cornered, smoothed, split_at, without_point
from plugin_client.panel.roto.keying import outline_of, own_feathers, points_of, reshaped, with_feathers

_FEWEST = 2


def insert_point(shape: Shape, segment: int, at: float) -> Shape:
    """`shape` with a point more, on the curve from point `segment` at `at` (0 to 1), on every key.

    Outline and feather stay as they are on the keys, and between keys that are linear or held.
    """

    def inserted(key: Key) -> Key:
        ends = key.points[segment], key.points[(segment + 1) % len(key.points)]
        widths = [shape.feather if point.feather is None else point.feather for point in ends]
        follows = all(point.feather is None for point in ends)
        feathers = [point.feather for point in key.points]
        feathers.insert(segment + 1, None if follows else (1 - at) * widths[0] + at * widths[1])
        return key.model_copy(update={"points": points_of(split_at(outline_of(key), segment, at), feathers)})

    return shape.model_copy(update={"keys": tuple(inserted(key) for key in shape.keys)})


def delete_points(shape: Shape, points: Collection[int]) -> Shape | None:
    """`shape` without `points`, on every key; None if fewer than two would be left: then the shape goes."""
    gone = sorted(set(points), reverse=True)
    if len(shape.keys[0].points) - len(gone) < _FEWEST:
        return None

    def thinned(key: Key) -> Key:
        outline, feathers = outline_of(key), [point.feather for point in key.points]
        for index in gone:
            outline = without_point(outline, index)
            del feathers[index]
        return key.model_copy(update={"points": points_of(outline, feathers)})

    return shape.model_copy(update={"keys": tuple(thinned(key) for key in shape.keys)})


def smooth_points(shape: Shape, points: Collection[int]) -> Shape:
    """`shape` with those points smooth on every key: whether a point is a corner does not change over time."""

    def smooth(outline: np.ndarray) -> np.ndarray:
        for index in points:
            outline = smoothed(outline, index)
        return outline

    return reshaped(shape, smooth)


def corner_points(shape: Shape, points: Collection[int]) -> Shape:
    """`shape` with corners at those points, on every key."""

    def corner(outline: np.ndarray) -> np.ndarray:
        for index in points:
            outline = cornered(outline, index)
        return outline

    return reshaped(shape, corner)


def feather_points(shape: Shape, frame: int, feathers: dict[int, float]) -> Shape:
    """`shape` with a key at `frame` that gives points feathers of their own, in source pixels, at least 0.

    On the keys without one, a point that never had its own keeps the shape's.
    """
    own = own_feathers(shape, frame)
    return with_feathers(shape, frame, [max(0.0, feathers[i]) if i in feathers else own[i] for i in range(len(own))])


def widen_feathers(shape: Shape, points: Collection[int], wider: float, *, frames: Collection[int]) -> Shape:
    """`shape` with keys at `frames` whose `points` have feathers `wider` source pixels wider than there were."""
    for frame, before in [(frame, shape.feathers(frame)) for frame in frames]:
        shape = feather_points(shape, frame, {index: round(float(before[index]) + wider, 2) for index in points})
    return shape


def even_feather(shape: Shape) -> Shape:
    """`shape` with all of its points following its own feather again."""
    keys = tuple(
        key.model_copy(update={"points": points_of(outline_of(key), [None] * len(key.points))}) for key in shape.keys
    )
    return shape.model_copy(update={"keys": keys})


def drawn_shape(outline: np.ndarray, frame: int, *, name: str, blend: str = "add") -> Shape:
    """A new shape, keyed at `frame`. `outline` (points, 3, 2) in source pixels, two points or more."""
    key = Key(frame=frame, points=points_of(outline, [None] * len(outline)))
    return Shape.model_validate({"name": name, "closed": True, "blend": blend, "feather": 0.0, "keys": (key,)})
