# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that the user painted, as whole frames (torch-free)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskedit.colour import View
from maskedit.request import Keyframe

Picture = NDArray[np.float32]


def keyframe_picture(keyframe: Keyframe, plate: Picture, *, view: View) -> Picture:
    """The edited frame in source size (H, W, 3): the picture itself, or the plate with the cropped picture placed.

    `plate` (H, W, 3) and what is returned are display values of `view`; only an EXR's may lie outside [0, 1].
    """
    picture = view.painted(keyframe.image.path)
    if keyframe.extent is None:
        return picture
    extent = keyframe.extent
    whole = plate.copy()
    whole[extent.y : extent.y + extent.height, extent.x : extent.x + extent.width] = picture
    return whole
