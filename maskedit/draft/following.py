# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mattes of the keyframes are on every other frame.

Each pixel takes the matte from where the flow says it was in a keyframe. That alone loses what a painter added around
a thing: there the plate shows background, which moves its own way. So the motions that most of the matte's pixels share
(two at most: of the thing, and of what is behind it) also carry the matte as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft.flow import Flow, Picture, warp
from maskedit.draft.tracking import Guide, Track, tracks

# How many motions a matte may have, and the share of its pixels that one of them has to move, to within so many pixels.
_MOTIONS = 2
_LEAST_SHARE = 0.15
_AGREEMENT = 1.5
_SAMPLES = 3000
_LEAST_PIXELS = 12


def follow(guides: Sequence[Guide], keyframes: Sequence[int]) -> Iterator[Picture]:
    """For each frame in order where the keyframes' mattes are: (h, w) in [0, 1], at the size of the guides.

    `keyframes`: indices into `guides`; only their guides' `edit_matte` counts. Between two keyframes what follows from
    either is covered.
    """
    for found in tracks(guides, keyframes):
        yield np.max([_followed(guides[track.keyframe], track) for track in found], axis=0)


def _followed(key: Guide, track: Track) -> Picture:
    matte = key.edit_matte.astype(np.float32) / np.float32(255)
    height, width = matte.shape
    whole = [cv2.warpAffine(matte, motion, (width, height)) for motion in motions(matte, track.back)]
    return np.max([warp(matte, track.flow), *whole], axis=0)


def motions(matte: Picture, flow: Flow) -> list[NDArray[np.float64]]:
    """The motions that most of the pixels in a matte (h, w) share under a flow (h, w, 2), the commonest first.

    Each is a similarity as a (2, 3) matrix, found by RANSAC (Fischler and Bolles 1981).
    """
    rows, columns = np.nonzero(matte >= 0.5)
    picked = np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLES)).astype(int)
    start = np.stack([columns[picked], rows[picked]], axis=1).astype(np.float32)
    end = start + flow[rows[picked], columns[picked]]
    least, found = max(_LEAST_PIXELS, _LEAST_SHARE * len(picked)), []
    while len(found) < _MOTIONS and len(start) >= least:
        motion, shared = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=_AGREEMENT)
        if motion is None or np.count_nonzero(shared) < least:
            break
        found.append(motion)
        left = shared[:, 0] == 0
        start, end = start[left], end[left]
    return found
