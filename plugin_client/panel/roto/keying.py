# SPDX-License-Identifier: GPL-3.0-or-later
"""A shape's or stroke's keys over time: set, moved, deleted, pasted. Every function returns a new shape or stroke."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import numpy as np

from maskedit.mattes.animation import Interp
from maskedit.mattes.roto import Shape, Stroke
from maskedit.mattes.roto_keys import Key, Point, StrokeKey

INTERPS: tuple[Interp, ...] = ("linear", "hold", "smooth")
Layer = Shape | Stroke
LayerT = TypeVar("LayerT", bound=Shape | Stroke)
Reshape = Callable[[np.ndarray], np.ndarray]
"""From values at one frame to others: a shape's outline (points, 3, 2) or a stroke's path (points, 3)."""


def key_frames(layer: Layer) -> tuple[int, ...]:
    """The frames that hold a key, ascending."""
    return tuple(key.frame for key in layer.keys)


def key_on(layer: Layer, frame: int) -> Key | StrokeKey | None:
    """The key on that very frame."""
    return next((key for key in layer.keys if key.frame == frame), None)


def neighbours(layer: Layer, frame: int) -> tuple[int | None, int | None]:
    """The nearest key before and after `frame`, that frame itself aside."""
    frames = key_frames(layer)
    before = [each for each in frames if each < frame]
    after = [each for each in frames if each > frame]
    return (before[-1] if before else None), (after[0] if after else None)


def interp_at(layer: Layer, frame: int) -> Interp:
    """How it goes on from the key that rules at `frame`."""
    ruling = ruling_frame(layer, frame)
    return next(key.interp for key in layer.keys if key.frame == ruling)


def ruling_frame(layer: Layer, frame: int) -> int:
    """The frame of the key that rules at `frame`: the last one up to there, before all of them the first."""
    frames = key_frames(layer)
    return next((each for each in reversed(frames) if each <= frame), frames[0])


def path_at(stroke: Stroke, frame: int) -> np.ndarray:
    """(points, 3) float64: x, y and pressure. (`Stroke.path` has radii.)"""
    return stroke.path(frame) / (1, 1, stroke.width / 2)


def values_at(layer: Layer, frame: int) -> np.ndarray:
    """What is drawn at `frame`: a shape's outline, a stroke's path with pressures."""
    return layer.outline(frame) if isinstance(layer, Shape) else path_at(layer, frame)


def points_of(outline: np.ndarray, feathers: Iterable[float | None]) -> tuple[Point, ...]:
    """An outline (points, 3, 2) and the points' own feathers as the file's points."""
    own = [{} if feather is None else {"feather": feather} for feather in feathers]
    fields = zip(outline.tolist(), own, strict=True)
    return tuple(Point.model_validate({"co": co, "in": back, "out": out} | more) for (co, back, out), more in fields)


def outline_of(key: Key) -> np.ndarray:
    """(points, 3, 2): what a key holds."""
    return np.array([(point.co, point.incoming, point.outgoing) for point in key.points], dtype=np.float64)


def own_feathers(shape: Shape, frame: int) -> list[float | None]:
    """Each point's own feather at `frame`; None for the points that follow the shape's on every key."""
    widths = shape.feathers(frame).tolist()
    own = {index for key in shape.keys for index, point in enumerate(key.points) if point.feather is not None}
    return [width if index in own else None for index, width in enumerate(widths)]


def with_key(layer: LayerT, frame: int, values: np.ndarray | None = None) -> LayerT:
    """`layer` with a key at `frame` that holds `values`; None: what is there at that frame anyway.

    A new key goes on as the one before it did.
    """
    held = key_on(layer, frame)
    drawn = values_at(layer, frame) if values is None else values
    if isinstance(layer, Shape):
        feathers = [p.feather for p in held.points] if isinstance(held, Key) else own_feathers(layer, frame)
        return _keyed(layer, frame, Key(frame=frame, interp=interp_at(layer, frame), points=points_of(drawn, feathers)))
    return _keyed(layer, frame, StrokeKey(frame=frame, interp=interp_at(layer, frame), points=_path(drawn)))


def with_feathers(shape: Shape, frame: int, feathers: Iterable[float | None]) -> Shape:
    """`shape` with a key at `frame` whose points have these feathers of their own (None: the shape's)."""
    points = points_of(shape.outline(frame), feathers)
    return _keyed(shape, frame, Key(frame=frame, interp=interp_at(shape, frame), points=points))


def reshaped(layer: LayerT, reshape: Reshape) -> LayerT:
    """`layer` with `reshape` done to what every key holds; it leaves the number of points as it is."""
    return reshaped_keys(layer, lambda _, values: reshape(values))


def reshaped_keys(layer: LayerT, reshape: Callable[[int, np.ndarray], np.ndarray]) -> LayerT:
    """As `reshaped`, with each key's frame given."""
    return layer.model_copy(update={"keys": tuple(_reshaped(key, reshape) for key in layer.keys)})


def without_keys(layer: LayerT, frames: Collection[int]) -> LayerT:
    """`layer` without the keys on `frames`. Its last key always stays: the earliest of those that should go."""
    kept = tuple(key for key in layer.keys if key.frame not in frames) or layer.keys[:1]
    return layer.model_copy(update={"keys": kept})


def with_keys_moved(layer: LayerT, frames: Collection[int], by: int) -> LayerT:
    """`layer` with the keys on `frames` so many frames later; they replace keys that lie where they arrive."""
    moved = [key.model_copy(update={"frame": key.frame + by}) for key in layer.keys if key.frame in frames]
    return _merged(layer.model_copy(update={"keys": _besides(layer, frames) or moved}), moved)


def with_interp(layer: LayerT, frames: Collection[int], interp: Interp) -> LayerT:
    """`layer` with the keys on `frames` going on as `interp` says."""
    keys = tuple(key.model_copy(update={"interp": interp}) if key.frame in frames else key for key in layer.keys)
    return layer.model_copy(update={"keys": keys})


def with_keys_pasted(layer: LayerT, keys: Iterable[Key | StrokeKey], frame: int) -> LayerT | None:
    """`layer` with `keys` so that the first of them lies on `frame`; None if their points are not those of the layer.

    What is pasted replaces keys that lie where it arrives.
    """
    kind, count = type(layer.keys[0]), len(layer.keys[0].points)
    copied = sorted(keys, key=lambda key: key.frame)
    if not copied or any(type(key) is not kind or len(key.points) != count for key in copied):
        return None
    by = frame - copied[0].frame
    return _merged(layer, [key.model_copy(update={"frame": key.frame + by}) for key in copied])


def _keyed(layer: LayerT, frame: int, key: Key | StrokeKey) -> LayerT:
    return layer.model_copy(update={"keys": (*_besides(layer, (frame,)), key)})


def _besides(layer: Layer, frames: Collection[int]) -> list[Key | StrokeKey]:
    return [key for key in layer.keys if key.frame not in frames]


def _merged(layer: LayerT, arriving: list[Key | StrokeKey]) -> LayerT:
    taken = {key.frame for key in arriving}
    return layer.model_copy(update={"keys": (*_besides(layer, taken), *arriving)})


def _reshaped(key: Key | StrokeKey, reshape: Callable[[int, np.ndarray], np.ndarray]) -> Key | StrokeKey:
    if isinstance(key, Key):
        outline = reshape(key.frame, outline_of(key))
        return key.model_copy(update={"points": points_of(outline, [point.feather for point in key.points])})
    return key.model_copy(update={"points": _path(reshape(key.frame, np.array(key.points)))})


def _path(values: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    pressures = np.clip(values[:, 2], 0, 1)
    return tuple(zip(values[:, 0].tolist(), values[:, 1].tolist(), pressures.tolist(), strict=True))
