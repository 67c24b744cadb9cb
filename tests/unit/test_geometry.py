# SPDX-License-Identifier: GPL-3.0-or-later
"""Crop, grid, padding and windows, by properties over many sizes."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maskedit.geometry import (
    MAX_ENLARGEMENT,
    CropPlan,
    Rect,
    aspect_error_px,
    bounds_of,
    crop_to_model,
    matte_to_model,
    model_to_crop,
    pad_indices,
    padded_length,
    placed,
    plan_crop,
    resized,
    union,
    windows,
)

GRIDS = st.sampled_from([8, 16, 32])


@st.composite
def rects(draw, width: int, height: int) -> Rect:
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Rect(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@st.composite
def crops(draw):
    """A frame of any size from tiny to UHD, a region in it, a model's grid and budget."""
    width, height = draw(st.integers(8, 4096)), draw(st.integers(8, 2304))
    grid = draw(GRIDS)
    return {
        "bounds": draw(rects(width, height)),
        "frame_width": width,
        "frame_height": height,
        "grid": grid,
        "budget_px": draw(st.sampled_from([128 * 128, 160 * 160, 832 * 480])),
        "context": draw(st.sampled_from([Fraction(0), Fraction(1, 8), Fraction(1, 4), Fraction(1)])),
    }


@given(crops())
def test_crop_covers_the_region_and_lies_inside_the_frame(case):
    plan = plan_crop(**case)
    assert Rect(0, 0, case["frame_width"], case["frame_height"]).covers(plan.rect)
    assert plan.rect.covers(case["bounds"])


@given(crops())
def test_model_size_is_whole_cells_within_the_budget(case):
    plan = plan_crop(**case)
    assert plan.model_width % case["grid"] == 0 and plan.model_height % case["grid"] == 0
    assert 0 < plan.model_width * plan.model_height <= case["budget_px"]
    assert min(plan.model_width, plan.model_height) >= 2 * case["grid"]


@given(crops())
def test_aspect_is_kept_within_a_cell(case):
    narrow = Fraction(max(case["frame_width"], case["frame_height"]), min(case["frame_width"], case["frame_height"]))
    assume(narrow <= 8)
    assert aspect_error_px(plan_crop(**case)) <= case["grid"]


@given(crops())
def test_never_enlarged_beyond_the_limit_where_the_frame_is_big_enough(case):
    assume(min(case["frame_width"], case["frame_height"]) * MAX_ENLARGEMENT >= 2 * case["grid"])
    plan = plan_crop(**case)
    whole_cells_of_frame = (case["frame_width"] * MAX_ENLARGEMENT, case["frame_height"] * MAX_ENLARGEMENT)
    assert plan.model_width <= min(plan.rect.width * MAX_ENLARGEMENT, whole_cells_of_frame[0])
    assert plan.model_height <= min(plan.rect.height * MAX_ENLARGEMENT, whole_cells_of_frame[1])


@given(crops())
def test_context_surrounds_the_region_where_the_frame_has_it(case):
    plan, bounds = plan_crop(**case), case["bounds"]
    assert plan.rect.width >= min(bounds.width * (1 + 2 * case["context"]), case["frame_width"])
    assert plan.rect.height >= min(bounds.height * (1 + 2 * case["context"]), case["frame_height"])


@given(crops(), st.fractions(0, 4096), st.fractions(0, 4096))
def test_the_way_to_the_model_and_back_is_the_identity(case, x, y):
    plan = plan_crop(**case)
    assert plan.to_source(*plan.to_model(x, y)) == (x, y)
    assert plan.to_model(Fraction(plan.rect.x), Fraction(plan.rect.y)) == (0, 0)
    corner = Fraction(plan.rect.x + plan.rect.width), Fraction(plan.rect.y + plan.rect.height)
    assert plan.to_model(*corner) == (plan.model_width, plan.model_height)


def test_a_moderate_region_uses_most_of_the_budget():
    plan = plan_crop(
        Rect(200, 80, 120, 150), frame_width=640, frame_height=360, grid=16, budget_px=144 * 144, context=Fraction(1, 4)
    )
    assert plan.model_width * plan.model_height > 0.85 * 144 * 144
    assert plan.model_height > plan.model_width


def test_impossible_crops_are_refused():
    inside = {"frame_width": 64, "frame_height": 64, "grid": 16, "context": Fraction(0)}
    with pytest.raises(ValueError, match="inside the frame"):
        plan_crop(Rect(60, 0, 8, 8), budget_px=1024, **inside)
    with pytest.raises(ValueError, match="budget"):
        plan_crop(Rect(0, 0, 8, 8), budget_px=255, **inside)


def test_resampling_keeps_position_and_range():
    """A linear ramp stays that ramp on the way to the model and back: no half-pixel shift, no overshoot."""
    columns = (np.arange(256, dtype=np.float32) + 0.5) / 256
    picture = np.repeat(np.tile(columns, (192, 1))[..., None], 3, axis=2)
    plan = CropPlan(Rect(32, 16, 160, 120), model_width=64, model_height=48)
    small = crop_to_model(picture[plan.rect.slices], plan)
    assert small.shape == (48, 64, 3)
    centres = [float(plan.to_source(Fraction(2 * i + 1, 2), Fraction(0))[0]) / 256 for i in range(64)]
    np.testing.assert_allclose(small[10, :, 0], centres, atol=5e-4)
    back = model_to_crop(small, plan)
    assert back.shape == (120, 160, 3)
    np.testing.assert_allclose(back[:, 6:-6], picture[plan.rect.slices][:, 6:-6], atol=1e-3)
    step = np.zeros((20, 20), np.float32)
    step[:, 10:] = 1
    enlarged = resized(step, 50, 50)
    assert enlarged.min() == 0 and enlarged.max() == 1


@given(st.data())
def test_matte_to_model_is_any_over_the_touched_pixels(data):
    matte = np.zeros((24, 30), np.float32)
    for _ in range(data.draw(st.integers(0, 3))):
        matte[data.draw(st.integers(0, 23)), data.draw(st.integers(0, 29))] = 0.01
    plan = CropPlan(data.draw(rects(30, 24)), data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40)))
    reduced = matte_to_model(matte, plan)
    assert reduced.shape == (plan.model_height, plan.model_width)
    cut = matte[plan.rect.slices]
    for _ in range(10):
        row, column = data.draw(st.integers(0, plan.model_height - 1)), data.draw(st.integers(0, plan.model_width - 1))
        touched = any(
            cut[y, x] > 0
            for y in range(plan.rect.height)
            for x in range(plan.rect.width)
            if y * plan.model_height < (row + 1) * plan.rect.height
            and (y + 1) * plan.model_height > row * plan.rect.height
            and x * plan.model_width < (column + 1) * plan.rect.width
            and (x + 1) * plan.model_width > column * plan.rect.width
        )
        assert reduced[row, column] == float(touched)


def test_bounds_of_the_inside_only():
    matte = np.zeros((9, 12), np.float32)
    assert bounds_of(matte) is None
    matte[2, 3], matte[6, 10] = 0.001, 1
    assert bounds_of(matte) == Rect(3, 2, 8, 5)


@given(st.data())
def test_union_is_the_smallest_cover(data):
    first, second = data.draw(rects(50, 40)), data.draw(rects(50, 40))
    joined = union(first, None, second)
    assert joined is not None and joined.covers(first) and joined.covers(second)
    assert joined.x in (first.x, second.x) and joined.y in (first.y, second.y)
    assert joined.x + joined.width in (first.x + first.width, second.x + second.width)
    assert joined.y + joined.height in (first.y + first.height, second.y + second.height)
    assert union(None) is None


@given(st.data())
def test_grown_stays_inside(data):
    rect, by = data.draw(rects(50, 40)), data.draw(st.integers(0, 60))
    grown = rect.grown(by, frame_width=50, frame_height=40)
    assert grown.covers(rect) and Rect(0, 0, 50, 40).covers(grown)
    assert grown.x == max(0, rect.x - by) and grown.y + grown.height == min(40, rect.y + rect.height + by)


@given(st.integers(1, 400), st.sampled_from([1, 4, 8]))
def test_padding_repeats_the_last_frame_only(frames, factor):
    length = padded_length(frames, temporal_factor=factor)
    assert (length - 1) % factor == 0 and frames <= length < frames + factor
    indices = pad_indices(frames, temporal_factor=factor)
    assert len(indices) == length
    assert indices[:frames] == tuple(range(frames)) and set(indices[frames:]) <= {frames - 1}


@given(st.integers(1, 300), st.integers(1, 60), st.data())
def test_windows_cover_every_frame_with_the_overlap(frames, length, data):
    overlap = data.draw(st.integers(0, length - 1))
    cut = windows(frames, length=length, overlap=overlap)
    assert set().union(*cut) == set(range(frames))
    assert all(len(window) == min(length, frames) for window in cut)
    for window, following in pairwise(cut):
        assert window.start < following.start
        assert window.stop - following.start >= overlap


def test_impossible_windows_are_refused():
    for frames, length, overlap in ((0, 9, 1), (20, 9, 9), (20, 9, -1)):
        with pytest.raises(ValueError, match="windows"):
            windows(frames, length=length, overlap=overlap)


@given(rects(12, 9), rects(12, 9))
def test_what_is_placed_elsewhere_keeps_its_pixels(at: Rect, within: Rect) -> None:
    frame = np.zeros((9, 12), np.float32)
    frame[at.slices] = np.arange(1, at.width * at.height + 1).reshape(at.height, at.width)
    np.testing.assert_array_equal(placed(frame[at.slices], at=at, within=within), frame[within.slices])
