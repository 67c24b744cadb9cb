# SPDX-License-Identifier: GPL-3.0-or-later
"""How unsure frames are, and whether painting the frame that is named helps where it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.draft import Doubts, doubts, draft, guide

FRAMES, SIDE, TURN_FRAME = 24, 96, 11
TINT = np.array([1.0, 0.55, 0.3], np.float32)


def texture(seed: int, side: int = SIDE) -> np.ndarray:
    """(side, side, 3) in [0.1, 0.9]: blocks of three sizes, so that flow finds them."""
    generator = np.random.default_rng(seed)
    sheet = sum(
        np.kron(generator.random((side // block, side // block, 3)), np.ones((block, block, 1))) for block in (4, 8, 24)
    )
    return (0.1 + 0.8 * sheet / 3).astype(np.float32)


def turning(turn: int = TURN_FRAME) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Plates, mattes and perfect edits of a box that drifts over a ground and turns its other side at frame `turn`."""
    ground, sides = texture(0), (texture(1), texture(2))
    plates, mattes, edits = [], [], []
    for number in range(FRAMES):
        plate, matte = ground.copy(), np.zeros((SIDE, SIDE), np.float32)
        box = (slice(24, 72), slice(12 + number, 60 + number))
        plate[box] = sides[number >= turn][24:72, 24:72]
        matte[box] = 1
        plates.append(plate)
        mattes.append(matte)
        edits.append(np.where(matte[..., None] > 0, plate * TINT, plate))
    return plates, mattes, edits


def doubted(plates: list[np.ndarray], mattes: list[np.ndarray], *keyframes: int) -> Doubts:
    return doubts([guide(plate, matte) for plate, matte in zip(plates, mattes, strict=True)], set(keyframes))


def psnr(picture: np.ndarray, truth: np.ndarray, matte: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((picture - truth)[matte > 0] ** 2) + 1e-9))


@pytest.fixture(scope="module")
def scene() -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    return turning()


def test_what_no_keyframe_showed_is_unsure_and_the_rest_is_not(scene) -> None:
    plates, mattes, _ = scene
    found = doubted(plates, mattes, 0)
    assert found.uncertainty[0] == 0
    assert max(found.uncertainty[1:TURN_FRAME]) < 0.3 < 0.7 < min(found.uncertainty[TURN_FRAME:])
    # The other side appears at once; before and after it each frame shows the next one's region.
    assert int(np.argmin(found.continuity)) == TURN_FRAME and found.continuity[TURN_FRAME] < 0.4
    assert min(np.delete(found.continuity, TURN_FRAME)) > 0.6


def test_a_keyframe_where_the_hint_says_raises_the_frames_near_it(scene) -> None:
    plates, mattes, edits = scene
    hint = doubted(plates, mattes, 0).next_keyframe
    assert hint is not None and hint >= TURN_FRAME
    before, after = (
        draft(plates, mattes, edited={index: edits[index] for index in keyframes}) for keyframes in ((0,), (0, hint))
    )
    gains = [
        psnr(after[index].picture, edits[index], mattes[index])
        - psnr(before[index].picture, edits[index], mattes[index])
        for index in range(TURN_FRAME, FRAMES)
        if index != hint
    ]
    assert np.mean(gains) > 3 and min(gains) > -0.2
    assert doubted(plates, mattes, 0, hint).gain < doubted(plates, mattes, 0).gain


def test_the_hint_beats_a_frame_that_a_keyframe_showed_already(scene) -> None:
    plates, mattes, edits = scene
    hint = doubted(plates, mattes, 0).next_keyframe
    assert hint is not None

    def mean_psnr(*keyframes: int) -> float:
        made = draft(plates, mattes, edited={index: edits[index] for index in keyframes})
        return float(np.mean([psnr(m.picture, e, k) for m, e, k in zip(made, edits, mattes, strict=True)]))

    assert mean_psnr(0, hint) > mean_psnr(0, 5) + 1


def test_where_everything_was_shown_nothing_is_asked_for() -> None:
    plate, matte = texture(3), np.zeros((SIDE, SIDE), np.float32)
    matte[30:60, 30:60] = 1
    found = doubted([plate] * 5, [matte] * 5, 0)
    assert found.next_keyframe is None and found.gain == 0
    assert max(found.uncertainty) < 0.05 and min(found.continuity) > 0.95


def test_frames_without_the_region_are_in_no_doubt() -> None:
    plates, mattes, _ = turning()
    for index in range(4, 10):
        mattes[index] = np.zeros_like(mattes[index])
    found = doubted(plates[:14], mattes[:14], 0)
    assert max(found.uncertainty[4:10]) == 0
    assert found.next_keyframe not in range(4, 10)


@settings(max_examples=15)
@given(st.sets(st.integers(0, 5), min_size=1), st.integers(0, 3))
def test_every_number_is_a_share_and_the_hint_is_no_keyframe(keyframes: set[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    plates = list(generator.random((6, 24, 32, 3)).astype(np.float32))
    mattes = list((generator.random((6, 24, 32)) > 0.6).astype(np.float32))
    found = doubted(plates, mattes, *keyframes)
    assert len(found.uncertainty) == len(found.continuity) == 6
    assert all(0 <= share <= 1 for share in (*found.uncertainty, *found.continuity))
    assert all(found.uncertainty[index] < 0.01 for index in keyframes)
    assert found.next_keyframe not in keyframes
    assert (found.next_keyframe is None) == (found.gain == 0)
