# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion blur: added where the plate has it, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskedit.matching.shutter import with_shutter

SIDE, STEP = 192, 8


def texture(step: float, *, open_share: float) -> np.ndarray:
    """A texture that has moved across by `step` pixels, seen through a shutter open for a share of `STEP` pixels."""
    noise = np.random.default_rng(0).random((SIDE + 64, SIDE + 64, 3)).astype(np.float32)
    wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), np.empty(()), 0.1, 0.9, cv2.NORM_MINMAX)
    instants = [step + STEP * open_share * share for share in np.linspace(-0.5, 0.5, 17)]
    seen = [
        cv2.warpAffine(wide, np.array([[1, 0, at - 32], [0, 1, -32]], np.float32), (SIDE, SIDE), flags=cv2.INTER_CUBIC)
        for at in instants
    ]
    return np.mean(seen, axis=0, dtype=np.float32)


def error(picture: np.ndarray, truth: np.ndarray) -> float:
    return float(np.square(picture - truth)[24:-24, 24:-24].mean())


def test_a_sharp_edit_of_a_smeared_plate_gets_nearer_to_its_truth() -> None:
    tint = np.array([0.9, 0.6, 0.3], np.float32)
    before, plate = texture(0, open_share=0.5), texture(STEP, open_share=0.5)
    sharp, truth = texture(STEP, open_share=0.0) * tint, plate * tint
    matched = with_shutter(sharp, plate, before=before, strength=1.0)
    assert error(matched, truth) < 0.8 * error(sharp, truth)
    # One that is smeared already is left nearly as it is.
    assert error(with_shutter(truth, plate, before=before, strength=1.0), truth) < 0.05 * error(sharp, truth)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_plate_that_stands_still_smears_nothing(strength: float) -> None:
    plate, sharp = texture(0, open_share=0.5), texture(0, open_share=0.0)
    np.testing.assert_array_equal(with_shutter(sharp, plate, before=plate, strength=strength), sharp)


def test_with_no_strength_nothing_is_smeared() -> None:
    before, plate, sharp = (texture(step, open_share=0.5) for step in (0, STEP, STEP))
    np.testing.assert_array_equal(with_shutter(sharp, plate, before=before, strength=0.0), sharp)
