# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts and repeated frames, found in one quick reading of the clip at postage-stamp size (torch-free).

A frame is compared with the one before after dense inverse search (Kroeger et al. 2016) has laid that onto it: what
motion explains is no cut. Brightness and contrast are taken out first, so that a light that is switched is none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.findings import Finding, Severity
from maskedit.media import ClipReader, PlateFrame
from maskedit.request import EditRequest, FrameRange

Picture = NDArray[np.float32]

_SIDE = 96
# A cut: so much of a frame's contrast is new even along the motion, and so many times more than elsewhere.
_NEW = 0.4
_UNUSUAL = 3.0
# A repeat: so much less change than the clip's usual one, nowhere more than compression leaves, in a clip that moves.
_STANDSTILL = 0.15
_MOST_LEFT = 3 / 255
_LEAST_MOTION = 0.4 / 255
_NOT_FLAT = 2 / 255


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen of the range. `last`: the last frame that was looked at; `cuts`: frames that begin another shot;
    `repeats`: frames that show the one before again."""

    last: int
    cuts: tuple[int, ...]
    repeats: tuple[int, ...]


def watch(request: EditRequest, *, frames: FrameRange, seconds: float) -> Watched:
    """Look at `frames`, or at as many of them as `seconds` allow. Raises InputError for a clip that cannot be read."""
    until = time.monotonic() + seconds
    stamps: list[Picture] = []
    changes, news = [], []
    with ClipReader(request.target.path, first_number=request.target.first_number or None) as clip:
        for plate in clip.frames(frames.first, frames.last):
            stamps = [*stamps[-2:], _stamp(plate)]
            if len(stamps) > 1:
                changed = np.abs(stamps[-1] - stamps[-2])
                changes.append((float(changed.mean()), float(changed.max())))
                # A flash or a dropped-in frame is over with the next one, which then goes on from the one before it.
                news.append(min(_new(stamps[-1], before) for before in stamps[:-1]))
            if time.monotonic() > until:
                break
    first = frames.first + 1
    return Watched(
        last=frames.first + len(changes),
        cuts=tuple(first + index for index in _cuts(news)),
        repeats=tuple(first + index for index in _repeats(changes)),
    )


def cut_findings(watched: Watched, *, frames: FrameRange, keyframes: Sequence[int]) -> list[Finding]:
    """The cuts, with the range of the shot that the first keyframe lies in."""
    if not watched.cuts:
        return []
    edges = [frames.first, *watched.cuts, frames.last + 1]
    shots = [FrameRange(first=start, last=end - 1) for start, end in pairwise(edges)]
    (shot,) = (shot for shot in shots if shot.first <= min(keyframes) <= shot.last)
    many = "a cut" if len(watched.cuts) == 1 else f"{len(watched.cuts)} cuts"
    flag = f"--frames {shot.first}-{shot.last}"
    return [
        Finding(
            severity=Severity.WARNING,
            what=f"There is {many} inside the range, at frame {_listed(watched.cuts)}",
            remedy=f"edit each shot by itself, this one with {flag}",
            flag=flag,
            frames=FrameRange(first=watched.cuts[0], last=watched.cuts[-1]),
        )
    ]


def repeat_findings(watched: Watched, *, frames: FrameRange) -> list[Finding]:
    """Repeated frames, and whether their pattern is that of a clip at another rate than its own."""
    repeats = watched.repeats
    if not repeats:
        return []
    gaps = {second - first for first, second in pairwise(repeats)}
    whole = FrameRange(first=repeats[0], last=repeats[-1])
    seen = watched.last - frames.first
    if len(repeats) > 2 and max(gaps) - min(gaps) <= 1:
        every = round((repeats[-1] - repeats[0]) / (len(repeats) - 1))
        what = f"One frame in {every} repeats the one before it, as in a clip brought to another rate"
        remedy = "bring it back to its own rate before it is edited, for the edit would stutter as it does"
    elif len(repeats) > 0.1 * seen:
        what = f"{len(repeats)} of {seen} frames repeat the one before, as in a clip whose speed was changed"
        remedy = "edit the clip first and change its speed afterwards"
    else:
        what = f"Frame {_listed(repeats)} repeats the one before"
        remedy = "mend dropped frames before the edit if the motion shall be smooth"
    return [Finding(severity=Severity.WARNING, what=what, remedy=remedy, frames=whole)]


def _stamp(plate: PlateFrame) -> Picture:
    """The first plane, luma or green, of a frame in [0, 1], at most `_SIDE` on its longer side."""
    plane, layout = plate.planes[0], plate.layout
    scale = min(1.0, _SIDE / max(plane.shape))
    size = max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale))
    if layout.is_float:
        # Light, not codes: its root is nearer to what is seen, and to what motion search needs.
        plane = np.sqrt(np.clip(np.nan_to_num(plane.astype(np.float32)), 0, 1))
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32((1 << layout.depth) - 1)


def _new(stamp: Picture, before: Picture) -> float:
    """The share of a frame's contrast that is nowhere in the frame before, with brightness and contrast taken out."""
    if min(stamp.std(), before.std()) < _NOT_FLAT:
        return 0.0
    here, there = ((each - each.mean()) / each.std() for each in (stamp, before))
    if min(stamp.shape) < 16:  # too small for the motion search
        return float(np.abs(here - there).mean())
    codes = [np.clip(128 + 40 * each, 0, 255).astype(np.uint8) for each in (here, there)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = np.asarray(search.calc(codes[0], codes[1], np.zeros((*stamp.shape, 2), np.float32)))
    down, across = np.mgrid[: stamp.shape[0], : stamp.shape[1]].astype(np.float32)
    warped = cv2.remap(
        there, across + flow[..., 0], down + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return float(np.abs(here - warped).mean() / np.abs(here).mean())


def _cuts(news: Sequence[float]) -> list[int]:
    if not news:
        return []
    usual = float(np.median(news))
    return [index for index, new in enumerate(news) if new > max(_NEW, _UNUSUAL * usual)]


def _repeats(changes: Sequence[tuple[float, float]]) -> list[int]:
    """`changes`: mean and greatest difference from the frame before."""
    if not changes:
        return []
    # Of the frames that are new: up to every second one may be a repeat.
    usual = float(np.percentile([mean for mean, _ in changes], 75))
    if usual < _LEAST_MOTION:
        return []
    return [index for index, (mean, most) in enumerate(changes) if mean < _STANDSTILL * usual and most <= _MOST_LEFT]


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"{shown} …" if len(numbers) > 5 else shown
