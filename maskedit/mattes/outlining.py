# SPDX-License-Identifier: GPL-3.0-or-later
"""A matte → the few Bézier points that draw it: what `rasterise` does, backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.geometry import bounds_of
from maskedit.mattes.roto_keys import Point

Points = NDArray[np.float64]

# The edge is looked for between the pixels, in so many steps.
_STEPS = 4
# Along a contour's arms of so many pixels, a turn of more than so many degrees is a corner.
_ARM_PX = 5
_CORNER_DEGREES = 55
_REFINEMENTS = 4


@dataclass(frozen=True)
class Outline:
    """One closed curve. `is_hole`: it is cut out of the outline before it. `area`: what it encloses, in pixels."""

    points: tuple[Point, ...]
    is_hole: bool
    area: float


def outlines(matte: NDArray[np.float32], *, tolerance_px: float, least_share: float = 0.01) -> list[Outline]:
    """The outlines along which a matte (H, W) in [0, 1] passes one half, each part followed by its holes.

    Coordinates are the matte's pixels, centres at .5. The curves keep within about `tolerance_px` of the edge. Parts
    and holes of less than `least_share` of the largest part's area are specks and left out. [] for an empty matte.
    """
    bounds = bounds_of(matte >= 0.5)
    if bounds is None:
        return []
    around = np.pad(matte, 2)[bounds.y : bounds.y + bounds.height + 4, bounds.x : bounds.x + bounds.width + 4]
    height, width = around.shape
    fine = cv2.resize(around, (width * _STEPS, height * _STEPS), interpolation=cv2.INTER_LINEAR)
    found, tree = cv2.findContours((fine >= 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    offset = np.array([bounds.x - 2, bounds.y - 2], np.float64)
    contours = [(contour[:, 0] + 0.5) / _STEPS + offset for contour in found]
    areas = [abs(_area(contour)) for contour in contours]
    least = least_share * max(areas)
    parents = tree[0][:, 3]
    kept: list[Outline] = []
    for part in sorted(np.flatnonzero(parents < 0), key=lambda index: -areas[index]):
        own = [part, *np.flatnonzero(parents == part)]
        kept += [
            Outline(fit_closed(contours[index], tolerance_px=tolerance_px), bool(index != part), areas[index])
            for index in own
            if areas[index] >= least and len(contours[index]) > _STEPS * 4
        ]
    return kept


def fit_closed(contour: Points, *, tolerance_px: float) -> tuple[Point, ...]:
    """The closed cubic spline through a dense contour (n, 2), within `tolerance_px` of it; smooth but at its corners.

    Each stretch between corners is one curve by least squares, cut in two where it is off by more (Schneider, "An
    algorithm for automatically fitting digitized curves", Graphics Gems 1990).
    """
    contour = _evenly(contour)
    ends = _corners(contour)
    if len(ends) < 2:  # without corners any two points far from each other will do
        first = ends[0] if ends else 0
        ends = sorted({first, int(np.argmax(((contour - contour[first]) ** 2).sum(axis=1)))})
        smooth = set(ends) if len(ends) > 1 else set()
    else:
        smooth = set()
    tangents = {end: _tangent(contour, end) if end in smooth else None for end in ends}
    curves: list[Points] = []
    for begin, end in zip(ends, [*ends[1:], ends[0] + len(contour)], strict=True):
        stretch = contour[np.arange(begin, end + 1) % len(contour)]
        after, before = tangents[begin], tangents[end % len(contour)]
        curves += _fit(stretch, after, None if before is None else -before, tolerance_px)
    return tuple(_points(curves))


def _evenly(contour: Points) -> Points:
    """Along the contour at about one point a pixel, the pixels' stairs smoothed away."""
    smooth = np.stack(
        [np.convolve(np.r_[line[-_STEPS:], line, line[:_STEPS]], _window(), "valid") for line in contour.T], axis=1
    )
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(np.r_[smooth, smooth[:1]], axis=0).T))]
    count = max(12, round(lengths[-1]))
    places = np.linspace(0, lengths[-1], count, endpoint=False)
    closed = np.r_[smooth, smooth[:1]]
    return np.stack([np.interp(places, lengths, line) for line in closed.T], axis=1)


def _window() -> Points:
    window = np.hanning(2 * _STEPS + 3)[1:-1]
    return window / window.sum()


def _corners(contour: Points) -> list[int]:
    """Indices of the contour's corners, in order: where it turns by more than a smooth curve of that size would."""
    arm = min(_ARM_PX, len(contour) // 4)
    before, after = contour - np.roll(contour, arm, axis=0), np.roll(contour, -arm, axis=0) - contour
    turn = np.abs(np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1)))
    near = np.max([np.roll(turn, shift) for shift in range(-arm, arm + 1)], axis=0)
    candidates = np.flatnonzero((turn == near) & (turn > np.deg2rad(_CORNER_DEGREES)))
    kept: list[int] = []
    for index in candidates.tolist():
        if not kept or index - kept[-1] > arm:
            kept.append(index)
    return kept


def _tangent(points: Points, at: int) -> Points:
    """The unit direction of a closed contour at one of its points."""
    arm = min(_ARM_PX, len(points) // 4)
    return _unit(points[(at + arm) % len(points)] - points[at - arm])


def _fit(points: Points, leaving: Points | None, arriving: Points | None, tolerance: float) -> list[Points]:
    """Curves (4, 2) along a stretch. `leaving`, `arriving`: unit directions into it at its ends; None: free ones."""
    if len(points) <= 3:
        third = (points[-1] - points[0]) / 3
        return [np.array([points[0], points[0] + third, points[-1] - third, points[-1]])]
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    t = lengths / lengths[-1]
    for _ in range(_REFINEMENTS):
        curve = _least_squares(points, t, leaving, arriving, length=lengths[-1])
        misses = np.hypot(*(_at(curve, t) - points).T)
        if misses.max() <= tolerance:
            return [curve]
        t = _nearer(curve, points, t)
    middle = int(np.clip(np.argmax(misses), 1, len(points) - 2))
    reach = min(_ARM_PX, middle, len(points) - 1 - middle)
    across = _unit(points[middle + reach] - points[middle - reach])
    return [
        *_fit(points[: middle + 1], leaving, -across, tolerance),
        *_fit(points[middle:], across, arriving, tolerance),
    ]


def _least_squares(
    points: Points, t: Points, leaving: Points | None, arriving: Points | None, *, length: float
) -> Points:
    """The curve between the ends that is nearest to the points, its handles along the directions that are given."""
    b0, b1, b2, b3 = _bernstein(t)
    rest = points - np.outer(b0 + b1, points[0]) - np.outer(b2 + b3, points[-1])
    ways = [np.eye(2) if way is None else way[None] for way in (leaving, arriving)]
    columns = [np.outer(share, way).ravel() for share, side in zip((b1, b2), ways, strict=True) for way in side]
    reach = np.asarray(np.linalg.lstsq(np.stack(columns, axis=1), rest.ravel(), rcond=None)[0], np.float64)
    handles: list[Points] = [reach[: len(ways[0])] @ ways[0], reach[len(ways[0]) :] @ ways[1]]
    for side, (way, toward) in enumerate(((leaving, points[-1] - points[0]), (arriving, points[0] - points[-1]))):
        backwards = way is not None and float(handles[side] @ way) < 1e-3 * length
        if backwards or np.hypot(*handles[side]) > length:  # it would make a loop
            handles[side] = length / 3 * (_unit(toward) if way is None else way)
    return np.array([points[0], points[0] + handles[0], points[-1] + handles[1], points[-1]])


def _nearer(curve: Points, points: Points, t: Points) -> Points:
    """One Newton step of each parameter towards the place on the curve that is nearest to its point."""
    speed, bend = 3 * np.diff(curve, axis=0), 6 * np.diff(curve, n=2, axis=0)
    miss = _at(curve, t) - points
    first = np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1) @ speed
    second = np.stack([1 - t, t], axis=1) @ bend
    slope = (first**2).sum(axis=1) + (miss * second).sum(axis=1)
    step = np.where(np.abs(slope) > 1e-9, (miss * first).sum(axis=1) / np.where(slope == 0, 1, slope), 0)
    return np.maximum.accumulate(np.clip(t - step, 0, 1))


def _bernstein(t: Points) -> tuple[Points, Points, Points, Points]:
    return (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3


def _at(curve: Points, t: Points) -> Points:
    return np.stack(_bernstein(t), axis=1) @ curve


def _points(curves: Sequence[Points]) -> Iterator[Point]:
    for before, after in zip([curves[-1], *curves[:-1]], curves, strict=True):
        place = after[0]
        incoming, outgoing = before[2] - place, after[1] - place
        yield Point.model_validate({"co": _pair(place), "in": _pair(incoming), "out": _pair(outgoing)})


def _pair(values: Points) -> tuple[float, float]:
    x, y = np.round(values, 3).tolist()
    return x, y


def _unit(direction: Points) -> Points:
    return direction / max(float(np.hypot(*direction)), 1e-9)


def _area(polygon: Points) -> float:
    x, y = polygon.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
