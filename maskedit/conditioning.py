# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask configurations: clip + edit matte → condition video + keep mask (pure tensors).

Convention of the paper (arXiv 2506.10082, section 3.2): in the keep mask 1 = the given pixels are kept, 0 = generate.
An editor's matte is the opposite: in `edit_matte` 1 = the region to edit. Empty pixels are 0 in [-1, 1] (mid grey).

The matte is reduced to the model's latent cells by *any*: a cell that holds one edited pixel is generated whole, and
the grey fill covers whole cells, so that no cell flagged "keep" ever contains grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """What an image-to-video model is given beside the noise.

    `video`: (B, 3, T, H, W) in [-1, 1], empty where it is to be generated.
    `keep_cells`: (B, 1, T, H / factor, W / factor), 1 = keep, 0 = generate; between them, for models that mend drafts:
    what is given is a draft, as sure as that.
    """

    video: Tensor
    keep_cells: Tensor


def cells_to_edit(edit_matte: Tensor, *, factor: int) -> Tensor:
    """Reduce a matte to latent cells: a cell is edited if any of its pixels is.

    `edit_matte`: (B, 1, T, H, W), edited where > 0; H and W multiples of `factor` (pixels per cell).
    Returns (B, 1, T, H / factor, W / factor) of exactly 0 or 1.
    """
    height, width = edit_matte.shape[-2:]
    if height % factor or width % factor:
        raise ValueError(f"matte of {width}x{height} does not divide into cells of {factor} pixels")
    hard = (edit_matte > 0).float()
    return F.max_pool3d(hard, (1, factor, factor))


def empty_region(video: Tensor, edit_cells: Tensor, *, factor: int) -> Tensor:
    """Fill every edited cell of `video` (B, 3, T, H, W) with mid grey; `edit_cells` as from `cells_to_edit`."""
    edited = edit_cells.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
    return video * (1 - edited)


def fold_keep_mask(keep_cells: Tensor, *, temporal_factor: int = 4) -> Tensor:
    """Fold a keep mask at frame rate into the channels of Wan's latent frames.

    (B, 1, T, h, w) with T = temporal_factor·(f - 1) + 1 → (B, temporal_factor, f, h, w): the first frame is repeated
    `temporal_factor` times, then each group of frames becomes the channels of one latent frame.
    """
    batch, _, frames, height, width = keep_cells.shape
    if (frames - 1) % temporal_factor:
        raise ValueError(f"{frames} frames are not {temporal_factor}n+1: pad the clip first")
    first = keep_cells[:, :, :1].repeat(1, 1, temporal_factor, 1, 1)
    folded = torch.cat([first, keep_cells[:, :, 1:]], dim=2)
    return folded.view(batch, -1, temporal_factor, height, width).transpose(1, 2)


def motion_condition(
    video: Tensor, edit_matte: Tensor, *, factor: int, kept_frames: tuple[int, ...] = (0,)
) -> Condition:
    """Stage 1 and inference: the region emptied on every frame but the `kept_frames`, which are given whole.

    At inference the kept frames of `video` are the edited ones. `video` (B, 3, T, H, W) in [-1, 1], `edit_matte`
    (B, 1, T, H, W). Kept frames count from 0 within this window.
    """
    edit_cells = cells_to_edit(edit_matte, factor=factor)
    edit_cells[:, :, list(kept_frames)] = 0
    return Condition(video=empty_region(video, edit_cells, factor=factor), keep_cells=1 - edit_cells)


def drafted_condition(
    video: Tensor,
    edit_matte: Tensor,
    *,
    factor: int,
    draft: Tensor,
    confidence: Tensor,
    surest: float,
    kept_frames: tuple[int, ...] = (0,),
) -> Condition:
    """For a model that has learnt to mend drafts: as `motion_condition`, but the region holds the `draft`.

    `draft` as `video`; `confidence` (B, 1, T, H, W) in [0, 1]. The keep mask is the mean confidence of each cell of
    the region times `surest` in [0, 1): it stays below 1, which says that pixels are exactly what they should be.
    With `surest` = 0 the keep mask is that of `motion_condition`.
    """
    edit_cells = cells_to_edit(edit_matte, factor=factor)
    edit_cells[:, :, list(kept_frames)] = 0
    edited = edit_cells.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
    sure = F.avg_pool3d(confidence, (1, factor, factor))
    return Condition(video=torch.lerp(video, draft, edited), keep_cells=1 - edit_cells * (1 - surest * sure))


def appearance_condition(frame: Tensor, edit_matte: Tensor, *, factor: int) -> Condition:
    """Stage 2, one sample per edited keyframe: the *unedited* frame with its region emptied, no frame given whole.

    `frame` (B, 3, 1, H, W), `edit_matte` (B, 1, 1, H, W). The target is the edited frame: were the region not
    emptied, the target would equal the condition's copy and nothing would be learnt.
    """
    return motion_condition(frame, edit_matte, factor=factor, kept_frames=())


def first_frame_condition(video: Tensor, *, factor: int) -> Condition:
    """Naive image-to-video (the paper's ablation): frame 0 given, every later pixel generated."""
    everything = torch.ones_like(video[:, :1])
    return motion_condition(video, everything, factor=factor)
