# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion blur where the plate has it and the generated picture lacks it.

A shutter smears what moves along its way. Where the plate moves, its slopes along the motion are flatter than those
across it; as far as the generated picture's are not, it is averaged along the plate's flow over half a frame's way, as
a shutter of 180 degrees does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft.flow import search, warp
from maskedit.draft.tracking import luma_of, to_codes
from maskedit.geometry import resized

Picture = NDArray[np.float32]

_SEARCHED_PX = 384  # the longer side of the pictures that motion is looked for in
_LEAST_PX = 16
_OPEN = 0.5  # of a frame's time
_INSTANTS = 9
_SLOWEST_PX = 2.0  # per frame: a shorter smear is not seen


def with_shutter(generated: Picture, plate: Picture, *, before: Picture, strength: float) -> Picture:
    """`generated` (h, w, 3) in [0, 1] blurred as `plate` (h, w, 3) is; `before`: the plate of the frame before.

    `strength` from 0 (off) to 1.
    """
    height, width = plate.shape[:2]
    scale = min(1.0, _SEARCHED_PX / max(height, width))
    size = max(_LEAST_PX, round(width * scale)), max(_LEAST_PX, round(height * scale))
    now, then = (to_codes(luma_of(resized(each, *size))) for each in (plate, before))
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    flow = resized(search(now, then), width, height) * ratio
    speed = np.hypot(flow[..., 0], flow[..., 1])
    if strength == 0 or speed.max() < _SLOWEST_PX:
        return generated
    lacking = np.clip(smear(plate, flow) - smear(generated, flow), 0, 1)
    amount = strength * lacking * np.clip(speed / _SLOWEST_PX - 1, 0, 1)
    ways = np.linspace(-_OPEN / 2, _OPEN / 2, _INSTANTS, dtype=np.float32)
    smeared = sum(warp(generated, way * flow) for way in ways) / np.float32(_INSTANTS)
    return (generated + amount[..., None] * (smeared - generated)).astype(np.float32)


def smear(picture: Picture, flow: NDArray[np.float32]) -> Picture:
    """(h, w): how much flatter `picture` is along the flow than across it, 1: it has no slope along it at all.

    Below 0 where it is steeper along it. Each around a pixel, as wide as the way is long.
    """
    luma = picture.mean(axis=-1)
    across, down = (cv2.Sobel(luma, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    speed = np.maximum(np.hypot(flow[..., 0], flow[..., 1]), 1e-3)
    along = np.square((across * flow[..., 0] + down * flow[..., 1]) / speed)
    beside = np.square((down * flow[..., 0] - across * flow[..., 1]) / speed)
    reach = max(3.0, float(np.median(speed)))
    along, beside = (cv2.GaussianBlur(each, (0, 0), reach) + np.float32(1e-7) for each in (along, beside))
    return 1 - np.sqrt(along / beside)
