# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPTE ST 12-1 timecode: HH:MM:SS:FF, drop-frame written with a semicolon before the frames."""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d+)")


def shifted(timecode: str, frames: int, rate: Fraction) -> str:
    """`timecode` moved on by `frames` at `rate` frames per second, wrapping at midnight.

    Drop-frame leaves out the first numbers of every minute but each tenth (two at 30, four at 60 frames a second).
    Text that is no timecode, or counts frames that the rate does not have, comes back unchanged.
    """
    match = _TIMECODE.fullmatch(timecode)
    nominal = -(-rate.numerator // rate.denominator)
    if not match or int(match[5]) >= nominal:
        return timecode
    hours, minutes, seconds, number = (int(match[group]) for group in (1, 2, 3, 5))
    dropped = nominal // 15 if match[4] != ":" and nominal % 30 == 0 else 0
    total_minutes = 60 * hours + minutes
    count = (60 * total_minutes + seconds) * nominal + number - dropped * (total_minutes - total_minutes // 10)
    count = (count + frames) % (24 * 6 * _frames_in_ten_minutes(nominal, dropped))
    if dropped:
        tens, rest = divmod(count, _frames_in_ten_minutes(nominal, dropped))
        late = max(rest - dropped, 0) // (60 * nominal - dropped)
        count += dropped * (9 * tens + late)
    seconds, number = divmod(count, nominal)
    return f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{match[4]}{number:02}"


def packed(timecode: str) -> int | None:
    """The 32 bits by which OpenEXR stores a timecode (packing TV60 of ImfTimeCode.h), None for text that is none.

    Two digits of binary-coded decimals each, from the lowest bit: frames, seconds, minutes, hours; bit 6: drop-frame.
    """
    match = _TIMECODE.fullmatch(timecode)
    if not match or int(match[5]) > 39:  # two bits for the tens
        return None
    hours, minutes, seconds, number = (int(match[group], 16) for group in (1, 2, 3, 5))
    return hours << 24 | minutes << 16 | seconds << 8 | (match[4] != ":") << 6 | number


def unpacked(bits: int) -> str:
    """The inverse of `packed`."""
    hours, minutes, seconds, number = bits >> 24 & 0x3F, bits >> 16 & 0x7F, bits >> 8 & 0x7F, bits & 0x3F
    return f"{hours:02x}:{minutes:02x}:{seconds:02x}{';' if bits >> 6 & 1 else ':'}{number:02x}"


def _frames_in_ten_minutes(nominal: int, dropped: int) -> int:
    return 600 * nominal - 9 * dropped
