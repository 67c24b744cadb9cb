# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines, shapes and keys without Qt: what editing keeps, on every key, whatever comes before."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskedit.mattes.coverage import flatten
from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.roto import RotoFile, Shape, Stroke, dump_roto, parse_roto
from maskedit.mattes.roto_keys import Key, StrokeKey
from plugin_client.panel.roto.brushes import brush_stroke, thinned
from plugin_client.panel.roto.curves import (
    along,
    controls,
    is_smooth,
    nearest_spot,
    outward_normals,
    smoothed,
    split_at,
    transformed,
    with_handle,
    without_point,
)
from plugin_client.panel.roto.keying import (
    key_frames,
    key_on,
    neighbours,
    points_of,
    with_interp,
    with_key,
    with_keys_moved,
    with_keys_pasted,
    without_keys,
)
from plugin_client.panel.roto.options import ToolOptions
from plugin_client.panel.roto.placing import Placing
from plugin_client.panel.roto.splines import (
    corner_points,
    delete_points,
    drawn_shape,
    even_feather,
    feather_points,
    insert_point,
    smooth_points,
)

WIDTH, HEIGHT = 64, 48
OVAL = np.array(
    [
        [(32, 8), (-11, 0), (11, 0)],
        [(52, 24), (0, -9), (0, 9)],
        [(32, 40), (11, 0), (-11, 0)],
        [(12, 24), (0, 9), (0, -9)],
    ],
    dtype=np.float64,
)
places = st.floats(0, 48, allow_nan=False, width=32)
shares = st.floats(0.06, 0.94)
interps = st.sampled_from(["linear", "hold", "smooth"])


@st.composite
def outlines(draw, points: int | None = None) -> np.ndarray:
    count = points or draw(st.integers(2, 6))
    outline = draw(arrays(np.float64, (count, 3, 2), elements=places))
    outline[:, 1:] -= 24
    return outline


@st.composite
def shapes(draw, most_keys: int = 3) -> Shape:
    count = draw(st.integers(2, 6))
    frames = draw(st.lists(st.integers(0, 20), min_size=1, max_size=most_keys, unique=True))
    own = draw(st.booleans())
    keys = tuple(
        Key(
            frame=frame,
            interp=draw(interps),
            points=points_of(draw(outlines(count)), [draw(st.floats(0, 9)) if own else None for _ in range(count)]),
        )
        for frame in frames
    )
    return Shape(name="head", feather=draw(st.floats(0, 9)), keys=keys)


def file_of(*layers: Shape | Stroke) -> RotoFile:
    return RotoFile(
        format="maskedit-roto",
        version=1,
        size=(WIDTH, HEIGHT),
        shapes=tuple(layer for layer in layers if isinstance(layer, Shape)),
        strokes=tuple(layer for layer in layers if isinstance(layer, Stroke)),
    )


def drawn(layer: Shape | Stroke, frame: int) -> np.ndarray:
    return rasterise(file_of(layer), frame, width=WIDTH, height=HEIGHT)


def counts(layer: Shape | Stroke) -> set[int]:
    return {len(key.points) for key in layer.keys}


def finely(outline: np.ndarray) -> np.ndarray:
    return flatten(outline, segments=64)


@given(outlines(), st.data())
def test_a_point_more_leaves_the_curve_where_it_was(outline, data):
    segment, at = data.draw(st.integers(0, len(outline) - 1)), data.draw(shares)
    cut = split_at(outline, segment, at)
    assert len(cut) == len(outline) + 1
    share = np.linspace(0, 1, 17)
    curve = controls(outline, segment)
    np.testing.assert_allclose(along(controls(cut, segment), share), along(curve, share * at), atol=1e-9)
    rest = along(controls(cut, segment + 1), share)
    np.testing.assert_allclose(rest, along(curve, at + share * (1 - at)), atol=1e-9)
    others = [controls(outline, each) for each in range(len(outline)) if each != segment]
    kept = [controls(cut, each) for each in range(len(cut)) if each not in (segment, segment + 1)]
    np.testing.assert_array_equal(kept, others)


@given(outlines(), st.data())
def test_taking_the_point_away_again_leaves_no_trace(outline, data):
    segment, at = data.draw(st.integers(0, len(outline) - 1)), data.draw(shares)
    cut = split_at(outline, segment, at)
    if is_smooth(cut[segment + 1]):  # a curve may come to a stand, and then nobody knows where it was cut
        np.testing.assert_allclose(without_point(cut, segment + 1), outline, atol=1e-4)


@given(outlines(), st.tuples(places, places))
def test_the_nearest_spot_is_no_farther_than_any_other_place(outline, target):
    spot = nearest_spot(outline, np.array(target))
    reach = np.hypot(*(finely(outline) - target).T).min()
    assert spot.distance <= reach + 1e-2
    assert np.hypot(*(np.array(spot.place) - target)) == pytest.approx(spot.distance)


@given(outlines(), st.data())
def test_a_smoothed_point_is_smooth(outline, data):
    index = data.draw(st.integers(0, len(outline) - 1))
    here = smoothed(outline, index)[index]
    if np.hypot(*here[1]) > 1e-3 and np.hypot(*here[2]) > 1e-3:
        assert is_smooth(here)


def test_the_other_handle_turns_along_unless_it_is_broken_off():
    turned = with_handle(OVAL, 0, 2, np.array([0.0, -20.0]), broken=False)
    np.testing.assert_allclose(turned[0, 1:], [(0, 11), (0, -20)], atol=1e-12)
    broken = with_handle(OVAL, 0, 2, np.array([0.0, -20.0]), broken=True)
    np.testing.assert_array_equal(broken[0, 1:], [(-11, 0), (0, -20)])
    again = with_handle(broken, 0, 2, np.array([5.0, 5.0]), broken=False)
    np.testing.assert_array_equal(again[0, 1], (-11, 0))


@given(outlines(), st.floats(0.2, 3), st.floats(-3, 3), st.tuples(places, places))
def test_moving_an_outline_moves_its_curve(outline, scale, angle, offset):
    matrix = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    about, by = np.array([24.0, 24.0]), np.array(offset)
    moved = transformed(outline, matrix, about=about, offset=by)
    np.testing.assert_allclose(finely(moved), (finely(outline) - about) @ matrix.T + about + by, atol=1e-9)


@pytest.mark.parametrize("turned", [False, True])
def test_outward_is_away_from_the_middle_whichever_way_the_points_run(turned):
    outline = OVAL[::-1][:, [0, 2, 1]] if turned else OVAL
    ways = outline[:, 0] - (32, 24)
    np.testing.assert_allclose(outward_normals(outline), ways / np.hypot(*ways.T)[:, None], atol=1e-9)
    corners = outline * np.array([1, 0, 0])[None, :, None]
    np.testing.assert_allclose(outward_normals(corners), ways / np.hypot(*ways.T)[:, None], atol=1e-9)


@settings(max_examples=30)
@given(shapes(), st.data())
def test_an_inserted_point_keeps_the_coverage_of_every_key(shape, data):
    segment, at = data.draw(st.integers(0, len(shape.keys[0].points) - 1)), data.draw(shares)
    more = insert_point(shape, segment, at)
    assert counts(more) == {len(shape.keys[0].points) + 1}
    for frame in key_frames(shape):
        # Both are drawn as polygons of 24 edges a curve, and a curve may be as long as the frame.
        assert np.abs(drawn(more, frame) - drawn(shape, frame)).mean() < 0.02


def test_an_inserted_point_keeps_the_coverage_between_linear_keys():
    shape = with_key(drawn_shape(OVAL, 0, name="head"), 10, OVAL + np.array([(6, -4), (0, 0), (0, 0)]))
    for frame in range(11):
        np.testing.assert_allclose(drawn(insert_point(shape, 0, 0.3), frame), drawn(shape, frame), atol=0.01)
    soft = feather_points(shape, 0, {0: 4.0, 1: 8.0})
    more = insert_point(soft, 0, 0.3)
    for frame in range(11):  # a feather begins with a step, which a pixel of the edge may take earlier or later
        assert np.abs(drawn(more, frame) - drawn(soft, frame)).mean() < 1e-3
    assert more.keys[0].points[1].feather == pytest.approx(0.7 * 4 + 0.3 * 8)
    assert more.keys[1].points[1].feather is None


def test_points_that_go_take_the_shape_along_when_too_few_are_left():
    shape = with_key(drawn_shape(OVAL, 0, name="head"), 10)
    thinner = delete_points(shape, [0, 3])
    assert thinner is not None and counts(thinner) == {2}
    assert delete_points(shape, [0, 1, 2]) is None


def test_corners_and_smooth_points_are_so_on_every_key():
    shape = with_key(drawn_shape(OVAL, 0, name="head"), 10, OVAL + 1)
    cornered = corner_points(shape, [1])
    assert all(key.points[1].incoming == key.points[1].outgoing == (0, 0) for key in cornered.keys)
    smooth = smooth_points(cornered, [1])
    assert all(is_smooth(smooth.outline(key.frame)[1]) for key in smooth.keys)


@given(shapes(), st.integers(-3, 24))
def test_a_set_key_holds_what_was_there(shape, frame):
    keyed = with_key(shape, frame)
    assert key_on(keyed, frame) is not None
    np.testing.assert_allclose(keyed.outline(frame), shape.outline(frame), atol=1e-9)
    np.testing.assert_allclose(keyed.feathers(frame), shape.feathers(frame), atol=1e-9)
    if not any(key.interp == "smooth" for key in shape.keys):  # a smooth curve depends on its neighbours
        for other in range(-3, 25):
            np.testing.assert_allclose(keyed.outline(other), shape.outline(other), atol=1e-9)


@given(shapes(), st.data())
def test_keys_that_move_replace_what_lies_where_they_arrive(shape, data):
    frames = key_frames(shape)
    moving = data.draw(st.sets(st.sampled_from(frames), min_size=1))
    by = data.draw(st.integers(-30, 30))
    moved = with_keys_moved(shape, moving, by)
    arrived = {frame + by for frame in moving}
    assert set(key_frames(moved)) == arrived | (set(frames) - moving)
    for frame in moving:
        assert key_on(moved, frame + by).points == key_on(shape, frame).points


def test_the_last_key_stays():
    shape = with_key(drawn_shape(OVAL, 4, name="head"), 10)
    assert key_frames(without_keys(shape, [10])) == (4,)
    assert key_frames(without_keys(shape, [4, 10])) == (4,)


def test_keys_are_pasted_only_where_their_points_fit():
    shape = with_key(drawn_shape(OVAL, 0, name="head"), 10, OVAL + 1)
    pasted = with_keys_pasted(drawn_shape(OVAL + 5, 0, name="ear"), shape.keys, 20)
    assert pasted is not None and key_frames(pasted) == (0, 20, 30)
    np.testing.assert_array_equal(pasted.outline(30), shape.outline(10))
    assert with_keys_pasted(drawn_shape(OVAL[:3], 0, name="ear"), shape.keys, 20) is None
    stroke = Stroke(width=3, keys=(StrokeKey(frame=0, points=((1, 2, 1),) * 4),))
    assert with_keys_pasted(stroke, shape.keys, 20) is None


def test_neighbouring_keys_leave_out_the_frame_itself():
    shape = with_key(with_key(drawn_shape(OVAL, 0, name="head"), 10), 20)
    assert [neighbours(shape, frame) for frame in (0, 5, 10, 25)] == [(None, 10), (0, 10), (0, 20), (20, None)]


def test_feathers_of_points_are_keyed_and_can_be_evened_again():
    shape = with_key(drawn_shape(OVAL, 0, name="head").model_copy(update={"feather": 2.0}), 10)
    soft = feather_points(shape, 5, {1: 8.0, 2: -3.0})
    np.testing.assert_allclose(soft.feathers(5), [2, 8, 0, 2])
    np.testing.assert_allclose(soft.feathers(0), [2, 2, 2, 2])
    assert [point.feather for point in with_key(soft, 7).keys[2].points] == [
        None,
        pytest.approx(5.6),
        pytest.approx(0.8),
        None,
    ]
    np.testing.assert_allclose(even_feather(soft).feathers(5), 2)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=places),
    st.floats(1, 30),
)
def test_a_thinned_path_stays_within_a_quarter_pixel(path, width):
    path[:, 2] /= 48
    kept = thinned(path, width=width)
    assert {tuple(point) for point in kept.tolist()} <= {tuple(point) for point in path.tolist()}
    np.testing.assert_array_equal(kept[[0, -1]], path[[0, -1]])
    scaled, line = path * (1, 1, width / 2), kept * (1, 1, width / 2)
    for point in scaled:
        reach = [np.linalg.norm(point - line[0])]
        for first, last in pairwise(line):
            at = np.clip((point - first) @ (last - first) / max((last - first) @ (last - first), 1e-12), 0, 1)
            reach.append(np.linalg.norm(point - first - at * (last - first)))
        assert min(reach) <= 0.25 + 1e-9


@pytest.mark.parametrize(
    ("span", "seen"), [("every frame", range(12)), ("this frame", [5]), ("from here on", range(5, 12))]
)
def test_a_stroke_counts_where_it_was_meant_to(span, seen):
    path = np.array([(10, 10, 1), (30, 20, 0.5)])
    stroke = brush_stroke(path, ToolOptions(width=6, span=span), frame=5, last=11, name="Brush 1")
    assert [frame for frame in range(12) if drawn(stroke, frame).any()] == list(seen)


@pytest.mark.parametrize("aspect", [(1, 1), (2, 1)])
def test_what_a_transform_shows_is_what_the_matte_holds_and_can_be_taken_back(aspect):
    still = drawn_shape(OVAL, 0, name="head")
    moved = still.model_copy(
        update={"transform": {"keys": [{"frame": 0, "translate": [4, -3], "rotate": 30, "scale": [0.5, 0.7]}]}}
    )
    placing = Placing.of(moved, 0, pixel_aspect=aspect[0] / aspect[1])
    shown = drawn_shape(placing.put(still.outline(0)), 0, name="head")
    matte = rasterise(file_of(moved).model_copy(update={"pixel_aspect": aspect}), 0, width=WIDTH, height=HEIGHT)
    np.testing.assert_allclose(matte, drawn(shown, 0), atol=1e-6)
    np.testing.assert_allclose(placing.taken(placing.put(OVAL)), OVAL, atol=1e-9)
    path = np.array([(1, 2, 0.5), (30, 4, 1)])
    np.testing.assert_allclose(placing.taken(placing.put(path)), path, atol=1e-9)


EDITS = {
    "insert": lambda shape, frame, point, chosen, at: insert_point(shape, point, at),
    "delete": lambda shape, frame, point, chosen, at: delete_points(shape, [point]),
    "smooth": lambda shape, frame, point, chosen, at: smooth_points(shape, [point]),
    "corner": lambda shape, frame, point, chosen, at: corner_points(shape, [point]),
    "key": lambda shape, frame, point, chosen, at: with_key(shape, frame, shape.outline(frame) + at),
    "unkey": lambda shape, frame, point, chosen, at: without_keys(shape, [chosen]),
    "move": lambda shape, frame, point, chosen, at: with_keys_moved(shape, [chosen], frame - 10),
    "hold": lambda shape, frame, point, chosen, at: with_interp(shape, [chosen], "hold"),
    "ease": lambda shape, frame, point, chosen, at: with_interp(shape, [chosen], "smooth"),
    "feather": lambda shape, frame, point, chosen, at: feather_points(shape, frame, {point: 9 * at}),
    "even": lambda shape, frame, point, chosen, at: even_feather(shape),
}


@settings(max_examples=60)
@given(
    shapes(),
    st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 20), st.integers(0, 9), shares), max_size=12),
)
def test_whatever_is_done_the_file_reads_and_its_keys_have_equal_points(shape, edits):
    for edit, frame, number, at in edits:
        point, chosen = number % len(shape.keys[0].points), key_frames(shape)[number % len(shape.keys)]
        shape = EDITS[edit](shape, frame, point, chosen, at) or shape
        assert len(counts(shape)) == 1 and len(set(key_frames(shape))) == len(shape.keys)
        assert parse_roto(dump_roto(file_of(shape))).shapes == (shape,)
