# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto file's keys: points, paths and transforms at one frame, and how they go on to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Protocol, Self, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from maskedit.mattes.animation import Interp, Moment, Track

Pair = tuple[float, float]
Share = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(ge=0)]


class Node(BaseModel):
    """How every part of the file is read: immutable, finite numbers only, unknown fields kept."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, populate_by_name=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """This with the fields of `update` in place of its own, checked as a file's are.

        Raises ValidationError. pydantic's own copy checks nothing, and carries over tracks that were computed from
        the old fields. Nothing in here changes, so that a deep copy is no other.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate(given | dict(update or {}))


class Point(Node):
    """A control point `co` with the offsets of its incoming and outgoing handle, in source pixels.

    `feather`: in place of the shape's at this point.
    """

    co: Pair
    incoming: Pair = Field((0.0, 0.0), alias="in")
    outgoing: Pair = Field((0.0, 0.0), alias="out")
    feather: Length | None = None


class Key(Node):
    """The whole outline at one frame, and how it moves on from there."""

    frame: int
    interp: Interp = "linear"
    points: Annotated[tuple[Point, ...], Field(min_length=2)]


class TransformKey(Node):
    """Offset in source pixels, rotation in degrees (clockwise as seen), and scale, about `anchor`."""

    frame: int
    interp: Interp = "linear"
    translate: Pair = (0.0, 0.0)
    rotate: float = 0.0
    scale: Pair = (1.0, 1.0)
    anchor: Pair = (0.0, 0.0)


class StrokeKey(Node):
    """A stroke's path at one frame: points of x, y and pressure from 0 to 1."""

    frame: int
    interp: Interp = "linear"
    points: Annotated[tuple[tuple[float, float, Share], ...], Field(min_length=1)]


class Keyed(Protocol):
    """Anything keyed: what holds at `frame`, and how it goes on from there."""

    @property
    def frame(self) -> int: ...
    @property
    def interp(self) -> Interp: ...


class Drawn(Keyed, Protocol):
    """A key that holds points."""

    @property
    def points(self) -> Sequence[object]: ...


KeyedT = TypeVar("KeyedT", bound=Keyed)
DrawnT = TypeVar("DrawnT", bound=Drawn)


def one_per_frame(keys: tuple[KeyedT, ...]) -> tuple[KeyedT, ...]:
    """The keys in the order of their frames. Raises ValueError for two on one frame."""
    keys = tuple(sorted(keys, key=lambda key: key.frame))
    for key, following in pairwise(keys):
        if key.frame == following.frame:
            raise ValueError(f"two keys lie on frame {key.frame}: keep one of them")
    return keys


def equal_points(keys: tuple[DrawnT, ...]) -> tuple[DrawnT, ...]:
    """The keys. Raises ValueError unless each holds as many points as the next."""
    for key, following in pairwise(keys):
        if len(key.points) != len(following.points):
            raise ValueError(
                f"the keys of frames {key.frame} and {following.frame} have {len(key.points)} and "
                f"{len(following.points)} points: give every key the same number"
            )
    return keys


def track_of(keys: Sequence[Keyed], values: list[object]) -> Track:
    """What `keys` hold, one of `values` each, over time."""
    return Track(
        frames=tuple(key.frame for key in keys),
        values=np.array(values, dtype=np.float64),
        interps=tuple(key.interp for key in keys),
    )


class Transform(Node):
    """Moves a whole shape or stroke over time; each of the numbers goes from key to key on its own."""

    keys: Annotated[tuple[TransformKey, ...], Field(min_length=1), AfterValidator(one_per_frame)]

    @cached_property
    def track(self) -> Track:
        values: list[object] = [(*key.translate, key.rotate, 0, *key.scale, *key.anchor) for key in self.keys]
        return track_of(self.keys, values)

    def at(self, moment: Moment, *, pixel_aspect: float) -> tuple[np.ndarray, np.ndarray]:
        """(matrix (2, 2), offset (2,)): a point p goes to matrix @ p + offset, a handle's offset to matrix @ it.

        Scaled, then rotated as the picture is seen: by `pixel_aspect`, a pixel's width over its height.
        """
        translate, (degrees, _), scale, anchor = self.track.at(moment).reshape(4, 2)
        sine, cosine = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
        matrix = np.array([(cosine, -sine / pixel_aspect), (sine * pixel_aspect, cosine)]) * scale
        return matrix, anchor + translate - matrix @ anchor
