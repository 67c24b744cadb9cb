# SPDX-License-Identifier: GPL-3.0-or-later
"""The rim of a generated region: its colours run into the plate's, and the edit's own stand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.checking import report
from maskedit.request import EditRequest, Finish, Keyframe, Matte, MediaReference, Region, to_json
from maskedit.rim import match_rim

SIZE = 66


def disc(radius: float, *, size: int = SIZE) -> np.ndarray:
    rows, columns = np.mgrid[0:size, 0:size] - (size - 1) / 2
    return (rows**2 + columns**2 <= radius**2).astype(np.float32)


def plain(value: float, *, size: int = SIZE) -> np.ndarray:
    return np.full((size, size, 3), value, np.float32)


def slow_twin(generated: np.ndarray, plate: np.ndarray, edit_matte: np.ndarray) -> np.ndarray:
    """Every pixel of the region by a sum over every pixel of the ring, kernels and all."""
    height, width = edit_matte.shape
    inside = edit_matte > 0
    ring = [
        (row, column)
        for row, column in np.ndindex(height, width)
        if not inside[row, column]
        and any(
            0 <= row + down < height and 0 <= column + across < width and inside[row + down, column + across]
            for down, across in ((1, 0), (-1, 0), (0, 1), (0, -1))
        )
    ]
    reach = max(1.0, math.sqrt(height * width) / 11)
    sigmas = [2.0**octave for octave in range(math.floor(math.log2(reach)) + 1)]
    result = generated.astype(np.float64)
    for row, column in zip(*np.nonzero(inside), strict=True):
        drift, weight = np.zeros(3), 0.0
        for y, x in ring:
            squared = (y - row) ** 2 + (x - column) ** 2
            kernel = sum(math.exp(-squared / (2 * sigma**2)) / sigma**2 for sigma in sigmas)
            drift += kernel * np.clip(plate[y, x] - generated[y, x], -0.2, 0.2)
            weight += kernel
        depth = min(math.hypot(y - row, x - column) for y, x in zip(*np.nonzero(~inside), strict=True))
        result[row, column] += math.exp(-depth / reach) * drift / weight
    return result.clip(0, 1)


def test_it_equals_the_slow_twin_that_sums_over_the_ring() -> None:
    generator = np.random.default_rng(0)
    plate, generated = generator.uniform(0.3, 0.7, (2, 28, 28, 3)).astype(np.float32)
    matte = disc(6.3, size=28)
    matched = match_rim(generated, plate, matte)
    expected = slow_twin(generated, plate, matte)
    # The fast one cuts its Gaussians off after four deviations.
    np.testing.assert_allclose(matched, expected, atol=2e-3)
    assert np.abs(expected - generated).max() > 0.05


def test_a_constant_drift_is_taken_out_at_the_rim_and_fades_inside() -> None:
    matte, plate, edit = disc(26), plain(0.5), plain(0.5)
    edit[disc(20) > 0] = (0.9, 0.2, 0.1)
    drifted = edit - np.float32([0.04, -0.03, 0.02])
    matched = match_rim(drifted, plate, matte)
    middle = SIZE // 2
    error = np.abs(matched - edit).max(axis=2)
    assert error[middle, middle - 25] < 0.012, "beside the plate there is no step left"
    assert error[middle, middle] > 0.033, "deep inside the colours are the edit's own"
    along = error[middle, middle - 25 : middle]
    assert (np.diff(along) > -1e-6).all()


@given(
    seed=st.integers(0, 999),
    strength=st.floats(0, 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
)
def test_outside_the_matte_nothing_changes_and_inside_no_more_than_the_limit(
    seed: int, strength: float, height: int, width: int, share: float
) -> None:
    generator = np.random.default_rng(seed)
    plate, generated = generator.random((2, height, width, 3), np.float32)
    matte = (generator.random((height, width)) < share).astype(np.float32)
    matched = match_rim(generated, plate, matte, strength=strength)
    assert matched.dtype == np.float32
    assert np.array_equal(matched[matte == 0], generated[matte == 0])
    assert matched.min() >= 0 and matched.max() <= 1
    assert np.abs(matched - generated).max(initial=0) <= 0.2 * strength + 1e-6


def test_strength_is_the_share_of_the_whole_match() -> None:
    matte, plate, generated = disc(15), plain(0.5), plain(0.45)
    whole = match_rim(generated, plate, matte) - generated
    half = match_rim(generated, plate, matte, strength=0.5) - generated
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)
    assert np.array_equal(match_rim(generated, plate, matte, strength=0), generated)


def test_a_picture_edited_all_over_has_no_rim_to_match() -> None:
    generated = plain(0.2)
    assert np.array_equal(match_rim(generated, plain(0.5), np.ones((SIZE, SIZE), np.float32)), generated)


def test_where_the_matte_cuts_through_what_was_repainted_the_edit_is_pulled_a_little_only() -> None:
    """Black repainted white, and the matte ends within it: that difference is no drift."""
    matched = match_rim(plain(1.0), plain(0.0), disc(15))
    assert matched.min() > 0.79


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan])
def test_a_strength_outside_the_scale_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="strength"):
        match_rim(plain(0.5), plain(0.5), disc(9), strength=strength)


@pytest.mark.parametrize("strength", [-0.1, 1.5])
def test_a_request_for_such_a_strength_is_refused_in_words(strength: float) -> None:
    nowhere = MediaReference(locations=("/nowhere/clip.mov",))
    request = EditRequest(
        target=nowhere,
        regions=(Region(mattes=(Matte(media=nowhere),)),),
        keyframes=(Keyframe(frame=0, image=nowhere),),
        finish=Finish(rim_colour=strength),
    )
    said = report(to_json(request))
    assert not said["ok"]
    assert "give 0 (off) to 1" in said["error"]
