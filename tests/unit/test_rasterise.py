# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact coverage against a slow twin that samples points, and the rules by which shapes combine."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.mattes import parse_roto
from maskedit.mattes.coverage import flatten, polygon_coverage
from maskedit.mattes.rasterise import rasterise

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


def test_a_feather_reaches_into_the_frame_from_a_shape_outside_it():
    beside = {"points": box(-10, 10, 8, 10), "feather": 5}
    within = {"points": box(10, 10, 8, 10), "feather": 5}
    np.testing.assert_allclose(
        rasterise(roto(beside), 0, width=40, height=30)[:, :10],
        rasterise(roto(within), 0, width=40, height=30)[:, 20:30],
        atol=1e-6,
    )


def test_a_points_feather_widens_its_side_only():
    points = box(10, 10, 10, 10)
    for point in points[1:3]:
        point["feather"] = 4
    matte = rasterise(roto({"points": points}), 0, width=40, height=30)
    np.testing.assert_allclose(matte[15, 19:25], [1, 0.8, 0.6, 0.4, 0.2, 0], atol=1e-6)
    assert matte[15, 9] == 0 and 0 < np.count_nonzero(matte[9]) < 14


def test_equal_point_feathers_are_the_shapes_feather():
    points = [point | {"feather": 3} for point in circle(15, 15, 7)]
    one_by_one = rasterise(roto({"points": points, "feather": 9}), 0, width=40, height=30)
    np.testing.assert_array_equal(
        one_by_one, rasterise(roto({"points": circle(15, 15, 7), "feather": 3}), 0, width=40, height=30)
    )


def moved(**key) -> dict:
    return {"keys": [{"frame": 0, **key}]}


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (moved(translate=[3, -2]), box(13, 8, 8, 4)),
        (moved(scale=[2, 0.5], anchor=[10, 10]), box(10, 10, 16, 2)),
        (moved(rotate=90, anchor=[14, 12]), box(12, 8, 4, 8)),
        (moved(rotate=90, scale=[0.5, 1], anchor=[10, 10], translate=[5, 0]), box(11, 10, 4, 4)),
        (moved(scale=[-1, 1], anchor=[14, 12]), box(10, 10, 8, 4)),
    ],
)
def test_a_transform_scales_then_rotates_about_its_anchor_then_moves(transform, expected):
    found = rasterise(roto({"points": box(10, 10, 8, 4), "transform": transform}), 0, width=40, height=30)
    np.testing.assert_allclose(found, rasterise(roto({"points": expected}), 0, width=40, height=30), atol=1e-6)


def test_handles_turn_with_their_points():
    """Half a turn of an outline without symmetry is its picture upside down."""
    points = [{"co": [10, 10], "out": [6, -3]}, {"co": [24, 12], "in": [-1, -5]}, {"co": [14, 24], "out": [-4, 0]}]
    half_turn = moved(rotate=180, anchor=[20, 15])
    turned = rasterise(roto({"points": points, "transform": half_turn}), 0, width=40, height=30)
    np.testing.assert_allclose(
        turned[::-1, ::-1], rasterise(roto({"points": points}), 0, width=40, height=30), atol=1e-5
    )


def test_rotation_is_that_of_the_picture_as_seen():
    """Pixels twice as wide as high: a box 4 wide and 8 high looks square, and still does after a quarter turn."""
    turned = {"points": box(10, 10, 4, 8), "transform": moved(rotate=90, anchor=[12, 14])}
    found = rasterise(roto(turned, pixel_aspect=[2, 1]), 0, width=40, height=30)
    np.testing.assert_allclose(found, rasterise(roto({"points": box(10, 10, 4, 8)}), 0, width=40, height=30), atol=1e-6)


def test_feathers_and_brushes_grow_with_their_transform():
    twice = moved(scale=[2, 2])
    found = rasterise(roto({"points": box(5, 5, 4, 4), "feather": 2, "transform": twice}), 0, width=40, height=30)
    np.testing.assert_allclose(
        found, rasterise(roto({"points": box(10, 10, 8, 8), "feather": 4}), 0, width=40, height=30)
    )
    painted = rasterise(
        strokes({"points": [[8, 6, 1], [12, 7, 0.5]], "width": 4, "transform": twice}), 0, width=40, height=30
    )
    plain = rasterise(strokes({"points": [[16, 12, 1], [24, 14, 0.5]], "width": 8}), 0, width=40, height=30)
    np.testing.assert_allclose(painted, plain, atol=1e-6)


def test_transforms_and_outlines_are_keyed_apart():
    keys = [{"frame": 0, "points": box(0, 0, 4, 4)}, {"frame": 4, "points": box(8, 0, 4, 4)}]
    down = {"keys": [{"frame": 2, "interp": "hold"}, {"frame": 4, "translate": [0, 10]}]}
    moving = roto({"keys": keys, "transform": down})
    for frame, (x, y) in {0: (0, 0), 2: (4, 0), 3: (6, 0), 4: (8, 10)}.items():
        assert rasterise(moving, frame, width=40, height=30)[y : y + 4, x : x + 4].sum() == 16


def test_interp_is_the_way_to_the_next_key():
    keys = [
        {"frame": 0, "points": box(0, 0, 4, 4), "interp": "hold"},
        {"frame": 4, "points": box(8, 0, 4, 4), "interp": "smooth"},
        {"frame": 8, "points": box(24, 0, 4, 4)},
    ]
    matte = {frame: rasterise(roto({"keys": keys}), frame, width=40, height=30)[0] for frame in (3, 5, 6)}
    assert matte[3][:4].all() and matte[6][16:20].all()
    # A quarter of the way in time is 5/32 in space: the box covers 10.5 to 14.5.
    np.testing.assert_allclose(matte[5][9:16], [0, 0.5, 1, 1, 1, 0.5, 0], atol=1e-6)


def test_the_shutter_blurs_what_moves_and_nothing_else():
    """A box that moves 8 pixels a frame, open for half of one: its edges run out evenly over 4 pixels."""
    keys = [{"frame": 0, "points": box(4, 5, 10, 6)}, {"frame": 2, "points": box(20, 5, 10, 6)}]
    centred = rasterise(roto({"keys": keys, "shutter": 0.5}), 1, width=40, height=30)
    np.testing.assert_allclose(centred[7, 9:15], [0, 0.125, 0.375, 0.625, 0.875, 1], atol=1e-6)
    np.testing.assert_allclose(centred[7, 19:25], [1, 0.875, 0.625, 0.375, 0.125, 0], atol=1e-6)
    assert centred.sum() == pytest.approx(60, abs=1e-4)
    later = rasterise(roto({"keys": keys, "shutter": 0.5, "shutter_offset": 0}), 1, width=40, height=30)
    np.testing.assert_allclose(later[:, 2:], centred[:, :-2], atol=1e-6)
    still = roto({"points": circle(15, 15, 7), "shutter": 0.5, "feather": 2})
    np.testing.assert_array_equal(
        rasterise(still, 0, width=40, height=30),
        rasterise(roto({"points": circle(15, 15, 7), "feather": 2}), 0, width=40, height=30),
    )


@settings(deadline=None, max_examples=15)
@given(st.floats(0.1, 1), st.floats(-1, 1), st.integers(-12, 12), st.integers(-9, 9), st.sampled_from([0, 2]))
def test_the_shutter_is_the_mean_over_its_exposure(shutter, offset, dx, dy, feather):
    """Slow twin: many outlines in between, each one drawn on its own."""
    keys = [{"frame": n, "points": circle(20 + n * dx, 15 + n * dy, 5)} for n in (-1, 0, 1, 2)]
    shape = {"keys": keys, "feather": feather}
    found = rasterise(roto(shape | {"shutter": shutter, "shutter_offset": offset}), 0, width=40, height=30)
    moments = np.clip(offset + shutter * (np.arange(60) + 0.5) / 60, -1, 2)
    drawn = [
        rasterise(roto({"points": circle(20 + m * dx, 15 + m * dy, 5), "feather": feather}), 0, width=40, height=30)
        for m in moments
    ]
    error = np.abs(found - np.mean(drawn, axis=0))
    # A feather counts in whole pixels from the edge, so that it moves on in steps.
    assert error.max() < (0.2 if feather else 0.05) and error.mean() < 0.006


def strokes(*given: dict, shapes=(), **fields):
    """A file of these strokes; `points` instead of `keys` stands for one key at frame 0."""
    keyed = [{"keys": [{"frame": 0, "points": stroke.pop("points", None)}], **stroke} for stroke in map(dict, given)]
    fields = {"format": "maskedit-roto", "version": 1, "size": [40, 30], "shapes": shapes, "strokes": keyed, **fields}
    return parse_roto(json.dumps(fields))


def test_strokes_add_to_the_shapes_and_erase_from_them():
    body = {"name": "body", "keys": [{"frame": 0, "points": box(5, 5, 20, 20)}]}
    line = {"points": [[0, 15, 1], [40, 15, 1]], "width": 4}
    added = rasterise(strokes(line, shapes=[body]), 0, width=40, height=30)
    assert (added[13:17] == 1).all() and added.sum() == 400 + 20 * 4
    erased = rasterise(strokes(line | {"blend": "subtract"}, shapes=[body]), 0, width=40, height=30)
    assert not erased[13:17].any() and erased.sum() == 400 - 20 * 4
    half = rasterise(strokes(line | {"blend": "subtract", "opacity": 0.5}, shapes=[body]), 0, width=40, height=30)
    assert (half[13:17, 5:25] == 0.5).all()
    under = rasterise(strokes(line | {"blend": "subtract", "under": "body"}, shapes=[body]), 0, width=40, height=30)
    assert under.sum() == 400


def test_strokes_move_with_their_keys_and_show_in_their_frames():
    keys = [{"frame": 1001, "points": [[4, 15, 1], [4, 20, 1]]}, {"frame": 1005, "points": [[12, 15, 1], [12, 20, 1]]}]
    moving = strokes({"keys": keys, "width": 2, "visible": [[1001, 1004]]}, first_number=1001)
    assert rasterise(moving, 2, width=40, height=30)[17].nonzero()[0].tolist() == [7, 8]
    assert not rasterise(moving, 4, width=40, height=30).any()


def test_strokes_scale_with_the_frame_and_may_lie_off_it():
    double = rasterise(strokes({"points": [[10, 10, 1], [20, 10, 0.5]], "width": 6}), 0, width=80, height=60)
    assert double[14:26, 20].all() and not double[:13, 20].any()
    assert not rasterise(strokes({"points": [[-90, 10, 1]], "width": 6}), 0, width=40, height=30).any()
