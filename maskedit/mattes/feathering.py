# SPDX-License-Identifier: GPL-3.0-or-later
"""A feather whose width changes along the outline: every pixel of the edge throws a cone of its own width."""

from __future__ import annotations

import cv2
import numpy as np

_CHUNK = 256


def feather_along(coverage: np.ndarray, *, outline: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Let a shape run out over `widths` pixels: (H, W) float32 in [0, 1], exactly 0 beyond.

    `coverage` (H, W) in [0, 1]; `outline` (vertices, 2) with `widths` (vertices,) >= 0. A pixel of the edge takes the
    width of the vertex nearest to it, and a pixel outside the highest cone that reaches it, so with equal widths this
    is `paste_matte`. Distances run between pixel centres.
    """
    inside = (coverage >= 0.5).astype(np.uint8)
    core = cv2.erode(inside, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)), borderValue=1)
    rim = np.argwhere(inside > core)
    reach = int(widths.max())
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    squares = (rows**2 + columns**2).astype(np.float32)
    distances = np.sqrt(squares)
    # Wide enough at the sides for every cone to be whole.
    ramp = np.pad(inside.astype(np.float32), reach)
    for (row, column), width in zip(rim, _widths_at(rim, outline, widths), strict=True):
        near = int(width)
        middle = slice(reach - near, reach + near + 1)
        cone = np.where(squares[middle, middle] <= width**2, 1 - distances[middle, middle] / (width + 1), 0)
        span = (
            slice(row + reach - near, row + reach + near + 1),
            slice(column + reach - near, column + reach + near + 1),
        )
        np.maximum(ramp[span], cone, out=ramp[span])
    height, width = coverage.shape
    return np.maximum(coverage, ramp[reach : reach + height, reach : reach + width])


def _widths_at(rim: np.ndarray, outline: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """The width of the vertex nearest to the centre of each pixel (row, column) of `rim`."""
    found = []
    for start in range(0, len(rim), _CHUNK):
        centres = rim[start : start + _CHUNK, None, ::-1] + 0.5
        found.append(widths[((centres - outline) ** 2).sum(axis=2).argmin(axis=1)])
    return np.concatenate(found) if found else np.empty(0)
