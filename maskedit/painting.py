# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that the user painted, where they lie in the frame (torch-free)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskedit.colour import View
from maskedit.geometry import Rect
from maskedit.media import PlateFrame
from maskedit.request import Keyframe

Picture = NDArray[np.float32]


def keyframe_picture(keyframe: Keyframe, plate: PlateFrame, *, view: View, part: Rect) -> Picture:
    """The edited frame in `part` of the frame (h, w, 3): the picture itself, or the plate with a cropped one placed.

    Display values of `view`; only an EXR's may lie outside [0, 1].
    """
    if (extent := keyframe.extent) is None:
        return view.painted(keyframe.image.path, part=part.slices)
    picture, shown = view.painted(keyframe.image.path), view.shown(plate, part=part.slices)
    crop = Rect(extent.x, extent.y, extent.width, extent.height)
    (there, here) = crop.shared_with(part), part.shared_with(crop)
    shown[here] = picture[there]
    return shown
