# SPDX-License-Identifier: GPL-3.0-or-later
"""Banding: steps smoothed within their own half, rounding scattered without moving what needs none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.colour import scatter, steps
from maskedit.colour.steps import without_steps


def slow_gradient() -> np.ndarray:
    """(64, 256, 3) float64: one 8-bit step in 20 pixels."""
    ramp = 0.4 + np.arange(256) / 20 / 255
    return np.broadcast_to(ramp[None, :, None], (64, 256, 3)).copy()


def eight_bits(picture: np.ndarray) -> np.ndarray:
    return (np.rint(picture * 255) / 255).astype(np.float32)


def test_a_slow_gradient_comes_back_from_its_steps() -> None:
    true = slow_gradient()
    coarse = eight_bits(true)
    inner = (slice(None), slice(24, -24))
    before, after = (np.abs(each - true)[inner].max() for each in (coarse, without_steps(coarse, step=1 / 255)))
    assert before > 0.49 / 255 and after < 0.12 / 255
    steps = np.diff(without_steps(coarse, step=1 / 255)[:, 24:-24], axis=1)
    assert np.abs(steps).max() * 1023 < 0.6 < np.abs(np.diff(coarse[:, 24:-24], axis=1)).max() * 1023


@given(seed=st.integers(0, 99), height=st.integers(1, 40), width=st.integers(1, 40), spread=st.integers(0, 60))
def test_every_value_still_rounds_to_what_it_was(seed: int, height: int, width: int, spread: int) -> None:
    random = np.random.default_rng(seed)
    coarse = (random.integers(100, 101 + spread, (height, width, 3)) / 255).astype(np.float32)
    smooth = without_steps(coarse, step=1 / 255)
    np.testing.assert_array_equal(np.rint(smooth * 255), np.rint(coarse * 255))


def test_texture_and_edges_stay_as_they_are() -> None:
    texture = eight_bits(np.random.default_rng(0).uniform(0.3, 0.7, (48, 48, 3)))
    np.testing.assert_array_equal(without_steps(texture, step=1 / 255), texture)
    edge = np.full((32, 32, 3), 10 / 255, np.float32)
    edge[:, 16:] = 200 / 255
    np.testing.assert_allclose(without_steps(edge, step=1 / 255), edge, atol=0)


def test_a_large_picture_is_smoothed_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    tall = eight_bits(0.4 + np.arange(210)[:, None, None] / 30 / 255 + random.uniform(0, 1 / 255, (210, 24, 3)))
    at_once = without_steps(tall, step=1 / 255)
    monkeypatch.setattr(steps, "_BAND_ROWS", 50)
    np.testing.assert_array_equal(without_steps(tall, step=1 / 255), at_once)
    assert (at_once != tall).any()


def test_scattered_rounding_keeps_the_mean_and_leaves_codes_alone() -> None:
    noise = scatter(256, 256, frame=3)
    assert abs(float(noise.mean())) < 2e-3 and noise.min() >= -0.45 and noise.max() <= 0.45
    for value in (7.0, 7.04, 6.96):
        assert (np.rint(value + noise) == 7).all()
    assert np.rint(7.3 + noise).mean() == pytest.approx(7.3, abs=0.04)


def test_scatter_moves_from_frame_to_frame_and_belongs_to_its_place() -> None:
    assert np.abs(scatter(32, 32, frame=1) - scatter(32, 32, frame=2)).mean() > 0.1
    np.testing.assert_allclose(scatter(32, 32, frame=5)[8:, 4:], scatter(24, 28, frame=5, x=4, y=8), atol=1e-5)
    # Little of it is coarse enough to be seen as blotches: white noise has the same power at all frequencies.
    power = np.abs(np.fft.fft2(scatter(128, 128, frame=0))) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    assert power[(radius > 0) & (radius < 0.1)].mean() < 0.3 * power[radius > 0].mean()
