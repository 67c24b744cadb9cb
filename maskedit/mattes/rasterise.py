# SPDX-License-Identifier: GPL-3.0-or-later
"""A roto file at one frame → its matte: shapes and strokes, moved, blurred, feathered and laid over one another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from maskedit.geometry import Rect
from maskedit.mattes.animation import Moment
from maskedit.mattes.brush import stroke_coverage
from maskedit.mattes.combining import combine
from maskedit.mattes.coverage import flatten, flatten_widths, polygon_coverage
from maskedit.mattes.feathering import feather_along
from maskedit.mattes.loosening import paste_matte
from maskedit.mattes.roto import RotoFile, Shape, Stroke
from maskedit.mattes.roto_keys import Transform

MOST_SAMPLES = 64


def rasterise(roto: RotoFile, frame: int, *, width: int, height: int) -> np.ndarray:
    """The matte of `frame` (counted from the clip's first) at width x height: (height, width) float32 in [0, 1].

    Shapes apply in the file's order, strokes after them unless they lie under one: what is added covers by the
    maximum, what is subtracted leaves a * (1 - b).
    """
    number = frame + roto.first_number
    screen = _Screen(roto=roto, width=width, height=height)
    matte = np.zeros((height, width), dtype=np.float32)
    for layer in roto.layers():
        if not layer.is_visible(number):
            continue
        part, covered = screen.shape(layer, number) if isinstance(layer, Shape) else screen.stroke(layer, number)
        seen = matte[part.slices]
        seen[:] = combine([(layer.opacity * covered, layer.blend == "subtract")], onto=seen)
    return matte


@dataclass(frozen=True, kw_only=True)
class _Screen:
    """Draws single layers at width x height; each comes as the part of the frame that it touches and its coverage."""

    roto: RotoFile
    width: int
    height: int

    @property
    def scale(self) -> np.ndarray:
        return np.array([self.width / self.roto.size[0], self.height / self.roto.size[1]])

    def shape(self, shape: Shape, number: int) -> tuple[Rect, np.ndarray]:
        """A shape at its frame: the mean over the moments of its exposure."""
        outlines = [self._outline(shape, moment) for moment in self._exposure(shape, number)]
        reach = math.ceil(max(float(widths.max()) for _, widths in outlines))
        around = self._around(np.concatenate([polygon for polygon, _ in outlines]), reach=reach, margin=reach)
        total = np.zeros((around.height, around.width), dtype=np.float32)
        for polygon, widths in outlines:
            total += _filled(polygon - (around.x, around.y), widths, width=around.width, height=around.height)
        return self._cut(around, total / len(outlines))

    def stroke(self, stroke: Stroke, number: int) -> tuple[Rect, np.ndarray]:
        path = stroke.path(number)
        matrix, offset = self._moved(stroke.transform, number)
        places = path[:, :2] @ matrix.T + offset
        radii = path[:, 2] * _mean_scale(matrix)
        around = self._around(places, reach=math.ceil(float(radii.max()) + 0.5), margin=0)
        local = np.column_stack([places - (around.x, around.y), radii])
        covered = stroke_coverage(local, hardness=stroke.hardness, width=around.width, height=around.height)
        return around, covered

    def _outline(self, shape: Shape, moment: Moment) -> tuple[np.ndarray, np.ndarray]:
        """(vertices, 2) in pixels of the screen, and the feather at each."""
        matrix, offset = self._moved(shape.transform, moment)
        outline = shape.outline(moment) @ matrix.T
        outline[:, 0] += offset
        widths = shape.feathers(moment) * _mean_scale(matrix)
        return flatten(outline), flatten_widths(widths)

    def _moved(self, transform: Transform | None, moment: Moment) -> tuple[np.ndarray, np.ndarray]:
        """From the file's coordinates to the screen's: (matrix, offset)."""
        if transform is None:
            return np.diag(self.scale), np.zeros(2)
        wide, high = self.roto.pixel_aspect
        matrix, offset = transform.at(moment, pixel_aspect=wide / high)
        return self.scale[:, None] * matrix, self.scale * offset

    def _exposure(self, shape: Shape, number: int) -> list[Moment]:
        """Moments evenly within the exposure, two for each pixel that the outline moves in it."""
        if not shape.shutter:
            return [number]
        length = Fraction(shape.shutter)
        opens = number + (-length / 2 if shape.shutter_offset is None else Fraction(shape.shutter_offset))
        ways = [self._outline(shape, opens + length * part / 4)[0] for part in range(5)]
        travel = sum(np.hypot(*(after - before).T).max() for before, after in pairwise(ways))
        samples = min(max(math.ceil(round(2 * travel, 6)), 1), MOST_SAMPLES)
        return [opens + length * Fraction(2 * sample + 1, 2 * samples) for sample in range(samples)]

    def _around(self, points: np.ndarray, *, reach: int, margin: int) -> Rect:
        """Whole pixels that hold `points` and `reach` more on each side, no further than `margin` off the frame."""
        low, high = -margin, np.array([self.width, self.height]) + margin
        left, top = np.clip(np.floor(points.min(axis=0)) - reach, low, high).astype(int)
        right, bottom = np.clip(np.ceil(points.max(axis=0)) + reach, low, high).astype(int)
        return Rect(int(left), int(top), int(right - left), int(bottom - top))

    def _cut(self, around: Rect, covered: np.ndarray) -> tuple[Rect, np.ndarray]:
        """The part of it that lies on the frame."""
        left, top = max(around.x, 0), max(around.y, 0)
        right, bottom = min(around.x + around.width, self.width), min(around.y + around.height, self.height)
        part = Rect(left, top, max(right - left, 0), max(bottom - top, 0))
        inner = Rect(left - around.x, top - around.y, part.width, part.height)
        return part, covered[inner.slices]


def _filled(polygon: np.ndarray, widths: np.ndarray, *, width: int, height: int) -> np.ndarray:
    covered = polygon_coverage(polygon, width=width, height=height)
    if (widths == widths[0]).all():
        return paste_matte(covered, feather_px=float(widths[0]))
    return feather_along(covered, outline=polygon, widths=widths)


def _mean_scale(matrix: np.ndarray) -> float:
    """By how much lengths grow on average: feathers and brushes grow with what they belong to."""
    return math.sqrt(abs(float(np.linalg.det(matrix))))
