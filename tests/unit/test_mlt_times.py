# SPDX-License-Identifier: GPL-3.0-or-later
"""MLT's times and positions, against what melt 7.12 makes of them and against a slow search."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.timelines.mlt_times import Fit, Shown, clock_of, covered, fit, frames_of

FILM, NTSC, HIGH = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60), FILM, NTSC, HIGH]
rates = st.sampled_from(RATES)


@pytest.mark.parametrize(
    ("text", "pal", "ntsc", "film", "high"),
    # An entry's `out`, as `melt -consumer xml` of 7.12 says it again.
    [
        ("00:00:01.040", 26, 31, 25, 62),
        (":01.04", 26, 31, 25, 62),
        ("00:00:59.999", 1500, 1798, 1439, 3596),
        ("00:20:59.999", 31500, 37762, 30210, 75524),
        ("00:00:01:05", 30, 35, 29, 65),
        ("00:00:01;05", 30, 35, 29, 65),
        ("00:01:01:05", 1530, 1833, 1467, 3661),
        ("01:01:05", 1530, 1833, 1467, 3661),
        ("01:05", 30, 35, 29, 65),
        ("01:00:00:00", 90000, 107892, 86313, 215784),
        ("00:10:00;02", 15002, 17984, 14387, 35966),
        ("30", 30, 30, 30, 30),
        ("5.9", 5, 5, 5, 5),
    ],
)
def test_times_mean_what_melt_takes_them_for(text: str, pal: int, ntsc: int, film: int, high: int):
    assert [frames_of(text, rate) for rate in (Fraction(25), NTSC, FILM, HIGH)] == [pal, ntsc, film, high]


def test_a_comma_is_a_decimal_mark():
    assert frames_of("00:00:01,040", Fraction(25)) == 26


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4:5", "1e3", ":", "--1"])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(BadInput, match="cannot be read"):
        frames_of(text, Fraction(25))


@given(st.integers(0, 10**8), rates)
def test_a_clock_value_is_read_as_the_frame_it_was_written_for(frame: int, rate: Fraction):
    text = clock_of(frame, rate)
    assert frames_of(text, rate) == frame
    assert frames_of(text.replace(".", ","), rate) == frame


@given(st.integers(0, 10**6), st.integers(1, 500), rates, st.integers(0, 30), st.integers(0, 30))
def test_at_the_medias_own_rate_every_result_fits(first: int, length: int, rate: Fraction, before: int, after: int):
    shown = Shown(first=first, length=length, ratio=rate / rate)
    begins = max(0, first - before)
    found = fit(shown, first_frame=begins, frames=first - begins + length + after)
    assert found == Fit(skipped=0, first=first - begins, length=length)


@given(st.integers(0, 300), st.integers(1, 60), rates, rates, st.integers(-40, 40), st.integers(1, 90))
@example(9, 20, Fraction(25), NTSC, 0, 40)
@example(1, 5, Fraction(25), Fraction(50), -1, 40)
@example(4, 6, Fraction(25), Fraction(50), -9, 40)
@example(4, 6, Fraction(25), Fraction(50), 0, 1)
@settings(max_examples=30)
def test_a_fit_shows_at_each_position_the_frame_that_belongs_there(
    first: int, length: int, media: Fraction, profile: Fraction, offset: int, frames: int
):
    shown = Shown(first=first, length=length, ratio=media / profile)
    begins = max(0, shown.media_frame(0) + offset)
    found = fit(shown, first_frame=begins, frames=frames)
    wanted = {step: round_half_up((first + step) * media / profile) - begins for step in range(length)}
    inside = [step for step, frame in wanted.items() if 0 <= frame < frames]
    if found is None:
        assert not any(alike(wanted, first, frames, at, media / profile) for at in range(first + 110))
        return
    assert list(range(found.skipped, found.skipped + found.length)) == inside
    assert alike(wanted, first, frames, found.first, media / profile)


def round_half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def alike(wanted: dict[int, int], first: int, frames: int, at: int, ratio: Fraction) -> bool:
    """Whether a result shows those of the wanted frames that it has, beyond doubt, from its position `at` on."""
    inside = [step for step, frame in wanted.items() if 0 <= frame < frames]
    if not inside:
        return False
    positions = [(at + step - inside[0]) * ratio for step in inside]
    if [round_half_up(each) for each in positions] != [wanted[step] for step in inside]:
        return False
    is_same = at == first + inside[0]
    others = [(first + step) * ratio for step in inside]
    return is_same or not any((each + Fraction(1, 2)).denominator == 1 for each in positions + others)


def test_a_frame_halfway_between_two_is_trusted_only_at_the_very_same_position():
    shown = Shown(first=4, length=6, ratio=Fraction(1, 2))
    assert not shown.is_certain
    assert fit(shown, first_frame=0, frames=40) == Fit(skipped=0, first=4, length=6)
    assert fit(shown, first_frame=1, frames=40) is None


def test_the_steps_that_a_result_covers():
    shown = Shown(first=10, length=10, ratio=Fraction(1))
    assert covered(shown, first_frame=12, frames=3) == range(2, 5)
    assert covered(shown, first_frame=0, frames=5) == range(0)
    assert fit(shown, first_frame=30, frames=5) is None
