# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawn outline carried from its key to other frames by the plate's own motion (no Qt).

The plate's optical flow says where the pixels inside the shape are on another frame. The motion that most of them share
moves the outline as a whole; what its surroundings do beyond that moves each point on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft import Guide, Track, tracks
from maskedit.draft.flow import followed, pointed_at, unlikeness
from maskedit.mattes.coverage import flatten, polygon_coverage

Outline = NDArray[np.float64]
"""(points, 3, 2): control points, incoming and outgoing offsets."""

# Forward and backward flow may disagree by so many guide pixels, and surroundings differ by so many codes.
_DISAGREEMENT = 1.5
_UNLIKENESS = 28.0
# Pixels that share a motion agree on it to within so many guide pixels.
_AGREEMENT = 1.0
_SAMPLES = 4000
_LEAST_PIXELS = 12
# What a point's surroundings are, as a share of the shape's size, and how many pixels there have to say the same to
# be believed by half.
_SURROUNDINGS = 0.12
_HALF_BELIEVED = 12.0
# The outline is lost if fewer of the shape's pixels are found again.
_LEAST_FOUND = 0.25
# From one frame to the next no shape gets larger or smaller by more.
_MOST_GROWTH = 1.35


@dataclass(frozen=True, eq=False)
class Carried:
    """The outline on a frame, in guide pixels. `found`: the share of the shape's pixels that were found again there."""

    outline: Outline
    found: float


class LostError(Exception):
    """The shape cannot be followed any further. `index`: the first guide on which it is not found; `why` in words."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index, self.why = index, why


def carry_outline(guides: Sequence[Guide], outline: Outline) -> Iterator[Carried]:
    """The outline on each of the guides but the first, which it is drawn on, in their order.

    `outline` in guide pixels. Raises LostError where it is hidden, leaves the frame, or changes beyond recognition.
    """
    height, width = guides[0].search.shape
    inside = polygon_coverage(flatten(outline), width=width, height=height) >= 0.5
    rows, columns = np.nonzero(inside)
    if len(rows) < _LEAST_PIXELS:
        raise LostError(1, "it is too small to be seen")
    picked = np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLES)).astype(int)
    pixels = np.stack([columns[picked], rows[picked]], axis=1)
    before = np.sqrt(abs(_area(outline)))
    for index, (track,) in enumerate(tracks(guides, [0])):
        if index == 0:
            continue
        moved = _moved(guides, track, pixels, outline, index=index)
        size = np.sqrt(abs(_area(moved.outline)))
        if not 1 / _MOST_GROWTH < size / before < _MOST_GROWTH:
            raise LostError(index, "it changes its size too much at once")
        before = size
        yield moved


def _moved(
    guides: Sequence[Guide], track: Track, pixels: NDArray[np.int64], outline: Outline, *, index: int
) -> Carried:
    columns, rows = pixels.T
    there = np.stack(pointed_at(track.back)[::-1], axis=-1)[rows, columns]
    height, width = guides[0].search.shape
    seen = ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1)
    error = np.hypot(*followed(track.back, track.flow)[rows, columns].T)
    unlike = unlikeness(guides[0].search, guides[index].search, track.back)[rows, columns]
    sure = seen & (error < _DISAGREEMENT) & (unlike < _UNLIKENESS)
    found = float(sure.mean())
    if found < _LEAST_FOUND:
        raise LostError(index, "it leaves the picture" if seen.mean() < 0.5 else "it is hidden or changes too much")
    start, end = pixels[sure].astype(np.float64), there[sure].astype(np.float64)
    matrix, offset = _shared_motion(start, end)
    return Carried(_reshaped(outline, start, end, matrix, offset), found)


def _shared_motion(start: Outline, end: Outline) -> tuple[Outline, Outline]:
    """(matrix (2, 2), offset (2,)) of the affine motion that most pairs share (RANSAC, Fischler and Bolles 1981)."""
    motion, shared = cv2.estimateAffine2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=_AGREEMENT)
    if motion is None or np.count_nonzero(shared) < _LEAST_PIXELS:
        return np.eye(2), np.asarray(np.median(end - start, axis=0), np.float64)
    motion = np.asarray(motion, np.float64)
    return motion[:, :2], motion[:, 2]


def _reshaped(outline: Outline, start: Outline, end: Outline, matrix: Outline, offset: Outline) -> Outline:
    """The outline moved as a whole, then each point by what the pixels around it do beyond that."""
    # Pixel centres lie at .5 in the outline's coordinates, at whole numbers in the flow's.
    centres = start + 0.5
    left_over = end - (start @ matrix.T + offset)
    size = np.hypot(*np.ptp(outline[:, 0], axis=0))
    places = np.concatenate([outline[:, 0], outline[:, 0] + outline[:, 1], outline[:, 0] + outline[:, 2]])
    bent = _local(places, centres, left_over, reach=max(_SURROUNDINGS * size, 3.0))
    moved = (places - 0.5) @ matrix.T + offset + 0.5 + bent
    anchors, incoming, outgoing = moved.reshape(3, -1, 2)
    return np.stack([anchors, incoming - anchors, outgoing - anchors], axis=1)


def _local(places: Outline, centres: Outline, left_over: Outline, *, reach: float) -> Outline:
    """What the pixels around each place move by beyond the shared motion, where most of them agree.

    A line through what they say, not their mean: an outline has all of them on one side.
    """
    apart = centres[None] - places[:, None]
    near = np.exp(-(apart**2).sum(axis=-1) / (2 * reach**2))
    slopes = np.concatenate([np.ones_like(near)[..., None], apart / reach], axis=-1)
    fitted = np.zeros_like(apart)
    for spread in (np.inf, 3 * _AGREEMENT, 1.5 * _AGREEMENT):
        miss = (left_over[None] - fitted) ** 2
        weights = near / (1 + miss.sum(axis=-1) / spread**2) ** 2
        weighted = slopes * weights[..., None]
        # Few pixels say little: then the shared motion holds.
        system = np.swapaxes(weighted, 1, 2) @ slopes + _HALF_BELIEVED * np.eye(3)
        lines = np.linalg.solve(system, np.swapaxes(weighted, 1, 2) @ left_over)
        fitted = slopes @ lines
    return lines[:, 0]


def _area(outline: Outline) -> float:
    x, y = flatten(outline, segments=6).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
