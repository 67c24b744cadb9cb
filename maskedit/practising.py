# SPDX-License-Identifier: GPL-3.0-or-later
"""What stage 1 practises on: the clip itself or, so that it learns the motion and not the look, the clip under others.

An adapter that only ever sees one look can learn that look by heart, and says the same whatever the keyframe shows.
One that sees the region under many looks, all moving alike, has nothing to learn but how what the first frame shows
goes on. Where renders are given a draft, the clip comes as it is, with the draft of itself: there it learns where the
flow goes wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from maskedit.caching import content_hash
from maskedit.shot import Shot, Window

_MOST_SHIFT = 0.5
# How many radians a unit of colour turns a wave, as a deviation: a few stripes where the plate has one gradient.
_WAVE_NUMBER = 3.0
_LEAST_SWING, _MOST_SWING = 0.3, 0.9
# Looks without waves.
_PLAIN_SHARE = 0.3


def practice_windows(
    shot: Shot, stretches: Sequence[tuple[int, ...]], *, looks: int, seed: int, drafted: bool
) -> list[Callable[[], Window]]:
    """What stage 1 practises on, each made when it is called for: the `stretches` (frame numbers) of the unedited shot.

    If `drafted`, with the shot's draft of itself; otherwise as `looks` windows, each with a look of its own in its
    region, or as they are if 0. Every stretch comes at least once.
    """
    if drafted:
        own = {frame: shot.at(frame)[0] for frame in sorted(shot.edited)}
        (shot,) = shot.carrying([own])
    if drafted or not looks:
        return [partial(shot.window, frames) for frames in stretches]
    return [
        partial(_under_a_look, shot, stretches[index % len(stretches)], seed=f"look {seed} {index}")
        for index in range(max(looks, len(stretches)))
    ]


def _under_a_look(shot: Shot, frames: tuple[int, ...], *, seed: str) -> Window:
    generator = torch.Generator().manual_seed(int(content_hash(seed)[:15], 16))
    video = torch.lerp(shot.video, relooked(shot.video, generator=generator), shot.edit_matte)
    return replace(shot, video=video).window(frames)


def relooked(video: Tensor, *, generator: torch.Generator) -> Tensor:
    """(B, 3, T, H, W) in [-1, 1] under a look of its own, the same rule everywhere, so that the motion stays.

    The colours turned, and in most looks sent through waves as well, which draws stripes where the plate has gradients.
    """
    turned = recoloured(video, generator=generator)
    if torch.rand(1, generator=generator) < _PLAIN_SHARE:
        return turned
    number = _WAVE_NUMBER * torch.randn(3, 3, generator=generator)
    phase = 2 * math.pi * torch.rand(1, 3, 1, 1, 1, generator=generator)
    swing = _LEAST_SWING + (_MOST_SWING - _LEAST_SWING) * torch.rand(1, generator=generator)
    mean = (1 - swing) * (2 * torch.rand(1, 3, 1, 1, 1, generator=generator) - 1)
    return mean + swing * torch.sin(torch.einsum("dc,bcthw->bdthw", number, turned) + phase)


def recoloured(video: Tensor, *, generator: torch.Generator) -> Tensor:
    """(B, 3, T, H, W) in [-1, 1] with its colours turned about their mean and moved to another, the same everywhere."""
    turned = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
    mean = video.mean(dim=(0, 2, 3, 4), keepdim=True)
    moved = mean + _MOST_SHIFT * (2 * torch.rand(1, 3, 1, 1, 1, generator=generator) - 1)
    return (torch.einsum("dc,bcthw->bdthw", turned, video - mean) + moved.clamp(-0.7, 0.7)).clamp(-1, 1)
