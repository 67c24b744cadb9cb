# SPDX-License-Identifier: GPL-3.0-or-later
"""The crop's way through a clip: the region always held, one size, an even camera, and no motion for nothing."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.geometry import (
    MOST_ACCELERATION,
    WORTH_FOLLOWING,
    CropPlan,
    CropTrack,
    Rect,
    crop_to_model,
    matte_to_model,
    model_to_crop,
    plan_crop,
    plan_track,
    union,
)


@st.composite
def wanderings(draw):
    """A region on its way through a frame of any size, absent on some frames, whole or partly outside on others."""
    width, height = draw(st.integers(4, 2000)), draw(st.integers(4, 1200))
    count, first = draw(st.integers(1, 40)), draw(st.integers(0, 100))
    side = [draw(st.integers(1, max(length // draw(st.integers(1, 8)), 1))) for length in (width, height)]
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    speed, jitter = draw(st.sampled_from([0, 2, 30, 300])), draw(st.sampled_from([0, 1, 40]))
    path = generator.uniform((0, 0), (width, height)) + np.cumsum(generator.normal(0, speed, (count, 2)), axis=0)
    bounds = {}
    for number, (x, y) in enumerate(path + generator.normal(0, jitter, (count, 2)), start=first):
        left, top = min(max(round(x), 0), width - 1), min(max(round(y), 0), height - 1)
        if not bounds or generator.random() < 0.8:
            bounds[number] = Rect(left, top, min(side[0], width - left), min(side[1], height - top))
    grid = draw(st.sampled_from([8, 16, 32]))
    return {
        "bounds": bounds,
        "frames": range(first, first + count),
        "frame_width": width,
        "frame_height": height,
        "grid": grid,
        "budget_px": grid * grid * draw(st.sampled_from([1, 36, 484])),
        "context": draw(st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(1)])),
    }


def without_frames(case: dict) -> dict:
    return {name: value for name, value in case.items() if name not in ("bounds", "frames")}


@given(wanderings())
def test_the_region_is_held_on_every_frame_by_a_crop_inside_the_frame(case) -> None:
    track = plan_track(**case)
    frame = Rect(0, 0, case["frame_width"], case["frame_height"])
    assert len(track.plans) == len(case["frames"])
    assert all(frame.covers(track.at(number).rect) for number in case["frames"])
    assert all(track.at(number).rect.covers(rect) for number, rect in case["bounds"].items())
    plan = track.plans[0]
    assert plan.model_width % case["grid"] == plan.model_height % case["grid"] == 0
    assert plan.model_width * plan.model_height <= case["budget_px"]
    still = CropTrack.still(plan_crop(union(*case["bounds"].values()), **without_frames(case)), frames=case["frames"])
    share = case["context"] / (1 if track == still else 2)
    for number, rect in case["bounds"].items():
        crop = track.at(number).rect
        across, down = math.ceil(rect.width * share), math.ceil(rect.height * share)
        assert crop.x <= max(rect.x - across, 0) and crop.y <= max(rect.y - down, 0)
        assert crop.x + crop.width >= min(rect.x + rect.width + across, case["frame_width"])
        assert crop.y + crop.height >= min(rect.y + rect.height + down, case["frame_height"])


@given(wanderings())
def test_a_crop_moves_evenly_and_only_where_that_shows_the_region_larger(case) -> None:
    track = plan_track(**case)
    still = plan_crop(union(*case["bounds"].values()), **without_frames(case))
    if not track.moves:
        # A region at rest may be followed by a crop at rest that does not hold the jitter's context.
        assert track.plans[0] == still or track.plans[0].magnification >= WORTH_FOLLOWING * still.magnification
        return
    assert track.plans[0].magnification >= WORTH_FOLLOWING * still.magnification
    size = track.plans[0].rect
    places = np.array([(plan.rect.x, plan.rect.y) for plan in track.plans])
    bend = np.abs(np.diff(places, 2, axis=0)).max(axis=0, initial=0)
    assert bend[0] <= size.width * MOST_ACCELERATION + 2
    assert bend[1] <= size.height * MOST_ACCELERATION + 2


def crossing(*, frames: int = 48, wobble: float = 0.0, speed: float = 12.0) -> dict:
    """A region of 60x80 that crosses an HD frame evenly, its outline jittering."""
    generator = np.random.default_rng(3)
    noise = generator.normal(0, wobble, frames) if wobble else np.zeros(frames)
    return {
        "bounds": {n: Rect(round(100 + speed * n + noise[n]), 300, 60, 80) for n in range(frames)},
        "frames": range(frames),
        "frame_width": 1280,
        "frame_height": 720,
        "grid": 8,
        "budget_px": 176 * 176,
        "context": Fraction(1, 4),
    }


def test_even_motion_is_followed_without_lag_at_the_size_of_the_object() -> None:
    case = crossing()
    track = plan_track(**case)
    alone = plan_crop(case["bounds"][20], **without_frames(case))
    assert track.moves
    assert (track.plans[0].rect.width, track.plans[0].rect.height) == (alone.rect.width, alone.rect.height)
    lag = [track.at(n).rect.x + alone.rect.width / 2 - rect.x - 30 for n, rect in case["bounds"].items()]
    assert max(map(abs, lag)) <= 1


def test_jitter_does_not_shake_the_camera() -> None:
    lefts = np.array([plan.rect.x for plan in plan_track(**crossing(wobble=4)).plans])
    assert np.abs(np.diff(lefts, 2)).max() <= 2
    np.testing.assert_allclose(np.diff(lefts), 12, atol=3)


def test_a_region_that_stays_about_where_it_is_gets_a_crop_at_rest() -> None:
    assert not plan_track(**crossing(speed=0.2)).moves


def test_a_region_that_jumps_is_not_chased() -> None:
    case = crossing()
    case["bounds"] = {n: Rect(100 if n % 16 < 8 else 900, 300, 60, 80) for n in range(48)}
    assert not plan_track(**case).moves


def test_where_the_region_is_away_the_crop_travels_evenly() -> None:
    case = crossing()
    present = {n: rect for n, rect in case["bounds"].items() if not 10 <= n < 30}
    whole, gap = plan_track(**case), plan_track(**(case | {"bounds": present}))
    assert gap.moves
    assert [plan.rect for plan in gap.plans] == [plan.rect for plan in whole.plans]


def test_an_even_way_along_the_border_is_followed_to_the_corner() -> None:
    case = crossing()
    case["bounds"] = {n: Rect(1220 - 26 * n if n < 47 else 0, 0, 60, 80) for n in range(48)}
    track = plan_track(**case)
    assert track.moves
    assert track.at(0).rect.x + track.at(0).rect.width == 1280
    assert track.at(47).rect.x == track.at(47).rect.y == 0


def test_a_clip_of_one_frame_has_a_crop_at_rest() -> None:
    case = crossing(frames=1)
    assert plan_track(**case) == CropTrack.still(plan_crop(case["bounds"][0], **without_frames(case)), frames=range(1))


def test_a_track_is_asked_by_clip_frame_number_and_has_one_size() -> None:
    plans = tuple(CropPlan(Rect(x, 0, 8, 8), 16, 16) for x in range(3))
    track = CropTrack(10, plans)
    assert track.moves
    assert track.at(12) is plans[2]
    for outside in (9, 13):
        with pytest.raises(IndexError):
            track.at(outside)
    with pytest.raises(ValueError, match="one size"):
        CropTrack(0, (plans[0], CropPlan(Rect(0, 0, 9, 8), 16, 16)))
    with pytest.raises(ValueError, match="one size"):
        CropTrack(0, ())


def test_no_region_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no frame shows"):
        plan_track(**(crossing() | {"bounds": {}}))


@given(st.data())
def test_there_and_back_equals_the_slow_twin_and_leaves_the_rest_alone(data) -> None:
    """Crop, model size, back and pasted by the matte, held against loops over pixels where sizes divide evenly."""
    scale, grid = data.draw(st.sampled_from([1, 2, 3])), 4
    columns, rows = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    rect = Rect(data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5)), columns * grid * scale, rows * grid * scale)
    plan = CropPlan(rect, columns * grid, rows * grid)
    generator = np.random.default_rng(data.draw(st.integers(0, 999)))
    frame = generator.random((rect.y + rect.height + 3, rect.x + rect.width + 2, 3), np.float32)
    matte = np.zeros(frame.shape[:2], np.float32)
    inside = rect.grown(-1, frame_width=frame.shape[1], frame_height=frame.shape[0])
    matte[inside.slices] = generator.random((inside.height, inside.width)) > 0.5

    seen, generate = crop_to_model(frame[rect.slices], plan), matte_to_model(matte, plan)
    for row in range(plan.model_height):
        for column in range(plan.model_width):
            block = (
                slice(rect.y + row * scale, rect.y + (row + 1) * scale),
                slice(rect.x + column * scale, rect.x + (column + 1) * scale),
            )
            np.testing.assert_allclose(seen[row, column], frame[block].mean(axis=(0, 1)), atol=1e-6)
            assert generate[row, column] == matte[block].any()
    back = model_to_crop(1 - seen, plan)
    pasted = frame.copy()
    pasted[rect.slices] += matte[rect.slices][..., None] * (back - frame[rect.slices])
    assert np.array_equal(pasted[matte == 0], frame[matte == 0])
    np.testing.assert_allclose(pasted[matte == 1], back[matte[rect.slices] == 1], atol=1e-6)
    # Whatever is pasted was generated: no pixel of the matte shows what the model was given as kept.
    assert model_to_crop(generate[..., None], plan)[matte[rect.slices] > 0].min() > 0
