# SPDX-License-Identifier: GPL-3.0-or-later
"""Dense optical flow between two pictures, and pictures fetched along it.

A flow (h, w, 2), in pixels, x then y, says for each pixel of one picture where it is in the other.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Luma = NDArray[np.uint8]
Flow = NDArray[np.float32]

# Two pixels are alike if their surroundings are: the standard deviation, in pixels, of what counts as surroundings.
_SURROUNDINGS = 3.0
# A flow found anew replaces the one at hand where it makes the pictures more alike by this factor.
_WORTH_CHANGING = 1.3


def search(here: Luma, there: Luma, *, start: Flow | None = None) -> Flow:
    """From `here` to `there`, by dense inverse search (Kroeger et al. 2016); `start`: a flow to begin with."""
    begin = np.zeros((*here.shape, 2), np.float32) if start is None else start.copy()
    return np.asarray(cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(here, there, begin), np.float32)


def mended(flow: Flow, here: Luma, there: Luma) -> Flow:
    """`flow` from `here` to `there`, replaced by a search that begins with it wherever that one is clearly better."""
    found = search(here, there, start=flow)
    better = unlikeness(here, there, found) * np.float32(_WORTH_CHANGING) < unlikeness(here, there, flow)
    return np.where(better[..., None], found, flow)


def unlikeness(here: Luma, there: Luma, flow: Flow) -> Picture:
    """(h, w): by how many codes each pixel's surroundings differ from those that the flow points at."""
    difference = cv2.absdiff(here.astype(np.float32), warp(there.astype(np.float32), flow))
    return np.asarray(cv2.GaussianBlur(difference, (0, 0), _SURROUNDINGS), np.float32)


def warp(
    picture: Picture, flow: Flow, *, left: int = 0, top: int = 0, interpolation: int = cv2.INTER_LINEAR
) -> Picture:
    """`picture` fetched at p + flow(p) for each pixel p of the flow; beyond its edges they are held.

    `left`, `top`: where in the picture the flow's first pixel lies.
    """
    rows, columns = pointed_at(flow)
    fetched = cv2.remap(picture, columns + left, rows + top, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fetched, np.float32)


def pointed_at(flow: Flow) -> tuple[Picture, Picture]:
    """The row and the column (h, w) that each pixel's flow points at."""
    height, width = flow.shape[:2]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    return rows + flow[..., 1], columns + flow[..., 0]


def followed(first: Flow, second: Flow) -> Flow:
    """One flow after the other: from a picture by `first` to the next, from there by `second`."""
    return first + warp(second, first)
