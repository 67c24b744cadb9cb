# SPDX-License-Identifier: GPL-3.0-or-later
"""What was painted outside the matte: how much, where, and the matte that would cover it (torch-free)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.geometry import Rect, bounds_of

Picture = NDArray[np.float32]

# A change that shows: so much of white, and so many times what compression leaves everywhere.
_LEAST_CHANGE = 10 / 255
_ABOVE_NOISE = 6
# Differences are softened over this share of the frame's shorter side: edges a fraction of a pixel off are none.
_SOFTENED = 1 / 400
# Compression smears the edit over whole blocks: so near the region nothing is looked at.
_BLOCK_PX = 8
# Smaller spots are dirt.
_LEAST_AREA = 1 / 4000


@dataclass(frozen=True, eq=False)
class Change:
    """`matte` (H, W), 1 where the picture was changed outside the region; `share` of the frame; what holds it."""

    matte: Picture
    share: float
    bounds: Rect

    @property
    def words(self) -> str:
        """How much and where, as an editor would say it."""
        box = self.bounds
        return f"{self.share:.2%} of the frame, within x {box.x}-{box.x + box.width}, y {box.y}-{box.y + box.height}"


def changed_outside(picture: Picture, plate: Picture, *, outside: NDArray[np.bool_]) -> Change | None:
    """Where `picture` (H, W, 3) differs from `plate` (H, W, 3) on the pixels `outside` (H, W), as it would be seen.

    Both in [0, 1], registered and matched in colour. The matte reaches a little beyond what differs, and never into
    the region. None where nothing does.
    """
    if not outside.any():
        return None
    height, width = outside.shape
    sigma = max(1.0, min(height, width) * _SOFTENED)
    # The region's own pixels are neither alike nor unlike: what is softened is divided by how much was outside.
    known = np.maximum(cv2.GaussianBlur(outside.astype(np.float32), (0, 0), sigma), 0.05)
    soft = np.zeros_like(known)
    for channel in range(3):  # one by one, so that of a large picture little more than itself is held
        difference = (picture[..., channel] - plate[..., channel]) * outside
        np.maximum(soft, np.abs(cv2.GaussianBlur(difference, (0, 0), sigma) / known), out=soft)
    threshold = max(_LEAST_CHANGE, _ABOVE_NOISE * float(np.median(soft[outside])))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _BLOCK_PX + 1, 2 * _BLOCK_PX + 1))
    looked_at = cv2.erode(outside.astype(np.uint8), disc, borderValue=1)
    seen = (soft > threshold).astype(np.uint8) * looked_at
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seen, connectivity=8)
    least = max(16.0, _LEAST_AREA * height * width)
    large = [label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] >= least]
    if not large:
        return None
    kept = np.isin(labels, large).astype(np.uint8)
    grown = cv2.dilate(kept, disc).astype(bool) & outside
    bounds = bounds_of(grown)
    assert bounds is not None  # a large spot is not empty
    return Change(grown.astype(np.float32), float(grown.mean()), bounds)
