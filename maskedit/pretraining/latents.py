# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips and conditions as the network sees them: normalised latents of the bundled codec, in Wan's order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from maskedit.conditioning import Condition, fold_keep_mask
from maskedit.models.bundled.codec import CELL, DctCodec


@dataclass(frozen=True)
class Batch:
    """`clean` latents (B, 48, f, h, w); `given` = folded keep mask and condition latents (B, 52, f, h, w); `generated`
    (B, 1, f, h, w), 1 where a cell is to be generated in any of its frames, or holds a draft."""

    clean: Tensor
    given: Tensor
    generated: Tensor


def normalised_latents(codec: DctCodec, video: Tensor) -> Tensor:
    """Encode as the pipelines do: (z - mean) / std."""
    latents = codec.encode(video).latent_dist.mode()
    mean = latents.new_tensor(codec.config["latents_mean"]).view(1, -1, 1, 1, 1)
    std = latents.new_tensor(codec.config["latents_std"]).view(1, -1, 1, 1, 1)
    return (latents - mean) / std


def decoded_video(codec: DctCodec, latents: Tensor) -> Tensor:
    """Undo `normalised_latents`, clamped to [-1, 1]."""
    mean = latents.new_tensor(codec.config["latents_mean"]).view(1, -1, 1, 1, 1)
    std = latents.new_tensor(codec.config["latents_std"]).view(1, -1, 1, 1, 1)
    return codec.decode(latents * std + mean, return_dict=False)[0].clamp(-1, 1)


def condition_channels(codec: DctCodec, condition: Condition) -> Tensor:
    """Folded keep mask, then condition latents: the 4 + 48 channels that follow the noise in Wan's order."""
    mask = fold_keep_mask(condition.keep_cells, temporal_factor=CELL)
    return torch.cat([mask, normalised_latents(codec, condition.video)], dim=1)


def make_batch(codec: DctCodec, video: Tensor, condition: Condition) -> Batch:
    given = condition_channels(codec, condition)
    generated = (given[:, :CELL].amin(dim=1, keepdim=True) < 1).float()
    return Batch(clean=normalised_latents(codec, video), given=given, generated=generated)
