# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured on single frames for a scorecard (torch-free).

Pictures are float32 (H, W, 3) in [0, 1]; `inside` is a boolean (H, W); errors are in 8-bit codes (0 to 255).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from flip_evaluator import evaluate
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from maskedit.media import PlateFrame, convert
from maskedit.media.plate import serves

Picture = NDArray[np.float32]
Selection = NDArray[np.bool_]

RING_PX = 4
_SSIM_WINDOW = 7
_LEAST_FLOW_SIDE = 12  # OpenCV's search takes nothing smaller
_FLIP_REACH_PX = 16  # farther than any of its filters looks at the usual 67 pixels per degree


@dataclass
class Tally:
    """Sums over frames, so that a clip's score is that of all its samples and not a mean of decibels."""

    total: float = 0.0
    count: int = 0

    def add(self, values: NDArray[np.floating]) -> float | None:
        """Take in values and return their own mean, None where there are none."""
        if not values.size:
            return None
        total = float(values.sum(dtype=np.float64))
        self.total += total
        self.count += values.size
        return total / values.size

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


def psnr(mean_squared_error: float | None) -> float | None:
    """Decibels for signals in [0, 1]: None where nothing was compared, infinite where all is equal."""
    if mean_squared_error is None:
        return None
    return -10 * math.log10(mean_squared_error) if mean_squared_error > 0 else math.inf


def similarity(picture: Picture, truth: Picture, inside: Selection) -> NDArray[np.floating]:
    """The structural similarity index (Wang et al. 2004, 7x7 windows) of each pixel `inside`."""
    box = _box_around(inside, margin=_SSIM_WINDOW)
    if min(picture[box].shape[:2]) < _SSIM_WINDOW:
        return np.empty(0)
    compared = structural_similarity(
        picture[box], truth[box], win_size=_SSIM_WINDOW, channel_axis=2, data_range=1.0, full=True
    )
    return np.asarray(compared[1])[inside[box]].mean(axis=-1)


def flip(picture: Picture, truth: Picture, inside: Selection) -> NDArray[np.floating]:
    """The FLIP error (Andersson et al. 2020), 0 to 1, of each pixel `inside`: what the eye sees when the two pictures
    alternate on a screen 0.7 m away, 67 pixels per degree."""
    box = _box_around(inside, margin=_FLIP_REACH_PX)
    if not inside[box].size:
        return np.empty(0)
    seen, _, _ = evaluate(np.ascontiguousarray(truth[box]), np.ascontiguousarray(picture[box]), "LDR", applyMagma=False)
    return seen[..., 0][inside[box]]


def inner_ring(paste_matte: Picture) -> Selection:
    """The `RING_PX` pixels just inside the paste matte's edge, where a good edit runs into the plate unseen."""
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RING_PX + 1, 2 * RING_PX + 1))
    # What lies beyond the frame is no edge: there is no plate to run into.
    core = cv2.erode((paste_matte > 0).astype(np.uint8), shape, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return (paste_matte > 0) & (core == 0)


def flow_to_previous(current: Picture, previous: Picture) -> NDArray[np.float32]:
    """(H, W, 2): where each pixel of `current` was in `previous`, by dense inverse search (Kroeger et al. 2016)."""
    if min(current.shape[:2]) < _LEAST_FLOW_SIDE:
        return np.zeros((*current.shape[:2], 2), np.float32)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = search.calc(_gray(current), _gray(previous), np.zeros((*current.shape[:2], 2), np.float32))
    return np.asarray(flow, np.float32)


def warp_difference(
    current: Picture, previous: Picture, *, flow: NDArray[np.float32], inside: Selection
) -> NDArray[np.floating]:
    """Absolute differences, in codes, between `current` and `previous` brought along `flow`, `inside` the frame."""
    height, width = inside.shape
    across = np.arange(width, dtype=np.float32) + flow[..., 0]
    down = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    warped = cv2.remap(previous, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    visible = (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    return np.abs(current - warped)[inside & visible] * 255


def samples_changed(source: PlateFrame, result: PlateFrame, outside: Selection) -> int:
    """How many samples differ that the paste matte does not reach, in the result's own codes.

    A chroma sample counts as outside as soon as one pixel that takes its colour from it is. Where the result is in
    another pixel format, it is held against the source converted to that format.
    """
    converted = convert(source, result.pixel_format)
    changed = 0
    for plane, (before, after) in enumerate(zip(converted.planes, result.planes, strict=True)):
        if result.layout.is_float:  # half floats are what sequences of them hold
            before, after = before.astype(np.float16), after.astype(np.float16)
        changed += int(np.count_nonzero((before != after) & _outside_of_plane(converted, plane, outside)))
    return changed


def _outside_of_plane(plate: PlateFrame, plane: int, outside: Selection) -> Selection:
    if not plate.layout.is_chroma(plane):
        return outside
    across, down = (1 << shift for shift in plate.layout.chroma_shift)
    rows = _any_served(outside, serves(down, plate.colour.siting[1]), step=down)
    return _any_served(rows.T, serves(across, plate.colour.siting[0]), step=across).T


def _any_served(outside: Selection, offsets: Sequence[int], *, step: int) -> Selection:
    """Per chroma sample along the first axis: whether any pixel at `offsets` from its first one is outside."""
    if step == 1:
        return outside
    first = np.arange(-(-len(outside) // step)) * step
    return np.any([outside[np.clip(first + offset, 0, len(outside) - 1)] for offset in offsets], axis=0)


def _box_around(inside: Selection, *, margin: int) -> tuple[slice, slice]:
    box = []
    for axis in (1, 0):
        places = np.flatnonzero(inside.any(axis=axis))
        start, stop = (places[0], places[-1] + 1) if places.size else (0, 0)
        box.append(slice(max(0, start - margin), stop + margin))
    return box[0], box[1]


def _gray(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.rint(picture * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)
