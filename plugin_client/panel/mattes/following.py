# SPDX-License-Identifier: GPL-3.0-or-later
"""A shape carried from its key to the next one, or to the end of the range, with no more keys than it needs (no Qt).

Keys that somebody set are never touched; they are corrections: between two of them the way from the first is blended
into the way back from the second. Keys made here are marked as such, so that following again replaces them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from maskedit.draft import Guide
from maskedit.draft.tracking import to_codes
from maskedit.geometry import resized
from maskedit.mattes.coverage import flatten
from maskedit.mattes.roto import Shape
from maskedit.mattes.roto_keys import Key
from maskedit.request import MediaFacts
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.mattes.carrying import LostError, Outline, carry_outline
from plugin_client.panel.mattes.stopping import Going, go_on, part
from plugin_client.panel.roto.keying import own_feathers, points_of

Luma = NDArray[np.float32]
Lumas = Callable[[int, int], Iterator[tuple[int, Luma]]]
"""lumas(first, last): (number, (H, W) in [0, 1]) of the clip's frames, in order, at the clip's own size or smaller."""
# Motion is looked for on pictures of such shorter sides: small ones cost less, small shapes need more.
_SIDES = (256, 512)
_SHAPE_SIDE = 56
# Between keys the outline may be off by so many source pixels.
_TOLERANCE_PX = 1.0
# The outlines of so many frames on either side steady one.
_STEADY = 2
_MARK = "followed"


@dataclass(frozen=True)
class Followed:
    """The shape with its new keys, on the frames it was found on; `lost`: a sentence if that is not all of them."""

    shape: Shape
    frames: FrameRange
    lost: str = ""


def is_made(key: Key) -> bool:
    """Whether following made this key, and nobody has changed it since."""
    return (key.model_extra or {}).get(_MARK) == _mark(key)


def without_made(shape: Shape) -> Shape:
    """The shape with the keys alone that somebody set; all of them if there is no such key."""
    own = tuple(key for key in shape.keys if not is_made(key))
    return shape.model_copy(update={"keys": own}) if own else shape


def stretch(shape: Shape, frame: int, *, step: int, within: FrameRange) -> FrameRange | None:
    """The frames over which the shape is followed from `frame`: from the last key set before it in that direction to
    the next one, or to the end of `within`. `step`: 1 forwards, -1 backwards. None if there is no way to go."""
    own = [key.frame for key in without_made(shape).keys]
    behind = [each for each in own if (frame - each) * step >= 0]
    start = max(behind, key=lambda each: each * step) if behind else min(own, key=lambda each: abs(each - frame))
    ahead = [each for each in own if (each - start) * step > 0]
    end = min(ahead, key=lambda each: each * step) if ahead else (within.last if step > 0 else within.first)
    return None if (end - start) * step < 1 else FrameRange(min(start, end), max(start, end))


def follow_shape(
    shape: Shape, frames: FrameRange, *, step: int, facts: MediaFacts, lumas: Lumas, going: Going
) -> Followed:
    """Follow the shape over `frames` (see `stretch`): forwards from their first, or with `step` -1 from their last.

    Where a key was set at the other end too, it is followed from there as well. `facts`: the clip's. Raises InputError
    for frames that cannot be read, Stopped when `going` says so.
    """
    clip = _Clip(without_made(shape), frames, facts)
    own = {key.frame for key in clip.shape.keys}
    start, end = (frames.first, frames.last)[::step]
    origins = [start, end] if end in own else [start]
    guides = clip.guides(start, lumas, part(going, 0, 0.4))
    ways: list[dict[int, Outline]] = []
    reasons: list[str] = []
    for number, origin in enumerate(origins):
        begin = 0.4 + 0.6 * number / len(origins)
        way, reason = clip.way(origin, guides, part(going, begin, begin + 0.6 / len(origins)))
        ways.append(way)
        reasons += [reason] if reason else []
    outlines = _steadied(_blended(ways, origins, frames), held=own)
    made = [clip.key(frame, outlines[frame]) for frame in _needed(clip.shape, outlines) if frame not in own]
    kept = [key for key in shape.keys if not (is_made(key) and key.frame in frames)]
    keys = tuple(sorted([*made, *kept], key=lambda key: key.frame))
    missing = [frame for frame in range(frames.first, frames.last + 1) if frame not in outlines][::step]
    lost = _told(missing, reasons[0], to_a_key=len(origins) > 1) if missing else ""
    return Followed(shape.model_copy(update={"keys": keys}), FrameRange(min(outlines), max(outlines)), lost)


@dataclass(frozen=True)
class _Clip:
    """A shape over some frames of a clip."""

    shape: Shape
    frames: FrameRange
    facts: MediaFacts

    def guides(self, start: int, lumas: Lumas, going: Going) -> list[Guide]:
        """The frames as far as the search for motion needs them, in time's order."""
        size = (self.facts.width, self.facts.height)
        extent = max(float(np.ptp(self.placed(start)[:, 0], axis=0).min()), 1.0)
        side = float(np.clip(_SHAPE_SIDE * min(size) / extent, *_SIDES))
        width, height = (max(16, round(whole * min(1.0, side / min(size)))) for whole in size)
        empty = np.zeros((height, width), np.uint8)
        guides = []
        for number, luma in lumas(self.frames.first, self.frames.last):
            go_on(going, (number - self.frames.first) / len(self.frames))
            guides.append(Guide(to_codes(resized(luma, width, height)), empty))
        return guides

    def way(self, origin: int, guides: list[Guide], going: Going) -> tuple[dict[int, Outline], str]:
        """The outlines in source pixels of all frames on which the shape is found from `origin` on, and why no more."""
        forwards = origin == self.frames.first
        numbers = range(self.frames.first, self.frames.last + 1)[:: 1 if forwards else -1]
        height, width = guides[0].search.shape
        scale = np.array([width / self.facts.width, height / self.facts.height])
        way = {origin: self.placed(origin)}
        carried = carry_outline(guides if forwards else guides[::-1], way[origin] * scale)
        try:
            for frame, each in zip(numbers[1:], carried, strict=True):
                go_on(going, len(way) / len(self.frames))
                way[frame] = each.outline / scale
        except LostError as error:
            return way, error.why
        return way, ""

    def placed(self, frame: int) -> Outline:
        """The outline on a frame as it is seen: where the shape's own transform puts it."""
        matrix, offset = self._transform(frame)
        outline = self.shape.outline(frame) @ matrix.T
        outline[:, 0] += offset
        return outline

    def key(self, frame: int, outline: Outline) -> Key:
        """The key that puts the shape to an outline as it is seen, marked as made here."""
        matrix, offset = self._transform(frame)
        own = outline.copy()
        own[:, 0] -= offset
        own = np.round(own @ np.linalg.inv(matrix).T, 3)
        key = Key(frame=frame, points=points_of(own, own_feathers(self.shape, frame)))
        return key.model_copy(update={_MARK: _mark(key)})

    def _transform(self, frame: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self.shape.transform is None:
            return np.eye(2), np.zeros(2)
        return self.shape.transform.at(frame, pixel_aspect=float(self.facts.pixel_aspect))


def _blended(ways: list[dict[int, Outline]], origins: list[int], frames: FrameRange) -> dict[int, Outline]:
    """One outline for each frame that is on either way; each way counts less the nearer it comes to its end."""
    if len(ways) == 1:
        return ways[0]
    merged: dict[int, Outline] = {}
    for frame in range(frames.first, frames.last + 1):
        on = [(way, origin) for way, origin in zip(ways, origins, strict=True) if frame in way]
        if frame in origins:
            merged[frame] = ways[origins.index(frame)][frame]
        elif on:
            # A way ends one frame beyond the last that it reached.
            shares = np.array([1 - abs(frame - origin) / len(way) for way, origin in on])
            merged[frame] = np.average([way[frame] for way, _ in on], axis=0, weights=shares)
    return merged


def _steadied(outlines: Mapping[int, Outline], *, held: set[int]) -> dict[int, Outline]:
    """The outlines without the trembling that each frame's search leaves; those on the frames `held` stay."""
    steadied = {}
    for frame in outlines:
        reach = 0 if frame in held else _STEADY
        # As far to one side as to the other, so that even motion stays as it is.
        while reach and not {frame - reach, frame + reach} <= outlines.keys():
            reach -= 1
        near = range(-reach, reach + 1)
        weights = [comb(2 * reach, reach + step) for step in near]
        steadied[frame] = np.average([outlines[frame + step] for step in near], axis=0, weights=weights)
    return steadied


def _needed(shape: Shape, outlines: Mapping[int, Outline]) -> list[int]:
    """The frames that need a key so that linear interpolation misses no outline by more than the tolerance.

    The frame that is off most is taken, then the stretches on its both sides are looked at (Douglas and Peucker 1973).
    """
    numbers = sorted(outlines)
    polygons = np.stack([flatten(outlines[number], segments=6) for number in numbers])
    needed = {0, len(numbers) - 1}
    waiting = [(0, len(numbers) - 1)]
    while waiting:
        first, last = waiting.pop()
        between = np.arange(first + 1, last)
        if not len(between):
            continue
        spans = numbers[last] - numbers[first]
        shares = (np.array(numbers)[between] - numbers[first])[:, None, None] / spans
        straight = polygons[first] + shares * (polygons[last] - polygons[first])
        misses = np.hypot(*np.moveaxis(polygons[between] - straight, -1, 0)).max(axis=1)
        worst = int(np.argmax(misses))
        if misses[worst] > _TOLERANCE_PX:
            middle = int(between[worst])
            needed.add(middle)
            waiting += [(first, middle), (middle, last)]
    # A key that holds, or eases, would do so up to the next one: it gets that at once.
    for key in shape.keys:
        if key.interp != "linear" and key.frame in outlines and key.frame + 1 in outlines:
            needed.add(numbers.index(key.frame + 1))
    return [numbers[index] for index in sorted(needed)]


def _mark(key: Key) -> str:
    """What tells whether a key is still as it was made."""
    said = key.model_dump_json(include={"frame", "points"}, by_alias=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _told(missing: list[int], why: str, *, to_a_key: bool) -> str:
    """Where the shape was lost, and what to do. `missing`: the frames, in the order in which it was followed."""
    if to_a_key:
        first, last = min(missing), max(missing)
        return f"The shape was lost between frames {first} and {last} ({why}): correct it there, then follow it again."
    return f"The shape was lost at frame {missing[0]} ({why}): correct it there, then follow it on from that frame."
