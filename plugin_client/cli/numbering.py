# SPDX-License-Identifier: GPL-3.0-or-later
"""How the user numbers frames: from 0, by a sequence's own file numbers, or by the clip's timecode."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from plugin_client.cli.facts import clip_facts
from plugin_client.core.errors import BadInput
from plugin_client.core.media import is_sequence, sequence_files
from plugin_client.core.timeline import FrameRange, frame_at_timecode, parse_range

FRAME_BASES = ("zero", "file")


class Numbering(Protocol):
    """Turns what the user wrote into frames counted from 0. Both raise BadInput."""

    def frame(self, text: str) -> int:
        """One frame."""
        ...

    def range(self, text: str) -> FrameRange:
        """First and last frame, separated by a hyphen."""
        ...


def numbering_of(clip: str, *, base: str, timecode: bool) -> Numbering:
    """The numbering that the options choose. Raises BadInput where `clip` has none of that kind."""
    if timecode and base == "file":
        raise BadInput("--timecode and --frame-base file exclude each other: keep one.")
    if timecode:
        return _clip_timecode(clip)
    if base == "file":
        if not is_sequence(clip):
            raise BadInput(f"--frame-base file needs an image sequence, and {clip} is none: leave it out.")
        return Counted(first_number=min(sequence_files(clip)))
    return Counted()


@dataclass(frozen=True)
class Counted:
    """Whole numbers; the clip's first frame is `first_number`."""

    first_number: int = 0

    def frame(self, text: str) -> int:
        if not text.isdecimal():
            raise BadInput(f"The frame number {text!r} cannot be read: give a whole number from {self.first_number}.")
        number = int(text)
        if number < self.first_number:
            raise BadInput(f"Frame {number} lies before the clip's first frame, {self.first_number}: give a later one.")
        return number - self.first_number

    def range(self, text: str) -> FrameRange:
        given = parse_range(text)
        return FrameRange(self.frame(str(given.first)), self.frame(str(given.last)))


@dataclass(frozen=True)
class Timecoded:
    """Timecode labels; the clip's first frame carries `start`."""

    start: str
    rate: Fraction

    def frame(self, text: str) -> int:
        frame = frame_at_timecode(text, self.rate) - frame_at_timecode(self.start, self.rate)
        if frame < 0:
            raise BadInput(f"The timecode {text} lies before the clip's start, {self.start}: give a later one.")
        return frame

    def range(self, text: str) -> FrameRange:
        first, hyphen, last = text.partition("-")
        if not hyphen:
            raise BadInput(f"The frame range {text!r} cannot be read: give it as HH:MM:SS:FF-HH:MM:SS:FF.")
        return FrameRange(self.frame(first), self.frame(last))


def _clip_timecode(clip: str) -> Timecoded:
    facts = clip_facts(clip)
    if facts is None:
        raise BadInput(f"The timecode of {clip} cannot be read here: number the frames from 0 instead.")
    if not facts.start_timecode:
        raise BadInput(f"{clip} carries no timecode: number the frames from 0 instead.")
    return Timecoded(facts.start_timecode, facts.rate)
