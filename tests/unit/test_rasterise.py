# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact coverage against a slow twin that samples points, and the rules by which shapes combine."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.mattes import parse_roto
from maskedit.mattes.rasterise import flatten, polygon_coverage, rasterise

KAPPA = 0.5522847498  # handle length that makes four cubic Béziers a circle


def sampled_coverage(polygon: np.ndarray, width: int, height: int, *, samples: int = 40) -> np.ndarray:
    """Slow twin: the share of samples x samples points per pixel with a winding number other than 0."""
    offsets = (np.arange(samples) + 0.5) / samples
    x = (np.arange(width)[:, None] + offsets).ravel()
    y = (np.arange(height)[:, None] + offsets).ravel()
    winding = np.zeros((len(y), len(x)), int)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        rows = (y >= min(y0, y1)) & (y < max(y0, y1))
        crossing = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
        winding += np.where(rows[:, None] & (x >= crossing[:, None]), np.sign(y1 - y0), 0).astype(int)
    return (winding != 0).reshape(height, samples, width, samples).mean(axis=(1, 3))


def polygon_around(centre: tuple[float, float], radii: list[float]) -> np.ndarray:
    """A star-shaped polygon: never crosses itself, concave in general."""
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    return np.array(centre) + np.array(radii)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def circle(x: float, y: float, radius: float) -> list[dict]:
    handle = KAPPA * radius
    return [
        {"co": [x + radius, y], "in": [0, -handle], "out": [0, handle]},
        {"co": [x, y + radius], "in": [handle, 0], "out": [-handle, 0]},
        {"co": [x - radius, y], "in": [0, handle], "out": [0, -handle]},
        {"co": [x, y - radius], "in": [-handle, 0], "out": [handle, 0]},
    ]


def box(x: float, y: float, width: float, height: float) -> list[dict]:
    return [{"co": [x, y]}, {"co": [x + width, y]}, {"co": [x + width, y + height]}, {"co": [x, y + height]}]


def roto(*shapes: dict, size=(40, 30), **fields):
    """A file of these shapes; `points` instead of `keys` stands for one key at frame 0."""
    keyed = [{"keys": [{"frame": 0, "points": shape.get("points")}], **shape} for shape in shapes]
    return parse_roto(json.dumps({"format": "maskedit-roto", "version": 1, "size": size, "shapes": keyed, **fields}))


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.floats(-4, 16), st.floats(-4, 14)),
    st.lists(st.floats(0.3, 9), min_size=3, max_size=9),
    st.booleans(),
)
def test_coverage_is_what_sampling_finds(centre, radii, reverse):
    """Anywhere, cut by any edge of the frame, drawn either way round."""
    polygon = polygon_around(centre, radii)
    exact = polygon_coverage(polygon[::-1] if reverse else polygon, width=13, height=11)
    np.testing.assert_allclose(exact, sampled_coverage(polygon, 13, 11), atol=0.03)


@given(st.lists(st.floats(0.3, 6), min_size=3, max_size=9))
def test_total_coverage_is_the_polygon_area(radii):
    polygon = polygon_around((7.3, 6.9), radii)
    x, y = polygon.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert polygon_coverage(polygon, width=14, height=14).sum() == pytest.approx(area, abs=1e-4)


@given(st.integers(-3, 8), st.integers(-3, 8), st.integers(1, 12), st.integers(1, 12))
def test_boxes_on_pixel_borders_are_exact(x, y, width, height):
    polygon = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], float)
    expected = np.zeros((9, 10), np.float32)
    expected[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = 1
    np.testing.assert_array_equal(polygon_coverage(polygon, width=10, height=9), expected)


def test_overlaps_stay_inside_and_lobes_of_an_eight_both_count():
    twice_round = np.array([(1, 1), (5, 1), (5, 5), (1, 5)] * 2, float)
    assert polygon_coverage(twice_round, width=6, height=6).sum() == 16
    eight = np.array([(0, 0), (4, 4), (4, 0), (0, 4)], float)
    assert polygon_coverage(eight, width=4, height=4).sum() == pytest.approx(8)


def test_shapes_far_outside_cost_nothing_and_show_nothing():
    far = np.array([(1e9, 0), (2e9, 0), (2e9, 1e9)], float)
    assert not polygon_coverage(far, width=8, height=8).any()
    around = np.array([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)], float)
    assert (polygon_coverage(around, width=8, height=8) == 1).all()


def test_flattened_curves_follow_the_circle():
    points = circle(20, 15, 10)
    shape = roto({"points": points}).shapes[0]
    polygon = flatten(shape.outline(0))
    radii = np.hypot(*(polygon - (20, 15)).T)
    assert np.abs(radii - 10).max() < 0.005
    assert rasterise(roto({"points": points}), 0, width=40, height=30).sum() == pytest.approx(np.pi * 100, rel=2e-3)


def test_pixel_centres_lie_at_half():
    matte = rasterise(roto({"points": box(2.5, 3, 2, 1)}), 0, width=40, height=30)
    np.testing.assert_allclose(matte[3, 1:6], [0, 0.5, 1, 0.5, 0], atol=1e-6)
    assert matte.dtype == np.float32 and matte.sum() == pytest.approx(2)


def test_subtract_cuts_out_of_what_was_added_before():
    outer, hole = {"points": box(5, 5, 20, 20)}, {"points": box(10, 10, 5, 5), "blend": "subtract"}
    island = {"points": box(12, 12, 1, 1)}
    matte = rasterise(roto(outer, hole, island), 0, width=40, height=30)
    assert matte.sum() == 400 - 25 + 1
    assert matte[10, 10] == 0 and matte[12, 12] == 1


def test_adding_a_shape_twice_changes_nothing():
    once = rasterise(roto({"points": circle(15, 15, 7)}), 0, width=40, height=30)
    twice = rasterise(roto({"points": circle(15, 15, 7)}, {"points": circle(15, 15, 7)}), 0, width=40, height=30)
    np.testing.assert_array_equal(once, twice)


def test_feather_and_opacity():
    matte = rasterise(roto({"points": box(10, 10, 10, 10), "feather": 3, "opacity": 0.5}), 0, width=40, height=30)
    np.testing.assert_allclose(matte[15, 19:25], [0.5, 0.375, 0.25, 0.125, 0, 0], atol=1e-6)


def test_other_sizes_scale_shape_and_feather():
    shape = {"points": box(10, 10, 10, 10), "feather": 2}
    matte = rasterise(roto(shape), 0, width=80, height=60)
    assert (matte[20:40, 20:40] == 1).all()
    assert matte[30, 43] > 0 and matte[30, 44] == 0


def test_keys_count_from_the_first_number_and_hidden_shapes_are_left_out():
    keys = [{"frame": 1001, "points": box(0, 0, 4, 4)}, {"frame": 1005, "points": box(8, 0, 4, 4)}]
    moving = roto({"keys": keys, "visible": [[1001, 1004]]}, first_number=1001)
    assert rasterise(moving, 2, width=40, height=30)[0].nonzero()[0].tolist() == [4, 5, 6, 7]
    assert not rasterise(moving, 4, width=40, height=30).any()
