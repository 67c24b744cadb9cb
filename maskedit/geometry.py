# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the model looks: the region's crop, the model's grid, padded lengths and temporal windows (torch-free).

All coordinates are integers in source pixels, origin top left; a rectangle covers pixels x … x + width - 1.
The model sees one rectangle of the frame, the same on every frame of the range, resized to a multiple of its grid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

MAX_ENLARGEMENT = 4  # more source pixels help the model more than enlarging the same few any further


@dataclass(frozen=True)
class Rect:
    """The pixels x … x + width - 1, y … y + height - 1."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an (H, W, …) array."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)

    def covers(self, other: Rect) -> bool:
        """Whether every pixel of `other` is a pixel of this rectangle."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )

    def grown(self, by: int, *, frame_width: int, frame_height: int) -> Rect:
        """This rectangle with `by` pixels more on each side, cut off at the frame's edges."""
        left, top = max(self.x - by, 0), max(self.y - by, 0)
        right = min(self.x + self.width + by, frame_width)
        bottom = min(self.y + self.height + by, frame_height)
        return Rect(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class CropPlan:
    """`rect` of the source frame is what the model sees, resized to model_width x model_height."""

    rect: Rect
    model_width: int
    model_height: int

    def to_model(self, x: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        """The model coordinates of a point in source coordinates (pixel centres lie at .5 in both)."""
        return (
            (x - self.rect.x) * Fraction(self.model_width, self.rect.width),
            (y - self.rect.y) * Fraction(self.model_height, self.rect.height),
        )

    def to_source(self, x: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        """The inverse of `to_model`."""
        return (
            self.rect.x + x * Fraction(self.rect.width, self.model_width),
            self.rect.y + y * Fraction(self.rect.height, self.model_height),
        )


def bounds_of(matte: np.ndarray) -> Rect | None:
    """The smallest rectangle that holds every pixel > 0 of `matte` (H, W), or None if there is none."""
    inside = matte > 0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    return Rect(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def union(*rects: Rect | None) -> Rect | None:
    """The smallest rectangle that covers all given ones; None counts as empty."""
    present = [rect for rect in rects if rect is not None]
    if not present:
        return None
    left, top = min(rect.x for rect in present), min(rect.y for rect in present)
    right = max(rect.x + rect.width for rect in present)
    bottom = max(rect.y + rect.height for rect in present)
    return Rect(left, top, right - left, bottom - top)


def plan_crop(
    bounds: Rect, *, frame_width: int, frame_height: int, grid: int, budget_px: int, context: Fraction
) -> CropPlan:
    """Choose what the model sees of a region with these `bounds`, and at what size.

    The crop covers `bounds` with `context` (a fraction of its sides) around it where the frame has it, lies inside
    the frame, and is never enlarged more than fourfold where the frame is big enough: a small region gets more
    context instead. The model's sides are multiples of `grid` pixels, their area at most `budget_px`; among these
    sizes the one that shows the region largest is taken. The aspect is kept within one grid cell, unless the frame
    is so narrow that no size within the budget does.
    Raises ValueError if `bounds` lies outside the frame or the budget is smaller than one cell.
    """
    frame = Rect(0, 0, frame_width, frame_height)
    if not frame.covers(bounds) or min(bounds.width, bounds.height) < 1:
        raise ValueError(f"bounds {bounds} do not lie inside the frame of {frame_width}x{frame_height}")
    if budget_px < grid * grid:
        raise ValueError(f"a budget of {budget_px} pixels does not hold one cell of {grid}x{grid}")
    wanted_width = _with_context(bounds.width, context, limit=frame_width)
    wanted_height = _with_context(bounds.height, context, limit=frame_height)
    aspect = Fraction(wanted_height, wanted_width)
    plans = [
        CropPlan(_rect_for(bounds, wanted_width, wanted_height, *model_size, frame), *model_size)
        for model_size in _model_sizes(aspect, frame, grid, budget_px)
    ]
    return max(plans, key=lambda plan: _merit(plan, grid))


def _with_context(side: int, context: Fraction, *, limit: int) -> int:
    return min(side + 2 * -(-side * context.numerator // context.denominator), limit)


def _model_sizes(aspect: Fraction, frame: Rect, grid: int, budget_px: int) -> Iterable[tuple[int, int]]:
    """Sizes of whole cells worth a look: per width the two heights nearest to `aspect` and the greatest one allowed.

    Allowed is what the budget holds and what the frame can fill without being enlarged beyond the limit.
    """
    cells = budget_px // (grid * grid)
    most_columns, most_rows = (max(side * MAX_ENLARGEMENT // grid, 1) for side in (frame.width, frame.height))
    for columns in range(1, min(cells, most_columns) + 1):
        limit = min(cells // columns, most_rows)
        nearest = int(columns * aspect)
        for rows in {min(max(nearest, 1), limit), min(nearest + 1, limit), limit}:
            yield columns * grid, rows * grid


def _rect_for(bounds: Rect, width: int, height: int, model_width: int, model_height: int, frame: Rect) -> Rect:
    """The smallest crop of at least width x height that has the model's aspect, as far as the frame allows."""
    width = max(width, -(-height * model_width // model_height), -(-model_width // MAX_ENLARGEMENT))
    height = max(height, -(-width * model_height // model_width), -(-model_height // MAX_ENLARGEMENT))
    width, height = min(width, frame.width), min(height, frame.height)
    x = min(max(bounds.x + (bounds.width - width) // 2, 0), frame.width - width)
    y = min(max(bounds.y + (bounds.height - height) // 2, 0), frame.height - height)
    return Rect(x, y, width, height)


def aspect_error_px(plan: CropPlan) -> Fraction:
    """By how many model pixels the model's size differs from the crop's aspect, along the side that differs less."""
    return min(
        abs(plan.model_width - Fraction(plan.model_height * plan.rect.width, plan.rect.height)),
        abs(plan.model_height - Fraction(plan.model_width * plan.rect.height, plan.rect.width)),
    )


def _merit(plan: CropPlan, grid: int) -> tuple[bool, Fraction, Fraction, Fraction]:
    """Aspect kept, not enlarged beyond the limit, region shown large, aspect error small: in this order."""
    error = aspect_error_px(plan)
    scales = Fraction(plan.model_width, plan.rect.width), Fraction(plan.model_height, plan.rect.height)
    excess = max(*scales, Fraction(MAX_ENLARGEMENT))
    return error <= grid, -excess, min(scales), -error


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """`picture` (H, W) or (H, W, C) float32 at another size: area mean when shrinking, cubic when enlarging.

    Cubic overshoot is cut off at the picture's own extremes, so that [0, 1] stays [0, 1].
    """
    shrinking = width * height < picture.shape[0] * picture.shape[1]
    result = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)
    np.clip(result, picture.min(), picture.max(), out=result)
    return result.reshape(height, width, *picture.shape[2:])


def crop_to_model(picture: np.ndarray, plan: CropPlan) -> np.ndarray:
    """Cut `plan.rect` out of a whole frame (H, W, C) float32; returns (model_height, model_width, C)."""
    return resized(np.ascontiguousarray(picture[plan.rect.slices]), plan.model_width, plan.model_height)


def model_to_crop(picture: np.ndarray, plan: CropPlan) -> np.ndarray:
    """The way back: (model_height, model_width, C) float32 to (rect.height, rect.width, C), to be pasted at rect."""
    return resized(picture, plan.rect.width, plan.rect.height)


def matte_to_model(matte: np.ndarray, plan: CropPlan) -> np.ndarray:
    """Reduce a whole frame's matte (H, W) by *any*: 1 where a model pixel touches a source pixel > 0, else 0.

    Returns (model_height, model_width) float32. Exact in either direction, unlike a resize with a threshold.
    """
    inside = (matte[plan.rect.slices] > 0).astype(np.int32)
    for axis, model_side in enumerate((plan.model_height, plan.model_width)):
        side = inside.shape[axis]
        edges = np.arange(model_side + 1) * side
        sums = np.insert(np.cumsum(inside, axis=axis), 0, 0, axis=axis)
        ends, starts = -(-edges[1:] // model_side), edges[:-1] // model_side
        inside = (np.take(sums, ends, axis) > np.take(sums, starts, axis)).astype(np.int32)
    return inside.astype(np.float32)


def padded_length(frames: int, *, temporal_factor: int = 4) -> int:
    """The least length of the form temporal_factor * n + 1 that holds `frames` >= 1 frames."""
    return -(-(frames - 1) // temporal_factor) * temporal_factor + 1


def pad_indices(frames: int, *, temporal_factor: int = 4) -> tuple[int, ...]:
    """Which of `frames` frames to show at each place of the padded clip: all in order, the last one repeated."""
    return tuple(min(index, frames - 1) for index in range(padded_length(frames, temporal_factor=temporal_factor)))


def windows(frames: int, *, length: int, overlap: int) -> tuple[range, ...]:
    """Windows of `length` frames, in order, that cover 0 … frames - 1; neighbours share at least `overlap` frames.

    The last window is moved back to stay inside the clip, so every window is full; a clip shorter than `length` is
    one window of its own length. Raises ValueError unless 0 <= overlap < length and frames >= 1.
    """
    if frames < 1 or not 0 <= overlap < length:
        raise ValueError(f"{frames} frames cannot be cut into windows of {length} that overlap by {overlap}")
    if frames <= length:
        return (range(frames),)
    starts = [*range(0, frames - length, length - overlap), frames - length]
    return tuple(range(start, start + length) for start in starts)
