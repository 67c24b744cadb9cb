# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene whose edit is known: a ball rolls past a moving ground and is given another skin and a mane of hair.

Numpy alone; everything follows from the seed. What a model would make of it is the truth, redrawn: softer, a fraction
of a pixel off, its colours drifting from frame to frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Clip = NDArray[np.float32]

WIDTH, HEIGHT = 208, 176
_RADIUS = 34
_HAIRS = 90
_FINER = 4  # hairs are drawn so many times as large
_GRAIN = 1 / 255


@dataclass(frozen=True, eq=False)
class Mane:
    """`plates` and `truths` (T, H, W, 3), `drawn` (T, H, W) a tight matte of the ball as it was, all in [0, 1]."""

    plates: Clip
    truths: Clip
    drawn: Clip


def mane(seed: int, *, frames: int = 12, still: bool = False) -> Mane:
    """The scene; `still`: nothing moves but the grain."""
    generator = np.random.default_rng(seed)
    ground, before, after = (_texture(generator) for _ in range(3))
    hair = generator.uniform(0.05, 0.95, 3).astype(np.float32)
    angles, lengths = generator.uniform(0, 2 * np.pi, _HAIRS), generator.uniform(6, 15, _HAIRS)
    bends = generator.uniform(-0.3, 0.3, _HAIRS)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    plates, truths, drawn = [], [], []
    for frame in range(frames):
        time = 0 if still else frame
        x, y = 80 + 3 * time, 88 + time
        behind = _at(ground, rows + 0.6 * time, columns + 1.3 * time)
        ball = np.clip(_RADIUS + 0.5 - np.hypot(columns - x, rows - y), 0, 1)[..., None]
        sway = 0.08 * np.sin(0.7 * time + np.arange(_HAIRS))
        covered = _hairs(x, y, angles, lengths, bends + sway)[..., None]
        skins = (_at(skin, rows - y + 128, columns - x + 128) for skin in (before, after))
        old, new = skins
        grain = generator.normal(0, _GRAIN, (HEIGHT, WIDTH, 3))
        plates.append(behind + ball * (old - behind) + grain)
        maned = behind + covered * (hair - behind)
        truths.append(maned + ball * (new - maned) + grain)
        drawn.append(ball[..., 0] > 0.05)
    return Mane(_in_codes(plates), _in_codes(truths), np.stack(drawn).astype(np.float32))


def redrawn(truths: Clip, *, seed: int, much: float = 1.0) -> Clip:
    """What a model makes of `truths` (T, H, W, 3); `much` = 1: off by about a code, a quarter pixel and as soft."""
    generator = np.random.default_rng(seed)
    steady = generator.normal(0, 1.5, (6, 6, 3))
    height, width = truths.shape[1:3]
    pictures = []
    for truth in truths:
        soft = cv2.GaussianBlur(truth, (0, 0), 0.7 * much)
        moved = np.array([[1, 0, 0], [0, 1, 0]]) + np.outer(generator.normal(0, 0.25 * much, 2), [0, 0, 1])
        shifted = cv2.warpAffine(soft, moved, (width, height), borderMode=cv2.BORDER_REPLICATE)
        drift = (steady + generator.normal(0, 1, steady.shape)) * much / 255
        pictures.append(shifted + cv2.resize(drift, (width, height), interpolation=cv2.INTER_CUBIC))
    return np.clip(pictures, 0, 1).astype(np.float32)


def bar(frames: int) -> Clip:
    """A bar with soft edges that passes in front from left to right: its coverage (T, H, W) in [0, 1]."""
    columns = np.arange(WIDTH, dtype=np.float32)
    places = np.linspace(60, 140, frames)[:, None]
    across = np.clip((9 - np.abs(columns - places)) / 4, 0, 1)
    return np.repeat(across[:, None], HEIGHT, axis=1).astype(np.float32)


def behind_bar(pictures: Clip, cover: Clip) -> Clip:
    """`pictures` (T, H, W, 3) behind a dark bar that covers `cover` (T, H, W) of them."""
    return np.asarray(pictures + cover[..., None] * (np.array([0.1, 0.12, 0.15]) - pictures), np.float32)


def _in_codes(pictures: Sequence[NDArray[np.floating]]) -> Clip:
    """One after the other, (T, H, W, 3), as 8 bits hold them."""
    return (np.rint(np.clip(pictures, 0, 1) * 255) / 255).astype(np.float32)


def _texture(generator: np.random.Generator) -> Clip:
    """(256, 256, 3) in [0, 1]: noise of several sizes, the coarser the stronger, wrapped around."""
    picture = np.zeros((256, 256, 3))
    for scale in (2, 5, 12):
        noise = generator.normal(0, 1, picture.shape)
        soft = cv2.GaussianBlur(np.tile(noise, (3, 3, 1)), (0, 0), scale)[256:512, 256:512]
        picture += scale**0.5 * soft / soft.std()
    tint = generator.uniform(0.25, 0.75, 3)
    return np.clip(tint + 0.13 * picture / picture.std(), 0.02, 0.98).astype(np.float32)


def _at(texture: Clip, rows: Clip, columns: Clip) -> Clip:
    return np.asarray(cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def _hairs(
    x: float, y: float, angles: NDArray[np.floating], lengths: NDArray[np.floating], bends: NDArray[np.floating]
) -> Clip:
    """What hairs that stand on the ball at (x, y) cover of each pixel, (H, W)."""
    paper = np.zeros((HEIGHT * _FINER, WIDTH * _FINER), np.uint8)
    for angle, length, bend in zip(angles, lengths, bends, strict=True):
        along = np.linspace(0, 1, 5)
        reach, turned = _RADIUS - 3 + along * (length + 3), angle + bend * along
        path = np.stack([x + reach * np.cos(turned), y + reach * np.sin(turned)], axis=1)
        cv2.polylines(paper, [np.rint((path + 0.5) * _FINER).astype(np.int32)], False, 255, _FINER, cv2.LINE_AA)
    return cv2.resize(paper, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
