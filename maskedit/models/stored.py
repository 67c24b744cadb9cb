# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen linear layers whose weights are kept small, or in main memory, and are made whole only while they are used.

A weight is fetched once for the forward product and once more for the gradient of its input, and nothing keeps it in
between: neither autograd nor a hook that would have to be undone. So it holds for tuning with and without gradient
checkpointing, and adapters on top of it never see how it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BLOCK = 64
_FP8 = torch.float8_e4m3fn


@dataclass(frozen=True)
class Packed:
    """A weight as it is kept: `codes`, and `scales` where the codes are not the weight itself."""

    codes: Tensor
    scales: Tensor | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (self.codes,) if self.scales is None else (self.codes, self.scales)

    def map(self, change: Callable[[Tensor], Tensor]) -> Packed:
        return Packed(change(self.codes), None if self.scales is None else change(self.scales))


class Packing(Protocol):
    """A way of keeping weights (out, in). `unpack` gives the weight back in `dtype`, near what `pack` was given."""

    def pack(self, weight: Tensor) -> Packed: ...

    def unpack(self, packed: Packed, shape: tuple[int, int], dtype: torch.dtype) -> Tensor: ...


class Whole:
    """The weight as it is."""

    def pack(self, weight: Tensor) -> Packed:
        return Packed(weight)

    def unpack(self, packed: Packed, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        return packed.codes.to(dtype)


class Float8:
    """8-bit floats (e4m3) with one scale per output row.

    Weights of large models are near 0.02, where e4m3 without a scale has two significant bits left.
    """

    def pack(self, weight: Tensor) -> Packed:
        largest = torch.finfo(_FP8).max
        scales = (weight.abs().amax(dim=1, keepdim=True).float() / largest).clamp(min=1e-12).to(weight.dtype)
        # Clamped, because beyond its largest number e4m3 knows nothing but NaN, and the scale was rounded.
        codes = (weight.float() / scales.float()).clamp(-largest, largest).to(_FP8)
        # As bytes: peft would make the adapter on a layer with float8 weights of float8 as well.
        return Packed(codes.view(torch.uint8), scales)

    def unpack(self, packed: Packed, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        assert packed.scales is not None
        return packed.codes.view(_FP8).to(dtype) * packed.scales.to(dtype)


class NormalFloat4:
    """4 bits: the nearest of 16 quantiles of the normal distribution, per 64 weights scaled by their largest.

    QLoRA (arXiv 2305.14314), section 3 and appendix E; without its second quantisation. Two codes share a byte.
    """

    def pack(self, weight: Tensor) -> Packed:
        values = _normal_quantiles().to(weight.device)
        blocks = F.pad(weight.float().flatten(), (0, -weight.numel() % _BLOCK)).view(-1, _BLOCK)
        scales = blocks.abs().amax(dim=1, keepdim=True).clamp(min=1e-12)
        codes = torch.bucketize(blocks / scales, (values[1:] + values[:-1]) / 2).to(torch.uint8).view(-1, 2)
        return Packed(codes[:, 0] << 4 | codes[:, 1], scales.to(weight.dtype))

    def unpack(self, packed: Packed, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        assert packed.scales is not None
        values = _normal_quantiles().to(packed.codes.device, dtype)
        pairs = torch.cartesian_prod(values, values)
        blocks = F.embedding(packed.codes.int(), pairs).view(-1, _BLOCK) * packed.scales.to(dtype)
        return blocks.flatten()[: shape[0] * shape[1]].view(shape)


@cache
def _normal_quantiles() -> Tensor:
    """16 values in [-1, 1] that split the normal distribution evenly: 7 below zero, zero, 8 above."""
    # Half-way between the outermost quantiles of 15 and of 16 even parts, so that neither tail is infinite.
    outermost = 1 - (1 / 30 + 1 / 32) / 2

    def positive(count: int) -> list[float]:
        step = (outermost - 0.5) / count
        return [NormalDist().inv_cdf(outermost - index * step) for index in range(count)]

    values = torch.tensor(sorted([*(-value for value in positive(7)), 0.0, *positive(8)]))
    return values / values.abs().max()


PACKINGS: Mapping[str, Packing] = {
    "float32": Whole(),
    "bfloat16": Whole(),
    "fp8": Float8(),
    "nf4": NormalFloat4(),
}


class Fetch(Protocol):
    """How a kept weight comes to the device that computes."""

    def __call__(self, layer: StoredLinear, *, backward: bool) -> Packed: ...

    def let_go(self) -> None:
        """Of what lies there for layers to come."""
        ...


class _WhereItIs:
    """A `Fetch` that fetches nothing."""

    def __call__(self, layer: StoredLinear, *, backward: bool) -> Packed:
        return layer.packed

    def let_go(self) -> None:
        pass


class StoredLinear(nn.Linear):
    """`linear` with its weight kept by `packing`; `fetch` brings it from main memory, where it stays, if given.

    A Linear, because peft puts adapters on nothing else.
    """

    def __init__(self, linear: nn.Linear, packing: Packing, *, packed: Packed, fetch: Fetch | None = None) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.bias = linear.bias
        self.packed = packed
        self.dtype = linear.weight.dtype
        self._packing = packing
        self._stays = fetch is not None
        self._fetch: Fetch = fetch or _WhereItIs()

    @property
    def weight(self) -> Tensor:  # type: ignore (read by peft for its type and device only)
        return self.packed.codes

    def whole(self, *, backward: bool = False) -> Tensor:
        """The weight (out, in) on the device that computes."""
        packed = self._fetch(self, backward=backward)
        return self._packing.unpack(packed, (self.out_features, self.in_features), self.dtype)

    def let_go(self) -> None:
        """Of whatever was brought to the device ahead of use."""
        self._fetch.let_go()

    def forward(self, input: Tensor) -> Tensor:
        return _Product.apply(input, self)  # type: ignore (apply is untyped)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> StoredLinear:
        if not self._stays:
            self.packed = self.packed.map(fn)
        return super()._apply(fn, recurse)


class _Product(torch.autograd.Function):
    """x Wᵀ + b of a frozen layer, which keeps the layer and not its weight for the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: StoredLinear) -> Tensor:
        ctx.layer, ctx.dtype = layer, x.dtype
        return F.linear(x, layer.whole(), layer.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return (gradient @ ctx.layer.whole(backward=True).to(gradient.dtype)).to(ctx.dtype), None
