# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model guesses: what it draws differently with another seed, nothing has told it.

Flow says what no keyframe showed of a frame; a model may know that all the same, from the clip, or may be unsure of
what was shown. Its own renders with several seeds say which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from maskedit.shot import Shot

# From here on two pictures differ in one place: 12 of 255 codes in the mean of the three channels, more than grain.
_VISIBLE = 24 / 255


def guessed(shot: Shot, renders: Sequence[Mapping[int, Tensor]]) -> tuple[float, ...]:
    """For each frame of the shot, the share of its region, 0 to 1, in which the `renders` differ visibly.

    `renders`: frame number → (1, 3, 1, H, W) in [-1, 1], at least two of the same frames, each with a seed of its own.
    """
    return tuple(
        _share(shot.at(frame)[1], [render[frame] for render in renders])
        for frame in range(shot.frames.first, shot.frames.last + 1)
    )


def _share(edit_matte: Tensor, pictures: Sequence[Tensor]) -> float:
    inside = edit_matte[0, 0, 0] > 0
    if not inside.any():
        return 0.0
    first, *others = pictures
    differs = torch.cat([(other - first).abs().mean(dim=1)[0] > _VISIBLE for other in others]).any(dim=0)
    return float(differs[inside].float().mean())
