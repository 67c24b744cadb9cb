# SPDX-License-Identifier: GPL-3.0-or-later
"""From a clip on a timeline to the edit of its media: which frames, and how the user may number them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from plugin_client.cli.facts import ClipFacts
from plugin_client.core.errors import BadInput
from plugin_client.core.media import is_sequence, sequence_files
from plugin_client.core.requests import MatteFile
from plugin_client.core.timeline import FrameRange, frame_at_timecode, parse_range
from plugin_client.timelines.placement import frame_rate, shown_frames
from plugin_client.timelines.timeline import OpenTimeline, TimelineClip
from plugin_client.timelines.times import first_frame_in
from plugin_client.timelines.urls import is_missing

_ROTO = ".json"


@dataclass(frozen=True, kw_only=True)
class TimelineShot:
    """A clip that can be edited: `clip.media_start` is known. `rate`: at which the timeline counts its media's frames.

    `own`: the frames of the media that the clip shows, counted from 0; `frames`: those with transitions and handles.
    """

    clip: TimelineClip
    rate: Fraction
    own: FrameRange
    frames: FrameRange


def check_editable(clip: TimelineClip) -> None:
    """Raise BadInput, with the alternative, where the clip is of a kind that cannot be edited or its media is gone."""
    if clip.refusal:
        raise BadInput(clip.refusal)
    if is_missing(clip.media):
        raise BadInput(f"The media of {clip.name!r} is missing: there is no {clip.media}, relink it in the editor.")


def shot_of(timeline: OpenTimeline, clip: TimelineClip, facts: ClipFacts | None, *, handles: int) -> TimelineShot:
    """The frames that the clip needs. `facts`: of its media, None where they cannot be read here. Raises BadInput."""
    if facts is None and (clip.media_rate is None or clip.media_start is None):
        raise BadInput(f"{clip.media} cannot be read here: install maskedit[server], which reads media.")
    rate = frame_rate(clip, facts.rate) if facts is not None else clip.media_rate or timeline.rate
    clip = replace(clip, media_start=_media_start(clip, facts, rate))
    length = facts.frames if facts is not None else None
    alone = replace(clip, head=Fraction(0), tail=Fraction(0))
    return TimelineShot(
        clip=clip,
        rate=rate,
        own=shown_frames(alone, rate, length=length),
        frames=shown_frames(clip, rate, length=length, handles=handles),
    )


def _media_start(clip: TimelineClip, facts: ClipFacts | None, rate: Fraction) -> Fraction:
    """The time of the media's first frame on this disk, in the timeline's own time of the media."""
    if clip.media_start is not None:
        if clip.first_number is None or not is_sequence(clip.media):
            return clip.media_start
        # Pictures may lie on the disk before the first one that the timeline knows.
        return clip.media_start - (clip.first_number - min(sequence_files(clip.media))) / rate
    if facts is None or not facts.start_timecode:
        return Fraction(0)
    starts = frame_at_timecode(facts.start_timecode, facts.rate) / rate
    # Who does not say what the media's time starts at counts by its timecode, or from 0.
    return starts if starts <= clip.source.start < starts + facts.frames / rate else Fraction(0)


@dataclass(frozen=True)
class FromClip:
    """Frames counted from the first one that the clip shows: a `Numbering`."""

    shot: TimelineShot

    def frame(self, text: str) -> int:
        if not text.isdecimal():
            raise BadInput(f"The frame number {text!r} cannot be read: give a whole number from 0.")
        last = self.shot.frames.last - self.shot.own.first
        if int(text) > last:
            raise BadInput(f"The clip {self.shot.clip.name!r} shows frames 0-{last}: frame {text} lies behind them.")
        return self.shot.own.first + int(text)

    def range(self, text: str) -> FrameRange:
        return parse_range(text).shifted(self.shot.own.first)


@dataclass(frozen=True)
class ByTimeline:
    """Labels of the timeline's own timecode: a `Numbering`."""

    shot: TimelineShot
    timeline: OpenTimeline

    def frame(self, text: str) -> int:
        clip, rate = self.shot.clip, self.timeline.rate
        if clip.inside:
            raise BadInput(f"{clip.name!r} lies inside {clip.inside[-1]!r}, whose time is its own: use --from-clip.")
        start = round(self.timeline.start * rate)
        at = (frame_at_timecode(text, rate) - start) / rate
        if not clip.record.start <= at < clip.record.end:
            raise BadInput(f"The clip {clip.name!r} is not on the timeline at {text}: see `maskedit timeline --list`.")
        into = clip.source.start - (clip.media_start or Fraction(0)) + at - clip.record.start
        return first_frame_in(into, self.shot.rate)

    def range(self, text: str) -> FrameRange:
        first, hyphen, last = text.partition("-")
        if not hyphen:
            raise BadInput(f"The frame range {text!r} cannot be read: give it as HH:MM:SS:FF-HH:MM:SS:FF.")
        return FrameRange(self.frame(first), self.frame(last))


def mattes_from_clip(mattes: tuple[MatteFile, ...], shot: TimelineShot) -> tuple[MatteFile, ...]:
    """The mattes, with the pictures of those that are pictures counted from the clip's first frame."""
    return tuple(
        matte if matte.path.lower().endswith(_ROTO) else replace(matte, first_frame=shot.own.first) for matte in mattes
    )
