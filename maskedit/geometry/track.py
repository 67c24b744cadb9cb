# SPDX-License-Identifier: GPL-3.0-or-later
"""The crop's way through a clip: one size, and on every frame a place of its own (torch-free).

A crop that stands still has to hold all of a moving object's path, so the model sees the object small. One that
follows it shows it larger at the same cost, and pays with a camera that moves in what the model sees. So it moves as
a camera operator would: evenly, and only if that is worth it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from maskedit.geometry.crop import CropPlan, plan_crop
from maskedit.geometry.rects import Rect, union

# A quarter more lines per object is what one sees; for less a camera at rest is the easier clip to learn.
WORTH_FOLLOWING = Fraction(5, 4)
# The greatest change of speed from frame to frame, as a share of the crop's side.
MOST_ACCELERATION = Fraction(1, 100)
# How strongly the path is drawn to the region's centre, beside being straight: swings of less than about a second
# and a half are smoothed away.
_CENTRING = 1e-3
_ITERATIONS = 500
_GROWTH = Fraction(9, 8)


@dataclass(frozen=True)
class CropTrack:
    """`plans[i]` is the crop of clip frame `first + i`; all have one size and one model size.

    Raises ValueError if they have not.
    """

    first: int
    plans: tuple[CropPlan, ...]

    def __post_init__(self) -> None:
        sizes = {(plan.rect.width, plan.rect.height, plan.model_width, plan.model_height) for plan in self.plans}
        if len(sizes) != 1:
            raise ValueError(f"a crop keeps one size through the clip, not {sorted(sizes)}")

    @classmethod
    def still(cls, plan: CropPlan, *, frames: range) -> CropTrack:
        """The same crop on each of the clip frames `frames`."""
        return cls(frames.start, (plan,) * len(frames))

    def at(self, frame: int) -> CropPlan:
        """The crop of that clip frame. Raises IndexError outside the track."""
        if frame < self.first:
            raise IndexError(f"frame {frame} lies before the crop's first, {self.first}")
        return self.plans[frame - self.first]

    @property
    def moves(self) -> bool:
        """Whether the crop's place changes in the clip."""
        return len(set(self.plans)) > 1


def plan_track(
    bounds: Mapping[int, Rect],
    *,
    frames: range,
    frame_width: int,
    frame_height: int,
    grid: int,
    budget_px: int,
    context: Fraction,
) -> CropTrack:
    """Choose what the model sees of a region with these `bounds` (clip frame number → rectangle) through `frames`.

    Frames without a region are missing in `bounds`; there the crop is on its way. On every other frame it holds the
    region with `context` (a fraction of its sides) around it where the frame has it, or, when it moves, with at least
    half of that; it always lies inside the frame. Further arguments as in `plan_crop`.
    A crop that moves is chosen if it shows the region at least `WORTH_FOLLOWING` times as large as the best one that
    stands still. It changes speed by at most `MOST_ACCELERATION` of its side per frame, up to 2 pixels more where
    places are rounded to whole ones, and is made as much larger as that takes.
    Raises ValueError as `plan_crop` does, or if no frame shows the region.
    """
    whole = union(*bounds.values())
    if whole is None:
        raise ValueError("no frame shows the region")
    room = _Room(frame_width, frame_height, grid, budget_px)
    still = room.plan(whole, context=context)
    following = _follow(bounds, frames, room=room, context=context, at_least=WORTH_FOLLOWING * still.magnification)
    return following or CropTrack.still(still, frames=frames)


@dataclass(frozen=True)
class _Room:
    """The frame that crops are cut from and the model that they are cut for."""

    frame_width: int
    frame_height: int
    grid: int
    budget_px: int

    def plan(self, bounds: Rect, *, context: Fraction) -> CropPlan:
        return plan_crop(
            bounds,
            frame_width=self.frame_width,
            frame_height=self.frame_height,
            grid=self.grid,
            budget_px=self.budget_px,
            context=context,
        )


def _follow(
    bounds: Mapping[int, Rect], frames: range, *, room: _Room, context: Fraction, at_least: Fraction
) -> CropTrack | None:
    """The smallest crop that gets from region to region smoothly, or None if it magnifies less than `at_least`."""
    across = {frame: (rect.x, rect.x + rect.width) for frame, rect in sorted(bounds.items())}
    down = {frame: (rect.y, rect.y + rect.height) for frame, rect in sorted(bounds.items())}
    width, height = (max(end - start for start, end in spans.values()) for spans in (across, down))
    while True:
        # Its place is the path's to choose: only the size is taken of this plan.
        plan = room.plan(Rect(0, 0, width, height), context=context)
        if plan.magnification < at_least:
            return None
        size = plan.rect
        lefts = _smooth_path(across, frames, side=size.width, limit=room.frame_width, margin=context / 2)
        tops = _smooth_path(down, frames, side=size.height, limit=room.frame_height, margin=context / 2)
        if lefts is not None and tops is not None:
            break
        if lefts is None:
            width = min(-(-width * _GROWTH.numerator // _GROWTH.denominator), room.frame_width)
        if tops is None:
            height = min(-(-height * _GROWTH.numerator // _GROWTH.denominator), room.frame_height)
    places = zip(lefts.tolist(), tops.tolist(), strict=True)
    rects = (Rect(x, y, size.width, size.height) for x, y in places)
    return CropTrack(frames.start, tuple(CropPlan(rect, plan.model_width, plan.model_height) for rect in rects))


def _smooth_path(
    spans: Mapping[int, tuple[int, int]], frames: range, *, side: int, limit: int, margin: Fraction
) -> NDArray[np.int64] | None:
    """Where a crop of `side` pixels begins on each frame, along one axis of `limit` pixels, so that it holds the spans
    (frame → start, end) with `margin` (a fraction of each) around them; None if it had to change speed too quickly."""
    shown = np.array(list(spans)) - frames.start
    starts, ends = np.array(list(spans.values())).T
    around = np.minimum(np.ceil((ends - starts) * float(margin)), (side - (ends - starts)) // 2)
    lowest, highest = np.zeros(len(frames)), np.full(len(frames), float(limit - side))
    lowest[shown] = np.minimum(np.maximum(ends + around - side, 0), limit - side)
    highest[shown] = np.maximum(np.minimum(starts - around, limit - side), 0)
    centred = np.interp(np.arange(len(frames)), shown, (starts + ends - side) / 2)
    path = _straightened(centred, lowest, highest)
    if np.abs(np.diff(path, 2)).max(initial=0) > side * MOST_ACCELERATION:
        return None
    return np.rint(path).astype(np.int64)


def _straightened(
    path: NDArray[np.float64], lowest: NDArray[np.float64], highest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Whittaker's smoothing (1923) between limits: the x in [lowest, highest] with the least
    `sum((second difference of x)²) + _CENTRING * sum((x - path)²)`, by FISTA (Beck and Teboulle 2009).

    What moves evenly is its own smoothest path and stays as it is.
    """
    step = 1 / (16 + _CENTRING)  # of the gradient: second differences enlarge by up to 4, twice
    found = ahead = np.clip(path, lowest, highest)
    for iteration in range(_ITERATIONS):
        bend = np.diff(ahead, 2)
        slope = _CENTRING * (ahead - path)
        slope[:-2] += bend
        slope[1:-1] -= 2 * bend
        slope[2:] += bend
        before, found = found, np.clip(ahead - step * slope, lowest, highest)
        ahead = found + iteration / (iteration + 3) * (found - before)
    return found
