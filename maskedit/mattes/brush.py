# SPDX-License-Identifier: GPL-3.0-or-later
"""Brush strokes → coverage: a round brush drawn along a polyline, its radius changing with the pressure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def stroke_coverage(path: np.ndarray, *, hardness: float, width: int, height: int) -> np.ndarray:
    """What a stroke covers of each pixel: (height, width) float32 in [0, 1].

    `path` (points, 3): x, y and the brush's radius there, in pixels; between points all three run linearly, a single
    point is a dab. Within `hardness` (0 to 1) of the radius the stroke is full, from there it runs out linearly to
    the radius; an edge is never narrower than a pixel. The stroke is one mark: where it crosses itself it is not
    denser.
    """
    coverage = np.zeros((height, width), dtype=np.float32)
    for first, last in pairwise(path) if len(path) > 1 else [(path[0], path[0])]:
        reach = max(first[2], last[2]) + 0.5
        left, top = np.floor(np.minimum(first, last)[:2] - reach).clip(0, (width, height)).astype(int)
        right, bottom = np.ceil(np.maximum(first, last)[:2] + reach).clip(0, (width, height)).astype(int)
        if left < right and top < bottom:
            x, y = np.arange(left, right) + 0.5, np.arange(top, bottom)[:, None] + 0.5
            part = coverage[top:bottom, left:right]
            np.maximum(part, _paint(*_nearest_disc(first, last, x, y), hardness), out=part)
    return coverage


def _nearest_disc(
    first: np.ndarray, last: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray | float]:
    """Of all discs between two: the one whose edge each point is nearest to or deepest in, as (distance, radius).

    The discs' common outline leaves the axis at an angle whose sine is the taper, and so does the way to it.
    """
    step = last[:2] - first[:2]
    length, gain = np.hypot(*step), last[2] - first[2]
    if length <= abs(gain):  # one disc holds the other
        disc = first if gain < 0 else last
        return np.hypot(x - disc[0], y - disc[1]), disc[2]
    direction, taper = step / length, gain / length
    along = (x - first[0]) * direction[0] + (y - first[1]) * direction[1]
    across = (y - first[1]) * direction[0] - (x - first[0]) * direction[1]
    place = np.clip(along + np.abs(across) * (taper / np.sqrt(1 - taper**2)), 0, length)
    return np.hypot(along - place, across), first[2] + taper * place


def _paint(distance: np.ndarray, radius: np.ndarray | float, hardness: float) -> np.ndarray:
    """A hard line of width 2r covers min(1, r + 1/2 - d, 2r) of a pixel at distance d; a soft one runs out slower."""
    ramp = np.maximum(radius * (1 - hardness), 1)
    middle = radius * (1 + hardness) / 2
    return np.clip(0.5 + (middle - distance) / ramp, 0, np.minimum(1, 2 * radius))
