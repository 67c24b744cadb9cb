# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, seconds and timecode, exactly: frames are ints, rates and seconds are Fractions.

Timecode follows SMPTE ST 12-1: drop-frame leaves out labels (never frames) at the start of each minute but every
tenth, and exists at 30000/1001 and its multiples only.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from plugin_client.core.errors import BadInput

_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")
_NTSC_NOMINALS = (24, 30, 48, 60, 120)


@dataclass(frozen=True, order=True)
class FrameRange:
    """Frames `first` to `last`, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.first < 0 or self.last < self.first:
            raise BadInput(f"The frame range {self.first}-{self.last} runs backwards: give it as FIRST-LAST.")

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __contains__(self, frame: int) -> bool:
        return self.first <= frame <= self.last

    def shifted(self, frames: int) -> FrameRange:
        """The same range, `frames` later."""
        return FrameRange(self.first + frames, self.last + frames)

    def intersection(self, other: FrameRange) -> FrameRange | None:
        """The frames in both ranges, None if there are none."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return FrameRange(first, last) if first <= last else None


def parse_range(text: str) -> FrameRange:
    """`"12-40"` as a range. Raises BadInput, a sentence, for anything else."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"The frame range {text!r} cannot be read: give it as FIRST-LAST, for example 0-47.")
    return FrameRange(int(match[1]), int(match[2]))


def parse_rate(text: str) -> Fraction:
    """Frames per second from `"24000/1001"`, `"25"` or a host's rounded `"23.976"`/`"29.97"` (snapped to x/1001)."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise BadInput(f"The frame rate {text!r} cannot be read: give it as 25 or 24000/1001.") from error
    if rate <= 0:
        raise BadInput(f"The frame rate {text!r} is not above 0: give it as 25 or 24000/1001.")
    for nominal in _NTSC_NOMINALS:
        exact = Fraction(nominal * 1000, 1001)
        if rate.denominator != 1 and abs(rate - exact) < Fraction(1, 100):
            return exact
    return rate


def seconds_at(frame: int, rate: Fraction) -> Fraction:
    """When `frame` starts, in seconds from frame 0."""
    return frame / rate


def frame_at(seconds: Fraction, rate: Fraction) -> int:
    """The frame that is on screen `seconds` after the start of frame 0."""
    return math.floor(seconds * rate)


def nominal_rate(rate: Fraction) -> int:
    """How many frame labels a timecode second has: 24 for 24000/1001, 30 for 30000/1001."""
    return math.ceil(rate)


def supports_drop_frame(rate: Fraction) -> bool:
    """True at 30000/1001 and its whole multiples."""
    return rate.denominator == 1001 and nominal_rate(rate) % 30 == 0


def timecode_at(frame: int, rate: Fraction, *, drop_frame: bool = False) -> str:
    """The label of `frame` counted from midnight, `HH:MM:SS:FF` (`;FF` for drop-frame), wrapping after a day."""
    nominal = nominal_rate(rate)
    label = frame
    if drop_frame:
        dropped = _labels_dropped_per_minute(rate)
        per_minute = nominal * 60 - dropped
        per_ten_minutes = nominal * 600 - dropped * 9
        label = frame % (per_ten_minutes * 144)
        tens, rest = divmod(label, per_ten_minutes)
        label += dropped * 9 * tens
        if rest >= nominal * 60:
            label += dropped * (1 + (rest - nominal * 60) // per_minute)
    label %= nominal * 86400
    seconds, frames = divmod(label, nominal)
    width = len(str(nominal - 1))
    separator = ";" if drop_frame else ":"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{separator}{frames:0{max(2, width)}}"


def frame_at_timecode(timecode: str, rate: Fraction) -> int:
    """The inverse of `timecode_at`: frames since midnight. A `;` or `.` before the frames means drop-frame.

    Raises BadInput for text that is no timecode, labels that the rate does not have, and dropped labels.
    """
    match = _TIMECODE.fullmatch(timecode.strip())
    if match is None:
        raise BadInput(f"The timecode {timecode!r} cannot be read: give it as HH:MM:SS:FF.")
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = nominal_rate(rate)
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= nominal:
        raise BadInput(f"The timecode {timecode!r} does not exist at {rate} frames per second: check its parts.")
    label = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if match[4] == ":":
        return label
    dropped = _labels_dropped_per_minute(rate)
    if seconds == 0 and frames < dropped and minutes % 10 != 0:
        raise BadInput(f"The timecode {timecode!r} is one that drop-frame leaves out: take the next label.")
    total_minutes = hours * 60 + minutes
    return label - dropped * (total_minutes - total_minutes // 10)


def _labels_dropped_per_minute(rate: Fraction) -> int:
    if not supports_drop_frame(rate):
        raise BadInput(f"Drop-frame timecode does not exist at {rate} frames per second: write HH:MM:SS:FF.")
    return nominal_rate(rate) // 15
