# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of its media a clip shows, and where a take of them lies above it: the same sums for every format."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange
from plugin_client.timelines.timeline import Span, Take, TimelineClip
from plugin_client.timelines.times import NEAR, first_frame_in, last_frame_in

_SAME_RATE = Fraction(1, 500)  # 24 and 24000/1001 number the same frames, 24 and 25 do not


@dataclass(frozen=True, kw_only=True)
class Placement:
    """`record`: where the take lies. `into`: how far into the take `record` starts, in seconds.

    `head` and `tail`: how much a transition shows of it before and after `record`; `covers_head` and `covers_tail`:
    whether `record` starts and ends with the clip, so that the clip's transitions are the take's too.
    """

    record: Span
    into: Fraction
    head: Fraction = Fraction(0)
    tail: Fraction = Fraction(0)
    covers_head: bool = True
    covers_tail: bool = True


def frame_rate(clip: TimelineClip, real: Fraction) -> Fraction:
    """The rate at which the timeline counts the frames of media whose own rate is `real`.

    Where the two differ by a thousandth or so, the timeline counts the same frames by another clock; where they differ
    by more, it holds seconds, and its rate is only their unit.
    """
    said = clip.media_rate
    return said if said is not None and abs(said / real - 1) < _SAME_RATE else real


def shown_frames(clip: TimelineClip, rate: Fraction, *, length: int | None, handles: int = 0) -> FrameRange:
    """The frames of the media, counted from 0, that the clip shows, with its transitions and `handles` on each side.

    `length`: how many the media has, None if that is not known; what lies outside is left away. Raises BadInput where
    the clip itself reaches outside.
    """
    start = _into_media(clip)
    own = FrameRange(max(0, first_frame_in(start, rate)), max(0, last_frame_in(start + clip.source.duration, rate)))
    if start < -NEAR / rate or (length is not None and own.last >= length):
        has = "0 on" if length is None else f"0-{length - 1}"
        raise BadInput(
            f"The clip {clip.name!r} shows frames {first_frame_in(start, rate)}-{own.last} of its media, which has "
            f"frames {has}: relink the clip, or trim it to what is there."
        )
    first = first_frame_in(start - clip.head, rate) - handles
    last = last_frame_in(start + clip.source.duration + clip.tail, rate) + handles
    return FrameRange(max(0, first), last if length is None else min(last, length - 1))


def placement_of(take: Take, clip: TimelineClip, *, rate: Fraction) -> Placement:
    """Where `take` lies above `clip` on a timeline of `rate` frames per second.

    It covers the whole clip where it shows all of it. Where it shows a part, it covers the timeline's frames that lie
    in that part as a whole. Raises BadInput where it shows none.
    """
    start = _into_media(clip)
    begins = take.first / take.rate
    shown = Span(begins, take.frames / take.rate)
    own = Span(start, clip.source.duration)
    near = NEAR / take.rate
    if shown.start <= own.start + near and own.end - near <= shown.end:
        before, after = max(Fraction(0), own.start - begins), max(Fraction(0), shown.end - own.end)
        return Placement(record=clip.record, into=before, head=min(clip.head, before), tail=min(clip.tail, after))
    common = shown.intersection(own)
    record = None if common is None else _whole_frames(common, by=clip.record.start - own.start, clip=clip, rate=rate)
    if record is None:
        raise BadInput(
            f"The result shows no frame that the clip {clip.name!r} shows: render the frames that are on the timeline."
        )
    into = own.start + (record.start - clip.record.start) - begins
    starts, ends = record.start == clip.record.start, record.end == clip.record.end
    return Placement(
        record=record,
        into=into,
        head=min(clip.head, into) if starts else Fraction(0),
        tail=min(clip.tail, shown.end - own.end) if ends else Fraction(0),
        covers_head=starts,
        covers_tail=ends,
    )


def lies_below(earlier: Span, placement: Placement, clip: TimelineClip) -> bool:
    """True for a take of `clip` at `earlier` that a new one at `placement` has to go above: both cover something.

    It is `clip`'s where its middle lies over that: the fades of a neighbour's take may reach over `clip` too.
    """
    middle = earlier.start + earlier.duration / 2
    return clip.record.start <= middle < clip.record.end and earlier.intersection(placement.record) is not None


def _into_media(clip: TimelineClip) -> Fraction:
    """How far into its media the clip starts, in seconds."""
    if clip.media_start is None:
        raise ValueError(f"{clip.name} was not given the time of its media's first frame")
    return clip.source.start - clip.media_start


def _whole_frames(media: Span, *, by: Fraction, clip: TimelineClip, rate: Fraction) -> Span | None:
    """The timeline's frames that lie in `media`, shifted `by` onto the timeline; an end that is the clip's stays."""
    start, end = media.start + by, media.end + by
    if start > clip.record.start:
        start = Fraction(math.ceil(start * rate)) / rate
    if end < clip.record.end:
        end = Fraction(math.floor(end * rate)) / rate
    return Span(start, end - start) if start < end else None
