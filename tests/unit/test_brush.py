# SPDX-License-Identifier: GPL-3.0-or-later
"""Brush strokes against areas that are known: discs, capsules, and a slow twin that samples points."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.mattes.brush import stroke_coverage

WIDTH, HEIGHT = 26, 22
PLACES = st.tuples(st.floats(-3, 29), st.floats(-3, 25), st.floats(0, 6))
PATHS = st.lists(PLACES, min_size=1, max_size=5).map(np.array)


def painted(path, *, hardness: float = 1.0) -> np.ndarray:
    return stroke_coverage(np.array(path, float), hardness=hardness, width=WIDTH, height=HEIGHT)


def sampled(path: np.ndarray, *, samples: int = 8, discs: int = 100) -> np.ndarray:
    """Slow twin: the share of samples x samples points per pixel that lie in one of many discs along each segment."""
    offsets = (np.arange(samples) + 0.5) / samples
    x = (np.arange(WIDTH)[:, None] + offsets).ravel()
    y = (np.arange(HEIGHT)[:, None] + offsets).ravel()[:, None]
    inside = np.zeros((len(y), len(x)), bool)
    segments = list(itertools.pairwise(path)) or [(path[0], path[0])]
    for first, last in segments:
        for part in np.linspace(0, 1, discs):
            centre_x, centre_y, radius = first + part * (last - first)
            inside |= (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2
    return inside.reshape(HEIGHT, samples, WIDTH, samples).mean(axis=(1, 3))


def near(area: float):
    """To a third of a pixel and one per cent: an edge that runs out evenly holds more outside a curve than inside."""
    return pytest.approx(area, abs=0.33 + area / 100)


@settings(deadline=None, max_examples=40)
@given(PATHS)
def test_a_hard_stroke_covers_what_its_discs_cover(path):
    # Brushes of less than a pixel are drawn as lines of that width: their dabs come out fuller than their discs. Where
    # two lines meet at a sharp angle each covers a part of the pixel between them, and the fuller one counts.
    path[:, 2] = np.maximum(path[:, 2], 0.75)
    error = np.abs(painted(path) - sampled(path))
    assert error.max() < 0.4 and error.mean() < 0.012


@pytest.mark.parametrize("radius", [1.0, 2.5, 6.3])
@pytest.mark.parametrize("centre", [(13.0, 11.0), (12.5, 10.5), (12.83, 11.21)])
def test_a_dab_has_its_discs_area(centre, radius):
    assert painted([(*centre, radius)]).sum() == near(np.pi * radius**2)


@given(st.floats(0, np.pi), st.floats(2, 9), st.floats(1, 3.5))
def test_a_line_has_its_capsules_area(angle, length, radius):
    x, y = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    covered = painted([(13 - x, 11 - y, radius), (13 + x, 11 + y, radius)])
    assert covered.sum() == near(np.pi * radius**2 + 2 * radius * length)


def test_a_straight_line_is_exact_at_any_width():
    for width in (0.3, 1.0, 3.5):
        covered = painted([(-9, 10.75, width / 2), (40, 10.75, width / 2)])
        assert covered[:, 12].sum() == pytest.approx(width)
        assert (covered[:, 12] <= width + 1e-6).all()


def test_pressure_tapers_to_nothing():
    covered = painted([(3, 11, 4), (23, 11, 0)])
    widths = covered[:, 3:23].sum(axis=0)
    assert (np.diff(widths) < 0).all() and widths[-1] < 0.5
    assert not covered[:, 23:].any()


def test_a_disc_that_holds_its_neighbour_is_all_there_is():
    np.testing.assert_array_equal(painted([(12, 11, 6), (13, 11, 2)]), painted([(12, 11, 6)]))


@given(PATHS)
def test_a_stroke_is_one_mark_whichever_way_it_was_drawn(path):
    once = painted(path, hardness=0.4)
    np.testing.assert_allclose(painted(path[::-1], hardness=0.4), once, atol=1e-5)
    np.testing.assert_allclose(painted([*path, *path[::-1]], hardness=0.4), once, atol=1e-5)


@given(PATHS, st.floats(0, 1), st.floats(0, 1))
def test_a_harder_brush_covers_more_and_nothing_lies_beyond_the_radius(path, one, other):
    soft, hard = (painted(path, hardness=hardness) for hardness in sorted((one, other)))
    assert (soft <= hard + 1e-5).all()
    reach = path.copy()
    reach[:, 2] += 1
    assert not hard[sampled(reach, samples=2) == 0].any()


def test_a_soft_dab_runs_out_linearly():
    row = painted([(5.5, 11.5, 8)], hardness=0.25)[11, 5:]
    np.testing.assert_allclose(row[:9], np.clip((8 - np.arange(9)) / 6, 0, 1), atol=1e-6)
