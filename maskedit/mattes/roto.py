# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto file: animated cubic Bézier shapes as JSON (format "maskedit-roto", version 1).

Coordinates are source pixels, origin top left, pixel centres at .5; `in` and `out` are handle offsets from `co`.
Fields that this version does not know are kept: reading and writing a file again loses nothing.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from maskedit.errors import InputError

Pair = tuple[float, float]


class _Node(BaseModel):
    """What all parts of the file share: immutable, finite numbers only, unknown fields kept."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, populate_by_name=True)


class Point(_Node):
    """A control point `co` with the offsets of its incoming and outgoing handle, in source pixels."""

    co: Pair
    incoming: Pair = Field((0.0, 0.0), alias="in")
    outgoing: Pair = Field((0.0, 0.0), alias="out")


class Key(_Node):
    """The whole outline at one frame."""

    frame: int
    points: Annotated[tuple[Point, ...], Field(min_length=2)]

    @property
    def outline(self) -> np.ndarray:
        """(points, 3, 2) float64: control point, incoming and outgoing offset of each point."""
        return np.array([(point.co, point.incoming, point.outgoing) for point in self.points], dtype=np.float64)


class Shape(_Node):
    """One closed spline over time. `feather` in source pixels, outwards; `opacity` from 0 to 1."""

    name: str = ""
    closed: bool = True
    blend: Literal["add", "subtract"] = "add"
    feather: Annotated[float, Field(ge=0)] = 0.0
    opacity: Annotated[float, Field(ge=0, le=1)] = 1.0
    visible: tuple[tuple[int, int], ...] | None = None
    keys: Annotated[tuple[Key, ...], Field(min_length=1)]

    @field_validator("closed")
    @classmethod
    def _must_be_closed(cls, closed: bool) -> bool:
        if not closed:
            raise ValueError("open splines are not supported: close the shape")
        return closed

    @field_validator("keys")
    @classmethod
    def _in_order_with_equal_points(cls, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        keys = tuple(sorted(keys, key=lambda key: key.frame))
        for key, following in pairwise(keys):
            if key.frame == following.frame:
                raise ValueError(f"two keys lie on frame {key.frame}: keep one of them")
            if len(key.points) != len(following.points):
                raise ValueError(
                    f"the keys of frames {key.frame} and {following.frame} have {len(key.points)} and "
                    f"{len(following.points)} points: give every key the same number"
                )
        return keys

    def is_visible(self, frame: int) -> bool:
        """Whether the shape counts at `frame`; without `visible` ranges (inclusive) it always does."""
        return self.visible is None or any(first <= frame <= last for first, last in self.visible)

    def outline(self, frame: int) -> np.ndarray:
        """(points, 3, 2) at `frame`: every coordinate linear between two keys, held outside them."""
        later = next((index for index, key in enumerate(self.keys) if key.frame >= frame), len(self.keys) - 1)
        after = self.keys[later]
        if later == 0 or frame >= after.frame:
            return after.outline
        before = self.keys[later - 1]
        weight = (frame - before.frame) / (after.frame - before.frame)
        return (1 - weight) * before.outline + weight * after.outline


class RotoFile(_Node):
    """A whole file. `size` (width, height) is what the coordinates refer to; keys count from `first_number`."""

    format: Literal["maskedit-roto"]
    version: Literal[1]
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    first_number: int = 0
    shapes: Annotated[tuple[Shape, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _something_is_added(self) -> RotoFile:
        if all(shape.blend == "subtract" for shape in self.shapes):
            raise ValueError("every shape is subtracted, so nothing is left: give one shape the blend 'add'")
        return self


def parse_roto(text: str | bytes, *, name: str = "The roto file") -> RotoFile:
    """Read a roto file's text. Raises InputError: `name`, the shape, key and point that is wrong, and why."""
    try:
        return RotoFile.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{name} is not a usable roto file: {_first_fault(error)}.") from error


def read_roto(path: str) -> RotoFile:
    """Read the roto file at `path`. Raises InputError if it is missing, unreadable or malformed."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"The roto file {path} cannot be read ({error.strerror}): check its path.") from error
    return parse_roto(text, name=path)


def dump_roto(roto: RotoFile) -> str:
    """The file's text again, fields that were not understood included."""
    return roto.model_dump_json(by_alias=True, exclude_unset=True)


def _first_fault(error: ValidationError) -> str:
    """Say the first fault as a person would: places counted from 1, the field, what it should be."""
    fault = error.errors()[0]
    names = {"shapes": "shape", "keys": "key", "points": "point"}
    place, field = [], ""
    for part in fault["loc"]:
        if isinstance(part, int) and field in names:
            place.append(f"{names[field]} {part + 1}")
            field = ""
        elif not isinstance(part, int):
            field = part
    if field:
        place.append(f"'{field}'")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{', '.join(place)}: {message}" if place else message
