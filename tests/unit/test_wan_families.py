# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan2.2 against diffusers' own pipeline: two experts, and given tokens instead of mask channels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import WanImageToVideoPipeline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from maskedit.caching import LatentCache
from maskedit.conditioning import first_frame_condition, motion_condition
from maskedit.denoising import denoising_loss
from maskedit.encoding import TrainingSample, motion_sample
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.models.wan_ti2v import GivenTokens
from maskedit.rendering import Sampling, initial_noise, sample_latents
from maskedit.shot import Window
from tests.unit.tiny_models import open_wan, save_two_experts

LEVELS = (torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(7)) * 255).round()
FIRST = LEVELS / 255 * 2 - 1
STILL = FIRST[:, :, None].expand(-1, -1, 5, -1, -1)


def pipeline_of(model: WanImageToVideo, **facts: object) -> WanImageToVideoPipeline:
    from transformers import AutoTokenizer, UMT5EncoderModel

    made = WanImageToVideoPipeline(
        tokenizer=AutoTokenizer.from_pretrained(model.directory / "tokenizer"),
        text_encoder=UMT5EncoderModel.from_pretrained(model.directory / "text_encoder"),
        vae=model.codec,
        scheduler=model.scheduler(2, shift=3.0),
        **{name: model.expert(name) for name in model.experts},
        **facts,
    )
    made.set_progress_bar_config(disable=True)
    return made


def theirs(pipeline: WanImageToVideoPipeline, noise: Tensor, *, steps: int, guidance: float) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return pipeline(
            image=Image.fromarray(LEVELS[0].permute(1, 2, 0).to(torch.uint8).numpy()),
            prompt="a red hat",
            negative_prompt="",
            height=64,
            width=96,
            num_frames=5,
            num_inference_steps=steps,
            guidance_scale=guidance,
            latents=noise,
            output_type="latent",
        ).frames.float()


def ours(model: WanImageToVideo, *, steps: int, guidance: float) -> Tensor:
    latents = model.encode_condition(first_frame_condition(STILL, factor=model.limits.cell_px))
    prompts = [Embeddings(**model.encode_prompt(prompt, FIRST)) for prompt in ("a red hat", "")]
    return sample_latents(
        model,
        Conditioning(latents, prompts[0]),
        unconditional=Conditioning(latents, prompts[1]) if guidance > 1 else None,
        sampling=Sampling(steps=steps, guidance=guidance, seed=5),
    )


@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_two_experts_render_as_the_pipeline_does(two_experts: WanImageToVideo, guidance: float) -> None:
    steps = 4
    noise = initial_noise((1, 16, 2, 8, 12), seed=5)
    serving = {two_experts.expert_at(float(t) / 1000) for t in two_experts.scheduler(steps, shift=3.0).timesteps}
    assert serving == {"transformer", "transformer_2"}
    expected = theirs(pipeline_of(two_experts, boundary_ratio=0.9), noise, steps=steps, guidance=guidance)
    # Both round to bfloat16 inside, at different places: equal to that precision.
    torch.testing.assert_close(ours(two_experts, steps=steps, guidance=guidance), expected, atol=0.05, rtol=0.05)


def test_each_expert_counts(two_experts: WanImageToVideo) -> None:
    before = ours(two_experts, steps=4, guidance=1.0)
    for name in two_experts.experts:
        bias = two_experts.expert(name).proj_out.bias
        with torch.no_grad():
            bias += 1
            assert not torch.allclose(ours(two_experts, steps=4, guidance=1.0), before, atol=0.05)
            bias -= 1


@pytest.mark.parametrize("boundary", [0.9, 0.875, 0.417])
def test_the_boundary_itself_belongs_to_the_noisy_side(tmp_path: Path, boundary: float) -> None:
    """As in diffusers, which compares whole timesteps of a thousand with `boundary_ratio * 1000`."""
    model = open_wan(save_two_experts(tmp_path, boundary_ratio=boundary), cell_px=8)
    for timestep in range(0, 1001):
        noisy = timestep >= boundary * 1000
        assert model.expert_at(timestep / 1000) == ("transformer" if noisy else "transformer_2")


def test_the_first_frame_given_is_the_pipelines_condition(ti2v: WanImageToVideo) -> None:
    condition = ti2v.encode_condition(first_frame_condition(STILL, factor=32))
    # Three tensors, whatever the annotation says.
    prepared: Any = pipeline_of(ti2v, expand_timesteps=True).prepare_latents(
        FIRST, 1, num_channels_latents=8, height=64, width=96, num_frames=5, dtype=torch.float32, device="cpu"
    )
    noise, latents, mask = prepared
    assert condition.shape == (1, 1 + 8, 2, 4, 6)
    torch.testing.assert_close(condition[:, :1], 1 - mask)
    torch.testing.assert_close(condition[:, 1:, :1], latents)
    hidden, timestep = GivenTokens().inputs(noise, torch.tensor([700]), condition)
    torch.testing.assert_close(hidden, (1 - mask) * latents + mask * noise)
    torch.testing.assert_close(timestep, (mask[0][0][:, ::2, ::2] * 700).flatten()[None])


@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_given_tokens_render_as_the_pipeline_does(ti2v: WanImageToVideo, guidance: float) -> None:
    noise = initial_noise((1, 8, 2, 4, 6), seed=5)
    expected = theirs(pipeline_of(ti2v, expand_timesteps=True), noise, steps=3, guidance=guidance)
    torch.testing.assert_close(ours(ti2v, steps=3, guidance=guidance), expected, atol=0.05, rtol=0.05)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_a_token_is_given_only_where_every_pixel_of_every_frame_is(
    ti2v: WanImageToVideo, seed: int, share: float
) -> None:
    """Against a loop over tokens, for mattes of scattered pixels."""
    generator = torch.Generator().manual_seed(seed)
    matte = (torch.rand(1, 1, 9, 64, 96, generator=generator) < share * 1e-3).float()
    layout = ti2v.encode_condition(motion_condition(torch.zeros(1, 3, 9, 64, 96), matte, factor=32))[:, :1]
    groups = [[0], [1, 2, 3, 4], [5, 6, 7, 8]]
    for frame, group in enumerate(groups):
        for row in range(2):
            for column in range(3):
                pixels = matte[0, 0, group, 32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
                whole = all(index == 0 or not pixels[place].any() for place, index in enumerate(group))
                cells = layout[0, 0, frame, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                assert (cells == float(whole)).all()


def test_given_latents_come_back_untouched_and_without_noise(ti2v: WanImageToVideo) -> None:
    video = torch.rand(1, 3, 5, 64, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1
    matte = torch.zeros(1, 1, 5, 64, 96)
    matte[..., 40:50, 40:50] = 1
    latents = ti2v.encode_condition(motion_condition(video, matte, factor=32))
    embeddings = Embeddings(**ti2v.encode_prompt("a red hat", FIRST))
    sampling = Sampling(steps=2, guidance=1.0, seed=5)
    sampled = sample_latents(ti2v, Conditioning(latents, embeddings), unconditional=None, sampling=sampling)
    keep = latents[:, :1].expand_as(sampled) == 1
    assert torch.equal(sampled[keep], latents[:, 1:][keep])
    assert 0 < (~keep).sum() < keep.sum()
    assert not torch.allclose(sampled[~keep], latents[:, 1:][~keep])


def test_what_stands_in_a_cell_to_generate_is_never_seen(ti2v: WanImageToVideo) -> None:
    """The emptied region's own latents must not leak into what the transformer sees."""
    keep = torch.zeros(1, 1, 2, 4, 6)
    keep[:, :, 0] = 1
    latents = torch.randn(1, 8, 2, 4, 6)
    noise = torch.randn(1, 8, 2, 4, 6)
    other = torch.where(keep.bool(), latents, torch.full_like(latents, 9.0))
    timestep = torch.tensor([500.0])
    once = GivenTokens().inputs(noise, timestep, torch.cat([keep, latents], dim=1))
    again = GivenTokens().inputs(noise, timestep, torch.cat([keep, other], dim=1))
    assert torch.equal(once[0], again[0]) and torch.equal(once[1], again[1])


@pytest.fixture
def taught(ti2v: WanImageToVideo, tmp_path: Path) -> TrainingSample:
    """A clip whose region lies in one of six tokens, and only on its last four frames."""
    matte = torch.zeros(1, 1, 5, 64, 96)
    matte[:, :, 1:, 40:50, 40:50] = 1
    window = Window(tuple(range(5)), STILL.clone(), matte)
    return motion_sample(ti2v, window, start=STILL, prompt="a red hat", cache=LatentCache(tmp_path))


def test_a_samples_cells_are_the_latents_whatever_the_masks_are(taught: TrainingSample) -> None:
    assert taught.generated.shape == taught.target[:, :1].shape == (1, 1, 2, 4, 6)
    assert torch.equal(taught.generated, 1 - taught.conditioning.latents[:, :1])
    assert taught.generated.sum() == 4


def test_what_is_said_about_given_cells_costs_nothing(ti2v: WanImageToVideo, taught: TrainingSample) -> None:
    noise = torch.randn(taught.target.shape, generator=torch.Generator().manual_seed(2))

    def loss(target: Tensor) -> float:
        changed = replace(taught, target=target, start=target)
        with torch.no_grad():
            return float(denoising_loss(ti2v, changed, noise=noise, t=torch.tensor([0.5]), kept_weight=1.0))

    whole = loss(taught.target)
    assert whole > 0
    assert loss(taught.target + 5 * (1 - taught.generated)) == whole
    assert loss(taught.target + 5 * taught.generated) > 2 * whole


def test_where_nothing_is_generated_nothing_is_learnt(ti2v: WanImageToVideo, taught: TrainingSample) -> None:
    empty = replace(taught, generated=torch.zeros_like(taught.generated))
    assert denoising_loss(ti2v, empty, noise=torch.randn_like(taught.target), t=torch.tensor([0.5])) == 0
