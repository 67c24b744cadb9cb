# SPDX-License-Identifier: GPL-3.0-or-later
"""The scorecard's figures of the finish, on clips of which each is known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from maskedit.finish_marks import FINISH_MARKS, FinishMarks, halo_ring
from maskedit.matching.grain import measure_grain

SIDE, FRAMES = 160, 12
PASTE = np.zeros((SIDE, SIDE), np.float32)
PASTE[32:128, 32:128] = 1
INSIDE = PASTE == 1


def plate(sigma: float = 1.0) -> np.ndarray:
    """Discs with edges of a known width."""
    generator = np.random.default_rng(4)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    picture = np.full((SIDE, SIDE), 0.4, np.float32)
    for y, x, radius in generator.uniform((20, 20, 6), (140, 140, 18), (12, 3)):
        picture += np.clip(radius - np.hypot(rows - y, columns - x) + 0.5, 0, 1) * (
            generator.uniform(0.5, 0.8) - picture
        )
    soft = cv2.GaussianBlur(picture, (0, 0), sigma) if sigma else picture
    return np.repeat(soft[..., None], 3, axis=-1)


def grain(number: int, *, level: float = 0.02) -> np.ndarray:
    return level * np.random.default_rng(number).standard_normal((SIDE, SIDE, 3)).astype(np.float32)


def marks(source: Callable[[int], np.ndarray], result: Callable[[int], np.ndarray]) -> dict[str, float | None]:
    """Of a clip in which `result` is pasted over `source`."""
    held = FinishMarks(measure_grain((source(n), source(n + 1)) for n in (0, 4)))
    for number in range(FRAMES):
        pasted = source(number) + PASTE[..., None] * (result(number) - source(number))
        held.compare(source(number), pasted, source(number), inside=INSIDE, paste=PASTE, number=number)
    return held.summary()


def test_a_result_that_is_its_plate_has_nothing_to_hide() -> None:
    found = marks(lambda n: plate() + grain(n), lambda n: plate() + grain(n))
    assert tuple(found) == FINISH_MARKS
    assert found["sharpness_ratio"] == pytest.approx(1, abs=0.15)
    assert found["grain_ratio"] == pytest.approx(1, abs=0.15)
    assert found["halo_ring"] == 0
    assert found["result_flicker"] == found["source_flicker"]
    assert found["drift"] == 0


@pytest.mark.parametrize("sigma", [2.0, 3.0])
def test_a_soft_result_is_less_sharp_by_its_width(sigma: float) -> None:
    found = marks(lambda n: plate(1.0), lambda n: plate(sigma))
    assert found["sharpness_ratio"] == pytest.approx(1 / sigma, rel=0.25)
    assert found["grain_ratio"] is None


@pytest.mark.parametrize("share", [0.0, 0.5, 1.5])
def test_grain_is_counted_by_its_power(share: float) -> None:
    found = marks(lambda n: plate(2.0) + grain(n), lambda n: plate(2.0) + share * grain(99 + n))
    assert found["grain_ratio"] == pytest.approx(share**2, abs=0.12 + 0.1 * share)


def test_a_flickering_colour_is_told_from_one_that_runs_away() -> None:
    flickering = marks(lambda n: plate(), lambda n: plate() + np.float32(0.02 * (-1) ** n))
    assert flickering["result_flicker"] == pytest.approx(0.02 * 255, rel=0.3)
    assert flickering["source_flicker"] == pytest.approx(0, abs=0.01)
    running = marks(lambda n: plate(), lambda n: plate() + np.float32(0.001 * n))
    assert running["result_flicker"] == pytest.approx(0, abs=0.01)
    assert running["drift"] == pytest.approx(50 * 0.001 * 255, rel=0.01)


@pytest.mark.parametrize("height", [0.1, -0.1])
def test_a_line_along_the_edge_is_a_halo_and_a_step_is_none(height: float) -> None:
    flat = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    core = cv2.erode(PASTE, np.ones((9, 9), np.uint8))
    ring = (PASTE - core)[..., None]
    assert halo_ring(flat, flat + np.float32(height) * ring, PASTE) == pytest.approx(abs(height) * 255, rel=0.05)
    assert halo_ring(flat, flat + np.float32(height) * PASTE[..., None], PASTE) == pytest.approx(0, abs=0.5)
    # A line that the plate has there is its own.
    lined = flat + np.float32(height) * ring
    assert halo_ring(lined, lined, PASTE) == 0


def test_without_a_ring_there_is_no_halo() -> None:
    flat = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    assert halo_ring(flat, flat, np.ones((SIDE, SIDE), np.float32)) is None
    assert halo_ring(flat, flat, np.zeros((SIDE, SIDE), np.float32)) is None
    empty = FinishMarks(None)
    empty.compare(flat, flat, flat, inside=np.zeros((SIDE, SIDE), bool), paste=0 * PASTE, number=0)
    assert set(empty.summary().values()) == {None}
