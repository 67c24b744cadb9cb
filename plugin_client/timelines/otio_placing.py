# SPDX-License-Identifier: GPL-3.0-or-later
"""A track with one take on it, for an OpenTimelineIO stack."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from plugin_client.timelines.marks import KEY, marks_as_json, track_name
from plugin_client.timelines.otio_media import take_reference
from plugin_client.timelines.otio_times import exact_time, rational_time
from plugin_client.timelines.placement import Placement
from plugin_client.timelines.timeline import Take

# Resolve links what shares this number: the take belongs to no sound.
_LINKS = ("Link Group ID",)


def take_track(otio: Any, take: Take, source: Any, placement: Placement, *, rate: float, version: int) -> Any:
    """A Track that holds `take` where `placement` says, with the effects of `source`, the Clip that it covers.

    Where `source` has a transition, the take fades by the same one. `rate`: the timeline's, as the file writes it.
    """
    schema = otio.schema
    line = schema.Track(name=track_name(version), kind=schema.TrackKind.Video)
    if placement.record.start:
        line.append(schema.Gap(duration=rational_time(otio, placement.record.start, rate)))
    own = source.trimmed_range()
    begins = rational_time(otio, take.start_frame / take.rate + placement.into, own.start_time.rate)
    duration = own.duration
    if exact_time(duration) != placement.record.duration:
        duration = rational_time(otio, placement.record.duration, rate)
    clip = deepcopy(source)
    clip.name = take.name
    active = clip.active_media_reference_key
    # All of them: the others would be the source's proxies.
    clip.set_media_references({active: take_reference(otio, take, rate=own.start_time.rate)}, active)
    clip.source_range = otio.opentime.TimeRange(begins, duration)
    del clip.markers[:]
    _unlink(clip.metadata)
    clip.metadata[KEY] = marks_as_json(take, over=source.name, version=version)
    before, after = _transitions(otio, source)
    if before is not None and placement.covers_head:
        line.append(_fade(before, in_offset=rational_time(otio, placement.head, rate)))
    line.append(clip)
    if after is not None and placement.covers_tail:
        line.append(_fade(after, out_offset=rational_time(otio, placement.tail, rate)))
    return line


def position_of(child: Any, parent: Any) -> int:
    """Where a child is among its parent's; another that is alike is another."""
    return next(index for index, each in enumerate(parent) if each is child)


def _transitions(otio: Any, source: Any) -> tuple[Any, Any]:
    """The transitions beside a clip on its track."""
    line = source.parent()
    if not isinstance(line, otio.schema.Track):
        return None, None
    index = position_of(source, line)
    beside = [line[at] if 0 <= at < len(line) else None for at in (index - 1, index + 1)]
    before, after = (each if isinstance(each, otio.schema.Transition) else None for each in beside)
    return before, after


def _fade(transition: Any, **offsets: Any) -> Any:
    fade = deepcopy(transition)
    for name, offset in offsets.items():
        setattr(fade, name, offset)
    return fade


def _unlink(words: Any) -> None:
    """Take out of the editors' own words (transforms, grades, which stay) what links the clip to others."""
    for said in words.values():
        for link in _LINKS:
            if hasattr(said, "pop") and link in said:
                said.pop(link)
