# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and mattes between a crop of the source and the model's size (torch-free)."""

from __future__ import annotations

import cv2
import numpy as np

from maskedit.geometry.crop import CropPlan


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """`picture` (H, W) or (H, W, C) float32 at another size: area mean when shrinking, cubic when enlarging.

    Cubic overshoot is cut off at the picture's own extremes, so that [0, 1] stays [0, 1].
    """
    shrinking = width * height < picture.shape[0] * picture.shape[1]
    result = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)
    np.clip(result, picture.min(), picture.max(), out=result)
    return result.reshape(height, width, *picture.shape[2:])


def crop_to_model(picture: np.ndarray, plan: CropPlan) -> np.ndarray:
    """What lies at `plan.rect`, (rect.height, rect.width, C) float32, as (model_height, model_width, C)."""
    return resized(picture, plan.model_width, plan.model_height)


def model_to_crop(picture: np.ndarray, plan: CropPlan) -> np.ndarray:
    """The way back: (model_height, model_width, C) float32 to (rect.height, rect.width, C), to be pasted at rect."""
    return resized(picture, plan.rect.width, plan.rect.height)


def matte_to_model(matte: np.ndarray, plan: CropPlan) -> np.ndarray:
    """Reduce a whole frame's matte (H, W) by *any*: 1 where a model pixel touches a source pixel > 0, else 0.

    Returns (model_height, model_width) float32. Exact in either direction, unlike a resize with a threshold.
    """
    inside = (matte[plan.rect.slices] > 0).astype(np.int32)
    for axis, model_side in enumerate((plan.model_height, plan.model_width)):
        side = inside.shape[axis]
        edges = np.arange(model_side + 1) * side
        sums = np.insert(np.cumsum(inside, axis=axis), 0, 0, axis=axis)
        ends, starts = -(-edges[1:] // model_side), edges[:-1] // model_side
        inside = (np.take(sums, ends, axis) > np.take(sums, starts, axis)).astype(np.int32)
    return inside.astype(np.float32)
