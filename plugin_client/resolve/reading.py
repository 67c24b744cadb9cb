# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline items as shots: the file, and exactly which of its frames show, at the timeline's rate or another.

`GetLeftOffset` and `GetDuration` count frames of the timeline, whatever the rate of the media; offsets are exact for
clips at 100 %. `GetSourceStartFrame` may read one low and is asked only where offsets leave a choice.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.media import sequence_files
from plugin_client.core.timeline import FrameRange, parse_rate
from plugin_client.resolve.api import ask, has, open_project, open_timeline, track_of
from plugin_client.resolve.spots import ItemShot, Spot

_SPAN = re.compile(r"\[(\d+)-(\d+)\](?=[^/\\]*$)")
_NOTHING = "No video clip is selected in Resolve: put the playhead on the clip, or select it, then try again."
# Half a frame and less is the rounding of floats; more is another frame.
_SUBFRAME = Fraction(1, 4)


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
    """One item as a shot. Raises BadInput for a retimed clip, a still, and answers that do not fit together."""
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
    first = _first_frame(item, clip, spot, rate=rate)
    frames = int(ask(clip, "GetClipProperty", "Frames"))
    used = min(math.ceil(spot.length * rate / spot.rate), frames - first)
    if used < 1:
        raise BadInput(f"{spot.item_name} shows none of its own frames: check its clip attributes in Resolve.")
    media, offset = _media(clip, path)
    shot = Shot(
        media=media,
        frames=FrameRange(offset + first, offset + first + used - 1),
        rate=rate,
        record_frame=spot.frame,
        place=spot.as_text(),
    )
    return ItemShot(shot=shot, spot=spot, size=_size(clip), notes=_notes(spot, rate))


def timeline_rate(timeline: Any) -> Fraction:
    """Frames per second. Raises BadInput if Resolve does not say."""
    return parse_rate(str(ask(timeline, "GetSetting", "timelineFrameRate")).removesuffix("DF").strip())


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


def _first_frame(item: Any, clip: Any, spot: Spot, *, rate: Fraction) -> int:
    """The item's first frame, counted from 0 at the pool clip's first."""
    per_frame = spot.rate / rate
    left, right = (Fraction(ask(item, name)) for name in ("GetLeftOffset", "GetRightOffset"))
    available = int(ask(clip, "GetClipProperty", "Frames")) * per_frame
    total = left + spot.length + right
    # At mixed rates the offsets and the length are rounded, each by less than a frame.
    slack = 0 if per_frame == 1 else 3
    if abs(total - available) > slack or _reads_retimed(item, spot, rate=rate):
        raise BadInput(
            f"{spot.item_name} is retimed: reset its speed to 100 %, edit it, then paste the retime onto both clips; "
            "or put it into a compound clip and edit that."
        )
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


def _reads_retimed(item: Any, spot: Spot, *, rate: Fraction) -> bool:
    """By the source's own frames, where Resolve tells (19.0 on); one more than shown is the one-low read."""
    if not has(item, "GetSourceStartFrame"):
        return False
    shown = int(ask(item, "GetSourceEndFrame")) - int(ask(item, "GetSourceStartFrame"))
    exact = math.floor(spot.length * rate / spot.rate)
    slack = 0 if rate == spot.rate else math.ceil(rate / spot.rate)
    return not exact <= shown <= exact + 1 + slack


def _media(clip: Any, path: str) -> tuple[str, int]:
    """The file or pattern, and the number of its frames before the pool clip's first."""
    start = int(ask(clip, "GetClipProperty", "Start"))
    span = _SPAN.search(path)
    # Brackets may be a file's own.
    if span is None or Path(path).is_file():
        return path, start
    pattern = f"{path[: span.start()]}%0{len(span[1])}d{path[span.end() :]}"
    return pattern, start - min(sequence_files(pattern))


def _size(clip: Any) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", str(clip.GetClipProperty("Resolution") or ""))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _notes(spot: Spot, rate: Fraction) -> tuple[str, ...]:
    if rate == spot.rate:
        return ()
    return (
        f"{spot.item_name} has {float(rate):g} frames a second, the timeline {float(spot.rate):g}: Resolve rounds such "
        "clips to whole frames, so look at the last frame of the result.",
    )
