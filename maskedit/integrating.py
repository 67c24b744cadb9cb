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
_GRAIN_PAIRS = 4


def grain_of(clip: ClipReader, frames: FrameRange, *, around: Rect, view: View) -> Grain | None:
    """The grain of a clip near the rectangle `around`, from a few pairs of its frames as `view` shows them."""
    count = min(_GRAIN_PAIRS, len(frames) - 1)
    starts = sorted({frames.first + index * (len(frames) - 2) // max(1, count - 1) for index in range(count)})
    pairs, rounding = [], np.zeros((3, 3))
    for start in starts:
        before, after = clip.frames(start, start + 1)
        near = around.grown(_GRAIN_MARGIN_PX, frame_width=before.width, frame_height=before.height).slices
        pairs.append((view.shown(before, part=near), view.shown(after, part=near)))
        rounding = rounding_of(before)
    return measure_grain(pairs, rounding=rounding)


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
class _Seen:
    """A frame and what was measured on it; `changes` (2, 3): of the plate's and the fill's colour since the frame
    before."""

    fill: Fill
    plate: Picture
    glance: Glance
    changes: np.ndarray
    softness: Softness | None


def _matched(
    fills: Iterable[Fill], *, finish: Finish, keyframes: Collection[int], view: View
) -> Iterator[tuple[Fill, Picture]]:
    """Each fill of an unbroken run, and its picture as it looks but for grain."""
    window: deque[_Seen] = deque()
    at = 0  # the place in the window of the frame that is next

    def ready() -> tuple[Fill, Picture]:
        seen, before = window[at], window[at - 1] if at else None
        picture = seen.fill.picture
        if seen.fill.plate.number in keyframes:
            return seen.fill, picture
        changes = np.stack([each.changes for each in window], axis=1)
        picture = np.clip(picture - finish.steady * excess(*changes)[at].astype(np.float32), 0, 1, dtype=np.float32)
        softness = _typical([each.softness for each in window if each.softness])
        if softness is not None:
            picture = matched_sharpness(picture, seen.plate, softness=softness, strength=finish.sharpness)
        if before is not None and finish.shutter:
            earlier = view.shown(before.fill.plate, part=seen.fill.rect.slices)
            picture = with_shutter(picture, seen.plate, before=earlier, strength=finish.shutter)
        return seen.fill, picture

    for fill in fills:
        window.append(_seen(fill, window[-1].glance if window else None, view=view, sharpness=finish.sharpness > 0))
        if len(window) - at > LOOK_AHEAD:
            yield ready()
            at += 1
        if at > LOOK_AHEAD:
            window.popleft()
            at -= 1
    while at < len(window):
        yield ready()
        at += 1


def _seen(fill: Fill, before: Glance | None, *, view: View, sharpness: bool) -> _Seen:
    plate, matte = view.shown(fill.plate, part=fill.rect.slices), fill.matte
    glance = Glance.at(plate, fill.picture, matte)
    changes = np.zeros((2, 3)) if before is None else np.stack(change(before, glance))
    softness = measure_softness(plate, fill.picture, matte) if sharpness else None
    return _Seen(fill, plate, glance, changes, softness)


def _typical(found: list[Softness]) -> Softness | None:
    if not found:
        return None
    plate, generated = np.exp(np.mean(np.log([(each.plate, each.generated) for each in found]), axis=0))
    return Softness(float(plate), float(generated))
