# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated region's colours matched to the plate along its rim, so that the paste has no seam (torch-free).

A model repeats what it was given a little off in colour, and what it makes beside that is off alike. On the ring of
pixels just outside the edit matte both its picture and the plate are known: their difference is carried on into the
region. It is interpolated from all of the ring by inverse squared distance (Shepard 1968), the smooth kernel that a
sum of Gaussians of doubling width gives, and fades with depth: deep inside the edit's own colours stand.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

# How deep the match reaches, as a share of the picture's side: to a third of its strength, a twentieth at 3 times that.
_REACH = 1 / 11
# A greater difference is no drift but the edit itself, where the matte leaves out a part of what was repainted.
_MOST_DRIFT = 0.2


def match_rim(generated: Picture, plate: Picture, edit_matte: Picture, *, strength: float = 1.0) -> Picture:
    """`generated` with its colours inside `edit_matte` drawn to where they run into the plate's.

    `generated` and `plate` (H, W, 3) in [0, 1]; `edit_matte` (H, W), inside where > 0; `strength` from 0 (off) to 1.
    Outside the matte nothing changes, nor anywhere if the matte covers the whole picture: then there is no rim.
    Returns (H, W, 3) in [0, 1]. Raises ValueError for a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"the rim cannot be matched with a strength of {strength}")
    inside = (edit_matte > 0).astype(np.uint8)
    ring = (cv2.dilate(inside, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) - inside).astype(np.float32)
    if strength == 0 or not ring.any():
        return generated
    reach = max(1.0, math.sqrt(inside.size) * _REACH)
    drift = np.clip(plate - generated, -_MOST_DRIFT, _MOST_DRIFT) * ring[..., None]
    # What is spread over an area of sigma² pixels has 1 / sigma² of its height: together they fall as 1 / distance².
    sigmas = [2.0**octave for octave in range(math.floor(math.log2(reach)) + 1)]
    weight = sum(_blurred(ring, sigma) for sigma in sigmas)
    spread = sum(_blurred(drift, sigma) for sigma in sigmas) / np.maximum(weight, 1e-6)[..., None]
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    fade = strength * inside * np.exp(-depth / reach)
    return np.clip(generated + fade[..., None] * spread, 0, 1, dtype=np.float32)


def _blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), np.float32)
