# SPDX-License-Identifier: GPL-3.0-or-later
"""What stage 1 practises on when renders begin with a draft: the clip itself, to be made from a draft of itself.

The draft of an edit fills what no keyframe shows with the plate's own pixels in the edit's colours. Were the clip to
be made from a draft in its own colours, that filling would be the answer already and nothing would be learnt. So the
region is practised on under other colours: the motion is the clip's own, the look is one that the plate does not have.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from maskedit.shot import Shot

_MOST_SHIFT = 0.5


def practice_shots(shot: Shot, *, looks: int, seed: int) -> list[Shot]:
    """The unedited shot with the draft of itself: under `looks` colourings of its region, or as it is if 0."""
    if not looks:
        (drafted,) = shot.carrying([_keyframes(shot, shot.video)])
        return [drafted]
    generator = torch.Generator().manual_seed(seed)
    videos = [
        torch.lerp(shot.video, recoloured(shot.video, generator=generator), shot.edit_matte) for _ in range(looks)
    ]
    drafted = shot.carrying([_keyframes(shot, video) for video in videos])
    return [replace(practised, video=video) for practised, video in zip(drafted, videos, strict=True)]


def recoloured(video: Tensor, *, generator: torch.Generator) -> Tensor:
    """(B, 3, T, H, W) in [-1, 1] with its colours turned about their mean and moved to another, the same everywhere."""
    turned = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
    mean = video.mean(dim=(0, 2, 3, 4), keepdim=True)
    moved = mean + _MOST_SHIFT * (2 * torch.rand(1, 3, 1, 1, 1, generator=generator) - 1)
    return (torch.einsum("dc,bcthw->bdthw", turned, video - mean) + moved.clamp(-0.7, 0.7)).clamp(-1, 1)


def _keyframes(shot: Shot, video: Tensor) -> dict[int, Tensor]:
    """The pictures of `video` where the shot has keyframes."""
    return {
        frame: video[:, :, frame - shot.frames.first : frame - shot.frames.first + 1] for frame in sorted(shot.edited)
    }
