# SPDX-License-Identifier: GPL-3.0-or-later
"""Grain of a known spectrum: found, told from texture and rounding, and drawn again where it lacks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.matching.grain import Grain, measure_grain, spectrum_of, with_grain

HEIGHT, WIDTH, LEVEL = 192, 224, 0.03
MIXED = np.array([[1, 0.3, 0], [0.3, 1, 0.2], [0, 0.2, 0.7]], np.float32)


def noise(generator: np.random.Generator, sigma: float) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) of grain, `sigma` pixels wide, whose channels have to do with each other."""
    white = generator.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32) @ MIXED
    soft = cv2.GaussianBlur(white, (0, 0), sigma) if sigma else white
    return soft / soft.std() * np.float32(LEVEL)


def plain() -> np.ndarray:
    """Shading from 0.3 to 0.7 across the picture."""
    across = np.linspace(0.3, 0.7, WIDTH, dtype=np.float32)
    return np.broadcast_to(across[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def textured(step: float) -> np.ndarray:
    """Fine texture that has moved by `step` pixels."""
    soft = cv2.GaussianBlur(np.random.default_rng(8).random((HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 1.5)
    picture = cv2.normalize(soft, np.empty(()), 0.2, 0.8, cv2.NORM_MINMAX)
    way = np.array([[1, 0, step], [0, 1, 0]], np.float32)
    return cv2.warpAffine(picture, way, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def eight_bits(picture: np.ndarray) -> np.ndarray:
    return (np.rint(picture.clip(0, 1) * 255) / 255).astype(np.float32)


def found(sigma: float, *, seed: int = 0, count: int = 4) -> Grain:
    generator = np.random.default_rng(seed)
    frames = [plain() + noise(generator, sigma) for _ in range(2 * count)]
    grain = measure_grain(zip(frames[::2], frames[1::2], strict=True))
    assert grain is not None
    return grain


def bands() -> np.ndarray:
    """(32, 32): in which of eight bands a frequency lies."""
    frequency = np.fft.fftfreq(32)
    return (np.hypot(frequency[:, None], frequency[None]) * 16).astype(int).clip(0, 7)


@pytest.mark.parametrize("sigma", [0.0, 0.7, 1.0])
def test_what_is_drawn_has_the_plates_spectrum(sigma: float) -> None:
    grain, generator = found(sigma), np.random.default_rng(9)
    everywhere = np.ones((HEIGHT, WIDTH), np.float32)
    drawn = [
        with_grain(plain(), grain, paste_matte=everywhere, strength=1.0, seed=5, frame=n) - plain() for n in range(12)
    ]
    made, known = spectrum_of(drawn), spectrum_of(noise(generator, sigma) for _ in range(12))
    for channel in range(3):
        power = np.array([known[bands() == band, channel, channel].sum() for band in range(8)])
        ratio = np.array([made[bands() == band, channel, channel].sum() for band in range(8)]) / power
        # What is hardly there cannot be measured: bands with less than a fiftieth of the power.
        heard = power > power.sum() / 50
        assert heard.sum() >= 4
        np.testing.assert_allclose(ratio[heard][1:], 1, atol=0.1)
        assert 0.7 < ratio[0] < 1.3  # waves as long as this there are few of
        assert np.average(ratio, weights=power) == pytest.approx(1, abs=0.05)
    # Channels go together as the plate's do.
    np.testing.assert_allclose(made.mean(axis=(0, 1)), known.mean(axis=(0, 1)), atol=0.1 * LEVEL**2)


def test_its_strength_follows_the_brightness() -> None:
    generator = np.random.default_rng(1)
    ramp = np.linspace(0.1, 0.9, WIDTH, dtype=np.float32)[None, :, None] * np.ones((HEIGHT, 1, 3), np.float32)
    frames = [ramp + (0.4 + 1.2 * ramp) * noise(generator, 0.5) for _ in range(8)]
    grain = measure_grain(zip(frames[::2], frames[1::2], strict=True))
    assert grain is not None
    strength = grain.strength_at(np.array([[0.25, 0.5, 0.75]], np.float32)).mean(axis=-1)[0]
    np.testing.assert_allclose(strength / strength[1], [0.7, 1, 1.3], atol=0.08)


@pytest.mark.parametrize("step", [0.0, 0.5, 1.3, 4.0])
def test_texture_that_moves_is_no_grain(step: float) -> None:
    pairs = [(eight_bits(textured(0)), eight_bits(textured(step)))]
    assert measure_grain(pairs, rounding=np.eye(3) / (12 * 255**2)) is None


@pytest.mark.parametrize("step", [0.0, 0.6])
def test_rounding_is_no_grain(step: float) -> None:
    """A clean gradient that moves: its codes flip, and that is all that changes."""
    ramps = [plain() + np.float32(n * step / 255) for n in range(8)]
    pairs = [(eight_bits(a), eight_bits(b)) for a, b in zip(ramps[::2], ramps[1::2], strict=True)]
    assert measure_grain(pairs, rounding=np.eye(3) / (12 * 255**2)) is None


def test_frames_that_are_held_are_passed_over() -> None:
    generator = np.random.default_rng(2)
    frames = [plain() + noise(generator, 0.5) for _ in range(4)]
    held = [(frames[0], frames[0]), (frames[0], frames[1]), (frames[2], frames[2]), (frames[2], frames[3])]
    with_held, without = measure_grain(held), measure_grain([held[1], held[3]])
    assert with_held is not None and without is not None
    np.testing.assert_allclose(with_held.strength, without.strength, rtol=1e-5)
    assert measure_grain([held[0], held[2]]) is None
    assert measure_grain([]) is None


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_only_what_is_missing_is_added(share: float) -> None:
    """A picture that holds a share of the grain has all of it afterwards, and no more."""
    grain, generator = found(0.7), np.random.default_rng(3)
    picture = plain() + share * noise(generator, 0.7)
    full = with_grain(picture, grain, paste_matte=np.ones((HEIGHT, WIDTH), np.float32), strength=1, seed=0, frame=0)
    assert np.square(full - plain()).mean() / LEVEL**2 == pytest.approx(1, abs=0.1)
    if share == 1:
        assert np.square(full - picture).mean() < 0.1 * LEVEL**2


@settings(max_examples=15, deadline=None)
@given(
    x=st.integers(0, 60), y=st.integers(0, 60), width=st.integers(1, 90), height=st.integers(1, 90),
    seed=st.integers(-(2**63), 2**63 - 1), frame=st.integers(0, 10**6), strength=st.floats(0, 1),
)  # fmt: skip
def test_it_stays_under_the_matte_and_comes_again(
    x: int, y: int, width: int, height: int, seed: int, frame: int, strength: float
) -> None:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[y : y + height, x : x + width] = 1
    how = {"paste_matte": matte, "strength": strength, "seed": seed, "frame": frame}
    once, again = (with_grain(plain(), KNOWN, **how) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(once[matte == 0], plain()[matte == 0])
    assert once.min() >= 0 and once.max() <= 1 and once.dtype == np.float32


KNOWN = found(0.5, count=1)


def test_each_frame_has_its_own() -> None:
    everywhere = np.ones((HEIGHT, WIDTH), np.float32)
    first, second = (
        with_grain(plain(), KNOWN, paste_matte=everywhere, strength=1, seed=0, frame=n) - plain() for n in (0, 1)
    )
    assert abs(float(np.corrcoef(first.ravel(), second.ravel())[0, 1])) < 0.02


def test_a_soft_edge_keeps_its_power() -> None:
    """Where the paste is half there, half the plate's grain and the drawn one make a whole."""
    generator = np.random.default_rng(6)
    half = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    filled = with_grain(plain(), KNOWN, paste_matte=half, strength=1, seed=0, frame=0)
    pasted = 0.5 * (plain() + noise(generator, 0.5)) + 0.5 * filled
    assert np.square(pasted - plain()).mean() / LEVEL**2 == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 300), (40, 33), (1100, 20)])
def test_it_is_drawn_at_any_size(height: int, width: int) -> None:
    drawn = KNOWN.drawn(height, width, generator=np.random.default_rng(0))
    assert drawn.shape == (height, width, 3)
    if height * width > 1000:
        np.testing.assert_allclose(drawn.std(axis=(0, 1)), 1, atol=0.1)
