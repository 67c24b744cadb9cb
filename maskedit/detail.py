# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft's part in a result: its fine detail, and where a model asks for it the draft itself (torch-free).

A model works at its own size, so what it makes is soft beside a larger plate. The draft holds the keyframe's texture
at source size. Both show the same thing where they agree once the draft is as coarse as the model: there the finer
part of the draft is added. Where they differ a good model knew better and its picture stays; a weak one did not, so
its recipe may trust the draft wherever that is sure.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.geometry import CropPlan, Rect, resized

Picture = NDArray[np.float32]

# Draft and model agree as long as they differ by less than this, in [0, 1]; by three times as much they do not at all.
_AGREED = 0.06


def with_draft(
    coarse: Picture, plan: CropPlan, *, draft: Picture, confidence: Picture, at: Rect, trust: float, detail: float
) -> Picture:
    """The model's picture at source scale with the draft's finer part.

    `coarse`: (h, w, 3) in [0, 1], the model's picture enlarged to `plan.rect`. `draft` (y, x, 3) in [0, 1] lies at the
    rectangle `at` of the frame, and is to be believed as far as `confidence` (y, x) in [0, 1] says. `trust` 0 to 1: how
    far a sure draft also overrules what the model made; `detail` 0 to 1: how much of its finer part is added where both
    agree. Returns (h, w, 3) in [0, 1]; beyond `at` it is `coarse`.
    """
    fine, sure = coarse.copy(), np.zeros(coarse.shape[:2], np.float32)
    here, there = plan.rect.shared_with(at), at.shared_with(plan.rect)
    fine[here], sure[here] = draft[there], confidence[there]
    height, width = coarse.shape[:2]
    smooth = resized(resized(fine, plan.model_width, plan.model_height), width, height)
    # Smoothed over a model pixel, so that the weight itself adds no detail.
    reach = max(1.0, width / plan.model_width)
    difference = cv2.GaussianBlur(np.abs(coarse - smooth).max(axis=-1), (0, 0), reach)
    agreed = np.clip((3 * _AGREED - difference) / (2 * _AGREED), 0, 1)
    base = coarse + (trust * sure)[..., None] * (smooth - coarse)
    finer = (np.maximum(detail * agreed, trust) * sure)[..., None] * (fine - smooth)
    return np.clip(base + finer, 0, 1, dtype=np.float32)
