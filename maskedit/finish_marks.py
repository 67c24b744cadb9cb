# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a result sits in its plate: sharpness, grain, halo, flicker and drift, for a scorecard (torch-free)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.matching.grain import Grain
from maskedit.matching.sharpness import measure_softness
from maskedit.matching.steadying import Glance, change, flicker
from maskedit.recolour import LUMA

Picture = NDArray[np.float32]
Selection = NDArray[np.bool_]

FINISH_MARKS = ("sharpness_ratio", "grain_ratio", "halo_ring", "result_flicker", "source_flicker", "drift")
_RING_PX, _SIDE_PX = 4, 8
_DRIFT_FRAMES = 50


class FinishMarks:
    """What is summed up over a clip. `grain`: the plate's, None where it has none.

    - `sharpness_ratio`: the plate's edge width over the result's inside; 1 = as sharp, less = softer.
    - `grain_ratio`: power of the result's grain over the plate's.
    - `halo_ring`: by how much the ring along the paste's edge is lighter or darker than both its sides, in codes.
    - `result_flicker`, `source_flicker`: what the mean colour inside, followed along the motion, has beyond its smooth
      course, root mean square in codes.
    - `drift`: by how many codes the colour inside runs away from the expected one (the truth's, else the plate's) in
      50 frames.
    """

    def __init__(self, grain: Grain | None) -> None:
        self._grain = grain
        self._sharp: list[float] = []
        self._grainy: list[float] = []
        self._halo: list[float] = []
        self._changes: list[NDArray[np.floating]] = []
        self._offsets: list[tuple[int, NDArray[np.floating]]] = []
        self._before: Glance | None = None

    def compare(
        self, source: Picture, result: Picture, expected: Picture, *, inside: Selection, paste: Picture, number: int
    ) -> None:
        """Take in frame `number`: pictures (H, W, 3) and `paste` (H, W) in [0, 1], `inside` (H, W) fully pasted."""
        glance = Glance.at(source, result, paste)
        if self._before is not None:
            self._changes.append(np.stack(change(self._before, glance)))
        self._before = glance
        if not inside.any():
            return
        softness = measure_softness(source, result, inside.astype(np.float32))
        if softness is not None:
            self._sharp.append(softness.plate / softness.generated)
        if self._grain is not None:
            self._grainy.append(self._grain.held_in(result, inside))
        halo = halo_ring(source, result, paste)
        if halo is not None:
            self._halo.append(halo)
        self._offsets.append((number, (result - expected)[inside].mean(axis=0, dtype=np.float64) * 255))

    def summary(self) -> dict[str, float | None]:
        """All `FINISH_MARKS`, None where nothing could be measured."""
        marks = (_mean(self._sharp), _mean(self._grainy), _mean(self._halo), *self._flickers(), self._drift())
        return dict(zip(FINISH_MARKS, marks, strict=True))

    def _flickers(self) -> tuple[float | None, float | None]:
        if not self._changes:
            return None, None
        plate, result = np.moveaxis(np.array([np.zeros((2, 3)), *self._changes]), 1, 0)
        return _root_mean_square(flicker(result)) * 255, _root_mean_square(flicker(plate)) * 255

    def _drift(self) -> float | None:
        if len(self._offsets) < 2:
            return None
        numbers, offsets = zip(*self._offsets, strict=True)
        slopes = np.polyfit(numbers, np.array(offsets), 1)[0]
        return float(np.abs(slopes).max()) * _DRIFT_FRAMES


def halo_ring(source: Picture, result: Picture, paste: Picture) -> float | None:
    """Codes by which the result's ring just inside the paste is lighter or darker than what lies on both its sides.

    The plate's own ring is taken off, for where an object ends there may be a line. None without a ring.
    """
    within = (paste > 0).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(within, 1, mode="edge"), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    outer = cv2.distanceTransform(np.pad(1 - within, 1, mode="edge"), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    ring = (depth > 0) & (depth <= _RING_PX)
    core, around = (depth > _RING_PX) & (depth <= _RING_PX + _SIDE_PX), (outer > 0) & (outer <= _SIDE_PX)
    if not (ring.any() and core.any() and around.any()):
        return None

    def beyond(picture: Picture) -> Picture:
        luma = picture @ LUMA
        here, inner, beside = (_around(luma, each) for each in (ring, core, around))
        above, below = here - np.maximum(inner, beside), np.minimum(inner, beside) - here
        return np.maximum(np.maximum(above, below), 0)[ring]

    return float(np.maximum(beyond(result) - beyond(source), 0).mean()) * 255


def _around(luma: Picture, where: Selection) -> Picture:
    """The mean of `luma` over `where`, about each pixel."""
    weight = where.astype(np.float32)
    blurred = cv2.GaussianBlur(luma * weight, (0, 0), _SIDE_PX)
    return np.asarray(blurred / np.maximum(cv2.GaussianBlur(weight, (0, 0), _SIDE_PX), 1e-6), np.float32)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _root_mean_square(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.square(values).mean()))
