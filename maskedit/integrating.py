# SPDX-License-Identifier: GPL-3.0-or-later
"""The fills made to sit in their plate, frame by frame: steady, as sharp, as blurred, as grainy (torch-free).

In this order: a colour that flickers would be taken for motion, sharpening grain would coarsen it, and grain lies over
everything, as it does in a camera. Keyframes get grain alone where they were painted without any. Two frames
or three are read ahead, so that nothing that is measured jumps from one frame to the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from maskedit.colour import View
from maskedit.geometry import Rect
from maskedit.matching.grain import Grain, measure_grain, with_grain
from maskedit.matching.sharpness import Softness, matched_sharpness, measure_softness
from maskedit.matching.shutter import with_shutter
from maskedit.matching.steadying import LOOK_AHEAD, Glance, change, excess
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.plate import code_span, rgb_from_signals
from maskedit.painting import Picture
from maskedit.pasting import Fill
from maskedit.request import Finish, FrameRange

_GRAIN_MARGIN_PX = 256  # around the region
_GRAIN_SIDE_PX = 1280  # of a large one only the middle: more blocks than there are in it are never looked at
_GRAIN_PAIRS = 4


def grain_of(clip: ClipReader, frames: FrameRange, *, around: Rect, view: View) -> Grain | None:
    """The grain of a clip near the rectangle `around`, from a few pairs of its frames as `view` shows them."""
    count = min(_GRAIN_PAIRS, len(frames) - 1)
    starts = sorted({frames.first + index * (len(frames) - 2) // max(1, count - 1) for index in range(count)})
    pairs, rounding = [], np.zeros((3, 3))
    for start in starts:
        before, after = clip.frames(start, start + 1)
        near = _middle(around.grown(_GRAIN_MARGIN_PX, frame_width=before.width, frame_height=before.height)).slices
        pairs.append((view.shown(before, part=near), view.shown(after, part=near)))
        rounding = rounding_of(before)
    return measure_grain(pairs, rounding=rounding)


def _middle(rect: Rect) -> Rect:
    width, height = min(rect.width, _GRAIN_SIDE_PX), min(rect.height, _GRAIN_SIDE_PX)
    return Rect(rect.x + (rect.width - width) // 2, rect.y + (rect.height - height) // 2, width, height)


def rounding_of(plate: PlateFrame) -> np.ndarray:
    """(3, 3): the covariance of R, G, B that the plate's whole codes alone bring about."""
    layout, colour = plate.layout, plate.colour
    if layout.is_float:
        return np.zeros((3, 3))
    spread = np.zeros((3, 3))
    for plane in range(layout.colour_planes):
        unit = tuple(np.full((1, 1), float(each == plane), np.float32) for each in range(layout.colour_planes))
        seen = rgb_from_signals(unit, layout, colour)[0, 0].astype(np.float64)
        # A step of one code is spread evenly: a variance of 1/12. Between subsampled codes it is averaged away in part.
        shared = 2.0 ** -sum(layout.chroma_shift) if layout.is_chroma(plane) else 1.0
        spread += shared * np.outer(seen, seen) / (12 * code_span(layout, plane, colour)[1] ** 2)
    return spread


def integrated(
    fills: Iterable[Fill],
    *,
    finish: Finish,
    grain: Grain | None,
    seed: int,
    keyframes: Collection[int],
    locked: Collection[int],
    view: View,
) -> Iterator[Fill]:
    """The fills, each with its picture matched to its plate as far as `finish` asks.

    `grain`: the plate's (None: none); `keyframes`, `locked`: the numbers of the frames that were painted, and of those
    that pass as they are.
    """
    for kept, run in groupby(fills, key=lambda fill: fill.plate.number in locked):
        if kept:
            yield from run
            continue
        for fill, picture in _matched(run, finish=finish, keyframes=keyframes, view=view):
            if grain is not None:
                picture = with_grain(
                    picture, grain, paste_matte=fill.matte, strength=finish.grain, seed=seed, frame=fill.plate.number
                )
            yield replace(fill, picture=picture)


@dataclass(frozen=True, eq=False)
class _Measured:
    """`changes` (2, 3): of the plate's and the fill's colour since the frame before."""

    changes: np.ndarray
    softness: Softness | None


def _matched(
    fills: Iterable[Fill], *, finish: Finish, keyframes: Collection[int], view: View
) -> Iterator[tuple[Fill, Picture]]:
    """Each fill of an unbroken run, and its picture as it looks but for grain."""
    measured: deque[_Measured] = deque()  # of the frames about the next one
    waiting: deque[Fill] = deque()  # that one, and those that were read ahead
    before: PlateFrame | None = None
    glance: Glance | None = None

    def ready(fill: Fill) -> Picture:
        picture, part = fill.picture, fill.rect.slices
        if fill.plate.number in keyframes:
            return picture
        changes = np.stack([each.changes for each in measured], axis=1)
        at = len(measured) - 1 - len(waiting)
        picture = np.clip(picture - finish.steady * excess(*changes)[at].astype(np.float32), 0, 1, dtype=np.float32)
        softness = _typical([each.softness for each in measured if each.softness])
        if softness is not None:
            shown = view.shown(fill.plate, part=part)
            picture = matched_sharpness(picture, shown, softness=softness, strength=finish.sharpness)
        if before is not None and finish.shutter:
            shown, earlier = (view.shown(each, part=part) for each in (fill.plate, before))
            picture = with_shutter(picture, shown, before=earlier, strength=finish.shutter)
        return picture

    for fill in fills:
        plate, last = view.shown(fill.plate, part=fill.rect.slices), glance
        glance = Glance.at(plate, fill.picture, fill.matte)
        changes = np.zeros((2, 3)) if last is None else np.stack(change(last, glance))
        softness = measure_softness(plate, fill.picture, fill.matte) if finish.sharpness else None
        measured.append(_Measured(changes, softness))
        waiting.append(fill)
        del plate, fill  # nothing large is kept for longer than it waits
        if len(waiting) > LOOK_AHEAD:
            following = waiting.popleft()
            yield following, ready(following)
            before = following.plate
            if len(measured) - len(waiting) > LOOK_AHEAD:
                measured.popleft()
    while waiting:
        following = waiting.popleft()
        yield following, ready(following)
        before = following.plate


def _typical(found: list[Softness]) -> Softness | None:
    if not found:
        return None
    plate, generated = np.exp(np.mean(np.log([(each.plate, each.generated) for each in found]), axis=0))
    return Softness(float(plate), float(generated))
