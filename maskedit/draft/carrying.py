# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame of a draft, from the keyframes around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from maskedit.draft.flow import Flow, Luma, Picture, followed, mended, warp
from maskedit.draft.looks import Look, enlarged, learn_look, mixed
from maskedit.draft.tracking import Guide, Track, luma_of, to_codes
from maskedit.geometry import Rect, bounds_of

# Around the region, in pixels: enough surroundings for the search at full size.
_MARGIN = 32
# What a keyframe counts that saw nothing for sure, so that there is always something to fetch.
_LEAST = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Painting:
    """A keyframe: the painted `picture` (H, W, 3) in [0, 1], its plate's `luma` (H, W) in [0, 1], and the `look` that
    was given to the plate."""

    picture: Picture
    luma: Picture
    look: Look


@dataclass(frozen=True, eq=False)
class Draft:
    """A frame's `picture` (H, W, 3) in [0, 1] and its `confidence` (H, W) in [0, 1].

    1: the pixel was seen in a keyframe, or lies outside the region. Less where it was seen nowhere and had to be
    filled: up to 0.9 if the painting is a recolouring of the plate, 0 if it has nothing to do with it.
    """

    picture: Picture
    confidence: Picture


def painting(plate: Picture, edit_matte: Picture, *, edited: Picture, guide: Guide) -> Painting:
    """A keyframe as it will be carried. `plate`, `edited` (H, W, 3) and `edit_matte` (H, W) in [0, 1]."""
    picture = np.where(edit_matte[..., None] > 0, edited, plate)
    height, width = guide.search.shape
    look = learn_look(plate, picture, edit_matte=edit_matte, width=width, height=height)
    return Painting(picture, luma_of(plate), look)


def carry(
    plate: Picture, edit_matte: Picture, *, seen: Sequence[tuple[Track, Painting]], at: Rect | None = None
) -> Draft:
    """The frame `plate` (H, W, 3) with its region, `edit_matte` (H, W), fetched from the keyframes it was `seen` in.

    `at`: where in the keyframes' pictures both lie; all of them, without it. Of several keyframes each pixel takes
    those that saw it, the nearer one more. What none of them saw gets the look of the nearest pixels that one did.
    """
    bounds = bounds_of(edit_matte)
    if bounds is None:
        return Draft(plate, np.ones_like(edit_matte))
    part = bounds.grown(_MARGIN, frame_width=edit_matte.shape[1], frame_height=edit_matte.shape[0])
    near, matte = np.ascontiguousarray(plate[part.slices]), edit_matte[part.slices]
    height, width = seen[0][1].luma.shape
    rect = part if at is None else replace(part, x=part.x + at.x, y=part.y + at.y)

    shares, sure = blend_shares([track for track, _ in seen])
    looks = [painting.look.fetched(track.flow) for track, painting in seen]
    look = mixed(looks, shares).spread(np.maximum(sure, _LEAST))
    filled = look.applied(near, rect, width=width, height=height)
    luma = to_codes(luma_of(near))
    fetched = sum(
        enlarged(share, rect, width=width, height=height)[..., None] * _fetched(painting, track.flow, luma, rect)
        for (track, painting), share in zip(seen, shares, strict=True)
    )
    confidence = enlarged(sure, rect, width=width, height=height)

    drawn = fetched + (1 - confidence[..., None]) * (filled - fetched)
    picture, known = plate.copy(), np.ones_like(edit_matte)
    picture[part.slices] = near + matte[..., None] * (drawn - near)
    believed = np.maximum(confidence, look.belief(rect, width=width, height=height))
    known[part.slices] = 1 - matte * (1 - believed)
    return Draft(picture, known)


def blend_shares(tracks: Sequence[Track]) -> tuple[Picture, Picture]:
    """How much of each pixel comes from each of n keyframes (n, h, w), in all 1, and the greatest confidence (h, w)."""
    confidence = np.stack([track.confidence for track in tracks])
    distance = np.array([max(1, abs(track.keyframe - track.frame)) for track in tracks], np.float32)
    weights = (confidence + _LEAST) / distance[:, None, None]
    return weights / weights.sum(axis=0), confidence.max(axis=0)


def _fetched(painting: Painting, flow: Flow, luma: Luma, rect: Rect) -> Picture:
    """The painted pixels that belong into `rect` of a frame whose luma is `luma` there; `flow` is in guide pixels."""
    height, width = painting.luma.shape
    scale = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    place = {"left": rect.x, "top": rect.y}
    full = enlarged(flow, rect, width=width, height=height) * scale
    if scale.max() > 1:
        # The guides were smaller than the frame: what is left of the motion is found at full size.
        roughly = to_codes(warp(painting.luma, full, **place))
        full = followed(mended(np.zeros_like(full), luma, roughly), full)
    return np.clip(warp(painting.picture, full, interpolation=cv2.INTER_CUBIC, **place), 0, 1)
