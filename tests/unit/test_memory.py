# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory plans as sums, and the sums beside what PyTorch really keeps."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from hypothesis import given
from hypothesis import strategies as st

from maskedit.adapters.attaching import attach_to_layers
from maskedit.errors import ModelError
from maskedit.memory import Demand, Memory, MemoryPlan, Offload, Precision, least_memory, plan_memory
from maskedit.model_sizes import ModelSizes, TransformerSize
from maskedit.models.published import PUBLISHED
from maskedit.presets import BEST

GB = 10**9
WAN_14B = TransformerSize.of(
    {name: tuple(value.shape) for name, value in PUBLISHED["Wan2.1-I2V-14B-480P"].build().named_parameters()}
)
SIZES = ModelSizes(transformers=(WAN_14B,), codec=127_000_000, largest_encoder=5_700_000_000)
LADDER = (
    (Precision.BFLOAT16, Offload.NONE, False),
    (Precision.BFLOAT16, Offload.NONE, True),
    (Precision.FP8, Offload.NONE, False),
    (Precision.FP8, Offload.NONE, True),
    (Precision.FP8, Offload.GROUP, False),
    (Precision.FP8, Offload.GROUP, True),
    (Precision.NF4, Offload.NONE, False),
    (Precision.NF4, Offload.NONE, True),
)


def demand(width: int = 832, height: int = 480, *, lesson: int = 49, window: int = 49, share: float = 1.0) -> Demand:
    recipe = replace(BEST, adapted_share=share)
    limits = {"grid_px": 16, "temporal_factor": 4}
    return Demand.of(recipe, limits=limits, width=width, height=height, lesson=lesson, window=window)


def gpu(free_gb: float, *, main_gb: float = 128) -> Memory:
    return Memory(free=int(free_gb * GB), main=int(main_gb * GB), gpu=True)


def rung(plan: MemoryPlan) -> int:
    return LADDER.index((plan.precision, plan.offload, plan.checkpointing))


def plan_or_none(asked: Demand, memory: Memory, sizes: ModelSizes = SIZES) -> MemoryPlan | None:
    try:
        return plan_memory(sizes, asked, memory=memory)
    except ModelError:
        return None


demands = st.builds(
    demand,
    st.integers(1, 52).map(lambda cells: 16 * cells),
    st.integers(1, 30).map(lambda cells: 16 * cells),
    lesson=st.integers(1, 81),
    window=st.integers(1, 81),
    share=st.floats(0.02, 1),
)


@given(asked=demands, on_gpu=st.booleans())
def test_the_least_memory_is_enough_and_hardly_less_is_not(asked: Demand, on_gpu: bool) -> None:
    least = least_memory(SIZES, asked, gpu=on_gpu)
    enough = Memory(free=least, main=10**15, gpu=on_gpu)
    assert plan_or_none(asked, enough) is not None
    assert plan_or_none(asked, replace(enough, free=int(least * 0.999) - 10)) is None


@given(asked=demands, free=st.floats(1, 200), more=st.floats(0, 100), main=st.floats(20, 200))
def test_what_is_planned_fits_and_more_memory_is_never_worse(
    asked: Demand, free: float, more: float, main: float
) -> None:
    plan, better = (plan_or_none(asked, gpu(size, main_gb=main)) for size in (free, free + more))
    if plan is not None:
        assert plan.device_bytes < free * GB
        assert better is not None and rung(better) <= rung(plan)
        assert better.share_codec >= plan.share_codec or rung(better) < rung(plan)
        assert better.vae_tiling <= plan.vae_tiling
        assert better.encoders_on_device >= plan.encoders_on_device


@given(asked=demands, free=st.floats(4, 100), field=st.sampled_from(["training_tokens", "render_tokens", "rank"]))
def test_asking_for_more_never_takes_less(asked: Demand, free: float, field: str) -> None:
    plan = plan_or_none(asked, gpu(free))
    larger = plan_or_none(replace(asked, **{field: 2 * getattr(asked, field)}), gpu(free))
    if larger is not None:
        assert plan is not None and rung(plan) <= rung(larger)


@given(asked=demands, free=st.floats(4, 200))
def test_what_stays_on_the_device_together_fits_together(asked: Demand, free: float) -> None:
    plan = plan_or_none(asked, gpu(free))
    if plan is not None and plan.share_codec and not plan.vae_tiling:
        assert plan.device_bytes + 4 * SIZES.codec + 20_000 * asked.pixels < free * GB


@pytest.mark.parametrize(
    ("free", "asked", "expected"),
    [
        (141, demand(416, 240, lesson=9), (Precision.BFLOAT16, Offload.NONE, False)),
        (80, demand(), (Precision.BFLOAT16, Offload.NONE, True)),
        (48, demand(), (Precision.FP8, Offload.NONE, True)),
        (32, demand(416, 240, lesson=9, share=0.5), (Precision.FP8, Offload.NONE, False)),
        (24, demand(416, 240, lesson=9, share=0.5), (Precision.FP8, Offload.NONE, True)),
        (24, demand(), (Precision.FP8, Offload.GROUP, True)),
        (12, demand(416, 240, lesson=9, share=0.5), (Precision.FP8, Offload.GROUP, False)),
    ],
)
def test_the_14b_model_on_cards_as_people_have_them(
    free: float, asked: Demand, expected: tuple[Precision, Offload, bool]
) -> None:
    plan = plan_memory(SIZES, asked, memory=gpu(free))
    assert LADDER[rung(plan)] == expected
    assert plan.offload_stream == (plan.offload is Offload.GROUP)


def test_on_a_small_card_nothing_shares_and_the_codec_works_on_tiles() -> None:
    plan = plan_memory(SIZES, demand(lesson=9), memory=gpu(9))
    assert (plan.share_codec, plan.vae_tiling, plan.encoders_on_device) == (False, True, False)


def test_four_bits_are_for_machines_that_cannot_hold_the_rest_in_main_memory() -> None:
    two = replace(SIZES, transformers=(WAN_14B, WAN_14B))
    roomy = plan_memory(two, demand(416, 240, lesson=9), memory=gpu(16, main_gb=64))
    tight = plan_memory(two, demand(416, 240, lesson=9), memory=gpu(16, main_gb=44))
    assert (roomy.precision, roomy.offload) == (Precision.FP8, Offload.GROUP)
    assert tight.precision is Precision.NF4


def test_a_cpu_computes_in_float32_in_its_only_memory() -> None:
    plan = plan_memory(SIZES, demand(416, 240, lesson=9), memory=Memory(free=256 * GB, main=256 * GB, gpu=False))
    assert (plan.precision, plan.offload) == (Precision.FLOAT32, Offload.NONE)
    assert "256.0 GB of free main memory" in plan.sentence


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (gpu(8), r"needs 2\d\.\d GB of GPU memory .* 8\.0 GB are free: .* smaller region"),
        (gpu(80, main_gb=16), r"takes 32\.8 GB of main memory and 16\.0 GB are free: .* smaller model"),
        (Memory(free=16 * GB, main=16 * GB, gpu=False), r"GB of main memory with this model"),
    ],
)
def test_what_does_not_fit_is_refused_with_figures_and_a_way_out(memory: Memory, said: str) -> None:
    with pytest.raises(ModelError, match=said) as refusal:
        plan_memory(SIZES, demand(), memory=memory)
    assert str(refusal.value).count(". ") == 0  # one sentence


def test_what_a_refusal_asks_for_is_enough() -> None:
    with pytest.raises(ModelError) as refusal:
        plan_memory(SIZES, demand(), memory=gpu(8))
    needed = float(re.search(r"needs ([\d.]+) GB", str(refusal.value)).group(1))
    assert plan_or_none(demand(), gpu(needed * 1.05)) is not None
    assert plan_or_none(demand(), gpu(needed * 0.9)) is None


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (gpu(141), ["bfloat16", "141.0 GB", "gradient checkpointing"]),
        (gpu(24), ["8-bit floats, streamed from main memory,", "24.0 GB"]),
    ],
)
def test_the_sentence_says_what_was_chosen(plan: Memory, words: list[str]) -> None:
    sentence = plan_memory(SIZES, demand(), memory=plan).sentence
    assert all(word in sentence for word in words)


def test_a_padded_length_counts_its_padding() -> None:
    assert demand(416, 240, lesson=8, window=48).render_tokens == 26 * 15 * 13
    assert demand(416, 240, lesson=8).training_tokens == demand(416, 240, lesson=9).training_tokens


def one_step(*, layers: int, cells: int) -> int:
    """Bytes that autograd keeps of a forward pass under autocast, weights aside, in a model with an adapter."""
    torch.manual_seed(0)
    transformer: Any = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=128, in_channels=36, out_channels=16, text_dim=64, freq_dim=32,
        ffn_dim=690, num_layers=layers, rope_max_seq_len=64,
    )  # fmt: skip
    for name, parameter in transformer.named_parameters():
        if not set(name.split(".")) & set(transformer._keep_in_fp32_modules):
            parameter.data = parameter.data.bfloat16()
    transformer.requires_grad_(False)
    linear = [
        name
        for name, layer in transformer.named_modules()
        if name.startswith("blocks.") and isinstance(layer, torch.nn.Linear)
    ]
    attach_to_layers(transformer, dict.fromkeys(linear, 4), scale=1.0, seed=0)
    weights = {value.untyped_storage().data_ptr() for value in transformer.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    alive: list[torch.Tensor] = []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: alive.append(t) or keep(t), lambda t: t)
    with hooks, torch.autocast("cpu", dtype=torch.bfloat16):
        transformer(
            hidden_states=torch.randn(1, 36, 1, 2 * cells, 2 * cells),
            timestep=torch.tensor([500.0]),
            encoder_hidden_states=torch.randn(1, 8, 64),
            return_dict=False,
        )
    return sum(kept.values())


def test_the_estimate_of_a_block_is_near_what_autograd_keeps() -> None:
    cells = 24
    measured = one_step(layers=3, cells=cells) - one_step(layers=1, cells=cells)
    with torch.device("meta"):
        shapes = WanTransformer3DModel(
            num_attention_heads=2, attention_head_dim=128, in_channels=36, out_channels=16, text_dim=64, ffn_dim=690,
            num_layers=1,
        )  # fmt: skip
    size = TransformerSize.of({name: tuple(value.shape) for name, value in shapes.named_parameters()})
    one_block = replace(size, stored=0, parameters=0)
    sizes = [
        ModelSizes(transformers=(replace(one_block, blocks=blocks),), codec=0, largest_encoder=0) for blocks in (3, 1)
    ]
    asked = demand(16 * cells, 16 * cells, lesson=1, window=1)
    several, one = (plan_memory(size, asked, memory=gpu(100)).device_bytes for size in sizes)
    assert measured < several - one < 2.2 * measured


@given(asked=demands, free=st.floats(8, 200))
def test_after_memory_ran_out_less_is_held_than_what_did_not_fit(asked: Demand, free: float) -> None:
    plan = plan_or_none(asked, gpu(free))
    if plan is None:
        return
    try:
        smaller = plan_memory(SIZES, asked, memory=gpu(free), ran_out=plan.device_bytes)
    except ModelError as error:
        assert "smallest plan" in str(error) and rung(plan) >= LADDER.index((Precision.FP8, Offload.GROUP, False))
        return
    assert smaller.device_bytes < plan.device_bytes and rung(smaller) > rung(plan)
    assert smaller.vae_tiling and not smaller.share_codec and not smaller.encoders_on_device
    assert smaller.sentence.startswith("Memory ran out, so less is held at once now. The model is held in ")


def test_memory_that_ran_out_before_there_was_a_plan_rules_no_plan_out() -> None:
    plan = plan_memory(SIZES, demand(), memory=gpu(80), ran_out=0)
    assert rung(plan) == rung(plan_memory(SIZES, demand(), memory=gpu(80)))
    assert plan.vae_tiling and not plan.share_codec
