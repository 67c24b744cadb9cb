# SPDX-License-Identifier: GPL-3.0-or-later
"""What the codec can hold: a clip that it cannot give back teaches the model to blur."""

import torch
from torch import Tensor

from maskedit.models.bundled.codec import DctCodec


def psnr_per_clip(result: Tensor, truth: Tensor, matte: Tensor) -> Tensor:
    """PSNR (B,) in dB over matte == 1 of videos (B, 3, T, H, W) in [-1, 1]; infinite where a matte is empty."""
    samples = 3 * matte.sum(dim=(1, 2, 3, 4))
    error = ((result - truth).square() * matte).sum(dim=(1, 2, 3, 4)) / samples.clamp(min=1)
    return torch.where(samples > 0, 10 * torch.log10(4 / error.clamp(min=1e-10)), torch.inf)


def codec_psnr(codec: DctCodec, video: Tensor, edit_matte: Tensor) -> Tensor:
    """PSNR (B,) in dB of the codec's round trip of `video` (B, 3, T, H, W) inside `edit_matte` (B, 1, T, H, W)."""
    result = codec.decode(codec.encode(video).latent_dist.mode()).sample.clamp(-1, 1)
    return psnr_per_clip(result, video, edit_matte)


def held_by_codec(codec: DctCodec, video: Tensor, edit_matte: Tensor, *, least_db: float = 30.0) -> Tensor:
    """Which clips (B,) bool survive the codec's round trip inside their matte with `least_db` or more."""
    return codec_psnr(codec, video, edit_matte) >= least_db


def stand_ins(held: Tensor) -> Tensor:
    """Indices (B,) of the clips to train on: those held (B,) bool, repeated in turn in the places of the others.

    At least one must be held.
    """
    order = held.int().argsort(descending=True, stable=True)
    return order[torch.arange(len(order), device=order.device) % held.sum()]
