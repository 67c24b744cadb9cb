# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory plans on real transformers with real adapters: what is exact stays exact, what is not stays near."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import HunyuanVideoTransformer3DModel, WanTransformer3DModel
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from maskedit import adapters
from maskedit.adapters import LoraSpec
from maskedit.caching import LatentCache
from maskedit.errors import ModelError
from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.memory import RESIDENT, Demand, MemoryPlan, Offload, Precision
from maskedit.model_check import inspect_model
from maskedit.models import load_model, plan_for
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.fitting import encoder_device, fit, memory_of
from maskedit.models.hunyuan import HunyuanImageToVideo
from maskedit.models.stored import StoredLinear
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import SilentReporter
from maskedit.rendering import Sampling, render_shot
from maskedit.request import FrameRange
from maskedit.shot import Shot

CPU = torch.device("cpu")
BF16 = MemoryPlan()
FP8 = MemoryPlan(precision=Precision.FP8)
NF4 = MemoryPlan(precision=Precision.NF4)


def streamed(precision: Precision, *, checkpointing: bool = False) -> MemoryPlan:
    return MemoryPlan(precision=precision, offload=Offload.GROUP, offload_stream=True, checkpointing=checkpointing)


def open_with(folder: Path, plan: MemoryPlan) -> WanImageToVideo:
    model = load_model(inspect_model(folder, folder.name), device=CPU, plan=plan)
    assert isinstance(model, WanImageToVideo)
    return model


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def adapted(model: WanImageToVideo, *, share: float = 1.0) -> list[Tensor]:
    """An adapter that is no longer fresh, the same whatever the plan: a fresh one passes no gradient on."""
    parameters = adapters.attach(model, LoraSpec(rank=4, share=share), seed=0)
    for index, parameter in enumerate(parameters):
        parameter.data = 0.2 * draw(*parameter.shape, seed=index)
    return parameters


def prediction(model: WanImageToVideo) -> Tensor:
    conditioning = Conditioning(latents=draw(1, 52, 3, 8, 8, seed=1), embeddings=Embeddings(prompt=draw(1, 2, 32)))
    return model.predict(draw(1, 48, 3, 8, 8, seed=2), torch.tensor([600.0]), conditioning=conditioning)


def gradients(model: WanImageToVideo, *, share: float = 1.0) -> list[Tensor]:
    parameters = adapted(model, share=share)
    prediction(model).square().mean().backward()
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def off_by(values: list[Tensor], others: list[Tensor]) -> float:
    flat, other = (torch.cat([value.flatten() for value in group]) for group in (values, others))
    assert torch.isfinite(flat).all()
    return float((flat - other).norm() / other.norm())


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize(
    ("plan", "beside"),
    [
        (MemoryPlan(checkpointing=True), BF16),
        (streamed(Precision.BFLOAT16), BF16),
        (streamed(Precision.BFLOAT16, checkpointing=True), BF16),
        (streamed(Precision.FP8), FP8),
        (streamed(Precision.FP8, checkpointing=True), FP8),
        (MemoryPlan(precision=Precision.NF4, checkpointing=True), NF4),
    ],
)
def test_checkpointing_and_streaming_change_no_gradient(
    plain_wan_folder: Path, plan: MemoryPlan, beside: MemoryPlan, share: float
) -> None:
    plain = gradients(open_with(plain_wan_folder, beside), share=share)
    torch.testing.assert_close(gradients(open_with(plain_wan_folder, plan), share=share), plain, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("plan", "gradient", "output"), [(FP8, 0.06, 0.03), (NF4, 0.2, 0.1)])
def test_small_weights_train_nearly_as_whole_ones(
    plain_wan_folder: Path, plan: MemoryPlan, gradient: float, output: float
) -> None:
    small, whole = open_with(plain_wan_folder, plan), open_with(plain_wan_folder, BF16)
    assert 0 < off_by(gradients(small), gradients(whole)) < gradient
    with torch.no_grad():
        assert 0 < off_by([prediction(small)], [prediction(whole)]) < output


@pytest.mark.parametrize("plan", [BF16, FP8, NF4, streamed(Precision.FP8)])
def test_adapters_stay_float32_on_the_device_whatever_they_lie_on(plain_wan_folder: Path, plan: MemoryPlan) -> None:
    model = open_with(plain_wan_folder, plan)
    parameters = adapted(model)
    before = [parameter.detach().clone() for parameter in parameters]
    optimiser = torch.optim.AdamW(parameters, lr=1e-3)
    for _ in range(2):
        prediction(model).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    assert {parameter.dtype for parameter in parameters} == {torch.float32}
    assert {parameter.device for parameter in parameters} == {model.device}
    assert all(
        (parameter != old).any() and parameter.isfinite().all()
        for parameter, old in zip(parameters, before, strict=True)
    )


@pytest.mark.parametrize("plan", [FP8, NF4, streamed(Precision.FP8)])
def test_an_adapter_goes_to_disk_and_to_another_plan(plain_wan_folder: Path, tmp_path: Path, plan: MemoryPlan) -> None:
    model, whole = open_with(plain_wan_folder, plan), open_with(plain_wan_folder, BF16)
    tuned = adapted(model)
    adapters.save(model, tmp_path / "adapter.safetensors", metadata={})
    adapters.load(whole, tmp_path / "adapter.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(tuned, adapters.trainable(whole), strict=True))
    adapters.detach(model)
    adapters.attach(model, LoraSpec(), seed=0)  # a second one on layers that were fitted before


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("precision", [Precision.BFLOAT16, Precision.FP8])
def test_blocks_before_the_adapter_cost_no_way_back(
    plain_wan_folder: Path, precision: Precision, checkpointing: bool
) -> None:
    """Operations with an adapter on the last of two blocks: the first is passed once, forwards."""
    plan = MemoryPlan(precision=precision, checkpointing=checkpointing)
    model = open_with(plain_wan_folder, plan)
    adapted(model, share=0.5)
    with torch.no_grad():
        forward = operations(model)
    adapters.detach(model)
    adapted(model, share=1.0)
    with torch.no_grad():
        forward_both = operations(model)
    both = operations(model, backward=True)
    adapters.detach(model)
    adapted(model, share=0.5)
    one = operations(model, backward=True)
    first, second = block_operations(model)
    adapter = forward_both - forward
    # Were the first block part of the way back, `one` would hold its products once more (the gradient of its input),
    # and with checkpointing twice.
    assert one < forward + second * (2 + checkpointing) + 6 * adapter
    assert both - one > first * (1 + checkpointing) * 0.6


def operations(model: WanImageToVideo, *, backward: bool = False) -> int:
    with FlopCounterMode(display=False) as counter:
        output = prediction(model)
        if backward:
            output.mean().backward()
    return counter.get_total_flops()


def block_operations(model: WanImageToVideo) -> tuple[int, int]:
    """Forward operations of each block."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        prediction(model)
    counts = {name: sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
    return counts["WanTransformer3DModel.blocks.0"], counts["WanTransformer3DModel.blocks.1"]


@pytest.mark.parametrize("plan", [BF16, streamed(Precision.FP8, checkpointing=True)])
def test_rendering_computes_every_block_once(plain_wan_folder: Path, plan: MemoryPlan) -> None:
    model, resident = open_with(plain_wan_folder, plan), open_with(plain_wan_folder, RESIDENT)
    with torch.no_grad():
        assert operations(model) == operations(resident)


def test_only_the_linear_layers_of_the_blocks_are_kept_small(plain_wan_folder: Path) -> None:
    transformer = open_with(plain_wan_folder, FP8).expert("transformer")
    stored = {name for name, layer in transformer.named_modules() if isinstance(layer, StoredLinear)}
    linear = {name for name, layer in transformer.named_modules() if isinstance(layer, torch.nn.Linear)}
    assert stored == {name for name in linear if name.startswith("blocks.")} != linear


def test_what_is_whole_and_resident_is_left_alone(plain_wan_folder: Path) -> None:
    transformer = open_with(plain_wan_folder, RESIDENT).expert("transformer")
    assert not any(isinstance(layer, StoredLinear) for layer in transformer.modules())
    assert not transformer.is_gradient_checkpointing


def tiny_hunyuan() -> Any:
    torch.manual_seed(0)
    return HunyuanVideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=10,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        patch_size=2,
        text_embed_dim=16,
        pooled_projection_dim=8,
        rope_axes_dim=(2, 4, 4),
    ).requires_grad_(False)


@pytest.mark.parametrize(("plan", "tolerance"), [(streamed(Precision.BFLOAT16), 0.0), (FP8, 0.05), (NF4, 0.2)])
def test_a_family_with_two_kinds_of_blocks(plan: MemoryPlan, tolerance: float) -> None:
    inputs = {
        "hidden_states": draw(1, 4, 3, 8, 8),
        "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": draw(1, 5, 16),
        "encoder_attention_mask": torch.ones(1, 5),
        "pooled_projections": draw(1, 8),
        "guidance": torch.tensor([6.0]),
        "return_dict": False,
    }
    fitted = fit(tiny_hunyuan(), plan, block_lists=HunyuanImageToVideo.block_lists, device=CPU)
    with torch.no_grad():
        assert off_by([fitted(**inputs)[0]], [tiny_hunyuan()(**inputs)[0]]) <= tolerance


def test_every_round_but_the_first_copies_nearly_all_layers_ahead() -> None:
    """Checkpointing walks a block forwards again on the way back: the stream loses the thread once per block."""
    torch.manual_seed(0)
    transformer: Any = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=8, freq_dim=16,
        ffn_dim=32, num_layers=3, rope_max_seq_len=32,
    ).requires_grad_(False)  # fmt: skip
    plan = streamed(Precision.FP8, checkpointing=True)
    fit(transformer, plan, block_lists=("blocks",), device=CPU)
    layers = [layer for layer in transformer.modules() if isinstance(layer, StoredLinear)]
    stream: Any = layers[0]._fetch
    for step in range(3):
        before, hidden = stream.waits, draw(1, 4, 1, 4, 4).requires_grad_()
        transformer(
            hidden_states=hidden, timestep=torch.tensor([5.0]), encoder_hidden_states=draw(1, 2, 8), return_dict=False
        )[0].sum().backward()
        if step:
            assert stream.waits - before <= 3 * len(transformer.blocks)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_streams_of_a_gpu_change_no_gradient(plain_wan_folder: Path) -> None:
    found = []
    for plan in (FP8, streamed(Precision.FP8), streamed(Precision.FP8, checkpointing=True)):
        gpu = torch.device("cuda")
        model: Any = load_model(inspect_model(plain_wan_folder, "tiny"), device=gpu, plan=plan)
        parameters = adapted(model)
        conditioning = Conditioning(
            latents=draw(1, 52, 3, 8, 8, seed=1).to(gpu), embeddings=Embeddings(prompt=draw(1, 2, 32).to(gpu))
        )
        for _ in range(3):  # from the second on every layer is copied ahead
            for parameter in parameters:
                parameter.grad = None
            noisy, timestep = draw(1, 48, 3, 8, 8, seed=2).to(gpu), torch.tensor([600.0])
            model.predict(noisy, timestep, conditioning=conditioning).square().mean().backward()
        found.append([parameter.grad for parameter in parameters])
    torch.testing.assert_close(found[1:], [found[0]] * 2, rtol=1e-2, atol=1e-5)


def test_encoders_go_where_there_is_room() -> None:
    gpu = torch.device("cuda")
    assert encoder_device(MemoryPlan(), gpu) == gpu
    assert encoder_device(MemoryPlan(encoders_on_device=False), gpu) == CPU


def test_the_memory_of_this_machine() -> None:
    memory = memory_of(CPU)
    assert not memory.gpu
    assert memory.free == memory.main > 0


def take_turns(model: WanImageToVideo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What happens to the memory while two windows are rendered, each thing named once where it follows itself."""
    happened: list[str] = []
    for name in ("encode_video", "predict", "decode", "release_encoders", "release_experts"):
        real = getattr(model, name)

        def recorded(*args: Any, name: str = name, real: Any = real, **options: Any) -> Any:
            if happened[-1:] != [name]:
                happened.append(name)
            return real(*args, **options)

        monkeypatch.setattr(model, name, recorded)
    matte = torch.zeros(1, 1, 9, 16, 16)
    matte[..., 4:12, 4:12] = 1
    shot = Shot(
        frames=FrameRange(first=0, last=8),
        track=CropTrack.still(CropPlan(Rect(0, 0, 16, 16), 16, 16), frames=range(9)),
        video=draw(1, 3, 9, 16, 16).clamp(-1, 1),
        edit_matte=matte,
        edited={0: draw(1, 3, 1, 16, 16, seed=1).clamp(-1, 1)},
    )
    render_shot(
        model,
        shot,
        shot.stretches(length=5, overlap=1),
        sampling=Sampling(steps=2, guidance=1.0, seed=0),
        prompt="",
        adapter_key="none",
        cache=LatentCache(tmp_path),
        reporter=SilentReporter(),
    )
    return happened


def test_codec_and_transformer_take_turns_where_both_do_not_fit(
    plain_wan_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    apart = open_with(plain_wan_folder, MemoryPlan(share_codec=False))
    window = ["release_experts", "encode_video", "release_encoders", "predict", "release_experts", "decode"]
    assert take_turns(apart, monkeypatch, tmp_path / "apart") == 2 * window
    beside = open_with(plain_wan_folder, MemoryPlan())
    assert take_turns(beside, monkeypatch, tmp_path / "beside") == 2 * ["encode_video", "predict", "decode"]


def test_a_plan_for_a_model_on_disk(plain_wan_folder: Path) -> None:
    entry = inspect_model(plain_wan_folder, "tiny")
    asked = Demand.of(BEST, limits=entry.limits, width=16, height=16, lesson=5, window=5)
    plan = plan_for(entry, asked, device=CPU)
    assert plan.precision is Precision.FLOAT32 and not plan.checkpointing and plan.share_codec
    with pytest.raises(ModelError, match="GB of main memory"):
        plan_for(entry, replace(asked, training_tokens=10**12), device=CPU)


@pytest.mark.parametrize("tiling", [False, True])
def test_the_codec_works_on_tiles_where_it_has_to(whole_wan_folder: Path, tiling: bool) -> None:
    model = open_with(whole_wan_folder, MemoryPlan(vae_tiling=tiling))
    assert model.codec.use_tiling is tiling
