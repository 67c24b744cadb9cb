# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pixels of every frame were in the keyframes around it, and how sure that is.

The flow is chained from frame to frame and searched anew from each frame to the keyframe itself: the chain drifts and
the direct search gets lost, so each pixel keeps the one that finds what looks more alike. The same is done back from
the keyframe; where the two disagree, the pixel was hidden in the keyframe (Sundaram et al. 2010). All of it happens
on small guides, whatever the size of the clip.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from maskedit.draft.flow import Flow, Luma, Picture, followed, mended, pointed_at, search, unlikeness, warp
from maskedit.geometry import resized

# The shorter side of a guide, in pixels: on fewer only the coarsest motion is found, and more cost more than they show.
GUIDE_SIDE = 256
# The matte is drawn around the thing that moves, so its outline guides the search where the luma shows no edge.
_MATTE_SHARE = 0.2
_MATTE_BLUR = 1 / 100  # of the guide's shorter side
# Confidence falls to 0.6 where forward and backward flow disagree by so many guide pixels,
_DISAGREEMENT = 2.0
# or where the surroundings differ by so many codes.
_UNLIKENESS = 8.0
# Painted pixels that were surely others are still a better guess than ones that nobody painted.
_LEAST = np.float32(1e-4)
# So many frames' tracks are held at once, at most, of those that have to be found in reverse.
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Guide:
    """A frame as far as the search for motion needs it: `search`, luma with the matte in it, and the `edit_matte`
    itself, both (h, w) uint8."""

    search: Luma
    edit_matte: Luma


@dataclass(frozen=True, eq=False)
class Track:
    """Where each pixel of `frame` was in `keyframe`.

    In guide pixels: `flow` (h, w, 2) from the frame to the keyframe and `back` the other way; `confidence` (h, w) in
    [0, 1] that this is so, and that the keyframe shows painted pixels there.
    """

    frame: int
    keyframe: int
    flow: Flow
    back: Flow
    confidence: Picture


def guide(plate: Picture, edit_matte: Picture, *, side: int = GUIDE_SIDE) -> Guide:
    """The guide of a frame (H, W, 3) with its matte (H, W), both in [0, 1].

    Resized to a shorter side of `side` pixels, or enlarged by a whole factor to at least that.
    """
    height, width = plate.shape[:2]
    scale = side / min(height, width)
    scale = float(np.ceil(scale)) if scale > 1 else scale
    size = round(width * scale), round(height * scale)
    luma, matte = resized(luma_of(plate), *size), resized(edit_matte, *size)
    outline = cv2.GaussianBlur(matte, (0, 0), min(size) * _MATTE_BLUR)
    return Guide(to_codes(luma + np.float32(_MATTE_SHARE) * (outline - luma)), to_codes(matte))


def tracks(guides: Sequence[Guide], keyframes: Iterable[int]) -> Iterator[tuple[Track, ...]]:
    """For each frame in order its tracks to the nearest keyframe on either side, as far as there is one.

    `keyframes`: indices into `guides`. A keyframe has one track, to itself, of full confidence.
    """
    for earlier, later in pairwise([None, *sorted(keyframes), None]):
        between = range(0 if earlier is None else earlier + 1, len(guides) if later is None else later)
        sides: list[Iterator[Track]] = []
        if earlier is not None:
            yield (_standing(guides, earlier),)
            sides.append(_chain(guides, between, after=_standing(guides, earlier)))
        if later is not None:
            sides.append(_chain_in_reverse(guides, between[::-1], after=_standing(guides, later)))
        if sides:
            yield from zip(*sides, strict=True)


def luma_of(picture: Picture) -> Picture:
    """(H, W) of (H, W, 3)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def to_codes(signal: Picture) -> Luma:
    """[0, 1] as 8-bit codes."""
    return (signal * 255).round().clip(0, 255).astype(np.uint8)


def _standing(guides: Sequence[Guide], keyframe: int) -> Track:
    shape = guides[keyframe].search.shape
    still = np.zeros((*shape, 2), np.float32)
    return Track(keyframe, keyframe, still, still, np.ones(shape, np.float32))


def _chain(guides: Sequence[Guide], frames: range, *, after: Track) -> Iterator[Track]:
    """The tracks of `frames`, which lead away from the keyframe one by one; `after`: that of the frame before them."""
    key, track = guides[after.keyframe], after
    for index in frames:
        here, before = guides[index], guides[index - frames.step]
        step, step_back = search(here.search, before.search), search(before.search, here.search)
        flow = mended(followed(step, track.flow), here.search, key.search)
        back = mended(followed(track.back, step_back), key.search, here.search)
        track = Track(index, after.keyframe, flow, back, _confidence(here, key, flow, back))
        yield track


def _chain_in_reverse(guides: Sequence[Guide], frames: range, *, after: Track) -> Iterator[Track]:
    """As `_chain`, the last one first. A long chain is walked twice, so that only a part of it is ever held."""
    near, far = frames[:_BLOCK], frames[_BLOCK:]
    if far:
        (end,) = deque(_chain(guides, near, after=after), maxlen=1)
        yield from _chain_in_reverse(guides, far, after=end)
    yield from reversed([*_chain(guides, near, after=after)])


def _confidence(here: Guide, key: Guide, flow: Flow, back: Flow) -> Picture:
    height, width = here.search.shape
    rows, columns = pointed_at(flow)
    in_frame = (rows > -1) & (rows < height) & (columns > -1) & (columns < width)
    painted = warp(key.edit_matte.astype(np.float32), flow) / np.float32(255)
    disagreement = np.square(followed(flow, back)).sum(axis=-1) / np.float32(_DISAGREEMENT**2)
    unlike = np.square(unlikeness(here.search, key.search, flow) / np.float32(_UNLIKENESS))
    return in_frame * painted * np.maximum(np.exp(-(disagreement + unlike) / 2), _LEAST)
