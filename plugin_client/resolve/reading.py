# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline items as shots: the file, and exactly which of its frames show, at the timeline's rate or another.

`GetLeftOffset` and `GetDuration` count frames of the timeline, whatever the rate of the media; offsets are exact for
clips at 100 %. `GetSourceStartFrame` may read one low and is asked only where offsets leave a choice. Retimed clips are
read as the part of their media that they show, with handles, whatever the speed.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.media import sequence_files
from plugin_client.core.timeline import FrameRange, frame_at_timecode, parse_rate
from plugin_client.resolve.api import ask, has, open_project, open_timeline, setting, track_of
from plugin_client.resolve.spots import ItemShot, Spot

_SPAN = re.compile(r"\[(\d+)-(\d+)\](?=[^/\\]*$)")
_NOTHING = "No video clip is selected in Resolve: put the playhead on the clip, or select it, then try again."
HANDLES = 12
"""Frames on either side of what a retimed clip shows: its frames may be blended with their neighbours."""
# Half a frame and less is the rounding of floats; more is another frame.
_SUBFRAME = Fraction(1, 4)
# Of seconds that are told as floats, in frames.
_ROUNDING = Fraction(1, 100)


def selected_items(timeline: Any) -> list[Any]:
    """The selected video items where Resolve tells (21.0.4 on), else the one under the playhead.

    Raises BadInput if there is none.
    """
    selected = timeline.GetSelectedClips() if has(timeline, "GetSelectedClips") else None
    items = [item for item in selected or [] if item is not None and track_of(timeline, item) is not None]
    return items or [ask(timeline, "GetCurrentVideoItem", trouble=_NOTHING)]


def read_selected(resolve: Any) -> list[ItemShot]:
    """The shots of all selected items. Raises BadInput for nothing, and for an item that cannot be edited."""
    project = open_project(resolve)
    timeline = open_timeline(project)
    return [read_item(project, timeline, item) for item in selected_items(timeline)]


def read_item(project: Any, timeline: Any, item: Any) -> ItemShot:
    """One item as a shot. Raises BadInput for a still, and for answers that do not fit together."""
    spot = _spot(project, timeline, item)
    # Generators have no clip; but a call that fails answers None too, so it is asked twice.
    clip = item.GetMediaPoolItem() or item.GetMediaPoolItem()
    path = ask(clip, "GetClipProperty", "File Path") if clip is not None else ""
    if clip is None or not path:
        shot = Shot(
            media="",
            frames=FrameRange(0, spot.length - 1),
            rate=spot.rate,
            record_frame=spot.frame,
            place=spot.as_text(),
        )
        return ItemShot(shot=shot, spot=spot)
    if clip.GetClipProperty("Type") == "Still":
        raise BadInput(f"{spot.item_name} is a still: put it into a compound clip, then edit that.")
    rate = parse_rate(str(ask(clip, "GetClipProperty", "FPS")))
    frames = int(ask(clip, "GetClipProperty", "Frames"))
    media, offset = _media(clip, path)
    if _is_retimed(item, spot, rate=rate, frames=frames):
        used = _source_range(item, clip, spot, rate=rate, frames=frames)
        shown = FrameRange(max(0, used.first - HANDLES), min(frames - 1, used.last + HANDLES))
        spot = replace(spot, first=offset + used.first, retimed=len(used))
    else:
        first = _first_frame(item, spot, rate=rate)
        length = min(math.ceil(spot.length * rate / spot.rate), frames - first)
        if length < 1:
            raise BadInput(f"{spot.item_name} shows none of its own frames: check its clip attributes in Resolve.")
        shown = FrameRange(first, first + length - 1)
        spot = replace(spot, first=offset + first)
    shot = Shot(
        media=media,
        frames=shown.shifted(offset),
        rate=rate,
        record_frame=spot.frame - math.ceil((spot.first - offset - shown.first) * spot.rate / rate),
        place=spot.as_text(),
    )
    return ItemShot(shot=shot, spot=spot, size=_size(clip), notes=_notes(spot, rate))


def timeline_rate(timeline: Any) -> Fraction:
    """Frames per second. Raises BadInput if Resolve does not say."""
    return parse_rate(setting(timeline, "timelineFrameRate").removesuffix("DF").strip())


def _spot(project: Any, timeline: Any, item: Any) -> Spot:
    track = track_of(timeline, item)
    if track is None:
        raise BadInput(_NOTHING)
    return Spot(
        project=ask(project, "GetUniqueId"),
        project_name=ask(project, "GetName"),
        timeline=ask(timeline, "GetUniqueId"),
        timeline_name=ask(timeline, "GetName"),
        item=ask(item, "GetUniqueId"),
        item_name=ask(item, "GetName"),
        track=track,
        frame=int(ask(item, "GetStart")),
        length=int(ask(item, "GetDuration")),
        rate=timeline_rate(timeline),
    )


def _is_retimed(item: Any, spot: Spot, *, rate: Fraction, frames: int) -> bool:
    """By the length that could be shown: `frames` of the clip, where they do not fill it at 100 %."""
    left, right = (Fraction(ask(item, name)) for name in ("GetLeftOffset", "GetRightOffset"))
    # At mixed rates the offsets and the length are rounded, each by less than a frame.
    slack = 0 if spot.rate == rate else 3
    if abs(left + spot.length + right - frames * spot.rate / rate) > slack:
        return True
    if not has(item, "GetSourceStartFrame"):
        return False
    # By the source's own frames, where Resolve tells (19.0 on); one more than shown is the one-low read.
    shown = int(ask(item, "GetSourceEndFrame")) - int(ask(item, "GetSourceStartFrame"))
    exact = math.floor(spot.length * rate / spot.rate)
    slack = 0 if rate == spot.rate else math.ceil(rate / spot.rate)
    return not exact <= shown <= exact + 1 + slack


def _source_range(item: Any, clip: Any, spot: Spot, *, rate: Fraction, frames: int) -> FrameRange:
    """The part of a retimed item's clip that it shows, counted from 0 at the clip's first frame."""
    if not has(item, "GetSourceStartFrame"):
        raise BadInput(
            f"{spot.item_name} is retimed, and this Resolve does not say which frames it shows: update Resolve, or put "
            "the clip into a compound clip and edit that."
        )
    number = int(ask(clip, "GetClipProperty", "Start"))
    # Backwards, the end comes first.
    low, high = sorted(int(ask(item, name)) - number for name in ("GetSourceStartFrame", "GetSourceEndFrame"))
    zero = frame_at_timecode(str(ask(clip, "GetClipProperty", "Start TC")), rate)
    times = (Fraction(ask(item, name)) * rate - zero for name in ("GetSourceStartTime", "GetSourceEndTime"))
    earliest, latest = sorted(times)
    # Frames may read one low, times know better; but they count from timecodes that need not be the media's own.
    first = low + (math.floor(earliest + _ROUNDING) == low + 1)
    end = high + (math.ceil(latest - _ROUNDING) == high + 1)
    if not 0 <= first < frames:
        raise BadInput(f"{spot.item_name} shows none of its own frames: check its clip attributes in Resolve.")
    # A freeze frame has one frame.
    return FrameRange(first, min(max(first, end - 1), frames - 1))


def _first_frame(item: Any, spot: Spot, *, rate: Fraction) -> int:
    """The first frame of an item at 100 %, counted from 0 at the pool clip's first."""
    per_frame = spot.rate / rate
    left = Fraction(ask(item, "GetLeftOffset"))
    if per_frame == 1:
        return int(left)
    exact = item.GetLeftOffset(True) if has(item, "GetSourceStartFrame") else None
    if exact is not None:
        near = Fraction(exact) / per_frame
        if abs(near - round(near)) < _SUBFRAME:
            return round(near)
    around = range(math.floor(left / per_frame), math.ceil((left + 1) / per_frame) + 1)
    fitting = [frame for frame in around if math.floor(frame * per_frame) == left]
    if len(fitting) == 1:
        return fitting[0]
    raise BadInput(
        f"This Resolve does not say with which frame {spot.item_name} starts, its rate being another than the "
        "timeline's: update Resolve, or put the clip into a compound clip and edit that."
    )


def pattern_of(path: str) -> str:
    """The pool's path of numbered pictures as a pattern: `f_[0001-0081].png` → `f_%04d.png`; any other as it is."""
    span = _SPAN.search(path)
    # Brackets may be a file's own.
    if span is None or Path(path).is_file():
        return path
    return f"{path[: span.start()]}%0{len(span[1])}d{path[span.end() :]}"


def _media(clip: Any, path: str) -> tuple[str, int]:
    """The file or pattern, and the number of its frames before the pool clip's first."""
    start, pattern = int(ask(clip, "GetClipProperty", "Start")), pattern_of(path)
    return pattern, start if pattern == path else start - min(sequence_files(pattern))


def _size(clip: Any) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", str(clip.GetClipProperty("Resolution") or ""))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _notes(spot: Spot, rate: Fraction) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if spot.retimed:
        notes += (
            f"{spot.item_name} is retimed: all {spot.retimed} frames that it shows are edited, with up to {HANDLES} "
            "more on either side, and its retime is pasted onto the result afterwards.",
        )
    if rate != spot.rate:
        notes += (
            f"{spot.item_name} has {float(rate):g} frames a second, the timeline {float(spot.rate):g}: Resolve rounds "
            "such clips to whole frames, so look at the last frame of the result.",
        )
    return notes
