# SPDX-License-Identifier: GPL-3.0-or-later
"""How unsure each frame of an edit is, and which frame to paint next (torch-free).

A frame is unsure where no keyframe showed its region: where the way there is lost (flow forwards and backwards
disagree) or the pixel was hidden or outside. The next keyframe is chosen greedily: the one whose own showing adds
most to what all frames have been shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.draft.flow import Luma, Picture
from maskedit.draft.tracking import Guide, tracks

# Guides are looked at in this share of their size, a twentieth of the work: shares need no more.
_SHARE = 1 / 4
# So many frames are tried as the next keyframe, and so far to either side is looked at what one would show.
_CANDIDATES = 6
_REACH_FRAMES = 32
# What the next keyframe has to show, as a share of the region on all frames, to be worth its painting.
_WORTH_PAINTING = 0.01


@dataclass(frozen=True)
class Doubts:
    """What is known of a take's frames before anybody looks at them, by index from 0.

    `uncertainty`: the share of the region, 0 to 1, that no keyframe showed or that is guessed. `continuity`: the share
    of it that the frame before showed (1 for the first). `next_keyframe`: the frame that would help most, None if
    hardly any would; `gain`: by how much the mean uncertainty would fall with it.
    """

    uncertainty: tuple[float, ...]
    continuity: tuple[float, ...]
    next_keyframe: int | None
    gain: float


def doubts(guides: Sequence[Guide], keyframes: Collection[int], *, guessed: Sequence[float] = ()) -> Doubts:
    """What the frames of these guides lack, where the frames of the indices `keyframes` (at least one) are painted.

    `guessed`: by frame, the share of the region that a model is known to guess; the greater doubt of both counts.
    """
    small = [_reduced(guide) for guide in guides]
    shown = [
        _codes(np.max([track.confidence for track in found], axis=0)) for found in tracks(small, sorted(keyframes))
    ]
    uncertainty = [1 - _share(known, guide) for known, guide in zip(shown, small, strict=True)]
    if guessed:
        uncertainty = list(map(max, uncertainty, guessed))
    gains = {
        index: _gain(small, shown, index, keyframes=keyframes) for index in _candidates(uncertainty, small, keyframes)
    }
    best = max(gains, key=lambda index: gains[index], default=None)
    worth = best is not None and gains[best] >= _WORTH_PAINTING
    return Doubts(
        uncertainty=tuple(uncertainty),
        continuity=(1.0, *(_shown_by_the_one_before(small, index) for index in range(1, len(small)))),
        next_keyframe=best if worth else None,
        gain=gains[best] if worth and best is not None else 0.0,
    )


def _candidates(uncertainty: Sequence[float], guides: Sequence[Guide], keyframes: Collection[int]) -> list[int]:
    """The least sure frame, and those that divide all the uncertainty there is into equal parts."""
    doubt = np.array(
        [
            0.0 if index in keyframes or not guides[index].edit_matte.any() else value
            for index, value in enumerate(uncertainty)
        ]
    )
    if not doubt.any():
        return []
    parts = np.linspace(0, 1, _CANDIDATES + 1)[1:-1]
    divided = np.searchsorted(np.cumsum(doubt) / doubt.sum(), parts)
    return sorted({int(doubt.argmax()), *(int(index) for index in divided if doubt[index] > 0)})


def _gain(guides: Sequence[Guide], shown: Sequence[Luma], candidate: int, *, keyframes: Collection[int]) -> float:
    """By how much painting `candidate` lowers the mean uncertainty of the frames that show the region."""
    # Beyond a keyframe nothing is fetched from it.
    first = max([candidate - _REACH_FRAMES, 0, *(key for key in keyframes if key < candidate)])
    last = min([candidate + _REACH_FRAMES, len(guides) - 1, *(key for key in keyframes if key > candidate)])
    found = tracks(guides[first : last + 1], [candidate - first])
    raised = [
        _share(np.maximum(_codes(track.confidence), shown[index]), guides[index]) - _share(shown[index], guides[index])
        for index, (track,) in enumerate(found, start=first)
    ]
    return sum(raised) / sum(guide.edit_matte.any() for guide in guides)


def _shown_by_the_one_before(guides: Sequence[Guide], index: int) -> float:
    _, (track,) = tracks(guides[index - 1 : index + 1], [0])
    return _share(_codes(track.confidence), guides[index])


def _share(known: Luma, guide: Guide) -> float:
    """How much of the guide's region is `known`, 0 to 1; all of it where there is no region."""
    region = guide.edit_matte > 127
    return float(known[region].mean()) / 255 if region.any() else 1.0


def _reduced(guide: Guide) -> Guide:
    height, width = guide.search.shape
    size = max(1, round(width * _SHARE)), max(1, round(height * _SHARE))
    search, matte = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (guide.search, guide.edit_matte)
    )
    return Guide(np.asarray(search, np.uint8), np.asarray(matte, np.uint8))


def _codes(confidence: Picture) -> NDArray[np.uint8]:
    return (confidence * 255).round().astype(np.uint8)
