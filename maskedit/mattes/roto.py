# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto file: animated Bézier shapes and brush strokes as JSON (format "maskedit-roto", version 1).

Coordinates are source pixels, origin top left, pixel centres at .5; `in` and `out` are handle offsets from `co`.
Fields that this version does not know are kept: reading and writing a file again loses nothing. docs/mattes.md
describes every field.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from maskedit.errors import InputError
from maskedit.mattes.animation import Moment, Track
from maskedit.mattes.roto_keys import (
    Key,
    Length,
    Node,
    Share,
    StrokeKey,
    Transform,
    equal_points,
    one_per_frame,
    track_of,
)


class _Layer(Node):
    """What shapes and strokes have in common. `visible`: ranges of frames, both ends included; None: always."""

    name: str = ""
    blend: Literal["add", "subtract"] = "add"
    opacity: Share = 1.0
    visible: tuple[tuple[int, int], ...] | None = None
    transform: Transform | None = None

    def is_visible(self, frame: int) -> bool:
        """Whether it counts at `frame`."""
        return self.visible is None or any(first <= frame <= last for first, last in self.visible)


class Shape(_Layer):
    """One closed spline over time. `feather` in source pixels, outwards.

    `shutter`: for how many frames the exposure lasts that blurs its motion; `shutter_offset`: when it opens, in
    frames from the frame itself; None: half of the exposure before it, half after.
    """

    closed: bool = True
    feather: Length = 0.0
    shutter: Share = 0.0
    shutter_offset: Annotated[float, Field(ge=-1, le=1)] | None = None
    keys: Annotated[tuple[Key, ...], Field(min_length=1), AfterValidator(one_per_frame), AfterValidator(equal_points)]

    @field_validator("closed")
    @classmethod
    def _must_be_closed(cls, closed: bool) -> bool:
        if not closed:
            raise ValueError("open splines are not supported: close the shape")
        return closed

    @cached_property
    def _outlines(self) -> Track:
        outlines = [[(point.co, point.incoming, point.outgoing) for point in key.points] for key in self.keys]
        return track_of(self.keys, list(outlines))

    @cached_property
    def _feathers(self) -> Track:
        feathers = [
            [self.feather if point.feather is None else point.feather for point in key.points] for key in self.keys
        ]
        return track_of(self.keys, list(feathers))

    def outline(self, moment: Moment) -> np.ndarray:
        """(points, 3, 2) float64: control point, incoming and outgoing offset of each point, before any transform."""
        return self._outlines.at(moment)

    def feathers(self, moment: Moment) -> np.ndarray:
        """(points,) float64: the feather at each control point."""
        return self._feathers.at(moment)


class Stroke(_Layer):
    """One mark of a round brush over time. `width`: the brush's at full pressure, in source pixels.

    `hardness`: the share of its radius that is full. `under`: the name of the shape that it is painted before; ""
    paints it after all of them.
    """

    width: Annotated[float, Field(gt=0)]
    hardness: Share = 1.0
    under: str = ""
    keys: Annotated[
        tuple[StrokeKey, ...], Field(min_length=1), AfterValidator(one_per_frame), AfterValidator(equal_points)
    ]

    @cached_property
    def _paths(self) -> Track:
        return track_of(self.keys, [key.points for key in self.keys])

    def path(self, moment: Moment) -> np.ndarray:
        """(points, 3) float64: x, y and the brush's radius, in source pixels, before any transform."""
        return self._paths.at(moment) * (1, 1, self.width / 2)


class RotoFile(Node):
    """A whole file. `size` (width, height) is what the coordinates refer to; keys count from `first_number`.

    `pixel_aspect`: (numerator, denominator) of a pixel's width over its height.
    """

    format: Literal["maskedit-roto"]
    version: Literal[1]
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    first_number: int = 0
    pixel_aspect: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1)
    shapes: tuple[Shape, ...]
    strokes: tuple[Stroke, ...] = ()

    @model_validator(mode="after")
    def _something_is_added(self) -> RotoFile:
        layers = (*self.shapes, *self.strokes)
        if not layers:
            raise ValueError("it holds neither shapes nor strokes: draw what is to be edited")
        if all(layer.blend == "subtract" for layer in layers):
            raise ValueError("every shape is subtracted, so nothing is left: give one shape the blend 'add'")
        return self

    @model_validator(mode="after")
    def _strokes_know_their_shapes(self) -> RotoFile:
        names = {shape.name for shape in self.shapes}
        for number, stroke in enumerate(self.strokes, start=1):
            if stroke.under and stroke.under not in names:
                raise ValueError(f"stroke {number} lies under '{stroke.under}', which no shape is called: name one")
        return self

    def layers(self) -> Iterator[Shape | Stroke]:
        """Everything drawn, in the order in which it is laid over one another."""
        waiting = list(self.strokes)
        for shape in self.shapes:
            yield from (stroke for stroke in waiting if stroke.under and stroke.under == shape.name)
            waiting = [stroke for stroke in waiting if not stroke.under or stroke.under != shape.name]
            yield shape
        yield from waiting


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
    names = {"shapes": "shape", "strokes": "stroke", "keys": "key", "points": "point"}
    place, field = [], ""
    for part in fault["loc"]:
        if isinstance(part, int) and field in names:
            place.append(f"{names[field]} {part + 1}")
            field = ""
        elif not isinstance(part, int):
            place.extend([field] if field else [])
            field = part
    if field:
        place.append(f"'{field}'")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{', '.join(place)}: {message}" if place else message
