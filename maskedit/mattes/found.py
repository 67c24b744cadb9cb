# SPDX-License-Identifier: GPL-3.0-or-later
"""What the paste shows where the user drew nothing to say so: what came out different from the plate.

A loose region is mostly real background that the model redrew a little softer and a little off in colour; pasting that
all round the edit is what gives it away. So each pixel is asked whether the result differs there from the plate by
more than such redrawing does. What differs is shown whole, so that the edit is never cut into: only what lies around
it runs out, where both pictures show the same and a soft edge is no seam.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.mattes.loosening import paste_matte

Picture = NDArray[np.float32]
Selection = NDArray[np.bool_]

# Grain and the finest detail, which any model loses, are averaged away by this standard deviation, in pixels.
_GRAIN_PX = 1.0
# A redrawn edge may lie so many pixels off.
_MISPLACED_PX = 1
# A difference that could be seen, in [0, 1]: at least this, or so many times what the model is off outside the region
_LEAST = 2.5 / 255
_TIMES_OFF = 3.0
# and never more than this: beyond it, what was redrawn badly is shown as if it were meant.
_MOST = 8 / 255
# What surely differs, as a multiple of that. What only may differ counts where it hangs together with what surely does.
_SURELY = 2.0
# How far what is found runs out, in pixels.
RUN_OUT_PX = 2


def difference(plate: Picture, result: Picture) -> Picture:
    """(H, W): by how much a result (H, W, 3) leaves what the plate (H, W, 3) shows within a pixel, without its grain.

    The greatest of the three channels, in the pictures' own units.
    """
    before, after = (_without_grain(picture) for picture in (plate, result))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _MISPLACED_PX + 1,) * 2)
    above, below = after - cv2.dilate(before, around), cv2.erode(before, around) - after
    return np.maximum(above, below).max(axis=-1).clip(0, None)


def edited(plate: Picture, result: Picture, *, drawn: Picture, paste: Picture) -> Selection:
    """Where a result shows the edit and not the plate redrawn: bool (H, W), everywhere within `paste` > 0.

    `plate`, `result` (H, W, 3) in [0, 1]; `drawn` (H, W), whose core belongs to the edit whatever it shows; `paste`
    (H, W): 0 where nothing may be pasted, which there tells how far the result is off by itself.
    """
    off = difference(plate, result)
    inside, core = paste > 0, drawn >= 0.5
    outside = off[~inside]
    level = float(np.quantile(outside, 0.9)) * _TIMES_OFF if outside.size else _LEAST
    level = min(max(level, _LEAST), _MOST)
    sure = (off > level * _SURELY) | core
    return hanging_together((off > level) | core, sure) & inside


def painted(plate: Picture, keyframe: Picture, *, drawn: Picture, paste: Picture) -> Selection:
    """As `edited`, of a picture that the user gave: every pixel that its 8 bits set apart from the plate."""
    apart = np.abs(keyframe - plate).max(axis=-1) > 1 / 255
    return (apart | (drawn >= 0.5)) & (paste > 0)


def steadied(found: Iterable[Selection], *, radius: int = 1) -> Iterator[Selection]:
    """What was found, bool (H, W), without its drop-outs of up to 2 * radius frames, and nowhere less than found.

    A closing over time: a pixel counts if within `radius` frames of every frame up to `radius` away it was found.
    Streams, 2 * radius frames behind. A thing that moves on leaves no more than that behind it.
    """
    reach = 2 * radius
    held: deque[Selection | None] = deque([None] * (2 * reach + 1), maxlen=2 * reach + 1)
    for each in chain(found, repeat(None, reach)):
        held.append(each)
        if held[reach] is not None:
            frames = list(held)
            # Frames beyond the clip's ends are not asked.
            near = [
                [one for one in frames[middle - radius : middle + radius + 1] if one is not None]
                for middle in range(radius, radius + reach + 1)
                if frames[middle] is not None
            ]
            yield np.logical_and.reduce([np.logical_or.reduce(window) for window in near])


def composite_matte(found: Selection, *, drawn: Picture, paste: Picture) -> Picture:
    """What the paste shows, (H, W) float32 in [0, 1]: all of what was `found` (H, W), and of what is `drawn`, run out
    over a few pixels, within `paste`."""
    run_out = paste_matte(found.astype(np.float32), feather_px=RUN_OUT_PX)
    return np.minimum(np.maximum(run_out, drawn), paste)


def _without_grain(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _GRAIN_PX), np.float32)


def hanging_together(weak: Selection, strong: Selection) -> Selection:
    """The parts of `weak` (H, W), corners included, that hold anything `strong` (H, W)."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    parts = np.asarray(labels, np.intp)
    kept = np.zeros(count, bool)
    kept[parts[strong & weak]] = True
    return kept[parts]
