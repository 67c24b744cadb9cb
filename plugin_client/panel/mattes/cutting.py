# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands out within a rough box, as the outlines of shapes (no Qt)."""

from __future__ import annotations

from math import ceil, floor, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.errors import InputError
from maskedit.geometry import Rect
from maskedit.mattes.outlining import Outline, outlines
from maskedit.mattes.roto_keys import Point
from plugin_client.panel.mattes.stopping import Going, go_on, part

Codes = NDArray[np.uint8]

# More pixels make it slow, not better.
_MOST_PX = 400_000
_ROUNDS = 6
# How much around the box is looked at to learn what the background is, as a share of its sides.
_AROUND = 0.4
_LEAST_SIDE = 8
# Less of the box than this is no thing; then an ellipse in its middle, as large as this share of it, is.
_LEAST_FILLED = 0.08
_CORE = 0.4
# What is cut out may have so many parts; more are no thing, but a pattern.
_MOST_PARTS = 12
_LEAST_SHARE = 0.02
_TOLERANCE_PX = 1.6


def cut_out(picture: Codes, box: tuple[float, float, float, float], *, going: Going) -> list[Outline]:
    """The outlines of what stands out within `box` (left, top, right, bottom), each part followed by its holes.

    All in source pixels; `picture` (H, W, 3) uint8 RGB. GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004) on a
    picture of a limited size. Raises InputError for a box in which nothing stands out, Stopped when `going` says so.
    """
    inner, around = _rects(picture, box)
    scale = min(1.0, sqrt(_MOST_PX / (around.width * around.height)))
    small = np.ascontiguousarray(picture[around.slices])
    if scale < 1:
        size = max(1, round(around.width * scale)), max(1, round(around.height * scale))
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    factor = np.array([around.width / small.shape[1], around.height / small.shape[0]])
    found = _grabbed(small, _within(inner, around, factor, small.shape), going)
    curves = outlines(found.astype(np.float32), tolerance_px=_TOLERANCE_PX, least_share=_LEAST_SHARE)
    if not curves:
        raise InputError("Nothing stands out in that box: draw it a little larger, with background on all sides.")
    return [_placed(curve, factor, (around.x, around.y)) for curve in _largest(curves)]


def _rects(picture: Codes, box: tuple[float, float, float, float]) -> tuple[Rect, Rect]:
    """The box in whole pixels of the frame, and what is looked at around it."""
    height, width = picture.shape[:2]
    left, top = max(0, floor(box[0])), max(0, floor(box[1]))
    right, bottom = min(width, ceil(box[2])), min(height, ceil(box[3]))
    if min(right - left, bottom - top) < _LEAST_SIDE:
        raise InputError("That box is too small: drag one around the whole thing.")
    inner = Rect(left, top, right - left, bottom - top)
    across, down = ceil(inner.width * _AROUND), ceil(inner.height * _AROUND)
    x, y = max(0, left - across), max(0, top - down)
    around = Rect(x, y, min(width, right + across) - x, min(height, bottom + down) - y)
    if around == inner:
        raise InputError("That box holds the whole picture: leave some background outside it.")
    return inner, around


def _within(inner: Rect, around: Rect, factor: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where the box lies on the small picture."""
    start, size = np.array([inner.x - around.x, inner.y - around.y]), (inner.width, inner.height)
    left, top = np.floor(start / factor).astype(int)
    right, bottom = np.ceil((start + size) / factor).astype(int)
    within = np.zeros(shape[:2], np.bool_)
    within[top:bottom, left:right] = True
    return within


def _grabbed(picture: Codes, within: NDArray[np.bool_], going: Going) -> Codes:
    """1 where the picture stands out from what lies outside the box."""
    found = _rounds(picture, np.where(within, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8), part(going, 0, 0.5))
    if found.sum() < _LEAST_FILLED * within.sum():
        # What is inside looks like what is outside: then its middle has to be the thing.
        rows, columns = np.nonzero(within)
        middle = (int(columns.mean()), int(rows.mean()))
        axes = (int(np.ptp(columns) * _CORE / 2), int(np.ptp(rows) * _CORE / 2))
        labels = np.where(within, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
        cv2.ellipse(labels, middle, (2 * axes[0], 2 * axes[1]), 0, 0, 360, cv2.GC_PR_FGD, -1)
        cv2.ellipse(labels, middle, axes, 0, 0, 360, cv2.GC_FGD, -1)
        found = _rounds(picture, labels, part(going, 0.5, 1))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    cleaned = cv2.morphologyEx(cv2.morphologyEx(found, cv2.MORPH_OPEN, disc), cv2.MORPH_CLOSE, disc)
    return np.asarray(cleaned, np.uint8)


def _rounds(picture: Codes, labels: Codes, going: Going) -> Codes:
    """1 on the foreground that GrabCut makes of `labels`, which it goes on writing into."""
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its colour clusters begin at random
    for done in range(_ROUNDS):
        go_on(going, done / _ROUNDS)
        if not np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).any():
            break
        mode = cv2.GC_EVAL if done else cv2.GC_INIT_WITH_MASK
        cv2.grabCut(picture, labels, (0, 0, 1, 1), background, foreground, 1, mode)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)


def _largest(curves: list[Outline]) -> list[Outline]:
    """The largest parts with their holes, in the order in which they came."""
    parts = sorted((curve.area for curve in curves if not curve.is_hole), reverse=True)[:_MOST_PARTS]
    kept, takes = [], False
    for curve in curves:
        takes = takes if curve.is_hole else curve.area >= parts[-1]
        if takes:
            kept.append(curve)
    return kept


def _placed(curve: Outline, factor: NDArray[np.float64], corner: tuple[int, int]) -> Outline:
    """From the small picture's pixels to the source's."""

    def scaled(pair: tuple[float, float], x: float = 0, y: float = 0) -> tuple[float, float]:
        return float(pair[0] * factor[0] + x), float(pair[1] * factor[1] + y)

    points = tuple(
        Point.model_validate(
            {"co": scaled(point.co, *corner), "in": scaled(point.incoming), "out": scaled(point.outgoing)}
        )
        for point in curve.points
    )
    return Outline(points, curve.is_hole, curve.area * float(factor.prod()))
