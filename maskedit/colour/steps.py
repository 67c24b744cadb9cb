# SPDX-License-Identifier: GPL-3.0-or-later
"""Against banding: the steps of coarse pictures smoothed, and the last rounding scattered.

A picture of 8 bits holds a slow gradient as flat stripes. Rounding noise cannot take them out again: the mean of what
is rounded must be smooth first. So both are needed where such a picture meets a deeper plate.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

_RADIUS = 16
SMOOTHED_PX = 2 * _RADIUS  # what `without_steps` looks at on either side of a pixel
_BAND_ROWS = 512
# Rounding is scattered over a little less than a whole step: a value that is a code but for arithmetic stays that code.
_SPREAD = 0.9
_FRAME_SHIFT, _FRAME_CYCLE = 5.588238, 64


def without_steps(picture: Picture, *, step: float) -> Picture:
    """(H, W, C) values that are multiples of `step`, smoothed where neighbours differ by two steps at most.

    No value leaves the half step about it, so each still rounds to what it was; texture and edges are untouched.
    """
    height = len(picture)
    if height > 2 * _BAND_ROWS:  # of a large picture only a part is ever held more than once
        bands = []
        for row in range(0, height, _BAND_ROWS):
            top = max(row - SMOOTHED_PX, 0)
            band = without_steps(picture[top : row + _BAND_ROWS + SMOOTHED_PX], step=step)
            bands.append(band[row - top :][:_BAND_ROWS])
        return np.concatenate(bands)
    window = np.ones((2 * _RADIUS + 1, 2 * _RADIUS + 1), np.uint8)
    flat = cv2.dilate(picture, window) - cv2.erode(picture, window) <= 2.5 * step
    if not flat.any():
        return picture
    smooth = cv2.GaussianBlur(picture, (0, 0), _RADIUS / 2, borderType=cv2.BORDER_REPLICATE)
    # A hair's breadth inside, so that the rounded value is the same whatever the arithmetic.
    reach = np.float32(0.499 * step)
    return np.where(flat, np.clip(smooth, picture - reach, picture + reach), picture)


def scatter(height: int, width: int, *, frame: int, x: int = 0, y: int = 0) -> Picture:
    """(height, width) noise in -0.45 to 0.45 to add before rounding; (x, y): where in the frame its first value lies.

    Interleaved gradient noise (Jimenez 2014, "Next generation post processing in Call of Duty: Advanced Warfare"),
    moved on from frame to frame: even, without low frequencies, the same whenever it is asked for.
    """
    moved = _FRAME_SHIFT * (frame % _FRAME_CYCLE)
    rows, columns = np.arange(y, y + height) + moved, np.arange(x, x + width) + moved
    inner = (0.06711056 * columns[None] + 0.00583715 * rows[:, None]) % 1.0
    return (((52.9829189 * inner) % 1.0 - 0.5) * _SPREAD).astype(np.float32)
