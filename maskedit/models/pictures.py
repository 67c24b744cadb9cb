# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as the image encoders' own processors take them."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def as_pictures(frames: Tensor) -> list[np.ndarray]:
    """Frames (B, 3, H, W) in [-1, 1] as B pictures (H, W, 3) of 8 bits: what the encoders were trained on, and what
    their processors resize best.
    """
    return list(((frames + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())
