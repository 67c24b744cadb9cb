# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes and hulls of a matte's parts."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskedit.mattes import widen
from maskedit.request import Loosening

MATTES = arrays(
    np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0.0, 0.0, 0.0, 0.01, 1.0])
)


def parts_of(matte: np.ndarray) -> list[set[tuple[int, int]]]:
    """Slow twin of the search for parts: pixels that touch at a side or a corner, gathered one by one."""
    left = {(int(y), int(x)) for y, x in np.argwhere(matte > 0)}
    parts = []
    while left:
        part, open_ends = set(), [left.pop()]
        while open_ends:
            y, x = open_ends.pop()
            part.add((y, x))
            near = {(y + dy, x + dx) for dy, dx in itertools.product((-1, 0, 1), repeat=2)} & left
            left -= near
            open_ends += near
        parts.append(part)
    return parts


def touches(part: set[tuple[int, int]], y: int, x: int) -> bool:
    """Whether the convex hull of a part's pixels, as squares, shares area with the square of pixel (y, x).

    Two convex shapes share none exactly if some line separates them, along a side of one of them: in whole numbers.
    """
    corners = {(row + dy, column + dx) for row, column in part for dy, dx in itertools.product((0, 1), repeat=2)}
    square = [(y + dy, x + dx) for dy, dx in itertools.product((0, 1), repeat=2)]
    normals = {(b[1] - a[1], a[0] - b[0]) for a, b in itertools.permutations(corners, 2)} | {(0, 1), (1, 0)}
    for along_y, along_x in normals:
        ours = [row * along_y + column * along_x for row, column in corners]
        theirs = [row * along_y + column * along_x for row, column in square]
        if max(ours) <= min(theirs) or max(theirs) <= min(ours):
            return False
    return True


@given(MATTES)
def test_grown_is_the_matte_itself(matte):
    np.testing.assert_array_equal(widen(matte, Loosening.GROWN), matte)


@given(MATTES)
def test_a_box_is_that_of_each_part(matte):
    expected = np.zeros_like(matte)
    for part in parts_of(matte):
        rows, columns = zip(*part, strict=True)
        expected[min(rows) : max(rows) + 1, min(columns) : max(columns) + 1] = 1
    np.testing.assert_array_equal(widen(matte, Loosening.BOX), expected)


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.sampled_from([0.0, 0.0, 1.0])))
def test_a_hull_is_every_pixel_that_a_parts_hull_touches(matte):
    parts = parts_of(matte)
    expected = np.zeros_like(matte)
    for y, x in itertools.product(range(matte.shape[0]), range(matte.shape[1])):
        expected[y, x] = any(touches(part, y, x) for part in parts)
    np.testing.assert_array_equal(widen(matte, Loosening.HULL), expected)


@given(MATTES)
def test_the_hull_holds_the_matte_and_the_box_the_hull(matte):
    hull, box = widen(matte, Loosening.HULL), widen(matte, Loosening.BOX)
    assert hull.dtype == box.dtype == np.float32
    assert set(np.unique(hull)) | set(np.unique(box)) <= {0.0, 1.0}
    assert ((matte > 0) <= (hull > 0)).all() and (hull <= box).all()


@pytest.mark.parametrize("loosening", [Loosening.BOX, Loosening.HULL])
def test_an_empty_matte_stays_empty(loosening):
    assert not widen(np.zeros((5, 7), np.float32), loosening).any()


def test_what_lies_in_a_hole_is_covered_too():
    matte = np.zeros((11, 11), np.float32)
    cv2.circle(matte, (5, 5), 5, 1)
    matte[5, 5] = 1
    assert widen(matte, Loosening.HULL)[3:8, 3:8].all()
