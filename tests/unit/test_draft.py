# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft on motions that are known by construction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.draft import draft, warp

SIZE = 96


def texture(seed: int) -> np.ndarray:
    """Smooth colour noise (SIZE * 2 a side), in [0, 1]: flow finds its way on it."""
    noise = np.random.default_rng(seed).random((SIZE * 2, SIZE * 2, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    return (blurred - blurred.min()) / (blurred.max() - blurred.min())


def panned(picture: np.ndarray, frames: int, *, step: int) -> list[np.ndarray]:
    """A window that moves `step` pixels a frame over the picture."""
    return [np.ascontiguousarray(picture[40 : 40 + SIZE, 20 + step * n : 20 + step * n + SIZE]) for n in range(frames)]


def recoloured(picture: np.ndarray) -> np.ndarray:
    return picture[..., ::-1] * np.float32(0.7)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) + 1e-12))


def middle() -> np.ndarray:
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[24:72, 24:72] = 1
    return matte


@given(dx=st.integers(-3, 3), dy=st.integers(-3, 3))
def test_warping_fetches_from_where_the_flow_points(dx: int, dy: int) -> None:
    picture = texture(1)[:32, :32]
    flow = np.broadcast_to(np.float32([dx, dy]), (32, 32, 2))
    inner = slice(4, 28)
    expected = picture[4 + dy : 28 + dy, 4 + dx : 28 + dx]
    np.testing.assert_allclose(warp(picture, flow)[inner, inner], expected, atol=1e-5)


@pytest.mark.parametrize("keyframe", [0, 3, 6])
def test_an_edit_follows_a_pan(keyframe: int) -> None:
    plates = panned(texture(2), 7, step=3)
    truth = [recoloured(plate) for plate in plates]
    drafts = draft(plates, [middle()] * 7, edited={keyframe: truth[keyframe]})
    inside = middle() > 0
    for index in range(7):
        frozen = psnr(truth[keyframe][inside], truth[index][inside])
        assert psnr(drafts[index][inside], truth[index][inside]) > (30 if index != keyframe else 100), frozen
    assert psnr(truth[keyframe][inside], truth[(keyframe + 4) % 7][inside]) < 20


def test_outside_the_region_the_plate_is_left_alone() -> None:
    plates = panned(texture(3), 4, step=2)
    drafts = draft(plates, [middle()] * 4, edited={0: recoloured(plates[0])})
    outside = middle() == 0
    assert all(np.array_equal(a[outside], b[outside]) for a, b in zip(drafts, plates, strict=True))


def test_each_frame_takes_the_nearest_keyframe() -> None:
    plates = [texture(4)[:SIZE, :SIZE]] * 6
    levels = {1: 0.2, 4: 0.8}
    edited = {n: np.full((SIZE, SIZE, 3), level, np.float32) for n, level in levels.items()}
    drafts = draft(plates, [middle()] * 6, edited=edited)
    assert [round(float(picture[48, 48, 0]), 2) for picture in drafts] == [0.2, 0.2, 0.2, 0.8, 0.8, 0.8]


def test_a_soft_matte_mixes() -> None:
    plates = [np.zeros((SIZE, SIZE, 3), np.float32)] * 2
    half = np.full((SIZE, SIZE), 0.5, np.float32)
    drafts = draft(plates, [half] * 2, edited={0: np.ones((SIZE, SIZE, 3), np.float32)})
    np.testing.assert_allclose(drafts[1], 0.5, atol=1e-5)


@given(keys=st.sets(st.integers(0, 7), min_size=1, max_size=4))
def test_every_frame_is_served_once(keys: set[int]) -> None:
    plates = [np.zeros((16, 16, 3), np.float32)] * 8
    marks = {n: np.full((16, 16, 3), (n + 1) / 10, np.float32) for n in keys}
    drafts = draft(plates, [np.ones((16, 16), np.float32)] * 8, edited=marks)
    for index, picture in enumerate(drafts):
        nearest = min(sorted(keys), key=lambda key: (abs(key - index), key))
        assert picture[8, 8, 0] == pytest.approx((nearest + 1) / 10, abs=1e-5)
