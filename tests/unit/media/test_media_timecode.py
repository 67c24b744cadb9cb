# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from fractions import Fraction

import OpenImageIO as oiio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.media.timecode import packed, shifted, unpacked

NTSC, NTSC_60, PAL, FILM = Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25), Fraction(24000, 1001)


def next_timecode(timecode: str, nominal: int) -> str:
    """One frame on, by the rule as it is written: count, and leave out the dropped numbers."""
    drop = ";" in timecode
    hours, minutes, seconds, frames = (int(part) for part in timecode.replace(";", ":").split(":"))
    frames += 1
    if frames == nominal:
        seconds, frames = seconds + 1, 0
    if seconds == 60:
        minutes, seconds = minutes + 1, 0
        if drop and minutes % 10:
            frames = nominal // 15
    if minutes == 60:
        hours, minutes = (hours + 1) % 24, 0
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if drop else ':'}{frames:02}"


@pytest.mark.parametrize(
    ("start", "rate", "nominal"),
    [
        ("00:58:59;20", NTSC, 30),
        ("23:59:58;00", NTSC, 30),
        ("00:09:50;00", NTSC_60, 60),
        ("00:00:58:00", NTSC, 30),
        ("23:59:57:20", PAL, 25),
        ("09:59:59:00", FILM, 24),
    ],
)
def test_shifting_is_counting(start, rate, nominal):
    counted = start
    for frames in range(2200):
        assert shifted(start, frames, rate) == counted
        counted = next_timecode(counted, nominal)


@given(
    frames=st.integers(0, 5_000_000),
    more=st.integers(0, 5_000_000),
    rate=st.sampled_from([NTSC, NTSC_60, PAL, FILM]),
    drop=st.booleans(),
)
def test_shifts_add_up(frames, more, rate, drop):
    start = "01:02:03;04" if drop else "01:02:03:04"
    assert shifted(shifted(start, frames, rate), more, rate) == shifted(start, frames + more, rate)


def test_a_day_comes_round():
    assert shifted("12:34:56;10", 24 * 6 * 17982, NTSC) == "12:34:56;10"
    assert shifted("12:34:56:10", 24 * 3600 * 25, PAL) == "12:34:56:10"


def test_what_is_no_timecode_is_left_alone():
    for text in ("", "tomorrow", "01:00:00:30"):
        assert shifted(text, 5, Fraction(24)) == text


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 29), st.sampled_from(":;"))
def test_packed_bits_are_openexrs_and_read_back(hours, minutes, seconds, number, mark):
    text = f"{hours:02}:{minutes:02}:{seconds:02}{mark}{number:02}"
    bits = packed(text)
    assert bits is not None and unpacked(bits) == text
    # OpenEXR's own reader of the same bits, through OpenImageIO, which writes no mark for drop-frame.
    spec = oiio.ImageSpec()
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, (bits, 0))
    assert re.split("[:;]", spec.get_string_attribute("smpte:TimeCode")) == re.split("[:;]", text)


@pytest.mark.parametrize("text", ["", "1:2:3:4", "00:00:00:40", "soon"])
def test_text_that_exr_cannot_pack_is_told_apart(text):
    assert packed(text) is None
