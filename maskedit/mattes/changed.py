# SPDX-License-Identifier: GPL-3.0-or-later
"""What a painted keyframe changed of its plate: the matte of an edit for which nobody drew one.

Pictures that come back from a painting program or an image model are never the plate again: compressed, a little
lighter or warmer all over, a fraction of a pixel off. All of that is taken out before what is left counts as a change.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.mattes.found import difference, hanging_together
from maskedit.mattes.widening import widen
from maskedit.request import Loosening

Picture = NDArray[np.float32]

# This share of a picture is taken to be unchanged; the rest may well be painted over.
_UNCHANGED = 0.3
# What a change is at least, in [0, 1], or so many times what is left of the unchanged, up to a most; beyond the other
# factor it is one for sure.
_LEAST = 5 / 255
_MOST = 20 / 255
_TIMES_LEFT = 5.0
_SURELY = 2.0
# Shares of the frame's shorter side: how near to one another changes are to be one, how wide a speck is that is none.
_GAP = 1 / 60
_SPECK = 1 / 90
_ROUNDS = 6
_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


class Drift(NamedTuple):
    """An even change of colour: `gain` and `offset` per channel (3,), after = gain * before + offset."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    def applied(self, picture: Picture) -> Picture:
        """`picture` (…, 3) with the drift, in [0, 1]."""
        return np.clip(picture * self.gain + self.offset, 0, 1, dtype=np.float32)


def drift_between(plate: Picture, keyframe: Picture) -> Drift:
    """By what a keyframe's (H, W, 3) colours differ from the plate's evenly, both in [0, 1].

    Least squares per channel on the pixels that do not stand out, beginning with those that differ least and found anew
    in each round: what was painted over weighs nothing, even if it is more than half.
    """
    before, after = plate.reshape(-1, 3).astype(np.float64), keyframe.reshape(-1, 3).astype(np.float64)
    gain, offset = np.ones(3), np.zeros(3)
    for _ in range(_ROUNDS):
        left = np.abs(after - before * gain - offset).max(axis=1)
        quiet = left <= max(2 * float(np.quantile(left, _UNCHANGED)), 1 / 255)
        x, y = before[quiet], after[quiet]
        x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
        variance = ((x - x_mean) ** 2).mean(axis=0)
        covariance = ((x - x_mean) * (y - y_mean)).mean(axis=0)
        # A flat plate says nothing of the gain.
        gain = np.where(variance > 1e-5, covariance / np.maximum(variance, 1e-5), 1.0)
        offset = y_mean - gain * x_mean
    return Drift(gain.astype(np.float32), offset.astype(np.float32))


def changed(plate: Picture, keyframe: Picture) -> Picture:
    """(H, W) float32, 0 or 1: the convex hull of each thing that a keyframe (H, W, 3) changed of its plate.

    Both in [0, 1]. Noise, a slight even drift of the colours, edges within a pixel of where they were and single specks
    are no change.
    """
    height, width = plate.shape[:2]
    side = min(height, width)
    left = difference(drift_between(plate, keyframe).applied(plate), keyframe)
    level = min(max(_LEAST, _TIMES_LEFT * float(np.quantile(left, _UNCHANGED))), _MOST)
    found = hanging_together(left > level, left > _SURELY * level)
    speck, gap = (2 * max(1, round(side * share / 2)) + 1 for share in (_SPECK, _GAP))
    return widen(_closed(_without_specks(found, area=speck**2), gap), Loosening.HULL)


def _without_specks(found: NDArray[np.bool_], *, area: int) -> NDArray[np.bool_]:
    near = cv2.dilate(found.astype(np.uint8), _NEIGHBOURHOOD)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    large = np.asarray(facts)[:, cv2.CC_STAT_AREA] >= area
    return found & large[np.asarray(labels, np.intp)]


def _closed(found: NDArray[np.bool_], size: int) -> Picture:
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    closed = cv2.morphologyEx(np.pad(found, size).astype(np.uint8), cv2.MORPH_CLOSE, shape)
    return closed[size:-size, size:-size].astype(np.float32)
