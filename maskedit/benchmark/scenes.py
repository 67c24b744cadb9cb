# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases drawn from nothing but a seed: the same motion under two looks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor

from maskedit.benchmark.cases import Case, Clip
from maskedit.synthetic import rendered_pair
from maskedit.synthetic.scenes import render, sample_scene
from maskedit.synthetic.textures import draw_textures

# The matte holds every pixel that the object colours at all, as a careful roto does.
_TOUCHED = 0.05


class _Edited(TypedDict):
    source: Clip
    truth: Clip
    matte: Clip


def repainted(seed: int, *, name: str, about: str, frames: int, size: int) -> Case:
    """A textured object among others under a moving camera; the edit is another texture on it."""
    source, truth, coverage = rendered_pair(seed, frames, height=size, width=size)
    return Case(name=name, about=about, **_edited(source, truth, coverage[0]))


def changing(seed: int, *, name: str, about: str, frames: int, size: int, keyframes: tuple[int, ...]) -> Case:
    """The edit itself changes: one look at the beginning fades into another at the end.

    Judged are the frames of the last third, the last one apart, which a second keyframe would show.
    """
    generator = torch.Generator().manual_seed(seed)
    scene = sample_scene(1, frames, size=size, generator=generator)
    looks = [draw_textures(1, scene.item.texture.shape[-1], generator=generator) for _ in range(2)]
    source, coverage = render(scene, height=size, width=size)
    first, last = (
        render(replace(scene, item=replace(scene.item, texture=look)), height=size, width=size)[0] for look in looks
    )
    truth = torch.lerp(first, last, torch.linspace(0, 1, frames).view(1, 1, -1, 1, 1))
    return Case(
        name=name,
        about=about,
        **_edited(source[0], truth[0], coverage[0, 0]),
        keyframes=keyframes,
        judged=tuple(range(2 * frames // 3, frames - 1)),
    )


def turning(seed: int, *, name: str, about: str, frames: int, size: int) -> Case:
    """A drum that drifts and turns by a right angle, so that half of what shows at the end was hidden at first.

    Its source look is a texture; the edit paints slanting bands on it, whose course tells what has to come into view.
    Judged is only the part of the surface that frame 0 did not show.
    """
    generator = torch.Generator().manual_seed(seed)
    side = 2 * size
    look, ground = ((draw_textures(2, side, generator=generator) + 1) / 2).permute(0, 2, 3, 1).numpy()
    radius, top, bottom = 0.3 * size, 0.18 * size, 0.86 * size
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    before, after, coverage, uncovered = [], [], [], []
    for frame in range(frames):
        along = frame / (frames - 1)
        from_axis = columns - size * (0.42 + 0.12 * along)
        angle = np.arcsin(np.clip(from_axis / radius, -1, 1))
        turned = angle + math.pi / 2 * along  # on the drum itself: frame 0 shows -90° to 90°
        covered = _soft(radius - np.abs(from_axis)) * _soft(rows - top) * _soft(bottom - rows)
        light = (0.45 + 0.55 * np.cos(angle))[..., None]
        textured = cv2.remap(look, radius * (turned + np.float32(math.pi / 2)), rows, cv2.INTER_LINEAR)
        behind = cv2.remap(ground, columns + 6 * along, rows, cv2.INTER_LINEAR)
        for clip, surface in ((before, textured), (after, _bands(turned, rows, radius=radius))):
            clip.append(behind + covered[..., None] * (surface * light - behind))
        coverage.append(covered)
        uncovered.append((covered > _TOUCHED) & (turned > math.pi / 2))
    source, truth = (torch.from_numpy(np.stack(clip)).permute(3, 0, 1, 2) * 2 - 1 for clip in (before, after))
    return Case(
        name=name,
        about=about,
        **_edited(source, truth, torch.from_numpy(np.stack(coverage))),
        uncovered=_white(np.stack(uncovered)),
    )


def _bands(turned: np.ndarray, rows: np.ndarray, *, radius: float) -> np.ndarray:
    """Bands about half a radius high that climb around the drum, soft enough for a small codec."""
    wave = np.tanh(2 * np.sin(2 * np.pi * (rows / (0.55 * radius) + turned / np.pi)))[..., None]
    return np.array((0.85, 0.62, 0.2)) + (wave - 1) / 2 * np.array((0.75, 0.3, -0.3))


def _soft(distance: np.ndarray) -> np.ndarray:
    """Coverage of an edge about a pixel wide."""
    return np.clip(distance + 0.5, 0, 1)


def _edited(source: Tensor, truth: Tensor, coverage: Tensor) -> _Edited:
    """Clips (3, T, H, W) in [-1, 1] in 8 bits, the matte (T, H, W) of the object, and nothing changed outside it."""
    before, after = (
        ((video.permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy() for video in (source, truth)
    )
    matte = _white((coverage > _TOUCHED).numpy())
    return {"source": before, "truth": np.where(matte[..., None] > 0, after, before), "matte": matte}


def _white(inside: np.ndarray) -> Clip:
    return inside.astype(np.uint8) * np.uint8(255)
