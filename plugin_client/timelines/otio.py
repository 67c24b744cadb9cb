# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenTimelineIO's own files (`.otio`), through OpenTimelineIO (schemas of its 0.18)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.timelines.finding import numbered
from plugin_client.timelines.marks import KEY, above_earlier
from plugin_client.timelines.otio_media import available_range, reference_facts
from plugin_client.timelines.otio_placing import position_of, take_track
from plugin_client.timelines.otio_times import exact_span, exact_time
from plugin_client.timelines.placement import lies_below, placement_of
from plugin_client.timelines.refusals import retimed, without_length
from plugin_client.timelines.timeline import Placed, Span, Take, TimelineClip
from plugin_client.timelines.times import exact_rate
from plugin_client.timelines.xmlfile import write_text

_ZERO = Fraction(0)


def open_otio(path: Path, *, sequence: str = "") -> OtioTimeline:
    """Read an `.otio` file; `sequence` names one of several timelines in it. Raises BadInput."""
    try:
        import opentimelineio as otio
    except ImportError as error:
        raise BadInput("OpenTimelineIO is not installed here: run `pip install maskedit[timelines]`.") from error
    try:
        root = otio.core.deserialize_json_from_string(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): check the path.") from error
    except Exception as error:  # the library has many of its own, and those of C++
        raise BadInput(f"{path} is no OpenTimelineIO file ({error}): export the timeline again.") from error
    return OtioTimeline(otio, root, _timeline_in(otio, root, path, sequence), folder=path.absolute().parent)


def _timeline_in(otio: Any, root: Any, path: Path, sequence: str) -> Any:
    """The one timeline of the file, or the one that is named."""
    if isinstance(root, otio.schema.Timeline):
        there = [root]
    elif isinstance(root, otio.schema.SerializableCollection):
        there = root.find_children(descended_from_type=otio.schema.Timeline)
    else:
        there = []
    named = [timeline for timeline in there if not sequence or timeline.name == sequence]
    if len(named) == 1:
        return named[0]
    names = ", ".join(repr(timeline.name) for timeline in there)
    if not there:
        raise BadInput(f"{path} holds no timeline: export one with its tracks.")
    raise BadInput(f"{path} holds the timelines {names}: choose one with --sequence.")


@dataclass(frozen=True, kw_only=True)
class _Level:
    """Where a walk over the timeline is: the outermost track, the stacks around, and what their time starts at."""

    track: int
    top: Any
    inside: tuple[str, ...] = ()
    shift: Fraction = _ZERO


class OtioTimeline:
    """An `OpenTimeline` over OpenTimelineIO's objects."""

    composites_alpha = True
    drop_frame = False  # the format does not say

    def __init__(self, otio: Any, root: Any, timeline: Any, *, folder: Path) -> None:
        self._otio, self._root, self._timeline, self._folder = otio, root, timeline, folder
        self._rate = self._own_rate()
        self._spots: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return self._timeline.name

    @property
    def rate(self) -> Fraction:
        return exact_rate(self._rate)

    @property
    def start(self) -> Fraction:
        start = self._timeline.global_start_time
        return _ZERO if start is None else exact_time(start)

    def clips(self) -> Sequence[TimelineClip]:
        found: list[TimelineClip] = []
        self._spots = {}
        for number, (_, top) in enumerate(self._video_layers(self._timeline.tracks), start=1):
            found += self._clips_in(top, _Level(track=number, top=top))
        return numbered(found)

    def place(self, take: Take, clip: TimelineClip, *, replace: bool = False) -> Placed:
        placement = placement_of(take, clip, rate=self.rate)
        source = child = self._spots[clip.spot]
        while not isinstance(child.parent(), self._otio.schema.Stack):
            child = child.parent()
        stack = child.parent()
        layer = position_of(child, stack)
        if replace:
            for index in reversed(range(layer + 1, len(stack))):
                if self._span_of_ours(stack[index]) == placement.record:
                    del stack[index]
        ours = ((index, self._span_of_ours(stack[index])) for index in range(layer + 1, len(stack)))
        earlier = [index for index, lies in ours if lies is not None and lies_below(lies, placement, clip)]
        position = max([layer, *earlier]) + 1
        line = take_track(self._otio, take, source, placement, rate=self._rate, version=len(earlier) + 1)
        stack.insert(position, line)
        track = clip.track if clip.inside else sum(index <= position for index, _ in self._video_layers(stack))
        return Placed(track=track, name=take.name, record=placement.record, notes=above_earlier(len(earlier)))

    def save(self, path: Path) -> None:
        write_text(path, self._otio.core.serialize_json_to_string(self._root, indent=4))

    def _own_rate(self) -> float:
        """The rate as the file writes it: of its start, else of the first thing on it."""
        if self._timeline.global_start_time is not None:
            return self._timeline.global_start_time.rate
        for item in self._timeline.find_children(descended_from_type=self._otio.schema.Clip):
            if item.source_range is not None:
                return item.source_range.duration.rate
        return 24.0

    def _video_layers(self, stack: Any) -> list[tuple[int, Any]]:
        audio, line = self._otio.schema.TrackKind.Audio, self._otio.schema.Track
        return [
            (index, child) for index, child in enumerate(stack) if not isinstance(child, line) or child.kind != audio
        ]

    def _clips_in(self, place: Any, level: _Level) -> Iterator[TimelineClip]:
        """The clips at and below `place`: a track, a stack, or a clip that is a layer of its own."""
        schema = self._otio.schema
        if isinstance(place, schema.Clip):
            yield self._clip(place, Span(level.shift, self._length(place)), (_ZERO, _ZERO), level)
        elif isinstance(place, schema.Track):
            yield from self._clips_on(place, level)
        elif isinstance(place, schema.Stack):
            within = _Level(track=level.track, top=level.top, inside=(*level.inside, place.name))
            for _, child in self._video_layers(place):
                yield from self._clips_in(child, within)

    def _clips_on(self, line: Any, level: _Level) -> Iterator[TimelineClip]:
        """The clips along a track."""
        schema = self._otio.schema
        now = level.shift - (_ZERO if line.source_range is None else exact_time(line.source_range.start_time))
        for index, child in enumerate(line):
            if isinstance(child, schema.Transition):
                continue
            length = self._length(child)
            if isinstance(child, schema.Clip):
                overlaps = self._overlap(line, index - 1, "in_offset"), self._overlap(line, index + 1, "out_offset")
                yield self._clip(child, Span(now, length), overlaps, level)
            else:
                shifted = _Level(track=level.track, top=level.top, inside=level.inside, shift=now)
                yield from self._clips_in(child, shifted)
            now += length

    def _length(self, item: Any) -> Fraction:
        """How long it is, 0 where the file does not say (neither a range of the clip nor one of its media)."""
        if isinstance(item, self._otio.schema.Clip) and item.source_range is None:
            available = available_range(item)
            return _ZERO if available is None else exact_time(available.duration)
        return exact_span(item.trimmed_range()).duration

    def _overlap(self, line: Any, index: int, offset: str) -> Fraction:
        """How far the transition at `index` reaches over the clip beside it; 0 where there is none."""
        if not 0 <= index < len(line) or not isinstance(line[index], self._otio.schema.Transition):
            return _ZERO
        return exact_time(getattr(line[index], offset))

    def _clip(self, clip: Any, record: Span, overlaps: tuple[Fraction, Fraction], level: _Level) -> TimelineClip:
        spot = str(len(self._spots))
        self._spots[spot] = clip
        facts = reference_facts(self._otio, clip, self._folder)
        source = exact_span(clip.trimmed_range()) if record.duration else Span(_ZERO, _ZERO)
        return TimelineClip(
            track=level.track,
            track_name=level.top.name,
            name=clip.name,
            number=1,
            inside=level.inside,
            media=facts.media,
            media_rate=facts.rate or (exact_rate(clip.source_range.start_time.rate) if clip.source_range else None),
            media_start=facts.start,
            first_number=facts.first_number,
            source=source,
            record=record,
            head=overlaps[0],
            tail=overlaps[1],
            enabled=clip.enabled and level.top.enabled and getattr(clip.parent(), "enabled", True),
            refusal=self._refusal(clip, record) or facts.refusal,
            spot=spot,
        )

    def _refusal(self, clip: Any, record: Span) -> str:
        schema = self._otio.schema
        for effect in clip.effects:
            as_it_is = isinstance(effect, schema.LinearTimeWarp) and effect.time_scalar == 1
            if isinstance(effect, schema.TimeEffect) and not as_it_is:
                return retimed(clip.name)
        if not record.duration:
            return without_length(clip.name)
        if record.start < 0:
            return f"The clip {clip.name!r} is trimmed by its track's own range: trim the clip itself instead."
        return ""

    def _span_of_ours(self, layer: Any) -> Span | None:
        """Where the take lies on a track that holds one of ours and nothing else, None for any other layer."""
        if not isinstance(layer, self._otio.schema.Track):
            return None
        clips = layer.find_clips()
        if len(clips) != 1 or KEY not in clips[0].metadata:
            return None
        return exact_span(layer.range_of_child(clips[0]))
