# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes carried through the clip by optical flow: no model, no noise (torch-free).

The plate's own motion says where each pixel of a frame was in the keyframe; the edited picture is fetched from there.
It is what a render may start from, and the honest baseline that a model has to beat: it holds texture well and fails
where the keyframe never showed what appears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Flow = NDArray[np.float32]

# Flow on pictures smaller than this finds only the coarsest motion.
_LEAST_SIDE = 256


def draft(plates: Sequence[Picture], edit_mattes: Sequence[Picture], *, edited: Mapping[int, Picture]) -> list[Picture]:
    """Every frame with its region fetched from the nearest keyframe; the plate elsewhere.

    `plates` (H, W, 3) in [0, 1]; `edit_mattes` (H, W) in [0, 1]; `edited`: index into `plates` → (H, W, 3), at least
    one. Of two keyframes equally far away the earlier one is taken.
    """
    lumas = [_luma(plate) for plate in plates]
    drafts: dict[int, Picture] = {}
    for keyframe in sorted(edited):
        for step in (1, -1):
            flow = np.zeros((*plates[keyframe].shape[:2], 2), np.float32)
            for index in _reach(keyframe, step, count=len(plates), keyframes=sorted(edited)):
                if index != keyframe:
                    flow = _extended(flow, lumas[index], lumas[index - step], lumas[keyframe])
                fetched = warp(edited[keyframe], flow)
                inside = edit_mattes[index][..., None]
                drafts[index] = (plates[index] + inside * (fetched - plates[index])).astype(np.float32, copy=False)
    return [drafts[index] for index in range(len(plates))]


def warp(picture: Picture, flow: Flow) -> Picture:
    """`picture` fetched at p + flow(p) for each pixel p; `flow` (H, W, 2) in pixels, x then y; edges are held."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    fetched = cv2.remap(
        picture, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.clip(fetched, 0, 1, dtype=np.float32)


def _reach(keyframe: int, step: int, *, count: int, keyframes: Sequence[int]) -> range:
    """The frames that this keyframe serves on one side of it, itself included."""
    if step > 0:
        later = [other for other in keyframes if other > keyframe]
        return range(keyframe, (keyframe + later[0]) // 2 + 1 if later else count)
    earlier = [other for other in keyframes if other < keyframe]
    return range(keyframe, (keyframe + earlier[-1]) // 2 if earlier else -1, -1)


def _extended(flow: Flow, luma: NDArray[np.uint8], before: NDArray[np.uint8], keyframe: NDArray[np.uint8]) -> Flow:
    """The flow from this frame to the keyframe, given that of the frame before.

    One step more is chained on, then refined against the keyframe itself: chaining alone drifts, and a direct search
    alone loses far motion.
    """
    step = _dis().calc(luma, before, np.zeros((*luma.shape, 2), np.float32))
    rows, columns = np.mgrid[0 : luma.shape[0], 0 : luma.shape[1]].astype(np.float32)
    scale = luma.shape[1] / flow.shape[1]
    far = cv2.resize(flow, (luma.shape[1], luma.shape[0]), interpolation=cv2.INTER_LINEAR) * np.float32(scale)
    chained = step + cv2.remap(
        far, columns + step[..., 0], rows + step[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    direct = _dis().calc(luma, keyframe, chained.copy())
    size = flow.shape[1], flow.shape[0]
    return (cv2.resize(direct, size, interpolation=cv2.INTER_AREA) / scale).astype(np.float32, copy=False)


def _dis() -> cv2.DISOpticalFlow:
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def _luma(plate: Picture) -> NDArray[np.uint8]:
    """8-bit luma, enlarged evenly if the picture is small."""
    enlarge = max(1, -(-_LEAST_SIDE // min(plate.shape[:2])))
    luma = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY)
    luma = cv2.resize(luma, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC)
    return (luma * 255).round().clip(0, 255).astype(np.uint8)
