# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan's layout for a model that mends drafts: what is given goes straight into the prediction, as far as it is sure.

A small network need not spend itself on repeating what it was handed. Where a cell is given whole the prediction is
that; where a sure draft lies, mostly the draft; where nothing is given, the network's output alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Wan folds the keep mask of four frames into four channels, in front of the given latents.
_KEEP = 4


def with_sure_cells(predicted: Tensor, given: Tensor) -> Tensor:
    """`predicted` clean latents (B, C, f, h, w) blended with those of `given` (B, 4 + C, f, h, w), after its keep mask.

    A cell of four frames counts as sure as the least sure of them: what the codec has mixed cannot be given by halves.
    """
    sure = given[:, :_KEEP].amin(dim=1, keepdim=True)
    return torch.lerp(predicted, given[:, _KEEP:], sure)


class MendingChannels:
    """A `wan.Layout`: noise ++ folded keep mask ++ condition latents, and the sure cells in what comes out."""

    scores_generated_only = False

    def condition(self, keep: Tensor, latents: Tensor) -> Tensor:
        return torch.cat([keep, latents], dim=1)

    def inputs(self, latents: Tensor, timestep: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return torch.cat([latents, condition], dim=1), timestep

    def predicted(self, output: Tensor, condition: Tensor) -> Tensor:
        return with_sure_cells(output, condition)

    def with_given(self, latents: Tensor, condition: Tensor) -> Tensor:
        return latents
