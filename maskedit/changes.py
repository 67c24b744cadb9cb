# SPDX-License-Identifier: GPL-3.0-or-later
"""The region of an edit for which nobody drew a matte: what its keyframes changed (torch-free)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from maskedit.colour import View, view_of
from maskedit.errors import InputError
from maskedit.geometry import Rect, resized
from maskedit.hygiene import inspect
from maskedit.mattes import changed, of_purpose
from maskedit.media import ClipReader
from maskedit.painting import Picture
from maskedit.request import EditRequest, Extent, Keyframe, KeyframeCare, MattePurpose, MediaFacts, Region

# More of the frame than this cannot be told from another picture altogether, and less from a speck.
_MOST, _LEAST = 0.9, 2e-5


def is_untraced(region: Region) -> bool:
    """Whether the region is what the keyframes change, because it has no edit matte."""
    return not of_purpose(region, MattePurpose.EDIT)


def keyframe_changes(request: EditRequest, *, facts: MediaFacts) -> Iterator[tuple[int, Picture]]:
    """What each keyframe changed of the clip, by frame number in order: (H, W) float32, 0 or 1.

    Raises InputError for a keyframe that changes nothing, or nearly everything.
    """
    view = view_of(facts, request.working_colour)
    with ClipReader(request.target.path, first_number=request.target.first_number or None) as clip:
        for keyframe in sorted(request.keyframes, key=lambda each: each.frame):
            (plate,) = clip.frames(keyframe.frame, keyframe.frame)
            shown = view.shown(plate)
            change = changed(shown, _whole(keyframe, shown, view=view, care=request.keyframe_care))
            share = float(change.mean())
            if share < _LEAST:
                raise InputError(
                    f"Keyframe {keyframe.frame} shows what the clip shows, or differs by an even shift of colour only: "
                    "paint the change into it, or give a matte of the region."
                )
            if share > _MOST:
                raise InputError(
                    f"Keyframe {keyframe.frame} differs from the clip nearly everywhere, so the region cannot be told: "
                    "check that it is the picture of that frame, or give a matte of the region."
                )
            yield keyframe.frame, change


def _whole(keyframe: Keyframe, plate: Picture, *, view: View, care: KeyframeCare) -> Picture:
    """The keyframe as a whole frame (H, W, 3) in [0, 1], scaled to its size and laid back on its plate if it was moved.

    As it is mended before it is used, but that nothing is known yet of where it was changed.
    """
    height, width = plate.shape[:2]
    extent = keyframe.extent or Extent(x=0, y=0, width=width, height=height)
    rect = Rect(extent.x, extent.y, extent.width, extent.height)
    picture = resized(view.painted(keyframe.image.path).clip(0, 1), rect.width, rect.height)
    part = np.ascontiguousarray(plate[rect.slices])
    whole = plate.copy()
    whole[rect.slices] = inspect(picture, part, outside=np.ones(part.shape[:2], bool), care=care).picture
    return whole
