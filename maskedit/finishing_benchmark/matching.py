# SPDX-License-Identifier: GPL-3.0-or-later
"""Grain, sharpness, flicker and rim, each on a plate of which it is known (torch-free)."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.finishing_benchmark import Row
from maskedit.matching.grain import Grain, measure_grain, spectrum_of, with_grain
from maskedit.matching.sharpness import edge_width, matched_sharpness, measure_softness
from maskedit.matching.steadying import Glance, change, excess, flicker
from maskedit.measures import psnr
from maskedit.rim import match_rim

Picture = NDArray[np.float32]

_SIDE, _PAIRS, _DRAWN = 256, 4, 12
_BANDS = 8
# A band is judged if it holds this much of the grain's power. The slowest has few waves on so small a plate, so it has
# a row of its own.
_HEARD = 0.02
_LEVEL = 0.03
_REDUCED = 2  # the model's pixel in source pixels
_TINT = np.array([0.9, 0.6, 0.3], np.float32)
_FLICKER, _RIM_DRIFT = 0.02, 0.03
_FRAMES = 24


def measure() -> list[Row]:
    """All figures, from fixed seeds."""
    return [*_grain_rows(), *_sharpness_rows(), *_flicker_rows(), *_rim_rows()]


def pictures() -> dict[str, Picture]:
    """One region, step by step: what a model gives, with the plate's sharpness, with its grain, and the truth."""
    truth, soft, sharp = _sharpened()
    grain = _measured(0.7)
    matte = np.ones(truth.shape[:2], np.float32)
    finished = with_grain(sharp, grain, paste_matte=matte, strength=1, seed=1, frame=0)
    real = np.clip(truth + _noise(np.random.default_rng(77), 0.7), 0, 1)
    named = {"model's": soft, "sharpness matched": sharp, "grain matched": finished, "truth": real}
    return {caption: cv2.resize(picture, None, fx=1.5, fy=1.5) for caption, picture in named.items()}


def _grain_rows() -> list[Row]:
    rows = []
    for sigma, name in ((0.0, "Fine grain"), (0.7, "Film grain"), (1.0, "Coarse grain")):
        slowest, ratios, cross = _ratios(sigma)
        heard = f"of the bands above 1/{2 * _BANDS} cycles per pixel with over {_HEARD:.0%} of the power"
        what = f"grain of σ {sigma:g} px: power over the truth's per channel, {heard}, the "
        rows += [
            Row(name=name, what=what + "least", figure=float(ratios.min()), least=0.9, most=1.1),
            Row(name=name, what=what + "greatest", figure=float(ratios.max()), least=0.9, most=1.1),
            Row(
                name=name,
                what=f"the same below 1/{2 * _BANDS} cycles per pixel, the channel farthest off",
                figure=slowest,
                least=0.9,
                most=1.1,
            ),
            Row(name=name, what="covariance of R and G over the truth's", figure=cross, least=0.9, most=1.1),
        ]
    clean = [_rounded(_shading() + np.float32(n / 600)) for n in range(2)]
    found = measure_grain([(clean[0], clean[1])], rounding=np.eye(3) / (12 * 255**2))
    strength = 0.0 if found is None else float(found.strength.max())
    rows.append(Row(name="Clean plate", what="grain found in 8-bit shading that moves", figure=255 * strength, most=0))
    grain, generator = _measured(0.7), np.random.default_rng(5)
    for share in (0.5, 1.0):
        picture = (_shading() + share * _noise(generator, 0.7)).astype(np.float32)
        full = with_grain(picture, grain, paste_matte=_everywhere(), strength=1, seed=0, frame=0)
        power = float(np.square(full - _shading()).mean()) / _LEVEL**2
        what = f"power over the truth's where {share**2:.0%} of it was there already"
        rows.append(Row(name="Grain topped up", what=what, figure=power, least=0.9, most=1.1))
    return rows


def _sharpness_rows() -> list[Row]:
    truth, soft, sharp = _sharpened()
    plate = _discs(0)
    widths = {name: edge_width(picture, _everywhere() > 0) for name, picture in (("plate", plate), ("sharp", sharp))}
    gained = _decibels(sharp, truth) - _decibels(soft, truth)
    other, blank = _reduced(_discs(1)), _discs(0)
    softness = measure_softness(blank, other, _everywhere())
    steepened = other if softness is None else matched_sharpness(other, blank, softness=softness, strength=1)
    return [
        Row(
            name="Sharpness ratio",
            what=f"edge width of the plate over that of a region rendered at 1/{_REDUCED} and matched",
            figure=(widths["plate"] or math.nan) / (widths["sharp"] or math.nan),
            least=0.85,
            most=1.15,
        ),
        Row(name="Source detail", what="PSNR to the truth gained by it", figure=gained, unit="dB", least=3),
        Row(
            name="Other structure",
            what="PSNR to the truth gained where the plate has no such detail",
            figure=_decibels(steepened, _discs(1)) - _decibels(other, _discs(1)),
            unit="dB",
            least=0,
        ),
        Row(
            name="Halo",
            what="greatest step beyond the truth's own range",
            figure=255 * float(np.maximum(sharp - truth.max((0, 1)), truth.min((0, 1)) - sharp).max().clip(0)),
            unit="/255",
            most=8,
        ),
    ]


def _flicker_rows() -> list[Row]:
    generator = np.random.default_rng(2)
    shake = generator.normal(0, _FLICKER, (_FRAMES, 3)).astype(np.float32)
    plates = [_discs(0)] * _FRAMES
    made = [_TINT * plate + each for plate, each in zip(plates, shake, strict=True)]
    before, changes = _root(_flickers(plates, made)), _changes(plates, made)
    taken = excess(changes[:, 0], changes[:, 1]).astype(np.float32)
    after = _root(_flickers(plates, [picture - each for picture, each in zip(made, taken, strict=True)]))
    what = f"of a region that flickers by {255 * _FLICKER:.1f}/255, after over before; its plate is still"
    return [Row(name="Flicker left", what=what, figure=after / before, most=0.25)]


def _rim_rows() -> list[Row]:
    """The plate is grey, the edit red inside a ring of plate; what the model made is a little off everywhere."""
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE] - (_SIDE - 1) / 2
    distance = np.hypot(rows, columns)
    matte = (distance < 90).astype(np.float32)
    plate = np.full((_SIDE, _SIDE, 3), 0.5, np.float32)
    red = np.array([0.75, 0.2, 0.15], np.float32)
    truth = np.where((distance < 70)[..., None], red, plate)
    made = truth + np.float32(_RIM_DRIFT)
    matched = match_rim(made, plate, matte)
    seam, core = (distance > 84) & (distance < 90), distance < 30
    pulled = 255 * float(np.abs(matched - made)[core].max())
    # The plate's grey would be reached from the red only by leaving it: the edit's colour is not drawn towards it.
    edge = (distance > 60) & (distance < 68)
    worse = float((np.abs(matched - truth) - np.abs(made - truth))[edge].max()) * 255
    left = float(np.abs(matched - truth)[seam].mean()) / _RIM_DRIFT
    return [
        Row(name="Seam at the rim", what="of the model's drift of colour, what is left there", figure=left, most=0.25),
        Row(name="Edit's own colour, inside", what="moved by the match of the rim", figure=pulled, unit="/255", most=1),
        Row(name="Edit's own colour, near the rim", what="error added by it", figure=worse, unit="/255", most=0.5),
    ]


@cache
def _measured(sigma: float) -> Grain:
    generator = np.random.default_rng(0)
    frames = [_shading() + _noise(generator, sigma) for _ in range(2 * _PAIRS)]
    grain = measure_grain(zip(frames[::2], frames[1::2], strict=True))
    assert grain is not None, "the plate was made with grain"
    return grain


def _ratios(sigma: float) -> tuple[float, NDArray[np.floating], float]:
    """Power over the truth's: of the slowest band in the channel farthest off, of the other bands and channels, and the
    covariance of red and green over the truth's."""
    grain, generator = _measured(sigma), np.random.default_rng(9)
    shading, everywhere = _shading(), _everywhere()
    drawn = (
        with_grain(shading, grain, paste_matte=everywhere, strength=1, seed=5, frame=frame) - shading
        for frame in range(_DRAWN)
    )
    made, known = spectrum_of(drawn), spectrum_of(_noise(generator, sigma) for _ in range(_DRAWN))
    frequency = np.fft.fftfreq(len(known))
    band = (np.hypot(frequency[:, None], frequency[None]) * 2 * _BANDS).astype(int).clip(0, _BANDS - 1)
    slowest, ratios = [], []
    for channel in range(3):
        power, own = (
            np.array([each[band == number, channel, channel].sum() for number in range(_BANDS)])
            for each in (known, made)
        )
        slowest.append(float(own[0] / power[0]))
        ratios.append((own / power)[1:][power[1:] > _HEARD * power.sum()])
    return (
        max(slowest, key=lambda ratio: abs(ratio - 1)),
        np.concatenate(ratios),
        float(made[..., 0, 1].sum() / known[..., 0, 1].sum()),
    )


def _noise(generator: np.random.Generator, sigma: float) -> Picture:
    mixed = np.array([[1, 0.3, 0], [0.3, 1, 0.2], [0, 0.2, 0.7]], np.float32)
    white = generator.standard_normal((_SIDE, _SIDE, 3), np.float32) @ mixed
    soft = cv2.GaussianBlur(white, (0, 0), sigma) if sigma else white
    return soft / soft.std() * np.float32(_LEVEL)


def _shading() -> Picture:
    across = np.linspace(0.3, 0.7, _SIDE, dtype=np.float32)
    return np.broadcast_to(across[None, :, None], (_SIDE, _SIDE, 3)).copy()


def _everywhere() -> Picture:
    return np.ones((_SIDE, _SIDE), np.float32)


def _discs(seed: int) -> Picture:
    """Discs with soft shading and fine stripes."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    picture = np.full((_SIDE, _SIDE), 0.35, np.float32)
    for y, x, radius in generator.uniform((10, 10, 8), (_SIDE - 10, _SIDE - 10, 40), (16, 3)):
        stripes = 0.06 * np.sin((columns + generator.uniform(-1, 1) * rows) * generator.uniform(0.5, 1.6))
        covered = np.clip(radius - np.hypot(rows - y, columns - x) + 0.5, 0, 1)
        picture += covered * (generator.uniform(0.45, 0.8) + stripes - picture)
    return np.repeat(picture[..., None], 3, axis=-1).astype(np.float32)


def _reduced(picture: Picture) -> Picture:
    """As a model that works at a part of its size gives it back."""
    small = cv2.resize(picture, None, fx=1 / _REDUCED, fy=1 / _REDUCED, interpolation=cv2.INTER_AREA)
    return np.clip(cv2.resize(small, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), 0, 1, dtype=np.float32)


@cache
def _sharpened() -> tuple[Picture, Picture, Picture]:
    """The truth of a recoloured plate, what a model at a part of its size makes, and that matched."""
    plate = _discs(0)
    truth = plate * _TINT
    soft = _reduced(truth)
    softness = measure_softness(plate, soft, _everywhere())
    return truth, soft, soft if softness is None else matched_sharpness(soft, plate, softness=softness, strength=1)


def _changes(plates: list[Picture], made: list[Picture]) -> NDArray[np.floating]:
    """(T, 2, 3) of the plate's and of what was made."""
    glances = [Glance.at(plate, picture, _everywhere()) for plate, picture in zip(plates, made, strict=True)]
    steps = [np.stack(change(before, now)) for before, now in pairwise(glances)]
    return np.array([np.zeros((2, 3)), *steps])


def _flickers(plates: list[Picture], made: list[Picture]) -> NDArray[np.floating]:
    return flicker(_changes(plates, made)[:, 1])


def _root(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _decibels(picture: Picture, truth: Picture) -> float:
    return psnr(float(np.square(picture - truth).mean())) or 0.0


def _rounded(picture: Picture) -> Picture:
    return (np.rint(picture * 255) / 255).astype(np.float32)
