# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit timeline FILE --list`: the tracks and clips of a timeline, and what of their media is there."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange, timecode_at
from plugin_client.timelines.placement import shown_frames
from plugin_client.timelines.timeline import OpenTimeline, TimelineClip
from plugin_client.timelines.urls import is_missing


def listed(timeline: OpenTimeline) -> dict[str, Any]:
    """The timeline in plain JSON values."""
    return {
        "name": timeline.name,
        "rate": f"{timeline.rate.numerator}/{timeline.rate.denominator}",
        "start": _timecode(timeline, 0),
        "clips": [_clip(timeline, clip) for clip in timeline.clips()],
    }


def print_list(timeline: OpenTimeline, console: Console) -> None:
    """The same in words, the highest track first, as editors show it."""
    facts = listed(timeline)
    console.print(f"{facts['name'] or 'Timeline'}: {float(timeline.rate):.6g} fps, starts at {facts['start']}")
    by_track = sorted(facts["clips"], key=lambda clip: -clip["track"])
    for track, clips in groupby(by_track, key=lambda clip: clip["track"]):
        there = list(clips)
        console.print(f"Track {track}" + (f", {there[0]['track_name']}" if there[0]["track_name"] else ""))
        for clip in there:
            _print_clip(clip, console)
    if not by_track:
        console.print("There is no clip on a video track.")


def _clip(timeline: OpenTimeline, clip: TimelineClip) -> dict[str, Any]:
    first, last = (round(at * timeline.rate) for at in (clip.record.start, clip.record.end))
    shown = _shown(timeline, clip)
    outermost = not clip.inside
    return {
        "track": clip.track,
        "track_name": clip.track_name,
        "inside": list(clip.inside),
        "name": clip.name,
        "number": clip.number,
        "record": [_timecode(timeline, each) if outermost else each for each in (first, last)],
        "record_frames": [first, last - 1],
        "media_frames": [shown.first, shown.last] if shown is not None else None,
        "media": clip.media,
        "missing": bool(clip.media) and is_missing(clip.media),
        "enabled": clip.enabled,
        "refusal": clip.refusal,
    }


def _shown(timeline: OpenTimeline, clip: TimelineClip) -> FrameRange | None:
    """The frames of its media, None where the timeline does not say from when these count."""
    if clip.media_start is None or clip.refusal:
        return None
    try:
        return shown_frames(clip, clip.media_rate or timeline.rate, length=None)
    except BadInput:
        return None


def _timecode(timeline: OpenTimeline, frame: int) -> str:
    start = round(timeline.start * timeline.rate)
    return timecode_at(start + frame, timeline.rate, drop_frame=timeline.drop_frame)


def _print_clip(clip: dict[str, Any], console: Console) -> None:
    first, last = clip["record_frames"]
    name = clip["name"] + (f" #{clip['number']}" if clip["number"] > 1 else "")
    inside = f" in {' › '.join(clip['inside'])}" if clip["inside"] else ""
    start, end = clip["record"]
    media = "frames {}-{} of ".format(*clip["media_frames"]) if clip["media_frames"] else ""
    marks = [mark for mark, holds in (("MISSING", clip["missing"]), ("disabled", not clip["enabled"])) if holds]
    words = f"{media}{clip['media']}" if clip["media"] else "no media"
    console.print(f"  {name}{inside}  {start} to {end}, frames {first}-{last}")
    console.print(f"      {words}{''.join(f' [{mark}]' for mark in marks)}")
    if clip["refusal"]:
        console.print(f"      {clip['refusal']}")
