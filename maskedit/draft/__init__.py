# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes carried through the clip by optical flow: no model, no noise (torch-free).

The plate's own motion says where each pixel of a frame was in the keyframes around it; the painted picture is fetched
from there, and where they saw nothing the edit's look is carried over from nearby. It is the preview before tuning,
what a render may start from, and the honest baseline that a model has to beat: it holds texture well and fails where
the keyframes never showed what appears.

- `draft` does it for pictures in memory, `drafts` for several edits of them.
- `guide`, `tracks`, `painting` and `carry` are its steps, for whoever streams a clip at source size.
- `follow` takes the keyframes' mattes along in the same way.
- `doubts` says what no keyframe has shown of each frame, and which frame to paint next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maskedit.draft.carrying import Draft, Painting, carry, painting
from maskedit.draft.doubting import Doubts, doubts
from maskedit.draft.flow import Picture
from maskedit.draft.following import follow
from maskedit.draft.tracking import GUIDE_SIDE, Guide, Track, guide, to_codes, tracks

__all__ = [
    "Doubts",
    "Draft",
    "Guide",
    "Painting",
    "Picture",
    "Track",
    "carry",
    "doubts",
    "draft",
    "drafts",
    "follow",
    "guide",
    "painting",
    "to_codes",
    "tracks",
]


def draft(
    plates: Sequence[Picture],
    edit_mattes: Sequence[Picture],
    *,
    edited: Mapping[int, Picture],
    guide_side: int = GUIDE_SIDE,
) -> list[Draft]:
    """Every frame with its region fetched from the nearest keyframes on either side; the plate elsewhere.

    `plates` (H, W, 3) in [0, 1]; `edit_mattes` (H, W) in [0, 1]; `edited`: index into `plates` → (H, W, 3), at least
    one. A keyframe's own draft is its picture, over the plate by its matte. `guide_side`: see `guide`.
    """
    return drafts(plates, edit_mattes, looks=[edited], guide_side=guide_side)[0]


def drafts(
    plates: Sequence[Picture],
    edit_mattes: Sequence[Picture],
    *,
    looks: Sequence[Mapping[int, Picture]],
    guide_side: int = GUIDE_SIDE,
) -> list[list[Draft]]:
    """As `draft`, of several edits of the same keyframes: the motion is found once."""
    guides = [guide(plate, matte, side=guide_side) for plate, matte in zip(plates, edit_mattes, strict=True)]
    painted = [
        {
            index: painting(plates[index], edit_mattes[index], edited=picture, guide=guides[index])
            for index, picture in look.items()
        }
        for look in looks
    ]
    frames = list(zip(plates, edit_mattes, tracks(guides, looks[0]), strict=True))
    return [
        [
            carry(plate, matte, seen=[(track, paintings[track.keyframe]) for track in found])
            for plate, matte, found in frames
        ]
        for paintings in painted
    ]
