# SPDX-License-Identifier: GPL-3.0-or-later
"""Flicker of a region: what exceeds the plate's is found, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.matching.steadying import Glance, change, excess, flicker

SIDE = 96


def texture() -> np.ndarray:
    soft = cv2.GaussianBlur(np.random.default_rng(0).random((SIDE + 40, SIDE + 40, 3)).astype(np.float32), (0, 0), 2)
    return cv2.normalize(soft, np.empty(()), 0.2, 0.6, cv2.NORM_MINMAX)


def glance(step: int, *, plate: float = 0.0, generated: float = 0.0) -> Glance:
    """A texture that moves by `step` pixels, a little lighter in the plate and in what was generated."""
    picture = texture()[step : step + SIDE, step : step + SIDE]
    matte = np.zeros((SIDE, SIDE), np.float32)
    matte[24:72, 24:72] = 1
    return Glance.at(picture + np.float32(plate), 0.8 * picture + np.float32(generated), matte)


@pytest.mark.parametrize("step", [0, 1, 3])
def test_changes_are_followed_along_the_motion(step: int) -> None:
    plate, generated = change(glance(0), glance(step, plate=0.01, generated=0.03))
    np.testing.assert_allclose(plate, 0.01, atol=0.002)
    np.testing.assert_allclose(generated, 0.03, atol=0.002)


def test_nothing_inside_has_no_colour_to_change() -> None:
    empty = Glance(*(np.zeros((16, 16, *rest), np.float32) for rest in ((3,), (3,), ())))
    for changes in change(empty, empty):
        np.testing.assert_array_equal(changes, 0)


def in_colours(curve: np.ndarray) -> np.ndarray:
    """(T, 3) changes of a colour whose course is `curve` (T,)."""
    return np.repeat(np.diff(curve, prepend=curve[0])[:, None], 3, axis=1)


def test_a_course_is_no_flicker() -> None:
    time = np.arange(30.0)
    np.testing.assert_allclose(flicker(in_colours(0.01 * time)), 0, atol=1e-9)
    slow = 0.2 * np.sin(time / 12)
    assert np.abs(flicker(in_colours(slow))).max() < 0.01 * 0.2 * 3


def test_flicker_is_taken_back_to_the_plates() -> None:
    generator, time = np.random.default_rng(3), np.arange(40.0)
    jitter, own = generator.normal(0, 0.02, (2, 40))
    course = 0.004 * time
    plate, generated = in_colours(0.1 * own), in_colours(course + jitter)
    steadied = in_colours(course + jitter) - np.diff(excess(plate, generated), axis=0, prepend=np.zeros((1, 3)))
    before, after = (np.square(flicker(each)).mean() for each in (generated, steadied))
    assert after < 0.1 * before
    # The course itself is as it was.
    slope = np.polyfit(time, np.cumsum(steadied, axis=0)[:, 0], 1)[0]
    assert slope == pytest.approx(0.004, abs=0.0005)


@given(st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=20), st.floats(1, 3))
def test_what_flickers_no_more_than_its_plate_is_left(jitter: list[float], more: float) -> None:
    changes = in_colours(np.array(jitter))
    np.testing.assert_allclose(excess(more * changes, changes), 0, atol=1e-12)


@given(
    st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=20), st.lists(st.floats(-0.1, 0.1), min_size=20, max_size=20)
)
def test_never_more_than_the_flicker_is_taken_back(jitter: list[float], plates: list[float]) -> None:
    own, plate = in_colours(np.array(jitter)), in_colours(np.array(plates[: len(jitter)]))
    assert (np.abs(excess(plate, own)) <= np.abs(flicker(own)) + 1e-12).all()
