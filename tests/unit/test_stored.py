# SPDX-License-Identifier: GPL-3.0-or-later
"""Kept weights: how near they come back, how small they are, and that gradients are those of the weight itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from maskedit.memory import Precision
from maskedit.models.stored import PACKINGS, StoredLinear
from maskedit.models.streaming import WeightStream

CPU = torch.device("cpu")


def weight_like_a_models(out: int, inputs: int, *, seed: int = 0) -> Tensor:
    return 0.02 * torch.randn(out, inputs, generator=torch.Generator().manual_seed(seed))


def restored(weight: Tensor, kind: str) -> Tensor:
    packing = PACKINGS[kind]
    return packing.unpack(packing.pack(weight), tuple(weight.shape), weight.dtype)


def relative_error(restored: Tensor, weight: Tensor) -> float:
    return float((restored.float() - weight.float()).norm() / weight.float().norm())


def slow_nf4(weight: Tensor) -> Tensor:
    """The published sixteen values (QLoRA, appendix E), the nearest one found by comparing with each."""
    published = [-1.0, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0.0]
    published += [0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]
    values, flat, found = torch.tensor(published), weight.flatten(), []
    for start in range(0, flat.numel(), 64):
        block = flat[start : start + 64]
        largest = block.abs().max()
        nearest = (block[:, None] / largest - values).abs().argmin(dim=1)
        found.append(values[nearest] * largest)
    return torch.cat(found).view_as(weight)


@pytest.mark.parametrize(("kind", "error"), [("bfloat16", 0.0), ("fp8", 0.03), ("nf4", 0.1)])
def test_a_weight_comes_back_as_near_as_its_bits_allow(kind: str, error: float) -> None:
    weight = weight_like_a_models(96, 128)
    assert relative_error(restored(weight, kind), weight) <= error


def test_a_scale_per_row_makes_eight_bits_worth_their_place() -> None:
    weight = weight_like_a_models(64, 256)
    weight[::2] *= 0.1  # rows of other sizes, as in every real layer
    unscaled = weight.to(torch.float8_e4m3fn).to(weight.dtype)
    assert relative_error(restored(weight, "fp8")[::2], weight[::2]) < 0.5 * relative_error(unscaled[::2], weight[::2])


def test_four_bits_are_those_that_were_published() -> None:
    weight = weight_like_a_models(16, 128)
    torch.testing.assert_close(restored(weight, "nf4"), slow_nf4(weight), atol=1e-7, rtol=1e-5)


@given(
    kind=st.sampled_from(["fp8", "nf4"]),
    out=st.integers(1, 9),
    inputs=st.integers(1, 70),
    scale=st.sampled_from([1e-4, 1.0, 3e4]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_any_shape_and_size_comes_back(kind: str, out: int, inputs: int, scale: float, dtype: torch.dtype) -> None:
    weight = (scale * torch.randn(out, inputs, generator=torch.Generator().manual_seed(out * inputs))).to(dtype)
    back = restored(weight, kind)
    assert back.dtype is dtype and back.shape == weight.shape
    assert torch.isfinite(back).all()
    assert relative_error(back, weight) < 0.2


@pytest.mark.parametrize("kind", ["fp8", "nf4"])
def test_nothing_is_nothing(kind: str) -> None:
    assert not restored(torch.zeros(3, 64), kind).any()


@pytest.mark.parametrize("precision", list(Precision))
def test_the_plan_counts_the_bytes_that_are_kept(precision: Precision) -> None:
    whole = torch.float32 if precision is Precision.FLOAT32 else torch.bfloat16
    weight = weight_like_a_models(1024, 4096).to(whole)
    packed = PACKINGS[precision].pack(weight)
    kept = sum(t.numel() * t.element_size() for t in (packed.codes, packed.scales) if t is not None)
    assert kept / weight.numel() == pytest.approx(precision.weight_bytes, rel=1e-3)


@pytest.mark.parametrize("kind", ["bfloat16", "fp8", "nf4"])
@pytest.mark.parametrize("streamed", [False, True])
def test_outputs_and_gradients_are_those_of_the_restored_weight(kind: str, streamed: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(24, 16).requires_grad_(False)
    stored = store(linear, kind, stream=WeightStream(CPU) if streamed else None)
    plain = nn.Linear(24, 16).requires_grad_(False)
    plain.weight.data, plain.bias.data = restored(linear.weight, kind), linear.bias.data
    gradients = []
    for layer in (stored, plain):
        x = torch.linspace(-1, 1, 2 * 5 * 24).view(2, 5, 24).requires_grad_()
        y = layer(x)
        y.square().sum().backward()
        gradients.append((y.detach(), x.grad))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["bfloat16", "fp8", "nf4"])
def test_autograd_keeps_no_weight(kind: str) -> None:
    stored = store(nn.Linear(64, 64).requires_grad_(False), kind)
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        stored(torch.ones(2, 64, requires_grad=True)).sum()
    assert not kept


def test_under_autocast_it_computes_in_bfloat16_as_a_linear_layer_does() -> None:
    linear = nn.Linear(24, 16).requires_grad_(False)
    stored = store(linear, "float32")
    x = torch.randn(3, 24, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(stored(x), F.linear(x, linear.weight, linear.bias))
        assert stored(x).dtype is torch.bfloat16


def test_a_kept_weight_moves_with_its_model_and_a_streamed_one_stays() -> None:
    moved = nn.Sequential(store(nn.Linear(64, 64), "fp8")).to("meta")
    stays = nn.Sequential(store(nn.Linear(64, 64), "fp8", stream=WeightStream(CPU))).to("meta")
    assert moved[0].packed.codes.is_meta and moved[0].packed.scales.is_meta
    assert not stays[0].packed.codes.is_meta
    assert stays[0].bias.is_meta


def test_after_one_round_every_layer_is_copied_ahead() -> None:
    stream = WeightStream(CPU)
    layers = nn.Sequential(*(store(nn.Linear(8, 8).requires_grad_(False), "fp8", stream=stream) for _ in range(6)))
    waits = []
    for _ in range(4):
        before = stream.waits
        layers(torch.ones(1, 8, requires_grad=True)).sum().backward()
        waits.append(stream.waits - before)
    # Six layers there and six back, then the turn from one round to the next; after that all is known.
    assert waits == [12, 1, 0, 0]


def test_a_stream_gives_the_right_weight_when_the_order_changes() -> None:
    stream = WeightStream(CPU)
    layers = [store(nn.Linear(8, 8).requires_grad_(False), "bfloat16", stream=stream) for _ in range(3)]
    for order in ([0, 1, 2], [0, 1, 2], [2, 0, 1], [1, 1, 0]):
        for index in order:
            assert torch.equal(layers[index].whole(), layers[index].packed.codes)


def store(linear: nn.Linear, kind: str, *, stream: WeightStream | None = None) -> StoredLinear:
    packing = PACKINGS[kind]
    return StoredLinear(linear, packing, packed=packing.pack(linear.weight.detach()), fetch=stream)
