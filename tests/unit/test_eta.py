# SPDX-License-Identifier: GPL-3.0-or-later
"""The remaining time: exact at constant speed, absent until known, honest in a stall."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.progress import STAGES, RemainingTime, duration_words, stage_order, stage_words


@given(st.floats(0.05, 30), st.integers(8, 200), st.data())
def test_constant_speed_is_predicted_exactly(seconds_per_unit, total, data):
    remaining = RemainingTime(window_seconds=1e9)
    done = data.draw(st.integers(4, total))
    for unit in range(done + 1):
        remaining.report(unit, total=total, now=unit * seconds_per_unit)
    now = done * seconds_per_unit
    if now < 2:
        assert remaining.seconds(now=now) is None
    else:
        assert remaining.seconds(now=now) == pytest.approx((total - done) * seconds_per_unit, rel=1e-6, abs=1e-6)


def test_nothing_is_said_before_three_units_and_two_seconds():
    remaining = RemainingTime()
    assert remaining.seconds(now=0) is None
    for unit in range(3):
        remaining.report(unit, total=100, now=10.0 * unit)
        assert remaining.seconds(now=10.0 * unit) is None
    remaining.report(3, total=100, now=30.0)
    assert remaining.seconds(now=30.0) == pytest.approx(970)


def test_it_counts_down_between_reports_and_grows_in_a_stall():
    remaining = RemainingTime()
    for unit in range(6):
        remaining.report(unit, total=10, now=2.0 * unit)
    assert remaining.seconds(now=11.0) == pytest.approx(9)
    stalled = [remaining.seconds(now=now) or 0 for now in (12.0, 13.0, 20.0, 60.0)]
    assert all(early < late for early, late in pairwise(stalled))


def test_a_stall_on_the_last_unit_never_promises_the_end():
    remaining = RemainingTime()
    for unit in range(10):
        remaining.report(unit, total=10, now=float(unit))
    assert remaining.seconds(now=30.0) == pytest.approx(20)


def test_a_change_of_speed_is_believed_after_the_window():
    remaining = RemainingTime(window_seconds=10)
    for unit in range(20):
        remaining.report(unit, total=1000, now=unit * 5.0)
    for unit in range(20, 60):
        remaining.report(unit, total=1000, now=95.0 + (unit - 19) * 1.0)
    assert remaining.seconds(now=135.0) == pytest.approx(941, rel=0.02)


def test_units_that_outlast_the_window_are_timed_all_the_same():
    remaining = RemainingTime(window_seconds=30)
    for unit in range(10):
        remaining.report(unit, total=100, now=40.0 * unit)
        known = remaining.seconds(now=40.0 * unit)
        assert known == (None if unit < 3 else pytest.approx((100 - unit) * 40))


def test_a_new_stage_starts_unknown():
    remaining = RemainingTime()
    for unit in range(10):
        remaining.report(unit, total=10, now=float(unit))
    remaining.report(0, total=50, now=11.0)
    assert remaining.seconds(now=11.0) is None


def test_a_resumed_stage_counts_only_what_it_timed_itself():
    remaining = RemainingTime()
    for unit in range(80, 91):
        remaining.report(unit, total=100, now=float(unit - 80))
    assert remaining.seconds(now=10.0) == pytest.approx(10)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (45.4, "0:45"), (723, "12:03"), (3723, "1:02:03"), (-3, "0:00")]
)
def test_durations_read_as_clocks_do(seconds, words):
    assert duration_words(seconds) == words


def test_every_stage_has_its_own_words_and_a_new_one_is_still_named():
    assert len({stage_words(stage) for stage in STAGES}) == len(STAGES)
    assert stage_words("matte_cleanup") == "Matte cleanup"
    assert sorted(["new", *reversed(STAGES)], key=stage_order) == [*STAGES, "new"]


def test_a_clock_that_is_set_back_or_a_transfer_that_begins_again_forgets_the_speed():
    for now, done in ((-3600.0, 4), (8.5, 1)):
        remaining = RemainingTime()
        for unit in range(4):
            remaining.report(unit, total=10, now=2.0 * unit)
        remaining.report(done, total=10, now=now)
        assert remaining.seconds(now=now) is None
        for unit in range(1, 4):
            remaining.report(done + unit, total=10, now=now + unit)
        assert remaining.seconds(now=now + 3) == pytest.approx(10 - done - 3)
