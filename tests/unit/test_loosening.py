# SPDX-License-Identifier: GPL-3.0-or-later
"""Growing, steadying and feathering a matte, against slow obvious twins."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskedit.mattes import loosen, paste_matte, smooth_over_time

SIZES = st.tuples(st.integers(1, 13), st.integers(1, 13))
HARD = arrays(np.float32, SIZES, elements=st.sampled_from([0.0, 0.0, 0.0, 1.0]))
SOFT = arrays(np.float32, SIZES, elements=st.sampled_from([0.0, 0.0, 0.25, 0.75, 1.0]))


def squared_distance(matte: np.ndarray, y: int, x: int, *, least: float) -> float:
    """Slow twin: look at every inside pixel."""
    inside = np.argwhere(matte >= least)
    return min((int((y - row) ** 2 + (x - column) ** 2) for row, column in inside), default=np.inf)


@given(HARD, st.integers(1, 6))
def test_loosen_is_every_pixel_within_reach(matte, grow_px):
    loosened = loosen(matte, grow_px=grow_px)
    assert loosened.dtype == np.float32
    for y, x in itertools.product(range(matte.shape[0]), range(matte.shape[1])):
        assert loosened[y, x] == float(squared_distance(matte, y, x, least=1) <= grow_px**2)


@given(SOFT)
def test_loosen_by_nothing_holds_the_drawn_edge(matte):
    np.testing.assert_array_equal(loosen(matte, grow_px=0), matte)


def test_loosen_reaches_from_the_faintest_edge():
    matte = np.zeros((1, 9), np.float32)
    matte[0, 4] = 0.01
    np.testing.assert_array_equal(loosen(matte, grow_px=2)[0], [0, 0, 1, 1, 1, 1, 1, 0, 0])


@given(SOFT, st.integers(1, 6))
def test_paste_matte_is_one_inside_and_exactly_zero_beyond_the_feather(matte, feather_px):
    paste = paste_matte(matte, feather_px=feather_px)
    for y, x in itertools.product(range(matte.shape[0]), range(matte.shape[1])):
        squared = squared_distance(matte, y, x, least=0.5)
        if squared == 0:
            assert paste[y, x] == 1
        elif squared > feather_px**2:
            assert paste[y, x] == matte[y, x]
        else:
            assert paste[y, x] == pytest.approx(max(matte[y, x], 1 - squared**0.5 / (feather_px + 1)), abs=1e-6)


def test_paste_matte_ramp_is_linear():
    matte = np.zeros((1, 10), np.float32)
    matte[0, :3] = 1
    np.testing.assert_allclose(paste_matte(matte, feather_px=4)[0], [1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0], atol=1e-6)


def test_zeros_are_exact_on_a_large_frame():
    """The precise distance transform works in float32: no rounding may leak past the feather."""
    matte = np.zeros((1080, 1920), np.float32)
    matte[500, 900] = 1
    paste = paste_matte(loosen(matte, grow_px=25), feather_px=15)
    rows, columns = np.ogrid[:1080, :1920]
    beyond = (rows - 500) ** 2 + (columns - 900) ** 2 > 40**2
    assert not paste[beyond].any()
    assert paste[500, 900 + 40] > 0 and paste[500, 900 + 25] == 1


def test_an_empty_matte_stays_empty():
    empty = np.zeros((5, 6), np.float32)
    assert not loosen(empty, grow_px=9).any()
    assert not paste_matte(empty, feather_px=9).any()


@given(SOFT)
def test_no_feather_keeps_the_soft_edge(matte):
    np.testing.assert_array_equal(paste_matte(matte, feather_px=0), matte)


def test_negative_amounts_are_refused():
    matte = np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError, match="grow"):
        loosen(matte, grow_px=-1)
    with pytest.raises(ValueError, match="feather"):
        paste_matte(matte, feather_px=-1)


@given(
    arrays(np.float32, st.tuples(st.integers(0, 9), st.just(2), st.just(3)), elements=st.sampled_from([0.0, 0.5, 1.0])),
    st.integers(0, 4),
)
def test_smoothing_is_the_maximum_over_the_window(mattes, radius):
    smoothed = list(smooth_over_time(mattes, radius=radius))
    assert len(smoothed) == len(mattes)
    for index, result in enumerate(smoothed):
        window = mattes[max(index - radius, 0) : index + radius + 1]
        expected = window.max(axis=0) if mattes[index].any() else mattes[index]
        np.testing.assert_array_equal(result, expected)


def test_smoothing_streams():
    """No more than `radius` frames are read ahead: a clip never has to fit into memory."""
    read = []

    def mattes():
        for index in range(100):
            read.append(index)
            yield np.ones((1, 1), np.float32)

    smoothed = smooth_over_time(mattes(), radius=2)
    next(smoothed)
    assert read == [0, 1, 2]
