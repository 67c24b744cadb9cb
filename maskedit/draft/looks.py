# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit did to the plate's colours, so that it can be done to pixels that no keyframe ever showed.

Around each pixel of a keyframe the painted picture is fitted by gain * plate + offset, each channel for itself (the
guided filter of He et al. 2013). A recolouring becomes a gain, so that the plate's own detail lives on in it; where the
painting has nothing to do with the plate the gain fades and the offset is the painting's mean colour; where nothing was
changed, the plate itself comes back. At the matte's edge what lies within counts more than what was never painted, or
with every frame the edit would fade a little from its edge inwards. What the fit leaves over says how far the look may
be believed: little is left of a recolouring or a flat coat of paint, much of another texture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft.flow import Flow, Picture, warp
from maskedit.geometry import Rect, resized

# The fit looks this share of the picture's shorter side around each pixel.
_REACH = 1 / 36
# Detail of less variance than this (about eight codes) is taken for noise.
_NOISE = np.float32(1e-3)
# Beyond, or below 0, it is the edge between two things that was fitted, and elsewhere it would make colours of its own.
_MOST_GAIN = 2
_LEAST_WEIGHT = np.float32(1e-6)
# How much a pixel beyond the matte counts beside one within: a matte may be loose, and then its edge is the plate's.
_BEYOND = np.float32(0.3)
# A look is believed to 0.6 where its fit leaves so much over, in [0, 1] (ten codes of 255),
_LEFT_OVER = np.float32(0.04)
# and never quite: it was learnt somewhere else.
_MOST_BELIEVED = np.float32(0.9)


@dataclass(frozen=True, eq=False)
class Look:
    """`gain` and `offset` (h, w, 3) of an edit, at the size of the guides, and the mean square `left_over` (h, w, 1) by
    which they miss the painting around each pixel. A mean of looks misses what its parts miss and their differences."""

    gain: Picture
    offset: Picture
    left_over: Picture

    def fetched(self, flow: Flow) -> Look:
        """The look at p + flow(p) for each pixel p."""
        left_over = warp(self.left_over, flow).reshape(self.left_over.shape)
        return Look(warp(self.gain, flow), warp(self.offset, flow), left_over)

    def spread(self, confidence: Picture) -> Look:
        """This look where it is sure, and carried over from the nearest sure pixels elsewhere."""
        return _mean((self,), lambda part: spread(part[0], confidence))

    def applied(self, near: Picture, rect: Rect, *, width: int, height: int) -> Picture:
        """The edit of `near` (h, w, 3), the part `rect` of a plate of that size, in [0, 1]."""
        gain, offset = (enlarged(part, rect, width=width, height=height) for part in (self.gain, self.offset))
        return np.clip(gain * near + offset, 0, 1)

    def belief(self, rect: Rect, *, width: int, height: int) -> Picture:
        """How far `applied` may be believed in the part `rect` of a frame of that size, (h, w) in [0, 0.9]."""
        believed = _MOST_BELIEVED * np.exp(self.left_over[..., 0] / (-2 * _LEFT_OVER**2))
        return enlarged(believed, rect, width=width, height=height)


def learn_look(plate: Picture, painted: Picture, *, edit_matte: Picture, width: int, height: int) -> Look:
    """What was done to `plate` to make it `painted`, both (H, W, 3) in [0, 1], within `edit_matte` (H, W) above all.

    The look is `width` x `height`.
    """
    before, after, matte = (resized(picture, width, height) for picture in (plate, painted, edit_matte))
    counts = (_BEYOND + (1 - _BEYOND) * matte)[..., None]
    side = 2 * max(1, round(min(width, height) * _REACH)) + 1

    def blurred(picture: NDArray[np.floating]) -> Picture:
        smooth = cv2.blur(picture, (side, side), borderType=cv2.BORDER_REFLECT)
        return np.asarray(smooth, np.float32).reshape(picture.shape)

    counted = blurred(counts)

    def mean(picture: NDArray[np.floating]) -> Picture:
        return blurred(counts * picture) / counted

    mean_before, mean_after = mean(before), mean(after)
    covariance = mean(before * after) - mean_before * mean_after
    gain = np.clip(covariance / (mean(before * before) - mean_before * mean_before + _NOISE), 0, _MOST_GAIN)
    gain, offset = mean(gain), mean(mean_after - gain * mean_before)
    missed = np.square(after - np.clip(gain * before + offset, 0, 1)).mean(axis=-1, keepdims=True)
    return Look(gain, offset, mean(missed))


def mixed(looks: Sequence[Look], shares: Picture) -> Look:
    """The sum of n looks, each weighted by its share; `shares` (n, h, w), in all 1."""
    return _mean(looks, lambda parts: (shares[..., None] * np.stack(parts)).sum(axis=0))


def _mean(looks: Sequence[Look], averaged: Callable[[Sequence[Picture]], Picture]) -> Look:
    """The look that a way of averaging makes of others. What is left over follows the law of total variance, between
    looks as far as they differ on mid grey."""
    gain, offset = (averaged([getattr(look, name) for look in looks]) for name in ("gain", "offset"))
    moment = averaged([look.left_over + _power(look.gain, look.offset) for look in looks])
    return Look(gain, offset, np.maximum(moment - _power(gain, offset), 0))


def _power(gain: Picture, offset: Picture) -> Picture:
    """Mean square (h, w, 1) of what becomes of mid grey."""
    return np.square(gain / 2 + offset).mean(axis=-1, keepdims=True)


def enlarged(values: Picture, rect: Rect, *, width: int, height: int) -> Picture:
    """The part `rect` of `values` (h, w) or (h, w, C) at another size."""
    if values.ndim == 2:
        return np.ascontiguousarray(resized(values, width, height)[rect.slices])
    # Channel by channel: of a large frame the part alone is ever held with all of them.
    channels = [np.ascontiguousarray(values[..., channel]) for channel in range(values.shape[-1])]
    return np.stack([enlarged(each, rect, width=width, height=height) for each in channels], axis=-1)


def spread(values: Picture, weight: Picture) -> Picture:
    """`values` (h, w, channels) where their `weight` (h, w) in [0, 1] is 1; where it is less, ever wider weighted means
    of them stand in (pull-push over a pyramid, Gortler et al. 1996). Without any weight at all, 0."""
    height, width = weight.shape
    if max(height, width) == 1:
        return values
    half = (width + 1) // 2, (height + 1) // 2
    coarse_weight = resized(weight, *half)
    means = resized(values * weight[..., None], *half) / np.maximum(coarse_weight, _LEAST_WEIGHT)[..., None]
    coarse = resized(spread(means.astype(np.float32, copy=False), np.minimum(1, 2 * coarse_weight)), width, height)
    return coarse + weight[..., None] * (values - coarse)
