# SPDX-License-Identifier: GPL-3.0-or-later
"""Values between keys: what each way of going on promises."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.mattes.animation import Track

KEYS = st.lists(
    st.tuples(st.integers(-20, 40), st.floats(-100, 100), st.sampled_from(["linear", "hold", "smooth"])),
    min_size=1,
    max_size=6,
    unique_by=lambda key: key[0],
).map(sorted)
MOMENTS = st.fractions(-30, 50, max_denominator=24)


def track(keys) -> Track:
    return Track(
        frames=tuple(frame for frame, _, _ in keys),
        values=np.array([[value] for _, value, _ in keys]),
        interps=tuple(interp for _, _, interp in keys),
    )


def smooth(*pairs: tuple[int, float]) -> Track:
    return track([(frame, value, "smooth") for frame, value in pairs])


def speed(of: Track, moment: Fraction, *, side: int) -> float:
    step = Fraction(side, 10_000)
    return float((of.at(moment + step) - of.at(moment))[0] / float(step))


@given(KEYS)
def test_every_key_is_met(keys):
    for frame, value, _ in keys:
        assert track(keys).at(frame) == [value]


@given(KEYS, MOMENTS)
def test_no_value_leaves_the_range_between_its_keys(keys, moment):
    before = [value for frame, value, _ in keys if frame <= moment][-1:] or [keys[0][1]]
    after = [value for frame, value, _ in keys if frame > moment][:1] or [keys[-1][1]]
    assert min(*before, *after) <= track(keys).at(moment)[0] <= max(*before, *after)


@given(KEYS, MOMENTS)
def test_held_values_wait_for_the_next_key(keys, moment):
    held = [(frame, value, "hold") for frame, value, _ in keys]
    expected = ([value for frame, value, _ in keys if frame <= moment] or [keys[0][1]])[-1]
    assert track(held).at(moment) == [expected]


@given(KEYS, MOMENTS)
def test_linear_values_are_those_of_interp(keys, moment):
    lines = [(frame, value, "linear") for frame, value, _ in keys]
    frames, values = [frame for frame, _, _ in keys], [value for _, value, _ in keys]
    assert track(lines).at(moment)[0] == pytest.approx(np.interp(float(moment), frames, values), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(-50, 50)), min_size=2, max_size=6, unique_by=lambda k: k[0]))
def test_smooth_motion_never_jumps_in_speed(pairs):
    of = smooth(*sorted(pairs))
    for frame, _ in pairs:
        assert speed(of, Fraction(frame), side=-1) == pytest.approx(speed(of, Fraction(frame), side=1), abs=0.2)


def test_smooth_motion_goes_through_a_key_on_its_way_without_stopping():
    of = smooth((0, 0), (10, 50), (20, 100))
    assert speed(of, Fraction(10), side=1) == pytest.approx(5, abs=0.01)
    assert speed(of, Fraction(0), side=1) == pytest.approx(0, abs=0.01)
    assert of.at(5)[0] < 25 < of.at(15)[0] - 50


def test_smooth_motion_rests_where_it_turns_or_has_been_held():
    assert speed(smooth((0, 0), (10, 50), (20, 0)), Fraction(10), side=1) == pytest.approx(0, abs=0.01)
    jumping = track([(0, 0.0, "hold"), (10, 50.0, "smooth"), (20, 100.0, "smooth")])
    assert speed(jumping, Fraction(10), side=1) == pytest.approx(0, abs=0.01)
    assert jumping.at(Fraction(99, 10)) == [0]


def test_two_smooth_keys_ease_in_and_out():
    of = smooth((0, 0), (4, 32))
    np.testing.assert_allclose([of.at(frame)[0] for frame in range(5)], [0, 5, 16, 27, 32])
