# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the model looks: the region's crop and its way through the clip, the model's grid, padded lengths and temporal
windows (torch-free).

All coordinates are integers in source pixels, origin top left; a rectangle covers pixels x … x + width - 1. The model
sees one rectangle of each frame, of one size through the whole range, resized to a multiple of its grid.
"""

from maskedit.geometry.crop import MAX_ENLARGEMENT, CropPlan, aspect_error_px, plan_crop
from maskedit.geometry.rects import Rect, bounds_of, placed, union
from maskedit.geometry.resampling import crop_to_model, matte_to_model, model_to_crop, resized
from maskedit.geometry.track import MOST_ACCELERATION, WORTH_FOLLOWING, CropTrack, plan_track
from maskedit.geometry.windows import pad_indices, padded_length, windows

__all__ = [
    "MAX_ENLARGEMENT",
    "MOST_ACCELERATION",
    "WORTH_FOLLOWING",
    "CropPlan",
    "CropTrack",
    "Rect",
    "aspect_error_px",
    "bounds_of",
    "crop_to_model",
    "matte_to_model",
    "model_to_crop",
    "pad_indices",
    "padded_length",
    "placed",
    "plan_crop",
    "plan_track",
    "resized",
    "union",
    "windows",
]
