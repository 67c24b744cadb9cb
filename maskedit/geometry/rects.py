# SPDX-License-Identifier: GPL-3.0-or-later
"""Rectangles of whole pixels (torch-free)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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

    def shared_with(self, other: Rect) -> tuple[slice, slice]:
        """Rows and columns, from this rectangle's own corner, of what both cover; empty if they do not meet."""
        left, right = max(self.x, other.x), min(self.x + self.width, other.x + other.width)
        top, bottom = max(self.y, other.y), min(self.y + self.height, other.y + other.height)
        return slice(top - self.y, max(top, bottom) - self.y), slice(left - self.x, max(left, right) - self.x)

    def grown(self, by: int, *, frame_width: int, frame_height: int) -> Rect:
        """This rectangle with `by` pixels more on each side, cut off at the frame's edges."""
        left, top = max(self.x - by, 0), max(self.y - by, 0)
        right = min(self.x + self.width + by, frame_width)
        bottom = min(self.y + self.height + by, frame_height)
        return Rect(left, top, right - left, bottom - top)


def placed(values: np.ndarray, *, at: Rect, within: Rect) -> np.ndarray:
    """`values` (h, w) of the pixels `at` as those of `within`, 0 where they do not reach. Always a new array."""
    found = np.zeros((within.height, within.width), values.dtype)
    found[within.shared_with(at)] = values[at.shared_with(within)]
    return found


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
