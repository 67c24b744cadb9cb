# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up object for footage without mattes: an ellipse that goes where the picture under it goes (torch-free)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft.flow import followed, pointed_at, search


def followed_blob(video: NDArray[np.uint8], *, random: np.random.Generator) -> NDArray[np.uint8]:
    """Coverage (T, H, W), 0 to 255, of an ellipse drawn by chance in frame 0 of `video` (T, H, W, 3), 16 pixels or
    more a side, and carried on by optical flow. Every other one is put where much changes, if anything does."""
    height, width = video.shape[1:3]
    centre = random.uniform(0.2, 0.8, 2) * (height, width)
    change = np.abs(np.diff(video.astype(np.float32), axis=0)).sum(axis=(0, 3)).astype(float)
    if random.random() < 0.5 and change.any():
        centre = np.array(np.divmod(random.choice(change.size, p=change.ravel() / change.sum()), width))
    radii = random.uniform(0.12, 0.4, 2) * min(height, width)
    lumas = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in video]
    to_start = np.zeros((height, width, 2), np.float32)
    coverage = np.empty(video.shape[:3], np.uint8)
    for number, luma in enumerate(lumas):
        if number:
            to_start = followed(search(luma, lumas[number - 1]), to_start)
        rows, columns = pointed_at(to_start)
        distance = np.hypot((rows - centre[0]) / radii[0], (columns - centre[1]) / radii[1])
        # One pixel of soft edge.
        coverage[number] = np.rint(255 * np.clip(0.5 + (1 - distance) * radii.min(), 0, 1))
    return coverage
