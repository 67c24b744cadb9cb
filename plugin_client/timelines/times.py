# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact times out of files that hold rounded ones.

A rate is written as 23.976, 23.98 or 23.976023976, and means 24000/1001: whatever lies within a hundredth of a frame
per second of an NTSC rate is that rate. A count of frames is written as a float, and is whole unless it is clearly not.
"""

from __future__ import annotations

import math
from fractions import Fraction

from plugin_client.core.timeline import parse_rate

NEAR = Fraction(1, 2000)
"""Of a frame: what files that round their seconds leave between a cut and the frame that is meant. Two NTSC and film
rates never come closer than 1/1001 without meeting."""
_WHOLE = Fraction(1, 10**6)
_DENOMINATOR = 2**20
_LONGEST_PERIOD = 1001


def exact_rate(value: float | str) -> Fraction:
    """Frames per second, or time units per second, as a Fraction. Raises BadInput for what is not above 0."""
    rate = parse_rate(value if isinstance(value, str) else repr(value))
    if rate.denominator <= _LONGEST_PERIOD:
        return rate
    return rate.limit_denominator(_LONGEST_PERIOD)


def exact_count(value: float) -> Fraction:
    """A number of frames or time units: whole within a millionth, else the simplest fraction that the float means."""
    count = Fraction(value)
    whole = round(count)
    return Fraction(whole) if abs(count - whole) < _WHOLE else count.limit_denominator(_DENOMINATOR)


def seconds_of(value: float, rate: float | str) -> Fraction:
    """`value` frames or units at `rate` per second, both as a file holds them, in seconds."""
    return exact_count(value) / exact_rate(rate)


def rational_seconds(text: str) -> Fraction:
    """FCPXML's `"1001/24000s"` or `"5s"`. Raises ValueError for anything else, a negative denominator among it."""
    if not text.endswith("s"):
        raise ValueError(f"{text!r} does not end in s")
    return Fraction(text[:-1])


def rational_text(seconds: Fraction, rate: Fraction) -> str:
    """`seconds` as FCPXML writes it, over the time scale of `rate` where it lies on one of its frames."""
    frames = seconds * rate
    if frames.denominator != 1:
        return f"{seconds.numerator}/{seconds.denominator}s"
    if seconds.denominator == 1:
        return f"{seconds}s"
    return f"{frames * rate.denominator}/{rate.numerator}s"


def first_frame_in(start: Fraction, rate: Fraction) -> int:
    """The frame that is on screen at `start`, in seconds after the start of frame 0."""
    return math.floor(start * rate + NEAR)


def last_frame_in(end: Fraction, rate: Fraction) -> int:
    """The last frame that begins before `end`."""
    return math.ceil(end * rate - NEAR) - 1
