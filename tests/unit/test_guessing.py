# SPDX-License-Identifier: GPL-3.0-or-later
"""Where seeds disagree, and what the take says of it."""

from __future__ import annotations

from dataclasses import replace

import torch

from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.guessing import guessed
from maskedit.request import FrameRange
from maskedit.shot import Shot

SIZE, COUNT = 32, 4


def shot() -> Shot:
    """A textured shot whose region is its right half, empty on the last frame; its keyframe is frame 1."""
    video = torch.rand(1, 3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1)).expand(-1, -1, COUNT, -1, -1)
    matte = torch.zeros(1, 1, COUNT, SIZE, SIZE)
    matte[:, :, :-1, :, SIZE // 2 :] = 1
    track = CropTrack.still(CropPlan(Rect(0, 0, SIZE, SIZE), SIZE, SIZE), frames=range(10, 10 + COUNT))
    return Shot(FrameRange(first=10, last=9 + COUNT), track, video, matte, {11: video[:, :, 1:2]})


def grey(level: float) -> dict[int, torch.Tensor]:
    return {10 + n: torch.full((1, 3, 1, SIZE, SIZE), level) for n in range(COUNT)}


def test_the_share_is_that_of_the_region_in_which_any_two_differ() -> None:
    first, second, third = grey(0.0), grey(0.0), grey(0.0)
    second[10][..., : SIZE // 2, :] = 0.5  # half of the region, and of what lies beside it
    third[10][..., SIZE // 2 :, :] = -0.5
    second[11][..., SIZE // 2 : SIZE * 3 // 4] = 0.5
    assert guessed(shot(), [first, second]) == (0.5, 0.5, 0.0, 0.0)
    assert guessed(shot(), [first, second, third]) == (1.0, 0.5, 0.0, 0.0)


def test_what_cannot_be_seen_is_no_disagreement() -> None:
    assert guessed(shot(), [grey(0.0), grey(0.05)]) == (0.0,) * COUNT


def test_the_greater_doubt_counts() -> None:
    still = shot()
    assert max(still.doubts().uncertainty) < 0.1
    doubted = still.doubts(guessed=(0.0, 0.0, 0.8, 0.0))
    assert doubted.uncertainty[2] == 0.8
    assert doubted.uncertainty[:2] == still.doubts().uncertainty[:2]
    elsewhere = replace(still, edited={10: still.video[:, :, :1]})
    assert elsewhere.doubts(guessed=(1.0, 0.0, 0.0, 0.0)).uncertainty[0] == 1.0
