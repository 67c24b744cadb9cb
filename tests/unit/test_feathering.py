# SPDX-License-Identifier: GPL-3.0-or-later
"""Feathers that change along the outline, against the uniform one and a slow twin."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskedit.mattes import paste_matte
from maskedit.mattes.coverage import polygon_coverage
from maskedit.mattes.feathering import feather_along

SIZE = 18
OUTLINES = st.lists(st.tuples(st.floats(2, 16), st.floats(2, 16)), min_size=3, max_size=6).map(np.array)


@st.composite
def feathered(draw):
    outline = draw(OUTLINES)
    widths = draw(st.lists(st.floats(0, 6), min_size=len(outline), max_size=len(outline)))
    return polygon_coverage(outline, width=SIZE, height=SIZE), outline, np.array(widths)


@given(feathered())
def test_every_pixel_takes_the_highest_cone_of_any_pixel_inside(case):
    """Slow twin: cones from all of the inside, not from its edge only."""
    coverage, outline, widths = case
    found = feather_along(coverage, outline=outline, widths=widths)
    inside = np.argwhere(coverage >= 0.5)
    own = [widths[np.hypot(*(outline - (x + 0.5, y + 0.5)).T).argmin()] for y, x in inside]
    edge = {
        (y, x)
        for y, x in map(tuple, inside)
        if any(coverage[min(max(y + dy, 0), SIZE - 1), min(max(x + dx, 0), SIZE - 1)] < 0.5
               for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)))
    }  # fmt: skip
    for y, x in itertools.product(range(SIZE), range(SIZE)):
        expected = coverage[y, x] if coverage[y, x] < 0.5 else 1
        for (row, column), width in zip(inside, own, strict=True):
            squared = (y - row) ** 2 + (x - column) ** 2
            if (row, column) in edge and squared <= width**2:
                expected = max(expected, 1 - squared**0.5 / (width + 1))
        assert abs(found[y, x] - expected) < 1e-5


@given(OUTLINES, st.floats(0.5, 6))
def test_equal_widths_are_the_uniform_feather(outline, width):
    coverage = polygon_coverage(outline, width=SIZE, height=SIZE)
    varying = feather_along(coverage, outline=outline, widths=np.full(len(outline), width))
    np.testing.assert_allclose(varying, paste_matte(coverage, feather_px=width), atol=1e-6)


@given(feathered(), st.floats(0, 3))
def test_a_wider_feather_never_covers_less_and_none_reaches_beyond_the_widest(case, more):
    coverage, outline, widths = case
    found = feather_along(coverage, outline=outline, widths=widths)
    assert (feather_along(coverage, outline=outline, widths=widths + more) >= found - 1e-6).all()
    assert (found >= coverage).all()
    assert (found <= np.maximum(paste_matte(coverage, feather_px=float(widths.max())), coverage) + 1e-6).all()
