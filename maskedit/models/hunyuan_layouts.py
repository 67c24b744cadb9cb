# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways in which HunyuanVideo-I2V is told what is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor


class Layout(Protocol):
    """How the transformer takes a condition: `given` latents (1, C, f, h, w), and `keep` (1, 1, f, h, w), 1 = given.

    `scores_generated_only`: as in `family.VideoModel`. `image_stride`: of the picture's tokens that stand before the
    prompt's every nth is kept, as in training.
    """

    scores_generated_only: bool
    image_stride: int

    def shown(self, given: Tensor, keep: Tensor) -> Tensor:
        """What of the emptied video's latents the condition holds."""
        ...

    def velocity(
        self, latents: Tensor, *, t: Tensor, given: Tensor, keep: Tensor, transformer: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The velocity (1, C, f, h, w) of noisy `latents` at time `t` in (0, 1], through the transformer."""
        ...

    def with_given(self, latents: Tensor, *, given: Tensor, keep: Tensor) -> Tensor:
        """Sampled latents with the given cells put back, where the transformer does not make them itself."""
        ...


class LatentConcat:
    """noise ++ condition latents ++ one mask channel: 33 channels.

    The model was made with the first frame given and nothing else. The channel can say it of any cell, and tuning
    teaches what that means.
    """

    scores_generated_only = False
    image_stride = 2

    def shown(self, given: Tensor, keep: Tensor) -> Tensor:
        return given * keep

    def velocity(
        self, latents: Tensor, *, t: Tensor, given: Tensor, keep: Tensor, transformer: Callable[[Tensor], Tensor]
    ) -> Tensor:
        return transformer(torch.cat([latents, given, keep], dim=1))

    def with_given(self, latents: Tensor, *, given: Tensor, keep: Tensor) -> Tensor:
        return latents


class TokenReplace:
    """The first latent frame's tokens hold its clean latents and are modulated at timestep 0: 16 channels.

    No channel takes a keep mask. Given cells of later frames are blended in: whatever the transformer says of them,
    their velocity is the one that leads to the given latents, so they enter each step as those latents at that
    step's noise. This is the weaker way: blending gave cut-and-paste seams where mask channels did not (arXiv
    2506.10082).
    """

    scores_generated_only = True
    image_stride = 4

    def shown(self, given: Tensor, keep: Tensor) -> Tensor:
        return given

    def velocity(
        self, latents: Tensor, *, t: Tensor, given: Tensor, keep: Tensor, transformer: Callable[[Tensor], Tensor]
    ) -> Tensor:
        # The frame that is modulated as clean has to be: where the first one is to be generated in part (a keyframe
        # alone), what is given of it goes before it. The codec repeats itself over a still, so the two read as one.
        first_is_given = bool(keep[:, :, :1].all())
        frames = torch.cat([given[:, :, :1], latents[:, :, 1:] if first_is_given else latents], dim=2)
        made = transformer(frames)[:, :, -latents.shape[2] :]
        return torch.where(keep > 0, (latents - given) / t, made)

    def with_given(self, latents: Tensor, *, given: Tensor, keep: Tensor) -> Tensor:
        return torch.where(keep > 0, given, latents)


# By the transformer's `image_condition_type`.
LAYOUTS: Mapping[str, Layout] = {"latent_concat": LatentConcat(), "token_replace": TokenReplace()}
