# SPDX-License-Identifier: GPL-3.0-or-later
"""Room around a drawn matte: the bounding box or the convex hull of each of its parts.

A tight matte tells the model the old silhouette; a loose one does not (arXiv 2506.10082, section 3.3).
"""

from __future__ import annotations

import cv2
import numpy as np

from maskedit.mattes.coverage import polygon_coverage
from maskedit.request import Loosening

_PIXEL = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])


def widen(edit_matte: np.ndarray, loosening: Loosening) -> np.ndarray:
    """Widen a matte (H, W) float32 in [0, 1], inside where > 0; what was inside stays inside.

    GROWN gives the matte back as it is, soft edge and all; BOX and HULL exactly 0 or 1. Each part of the matte, that
    is, pixels that touch at a side or a corner, has a box or hull of its own, however small: a speck stays a speck.
    """
    if loosening is Loosening.GROWN:
        return edit_matte
    widened = np.zeros(edit_matte.shape, dtype=np.float32)
    inside = (edit_matte > 0).astype(np.uint8)
    parts, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for part in parts:
        left, top, width, height = cv2.boundingRect(part)
        box = widened[top : top + height, left : left + width]
        if loosening is Loosening.BOX:
            box[:] = 1
        else:
            corners = (part + _PIXEL - (left, top)).reshape(-1, 1, 2).astype(np.int32)
            hull = cv2.convexHull(corners)[:, 0].astype(np.float64)
            box[polygon_coverage(hull, width=width, height=height) > 0] = 1
    return widened
