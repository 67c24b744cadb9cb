# SPDX-License-Identifier: GPL-3.0-or-later
"""From the drawn matte to the paste matte: widen, grow, steady over time, feather.

A loose region leaves the model room for new silhouettes (arXiv 2506.10082, section 3.3). Every promise about
untouched pixels refers to the paste matte, so its zeros are exact: they come from integer squared distances
between pixel centres, not from a blur that only fades.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import chain, repeat

import cv2
import numpy as np

from maskedit.geometry import bounds_of
from maskedit.mattes.widening import widen
from maskedit.presets import Edges


def loosen(edit_matte: np.ndarray, *, grow_px: int) -> np.ndarray:
    """Grow a matte by `grow_px` source pixels in every direction (a disc).

    `edit_matte` (H, W) float32 in [0, 1], inside where > 0. With 0 the drawn matte comes back, soft edge and all;
    otherwise the result is exactly 0 or 1. Raises ValueError below 0.
    """
    if grow_px < 0:
        raise ValueError(f"cannot grow a matte by {grow_px} pixels")
    if grow_px == 0:
        return edit_matte
    return np.isfinite(_distance(edit_matte > 0, reach=grow_px)).astype(np.float32)


def smooth_over_time(mattes: Iterable[np.ndarray], *, radius: int = 1) -> Iterator[np.ndarray]:
    """Let each matte cover what its neighbours up to `radius` frames away cover, so that its edge does not jitter.

    Streams: holds 2 * radius + 1 mattes at a time. An empty matte stays empty (there the source passes through).
    """
    held: deque[np.ndarray | None] = deque([None] * (2 * radius + 1), maxlen=2 * radius + 1)
    for matte in chain(mattes, repeat(None, radius)):
        held.append(matte)
        current = held[radius]
        if current is not None:
            yield reduce(np.maximum, [near for near in held if near is not None]) if current.any() else current


def paste_matte(loosened: np.ndarray, *, feather_px: float) -> np.ndarray:
    """The weight of the generated picture: 1 inside, a linear ramp outside, exactly 0 beyond `feather_px`.

    `loosened` (H, W) float32 in [0, 1]. The ramp starts at the edge, where the matte passes one half; the matte's own
    soft values are kept where they are higher, and everywhere if `feather_px` is 0. Distances run between pixel
    centres, in source pixels. Raises ValueError below 0.
    """
    if feather_px < 0:
        raise ValueError(f"cannot feather a matte by {feather_px} pixels")
    if feather_px == 0:
        return loosened
    ramp = 1 - _distance(loosened >= 0.5, reach=feather_px) / np.float32(feather_px + 1)
    return np.maximum(loosened, ramp)


def paste_mattes(drawn: Iterable[np.ndarray], edges: Edges) -> Iterator[np.ndarray]:
    """The paste matte of every drawn one: widened and grown, steadied over time, feathered.

    Streams; a frame whose drawn matte is empty stays empty.
    """
    loosened = (loosen(widen(matte, edges.loosening), grow_px=edges.grow_px) for matte in drawn)
    for matte in smooth_over_time(loosened, radius=edges.smooth_frames):
        yield paste_matte(matte, feather_px=edges.feather_px)


def _distance(inside: np.ndarray, *, reach: float) -> np.ndarray:
    """Euclidean distance of each pixel to the nearest one `inside` (0 inside), infinite beyond `reach`."""
    distance = np.full(inside.shape, np.inf, dtype=np.float32)
    bounds = bounds_of(inside)
    if bounds is None:
        return distance
    near = bounds.grown(math.ceil(reach), frame_width=inside.shape[1], frame_height=inside.shape[0]).slices
    found = cv2.distanceTransform((~inside[near]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squared distances are whole numbers: rounding them makes the comparison with `reach` exact.
    squared = np.rint(found.astype(np.float64) ** 2)
    distance[near] = np.where(squared <= reach**2, np.sqrt(squared), np.inf)
    return distance
