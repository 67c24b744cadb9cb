# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan2.2-TI2V-5B: no mask channels; what is given enters as clean latents whose tokens stand at timestep 0.

The transformer was trained with a given first frame only. Any set of tokens can be given the same way, and tuning
teaches it what a given background means.
"""

from __future__ import annotations

import torch
from torch import Tensor

# A token of the transformer covers this many latent cells in each direction, and has one timestep.
PATCH = 2


class GivenTokens:
    """A `wan.Layout`. The condition's channels: 1 where a cell is given, then the latents of the given video.

    A cell of the keep mask is one token, and its latent frame is given only if all the pixel frames in it are: what
    the codec has mixed cannot be given by halves.
    """

    scores_generated_only = True

    def condition(self, keep: Tensor, latents: Tensor) -> Tensor:
        given = keep.amin(dim=1, keepdim=True)
        return torch.cat([given.repeat_interleave(PATCH, -2).repeat_interleave(PATCH, -1), latents], dim=1)

    def inputs(self, latents: Tensor, timestep: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        generated = 1 - condition[:, 0, :, ::PATCH, ::PATCH].flatten(1)
        return self.with_given(latents, condition), generated * timestep

    def predicted(self, output: Tensor, condition: Tensor) -> Tensor:
        return output

    def with_given(self, latents: Tensor, condition: Tensor) -> Tensor:
        given = condition[:, :1]
        return given * condition[:, 1:] + (1 - given) * latents
