# SPDX-License-Identifier: GPL-3.0-or-later
"""One layer's LoRA, and how layers that another program keeps fused are taken apart and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LoraLayer:
    """Adds alpha / rank · up · down · x + bias to its layer's output.

    `down` (rank, inputs), `up` (outputs, rank), `bias` (outputs) or None.
    """

    down: Tensor
    up: Tensor
    alpha: float
    bias: Tensor | None = None

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    def folded(self) -> LoraLayer:
        """The same with alpha = rank, in float32 where that changes the numbers."""
        if self.alpha == self.rank:
            return self
        return replace(self, up=self.up.float() * (self.alpha / self.rank), alpha=float(self.rank))


def take_apart(fused: LoraLayer, parts: int) -> list[LoraLayer | None]:
    """The layers that `fused` is made of; None for one that it leaves as it is.

    All parts but the fourth have as many outputs as inputs (query, key, value). What of the rank a part does not use
    is left out of it, which is the inverse of `put_together`.
    """
    if parts == 1:
        return [fused]
    width = fused.down.shape[1]
    sizes = [width] * 3 + [fused.up.shape[0] - 3 * width] * (parts - 3)
    biases = [None] * parts if fused.bias is None else fused.bias.split(sizes)
    taken: list[LoraLayer | None] = []
    for up, bias in zip(fused.up.split(sizes), biases, strict=True):
        used = up.any(dim=0)
        if not used.any() and (bias is None or not bias.any()):
            taken.append(None)
            continue
        share = int(used.sum()) / fused.rank
        taken.append(LoraLayer(down=fused.down[used], up=up[:, used], alpha=fused.alpha * share, bias=bias))
    return taken


def put_together(parts: Sequence[LoraLayer | None]) -> LoraLayer:
    """One layer that does what the parts do side by side; its rank is the sum of theirs. The inverse of `take_apart`.

    A part that is None adds nothing; the fourth, if there is one, has four times as many outputs as the others
    (HunyuanVideo's feed-forward).
    """
    if len(parts) == 1 and parts[0] is not None:
        return parts[0]
    there = [part.folded() for part in parts if part is not None]
    width = there[0].down.shape[1]
    sizes = [width * (4 if index == 3 else 1) for index in range(len(parts))]
    slots = [(part and part.folded(), size) for part, size in zip(parts, sizes, strict=True)]
    down = torch.cat([part.down for part in there])
    up = torch.block_diag(*(part.up if part else down.new_zeros(size, 0) for part, size in slots))
    bias = None
    if any(part.bias is not None for part in there):
        biases = [part.bias if part and part.bias is not None else down.new_zeros(size) for part, size in slots]
        bias = torch.cat(biases)
    return LoraLayer(down=down, up=up, alpha=float(down.shape[0]), bias=bias)
