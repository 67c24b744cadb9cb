# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that the user painted, as whole frames (torch-free)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskedit.media import read_picture
from maskedit.request import Keyframe

Picture = NDArray[np.float32]


def keyframe_picture(keyframe: Keyframe, plate: Picture) -> Picture:
    """The edited frame in source size (H, W, 3): the picture itself, or the plate with the cropped picture placed."""
    picture = read_picture(keyframe.image.path)[..., :3]
    if keyframe.extent is None:
        return picture
    extent = keyframe.extent
    whole = plate.copy()
    whole[extent.y : extent.y + extent.height, extent.x : extent.x + extent.width] = picture
    return whole
