# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharpness: edges measured, and brought to the plate's without a halo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.matching.sharpness import Softness, edge_width, matched_sharpness, measure_softness

SIDE = 160
EVERYWHERE = np.ones((SIDE, SIDE), bool)
MATTE = np.ones((SIDE, SIDE), np.float32)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma) if sigma else picture


def discs(*, seed: int = 0, light: float = 0.8) -> np.ndarray:
    """(SIDE, SIDE, 3): discs whose edges are a pixel wide at most."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    picture = np.full((SIDE, SIDE), 0.3, np.float32)
    for y, x, radius in generator.uniform((10, 10, 6), (150, 150, 22), (9, 3)):
        covered = np.clip(radius - np.hypot(rows - y, columns - x) + 0.5, 0, 1)
        picture += covered * (generator.uniform(0.5, light) - picture)
    return np.repeat(picture[..., None], 3, axis=-1).astype(np.float32)


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("grain", [0.0, 0.01])
def test_the_width_of_edges_is_found(sigma: float, grain: float) -> None:
    picture = blurred(discs(), sigma) + grain * np.random.default_rng(1).standard_normal((SIDE, SIDE, 3))
    assert edge_width(picture.astype(np.float32), EVERYWHERE) == pytest.approx(sigma, rel=0.2)


def test_it_does_not_depend_on_what_is_shown() -> None:
    widths = [edge_width(blurred(discs(seed=seed, light=light), 1.5), EVERYWHERE) for seed, light in ((1, 0.6), (2, 1))]
    assert widths[0] == pytest.approx(widths[1], rel=0.15)


def test_without_edges_nothing_is_said_and_nothing_done() -> None:
    shading = np.linspace(0.2, 0.8, SIDE, dtype=np.float32)[None, :, None] * np.ones((SIDE, 1, 3), np.float32)
    assert edge_width(shading, EVERYWHERE) is None
    assert edge_width(discs(), ~EVERYWHERE) is None
    assert measure_softness(shading, discs(), MATTE) is None


@pytest.mark.parametrize("sigma", [1.0, 1.6])
def test_an_edit_that_kept_the_structure_gets_the_plates_own_detail(sigma: float) -> None:
    """Recoloured and softened: what comes back is nearer to the recoloured plate by far than any sharpening."""
    tint = np.array([0.9, 0.6, 0.3], np.float32)
    plate = discs()
    truth = plate * tint
    soft = blurred(truth, sigma)
    softness = measure_softness(plate, soft, MATTE)
    assert softness is not None and softness.lacking > 0
    matched = matched_sharpness(soft, plate, softness=softness, strength=1.0)
    assert np.square(matched - truth).mean() < 0.3 * np.square(soft - truth).mean()


@pytest.mark.parametrize("sigma", [1.0, 1.6])
def test_other_structure_is_steepened_towards_its_truth(sigma: float) -> None:
    plate, truth = discs(seed=1), discs(seed=2)
    soft = blurred(truth, sigma)
    softness = measure_softness(plate, soft, MATTE)
    assert softness is not None
    matched = matched_sharpness(soft, plate, softness=softness, strength=1.0)
    width = edge_width(matched, EVERYWHERE)
    assert width is not None and width < 0.85 * softness.generated
    assert np.square(matched - truth).mean() < np.square(soft - truth).mean()


def test_as_sharp_as_its_plate_it_stays_as_it_is() -> None:
    for sigma in (0.0, 1.0, 2.0):
        softness = measure_softness(blurred(discs(seed=1), sigma), blurred(discs(seed=2), sigma), MATTE)
        assert softness is not None and softness.lacking == 0
    picture = discs()
    assert matched_sharpness(picture, discs(seed=3), softness=Softness(1.0, 1.0), strength=1.0) is picture


def test_far_sharper_than_its_plate_it_is_softened_to_it() -> None:
    plate, picture = blurred(discs(seed=1), 2.5), discs(seed=2)
    softness = measure_softness(plate, picture, MATTE)
    assert softness is not None
    width = edge_width(matched_sharpness(picture, plate, softness=softness, strength=1.0), EVERYWHERE)
    assert width == pytest.approx(softness.plate, rel=0.2)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), plate=st.floats(0.4, 2), generated=st.floats(0.4, 5), strength=st.floats(0, 1))
def test_nothing_rings(seed: int, plate: float, generated: float, strength: float) -> None:
    """Beside a plate without structure every value stays within the range of its neighbours."""
    picture, blank = blurred(discs(seed=seed), 1.0), np.full((SIDE, SIDE, 3), 0.5, np.float32)
    matched = matched_sharpness(picture, blank, softness=Softness(plate, generated), strength=strength)
    around = np.ones((3, 3), np.uint8) if generated > plate else np.ones((41, 41), np.uint8)
    assert (matched <= cv2.dilate(picture, around) + 1e-5).all() and (
        matched >= cv2.erode(picture, around) - 1e-5
    ).all()
    assert matched.dtype == np.float32
