# SPDX-License-Identifier: GPL-3.0-or-later
"""What every format of timeline answers, and the plain values that it speaks in.

Times are seconds as Fractions, exact; each format turns them into its own units at its edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from plugin_client.core.host import Marks


@dataclass(frozen=True)
class Span:
    """From `start` on, `duration` long, both in seconds; the end is no longer part of it."""

    start: Fraction
    duration: Fraction

    @property
    def end(self) -> Fraction:
        """The first moment after it."""
        return self.start + self.duration

    def intersection(self, other: Span) -> Span | None:
        """What lies in both, None if nothing does."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end - start) if start < end else None


@dataclass(frozen=True, kw_only=True)
class TimelineClip:
    """One clip on a video track.

    `track`: counted from 1, the lowest video track (Final Cut: 1 is the primary storyline, 2 the lane above it, 0 the
    lane below it). `inside`: the names of the nested timelines that hold it, outermost first; `track` is then that of
    the outermost on the timeline itself. `number`: which one of this name it is on its track, from 1.

    `media`: an absolute path of this machine, or an image sequence as a pattern (`shot.%04d.exr`); "" where the clip
    has no file. `media_rate`: of the media as the timeline says, None where it does not. `media_start`: the time of the
    media's first frame in the media's own time (its start timecode, or 0), None where the timeline does not say;
    `first_number`: the number of that frame's picture in a sequence, None where the timeline does not say.
    `source`: what the clip shows, in the media's own time. `record`: where it lies, counted from the start of the
    (nested) timeline whose track holds it, so that its first frame lies at 0 whatever its timecode. `head` and `tail`:
    for how many seconds before and after `record` a transition shows it too.

    `refusal`: why it cannot be edited, a whole sentence with the alternative; "" where it can. `spot`: the open
    timeline's own stable name of it, for `OpenTimeline.place`.
    """

    track: int
    track_name: str
    name: str
    number: int
    inside: tuple[str, ...] = ()
    media: str
    media_rate: Fraction | None
    media_start: Fraction | None
    first_number: int | None = None
    source: Span
    record: Span
    head: Fraction = Fraction(0)
    tail: Fraction = Fraction(0)
    enabled: bool = True
    refusal: str = ""
    spot: str


@dataclass(frozen=True, kw_only=True)
class Take:
    """A finished result, to be placed.

    `media`: an absolute path, or a pattern of pictures whose first number is `first_number`. `first`: the frame of the
    clip's media, counted from 0, that its first frame shows. `rate`: its frames per second, as the media's.
    `start_frame`: its start timecode in frames since midnight, 0 without one. `has_alpha`: straight alpha says what it
    covers. `name`: what people call it.
    """

    media: str
    first: int
    frames: int
    rate: Fraction
    width: int
    height: int
    has_alpha: bool
    name: str
    marks: Marks
    start_frame: int = 0
    first_number: int = 0


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where a take lies now: its track, numbered as `TimelineClip.track`, its name there, and its record span.

    `notes`: sentences about what is not as the user may expect.
    """

    track: int
    name: str
    record: Span
    notes: tuple[str, ...] = ()


class OpenTimeline(Protocol):
    """A timeline read from a file. What it does not understand stays in it as it was."""

    @property
    def name(self) -> str:
        """What the file calls it."""
        ...

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        ...

    @property
    def start(self) -> Fraction:
        """The timecode of its first frame, in seconds."""
        ...

    @property
    def drop_frame(self) -> bool:
        """True where its timecode is counted as drop-frame."""
        ...

    @property
    def composites_alpha(self) -> bool:
        """True where what plays this format lays a picture with alpha over the track below by itself.

        A patch is placed there by default, the full frame elsewhere.
        """
        ...

    def clips(self) -> Sequence[TimelineClip]:
        """Every clip of every video track, nested ones too, by track and then by time. Missing media are no error."""
        ...

    def place(self, take: Take, clip: TimelineClip, *, replace: bool = False) -> Placed:
        """Lay `take` on a new track directly above `clip`'s, exactly over what it shows of it.

        `clip`: one of `clips()` whose `media_start` is known and whose `refusal` is empty. Where earlier takes of ours
        lie exactly over it, the new track goes above theirs, or with `replace` they are taken out. Nothing else on the
        timeline moves or changes. Raises BadInput where it cannot be placed.
        """
        ...

    def save(self, path: Path) -> None:
        """Write the timeline, whole or not at all. Raises BadInput where it cannot be written."""
        ...
