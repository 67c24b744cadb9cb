# SPDX-License-Identifier: GPL-3.0-or-later
"""One crop of the frame, at a size that the model takes (torch-free)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from maskedit.geometry.rects import Rect

MAX_ENLARGEMENT = 4  # more source pixels help the model more than enlarging the same few any further


@dataclass(frozen=True)
class CropPlan:
    """`rect` of the source frame is what the model sees, resized to model_width x model_height."""

    rect: Rect
    model_width: int
    model_height: int

    @property
    def magnification(self) -> Fraction:
        """Model pixels per source pixel, along the side that has fewer."""
        return min(Fraction(self.model_width, self.rect.width), Fraction(self.model_height, self.rect.height))

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

    Allowed is what the budget holds and what the frame can fill without being enlarged beyond the limit; two cells
    at least, where the budget has four.
    """
    cells = budget_px // (grid * grid)
    # One column of patches is more than torch 2.13's bfloat16 convolution on a CPU can do: it returns garbage.
    least = 2 if cells >= 4 else 1
    most_columns, most_rows = (max(side * MAX_ENLARGEMENT // grid, least) for side in (frame.width, frame.height))
    for columns in range(least, min(cells // least, most_columns) + 1):
        limit = min(cells // columns, most_rows)
        nearest = int(columns * aspect)
        for rows in {min(max(height, least), limit) for height in (nearest, nearest + 1, limit)}:
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
    return error <= grid, -excess, plan.magnification, -error
