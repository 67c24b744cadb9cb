# SPDX-License-Identifier: GPL-3.0-or-later
"""One closed Bézier outline at one frame: what lies where on it, and how it is cut, bent and moved.

Outlines are (points, 3, 2) float64 as `Shape.outline` gives them: control point, incoming and outgoing offset, in
source pixels. Every function returns a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskedit.mattes.coverage import flatten

_SAMPLES = 32
_REFINEMENTS = 24
_STRAIGHT = 1e-3
_TINY_PX = 1e-6


@dataclass(frozen=True)
class Spot:
    """A place on an outline: on the curve from point `segment` to the next, at `at` from 0 to 1.

    `place`: x and y there; `distance`: from what was asked for, in source pixels.
    """

    segment: int
    at: float
    place: tuple[float, float]
    distance: float


def controls(outline: np.ndarray, segment: int) -> np.ndarray:
    """The four control points (4, 2) of the curve from point `segment` to the next one."""
    start, end = outline[segment], outline[(segment + 1) % len(outline)]
    return np.array([start[0], start[0] + start[2], end[0] + end[1], end[0]])


def along(curve: np.ndarray, at: np.ndarray | float) -> np.ndarray:
    """The points of a curve (4, 2), or of several (4, …, 2), at parameters `at` (…): (…, 2)."""
    t = np.asarray(at, dtype=np.float64)[..., None]
    rest = 1 - t
    return rest**3 * curve[0] + 3 * rest**2 * t * curve[1] + 3 * rest * t**2 * curve[2] + t**3 * curve[3]


def nearest_spot(outline: np.ndarray, target: np.ndarray) -> Spot:
    """Where the outline comes nearest to `target` (2,)."""
    curves = np.array([controls(outline, segment) for segment in range(len(outline))])
    samples = np.linspace(0, 1, _SAMPLES + 1)
    reach = np.pad(_reach(curves, samples[None], target), ((0, 0), (1, 1)), constant_values=np.inf)
    # Where curves come near each other the nearest sample may be the wrong one's: follow every dip.
    dips = (reach[:, 1:-1] <= reach[:, :-2]) & (reach[:, 1:-1] <= reach[:, 2:])
    segments, places = np.nonzero(dips)
    at, step = samples[places], 1 / _SAMPLES
    for _ in range(_REFINEMENTS):
        tries = np.clip(at[:, None] + np.array([0, -step, step]), 0, 1)
        at = tries[np.arange(len(at)), _reach(curves[segments], tries, target).argmin(axis=1)]
        step /= 2
    distances = _reach(curves[segments], at[:, None], target)[:, 0]
    best = int(distances.argmin())
    x, y = along(curves[segments[best]], at[best])
    return Spot(int(segments[best]), float(at[best]), (float(x), float(y)), float(distances[best]))


def _reach(curves: np.ndarray, at: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How far places `at` (n or 1, places) of n curves (n, 4, 2) lie from `target`: (n, places)."""
    offsets = along(curves.transpose(1, 0, 2)[:, :, None], at) - target
    return np.hypot(offsets[..., 0], offsets[..., 1])


def split_at(outline: np.ndarray, segment: int, at: float) -> np.ndarray:
    """The same outline with one point more, on the curve `segment` at `at` (0 to 1): de Casteljau's construction."""
    p0, p1, p2, p3 = controls(outline, segment)
    a, b, c = (1 - at) * p0 + at * p1, (1 - at) * p1 + at * p2, (1 - at) * p2 + at * p3
    d, e = (1 - at) * a + at * b, (1 - at) * b + at * c
    new = (1 - at) * d + at * e
    following = (segment + 1) % len(outline)
    result = outline.copy()
    result[segment, 2] = a - p0
    result[following, 1] = c - p3
    return np.insert(result, segment + 1, [new, d - new, e - new], axis=0)


def without_point(outline: np.ndarray, index: int) -> np.ndarray:
    """The outline without a point. Its neighbours' handles grow so that a point from `split_at` leaves no trace.

    A smooth point's handles tell where it cut its curve; a corner's do not, and its neighbours keep theirs.
    """
    before, here, after = outline[index - 1], outline[index], outline[(index + 1) % len(outline)]
    result = outline.copy()
    incoming, outgoing = np.hypot(*here[1]), np.hypot(*here[2])
    if is_smooth(here):
        at = np.clip(incoming / (incoming + outgoing), 0.05, 0.95)
        result[index - 1, 2] = before[2] / at
        result[(index + 1) % len(outline), 1] = after[1] / (1 - at)
    return np.delete(result, index, axis=0)


def is_smooth(point: np.ndarray) -> bool:
    """Whether the curve runs through a point (3, 2) without a corner: both handles on one line, opposite ways."""
    (ax, ay), (bx, by) = point[1], point[2]
    lengths = np.hypot(ax, ay) * np.hypot(bx, by)
    return bool(lengths > _TINY_PX**2 and ax * bx + ay * by < 0 and abs(ax * by - ay * bx) < _STRAIGHT * lengths)


def smoothed(outline: np.ndarray, index: int) -> np.ndarray:
    """The outline with point `index` smooth: handles along its neighbours' chord, a third of the way to each."""
    before, here, after = (outline[place % len(outline), 0] for place in (index - 1, index, index + 1))
    chord = after - before
    if np.hypot(*chord) < _TINY_PX:  # two points: across the way to the other
        chord = np.array([here[1] - before[1], before[0] - here[0]])
    direction = chord / max(np.hypot(*chord), _TINY_PX)
    result = outline.copy()
    result[index, 1] = -direction * np.hypot(*(here - before)) / 3
    result[index, 2] = direction * np.hypot(*(after - here)) / 3
    return result


def cornered(outline: np.ndarray, index: int) -> np.ndarray:
    """The outline with a corner at point `index`: no handles."""
    result = outline.copy()
    result[index, 1:] = 0
    return result


def with_handle(outline: np.ndarray, index: int, side: int, offset: np.ndarray, *, broken: bool) -> np.ndarray:
    """The outline with a handle of point `index` at `offset`; `side`: 1 incoming, 2 outgoing.

    The other handle of a smooth point turns along and keeps its length, unless `broken`.
    """
    result = outline.copy()
    result[index, side] = offset
    length = np.hypot(*offset)
    if is_smooth(outline[index]) and not broken and length > _TINY_PX:
        other = 3 - side
        result[index, other] = -offset / length * np.hypot(*outline[index, other])
    return result


def transformed(outline: np.ndarray, matrix: np.ndarray, *, about: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The outline with p → about + matrix @ (p - about) + offset, handles turned and scaled along."""
    result = outline @ matrix.T
    result[:, 0] = (outline[:, 0] - about) @ matrix.T + about + offset
    return result


def is_clockwise(outline: np.ndarray) -> bool:
    """Whether it runs clockwise as seen (y downwards)."""
    x, y = flatten(outline).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) >= 0


def outward_normals(outline: np.ndarray) -> np.ndarray:
    """(points, 2): at each point, the direction of length 1 that leads out of the shape."""
    before, after = np.roll(outline[:, 0], 1, axis=0), np.roll(outline[:, 0], -1, axis=0)
    back = np.where(np.hypot(*outline[:, 1].T)[:, None] > _TINY_PX, outline[:, 1], before - outline[:, 0])
    forth = np.where(np.hypot(*outline[:, 2].T)[:, None] > _TINY_PX, outline[:, 2], after - outline[:, 0])
    tangents = _unit(forth) - _unit(back)
    flat = np.hypot(*tangents.T) < _TINY_PX
    tangents[flat] = forth[flat]
    outward = np.column_stack([tangents[:, 1], -tangents[:, 0]])
    return _unit(outward if is_clockwise(outline) else -outward)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.hypot(*vectors.T), _TINY_PX)[:, None]
