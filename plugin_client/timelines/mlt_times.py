# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and positions as MLT counts them.

A position in an MLT project is a whole frame of the profile, whatever the rate of the media. It is written as a number
of frames, as a clock value (`00:00:01.040`, a comma in some languages) or as a time code (`00:00:01:05`), and an `out`
is the last frame, included. Of media at another rate, position p shows the frame nearest to p x media rate / profile
rate, halves upwards: MLT 7.12, producer_avformat, held against melt in the tests.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction

from plugin_client.core.errors import BadInput

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+))?:(\d+[.,]\d*)")
_CODE = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+)[:;](\d+)")
_COUNT = re.compile(r"(-?\d+)(?:\.\d*)?")
_LONGEST = 40  # characters
_LAST = 2**31 - 1  # MLT's positions are C's int
_HALF = Fraction(1, 2)


def frames_of(text: str, rate: Fraction) -> int:
    """The frames that an MLT time means at `rate`, the profile's. Raises BadInput, a sentence, for anything else."""
    frames = _frames_of(text.strip(), rate) if len(text) <= _LONGEST else None
    if frames is None or abs(frames) > _LAST:
        raise BadInput(
            f"The project holds a time {text[:_LONGEST]!r}, which cannot be read: open and save it in its editor."
        )
    return frames


def _frames_of(text: str, rate: Fraction) -> int | None:
    if match := _COUNT.fullmatch(text):
        return int(match[1])
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = int(match[1] or 0), int(match[2] or 0), Fraction(match[3].replace(",", ".") + "0")
        return math.floor(rate * (hours * 3600 + minutes * 60 + seconds) + _HALF)
    if match := _CODE.fullmatch(text):
        hours, minutes, seconds, frames = (int(part or 0) for part in match.groups())
        return math.floor(rate * (hours * 3600 + minutes * 60)) + math.ceil(rate) * seconds + frames
    return None


def clock_of(frames: int, rate: Fraction) -> str:
    """`frames` as the clock value from which MLT reads the same number again, at any rate below 500 a second."""
    milliseconds = math.floor(frames / rate * 1000 + _HALF)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a cut of a clip shows: positions `first` to `first + length - 1` of media at `ratio` = media rate / profile
    rate."""

    first: int
    length: int
    ratio: Fraction

    def media_frame(self, step: int) -> int:
        """The media's frame at the cut's position `step`, 0 the first."""
        return math.floor((self.first + step) * self.ratio + _HALF)

    @property
    def is_certain(self) -> bool:
        """False where some position lies exactly between two frames of the media: MLT, which calculates with floating
        point numbers, may show either."""
        return self.ratio.denominator % 2 == 1 or all(
            ((self.first + step) * self.ratio + _HALF).denominator != 1
            for step in range(min(self.length, self.ratio.denominator))
        )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a result lies over a cut: its position `first` over the cut's position `skipped`, for `length` positions."""

    skipped: int
    first: int
    length: int


def covered(shown: Shown, *, first_frame: int, frames: int) -> range:
    """The steps of a cut at which it shows one of the media's frames `first_frame` to `first_frame + frames - 1`."""
    steps = range(shown.length)
    ends = (bisect_left(steps, frame, key=shown.media_frame) for frame in (first_frame, first_frame + frames))
    return range(*ends)


def fit(shown: Shown, *, first_frame: int, frames: int) -> Fit | None:
    """Where a result whose frames are the media's from `first_frame` on lies, so that MLT shows the very frame of it
    that belongs to the one it shows of the clip, at each position. None where there is no such place.

    At the media's own rate there always is one. At others both are rounded, and only some starts round alike.
    """
    steps = covered(shown, first_frame=first_frame, frames=frames)
    if not steps:
        return None
    part = Shown(first=shown.first + steps[0], length=len(steps), ratio=shown.ratio)
    begins = part.media_frame(0) - first_frame
    earliest = max(0, math.ceil((begins - _HALF) / shown.ratio))
    latest = math.ceil((begins + _HALF) / shown.ratio)
    for position in range(earliest, latest):
        result = Shown(first=position, length=len(steps), ratio=shown.ratio)
        # Both repeat themselves after as many steps.
        period = range(min(len(steps), shown.ratio.denominator))
        alike = all(result.media_frame(step) == part.media_frame(step) - first_frame for step in period)
        if alike and (result.first == part.first or (part.is_certain and result.is_certain)):
            return Fit(skipped=steps[0], first=position, length=len(steps))
    return None
