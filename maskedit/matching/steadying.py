# SPDX-License-Identifier: GPL-3.0-or-later
"""A region's flicker, and how it is held to the plate's.

Followed along the motion, the mean colour of a region should change as slowly as that of the plate beneath it. Summed
up over time, the changes are a curve; what it has beyond its own smooth course is flicker. As much of it as exceeds the
plate's is taken back, by one colour per frame: no pixel is blurred, and a change that lasts stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft.flow import search, warp
from maskedit.draft.tracking import luma_of, to_codes
from maskedit.geometry import resized

Picture = NDArray[np.float32]
Colour = NDArray[np.floating]

LOOK_AHEAD = 3  # frames, and as many before
_SEARCHED_PX = 192  # the longer side of the pictures that motion is looked for in
_LEAST_PX = 16
_SIGMA = 1.5  # frames; a course of less than about five frames' length is flicker


@dataclass(frozen=True, eq=False)
class Glance:
    """A frame as small as motion is looked for in: `plate`, `generated` (h, w, 3), `inside` (h, w) in [0, 1]."""

    plate: Picture
    generated: Picture
    inside: Picture

    @classmethod
    def at(cls, plate: Picture, generated: Picture, paste_matte: Picture) -> Glance:
        """From pictures at source size."""
        height, width = paste_matte.shape
        scale = min(1.0, _SEARCHED_PX / max(height, width))
        size = max(_LEAST_PX, round(width * scale)), max(_LEAST_PX, round(height * scale))
        return cls(*(resized(each, *size) for each in (plate, generated, paste_matte)))


def change(before: Glance, now: Glance) -> tuple[Colour, Colour]:
    """By how much the mean R, G, B of the plate and of what was generated changed inside, along the plate's motion."""
    height, width = now.inside.shape
    # A crop that follows its region may change its size.
    before = Glance(*(resized(each, width, height) for each in (before.plate, before.generated, before.inside)))
    flow = search(to_codes(luma_of(now.plate)), to_codes(luma_of(before.plate)))
    seen = now.inside * warp(before.inside, flow)
    weight = float(seen.sum())
    if weight < 1:
        return np.zeros(3), np.zeros(3)
    plate, generated = (
        np.tensordot(seen, here - warp(there, flow), axes=2) / weight
        for here, there in ((now.plate, before.plate), (now.generated, before.generated))
    )
    return plate, generated


def flicker(changes: NDArray[np.floating]) -> Colour:
    """(T, 3): what the colour has at each frame beyond its smooth course; `changes` (T, 3) are those from the frame
    before, the first of them 0."""
    course = np.cumsum(changes, axis=0)
    ends = ((LOOK_AHEAD, LOOK_AHEAD), (0, 0))
    long = len(course) > LOOK_AHEAD  # a trend goes on beyond the ends of what is known
    held = np.pad(course, ends, mode="reflect", reflect_type="odd") if long else np.pad(course, ends, mode="edge")
    kernel = cv2.getGaussianKernel(2 * LOOK_AHEAD + 1, _SIGMA)[:, 0]
    return course - np.stack([np.convolve(channel, kernel, mode="valid") for channel in held.T], axis=-1)


def excess(plate: NDArray[np.floating], generated: NDArray[np.floating]) -> Colour:
    """(T, 3): how far what was generated flickers beyond its plate; of both the changes (T, 3) are given."""
    own, allowed = flicker(generated), np.abs(flicker(plate)).max(axis=0)
    return own - np.clip(own, -allowed, allowed)
