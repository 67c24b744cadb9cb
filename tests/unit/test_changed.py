# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keyframe changed, whatever else became of it, and where that is on other frames."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.draft import follow, guide, to_codes
from maskedit.draft.following import motions
from maskedit.finishing_benchmark._mane import HEIGHT, WIDTH, mane
from maskedit.mattes import changed
from maskedit.mattes.changed import drift_between


@pytest.fixture(scope="module")
def plate() -> np.ndarray:
    return mane(11, frames=1).plates[0]


def painted(plate: np.ndarray, *boxes: tuple[slice, slice]) -> np.ndarray:
    picture = plate.copy()
    for box in boxes:
        picture[box] = 1 - 0.8 * picture[box]
    return picture


@settings(max_examples=15)
@given(gain=st.floats(0.9, 1.1), offset=st.floats(-0.03, 0.03), share=st.floats(0, 0.6), seed=st.integers(0, 9))
def test_an_even_drift_is_found_beside_any_painting(plate, gain, offset, share, seed) -> None:
    """The twin: a plain least-squares fit that is told which pixels were painted."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 1 / 255, plate.shape)
    keyframe = (plate * gain + offset + noise).astype(np.float32)
    rows = round(share * HEIGHT)
    keyframe[:rows] = generator.random((rows, WIDTH, 3), np.float32)
    found = drift_between(plate, keyframe)
    for channel in range(3):
        kept = plate[rows:, :, channel].ravel(), keyframe[rows:, :, channel].ravel()
        slope, start = np.polyfit(*kept, 1)
        ends = np.array([0.1, 0.9])
        np.testing.assert_allclose(found.gain[channel] * ends + found.offset[channel], slope * ends + start, atol=0.02)


@pytest.mark.parametrize("moved", [0.0, 0.6])
@pytest.mark.parametrize(("gain", "offset", "noise"), [(1, 0, 0), (1.05, 0.01, 2), (0.95, -0.01, 3)])
def test_what_was_painted_is_covered_and_little_else(plate, moved, gain, offset, noise) -> None:
    box = slice(60, 110), slice(70, 130)
    generator = np.random.default_rng(0)
    keyframe = painted(plate, box) * gain + offset + generator.normal(0, noise / 255, plate.shape)
    move = np.float32([[1, 0, moved], [0, 1, -moved]])
    keyframe = cv2.warpAffine(keyframe.astype(np.float32), move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    found = changed(plate, np.clip(keyframe, 0, 1))
    truth = np.zeros((HEIGHT, WIDTH), bool)
    truth[box] = True
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert found[truth].mean() > 0.98
    assert found.sum() < 1.2 * truth.sum()


def test_things_far_apart_have_a_hull_each(plate) -> None:
    boxes = (slice(10, 40), slice(10, 40)), (slice(120, 150), slice(150, 190))
    found = changed(plate, painted(plate, *boxes))
    assert all(found[box].mean() > 0.97 for box in boxes)
    assert cv2.connectedComponents(found.astype(np.uint8))[0] == 3
    # An L becomes its hull.
    corner = changed(plate, painted(plate, (slice(40, 120), slice(40, 60)), (slice(100, 120), slice(40, 120))))
    assert corner[75, 75] == 1 and corner[50, 110] == 0


def test_specks_and_noise_are_no_change(plate) -> None:
    generator = np.random.default_rng(2)
    keyframe = np.clip(plate * 1.03 + generator.normal(0, 2 / 255, plate.shape), 0, 1).astype(np.float32)
    keyframe[30, 40] = 1 - keyframe[30, 40]
    assert not changed(plate, keyframe).any()


def test_a_quarter_of_the_frame_may_be_painted_over_and_more(plate) -> None:
    for rows in (HEIGHT // 4, HEIGHT // 2):
        found = changed(plate, painted(plate, (slice(0, rows), slice(0, WIDTH))))
        assert found[:rows].mean() > 0.97 and found[rows + 4 :].mean() < 0.03


MOVES = st.builds(
    lambda angle, scale, x, y: (angle, scale, x, y),
    st.floats(-0.2, 0.2),
    st.floats(0.9, 1.1),
    st.floats(-8, 8),
    st.floats(-8, 8),
)


def similarity(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    across, down = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[across, -down, x], [down, across, y]])


def flow_of(motion: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    there = np.einsum("ij,jhw->ihw", motion, np.stack([columns, rows, np.ones_like(rows)]))
    return np.stack([there[0] - columns, there[1] - rows], axis=-1).astype(np.float32)


@settings(max_examples=20)
@given(MOVES, MOVES)
def test_both_motions_under_a_matte_are_found(first, second) -> None:
    one, other = similarity(*first), similarity(*second)
    flow = flow_of(one, 40, 60)
    flow[:, 40:] = flow_of(other, 40, 60)[:, 40:]
    corners = np.array([[0, 0, 1], [59, 0, 1], [0, 39, 1], [59, 39, 1]]).T
    found = motions(np.ones((40, 60), np.float32), flow)
    apart = np.abs(one @ corners - other @ corners).max()
    for motion in (one, other) if apart > 30 else (one,):
        assert min(np.abs(each @ corners - motion @ corners).max() for each in found) < 4


def test_an_empty_matte_has_no_motion() -> None:
    assert motions(np.zeros((20, 20), np.float32), np.zeros((20, 20, 2), np.float32)) == []


def test_a_mane_goes_with_its_ball_though_the_ground_shows_through_it() -> None:
    """Fetching alone would leave the hair behind with the ground."""
    scene = mane(3, frames=10)
    unknown = np.zeros((HEIGHT, WIDTH), np.float32)
    guides = [guide(plate, unknown) for plate in scene.plates]
    height, width = guides[0].search.shape
    small = cv2.resize(changed(scene.plates[0], scene.truths[0]), (width, height))
    guides[0] = replace(guides[0], edit_matte=to_codes(small))
    apart = np.abs(scene.truths - scene.plates).max(axis=-1) > 8 / 255
    followed = [cv2.resize(matte, (WIDTH, HEIGHT)) >= 0.5 for matte in follow(guides, [0])]
    assert min(matte[there].mean() for matte, there in zip(followed, apart, strict=True)) > 0.99
    assert max(matte.sum() / there.sum() for matte, there in zip(followed, apart, strict=True)) < 3
