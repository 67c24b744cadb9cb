# SPDX-License-Identifier: GPL-3.0-or-later
"""HunyuanVideo-I2V against diffusers' own pipeline: same conditions, same embeddings, same latents, same adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import HunyuanVideoImageToVideoPipeline
from PIL import Image

from maskedit import adapters
from maskedit.conditioning import first_frame_condition
from maskedit.models import hunyuan as hunyuan_module
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.hunyuan import HunyuanImageToVideo
from maskedit.models.published import PUBLISHED
from maskedit.rendering import Sampling, initial_noise, sample_latents
from tests.unit.tiny_hunyuan import LATENT_CHANNELS, PROMPT, llama_tokenizer, open_hunyuan

LEVELS = torch.randint(0, 256, (1, 3, 9, 64, 48), generator=torch.Generator().manual_seed(7)).float()
VIDEO = LEVELS / 255 * 2 - 1
FIRST = VIDEO[:, :, 0]
PICTURE = Image.fromarray(LEVELS[0, :, 0].permute(1, 2, 0).to(torch.uint8).numpy())


@pytest.fixture(params=["concat", "replace"])
def hunyuan(request: pytest.FixtureRequest) -> HunyuanImageToVideo:
    return open_hunyuan(request.getfixturevalue(f"hunyuan_{request.param}_folder"))


@pytest.fixture
def pipeline(hunyuan: HunyuanImageToVideo) -> HunyuanVideoImageToVideoPipeline:
    made = HunyuanVideoImageToVideoPipeline.from_pretrained(
        hunyuan.directory, tokenizer=llama_tokenizer(), local_files_only=True
    )
    made.set_progress_bar_config(disable=True)
    return made


def test_the_first_frame_condition_is_the_pipelines(
    hunyuan: HunyuanImageToVideo, pipeline: HunyuanVideoImageToVideoPipeline
) -> None:
    ours = hunyuan.encode_condition(first_frame_condition(VIDEO, factor=8))
    _, theirs = pipeline.prepare_latents(
        FIRST,
        1,
        num_channels_latents=LATENT_CHANNELS,
        height=64,
        width=48,
        num_frames=9,
        dtype=torch.float32,
        device=torch.device("cpu"),
        image_condition_type=pipeline.transformer.config.image_condition_type,
    )
    assert ours.shape == (1, LATENT_CHANNELS + 1, 3, 8, 6)
    torch.testing.assert_close(ours[:, :LATENT_CHANNELS, :1], theirs[:, :, :1])
    assert ours[:, LATENT_CHANNELS:, 0].min() == 1
    assert ours[:, LATENT_CHANNELS:, 1:].max() == 0
    if not hunyuan.scores_generated_only:
        # The pipeline blanks what is not given after it has prepared the latents.
        assert ours[:, :, 1:].abs().max() == 0


def test_the_prompt_and_its_picture_are_the_pipelines(
    hunyuan: HunyuanImageToVideo, pipeline: HunyuanVideoImageToVideoPipeline
) -> None:
    ours = hunyuan.encode_prompt(PROMPT, FIRST)
    stride = 4 if hunyuan.scores_generated_only else 2
    theirs, pooled, attention = pipeline.encode_prompt(PICTURE, PROMPT, image_embed_interleave=stride)
    kept = ours["prompt"].shape[1]
    # The picture's tokens, the prompt's three words, and the line's end: nothing else of the template is left.
    assert kept == 576 // stride + 3 + 1
    torch.testing.assert_close(ours["prompt"], theirs[:, :kept], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours["pooled"], pooled)
    assert attention[0, :kept].all()
    assert not attention[0, kept:].any()


def test_another_picture_gives_another_prompt(hunyuan: HunyuanImageToVideo) -> None:
    ours, other = hunyuan.encode_prompt(PROMPT, FIRST), hunyuan.encode_prompt(PROMPT, -FIRST)
    assert hunyuan.prompt_sees_image
    assert not torch.allclose(ours["prompt"], other["prompt"])
    torch.testing.assert_close(ours["pooled"], other["pooled"])


@pytest.mark.parametrize("steps", [1, 3])
def test_rendering_equals_the_pipeline(
    hunyuan: HunyuanImageToVideo,
    pipeline: HunyuanVideoImageToVideoPipeline,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "autocast", Unrounded)
    latents = hunyuan.encode_condition(first_frame_condition(VIDEO, factor=8))
    given = Conditioning(latents, Embeddings(**hunyuan.encode_prompt(PROMPT, FIRST)))
    ours = sample_latents(hunyuan, given, unconditional=None, sampling=Sampling(steps=steps, guidance=6.0, seed=5))
    # The pipeline puts a thousandth of the first frame into the noise it is given, so that is taken out before.
    first = hunyuan.encode_video(VIDEO[:, :, :1])
    noise = (initial_noise((1, LATENT_CHANNELS, 3, 8, 6), seed=5) - 0.001 * first) / 0.999
    theirs = []
    pipeline(
        image=PICTURE,
        prompt=PROMPT,
        height=64,
        width=48,
        num_frames=9,
        num_inference_steps=steps,
        guidance_scale=6.0,
        latents=noise,
        output_type="latent",
        callback_on_step_end=lambda _pipeline, _step, _t, state: theirs.append(state["latents"]) or {},
    )
    torch.testing.assert_close(hunyuan.with_given(ours, given), theirs[-1], atol=1e-4, rtol=1e-4)


class Unrounded(torch.autocast):
    """Leaves float32 as it is, so that what rounding to bfloat16 does to sums of another order does not show."""

    def __init__(self, device_type: str, **_: Any) -> None:
        super().__init__(device_type, enabled=False)


def test_padding_left_out_is_padding_masked_out(
    hunyuan: HunyuanImageToVideo, pipeline: HunyuanVideoImageToVideoPipeline
) -> None:
    stride = 4 if hunyuan.scores_generated_only else 2
    prompt, pooled, attention = pipeline.encode_prompt(PICTURE, PROMPT, image_embed_interleave=stride)
    inputs = {
        "hidden_states": torch.randn(1, hunyuan.expert("transformer").config.in_channels, 2, 4, 4),
        "timestep": torch.tensor([500.0]),
        "pooled_projections": pooled,
        "guidance": torch.tensor([6000.0]),
        "return_dict": False,
    }
    kept = int(attention.sum())
    with torch.no_grad():
        whole = hunyuan.expert("transformer")(**inputs, encoder_hidden_states=prompt, encoder_attention_mask=attention)[
            0
        ]
        short = hunyuan.expert("transformer")(
            **inputs, encoder_hidden_states=prompt[:, :kept], encoder_attention_mask=attention[:, :kept]
        )[0]
    torch.testing.assert_close(short, whole, atol=1e-5, rtol=1e-4)


def test_latents_come_back_as_they_were_scaled(hunyuan: HunyuanImageToVideo) -> None:
    latents = hunyuan.encode_video(VIDEO)
    assert latents.shape == (1, LATENT_CHANNELS, 3, 8, 6)
    unscaled = hunyuan.codec.encode(VIDEO).latent_dist.mode()
    torch.testing.assert_close(latents, unscaled * 0.476986)
    torch.testing.assert_close(hunyuan.decode(latents), hunyuan.codec.decode(unscaled).sample, atol=1e-5, rtol=1e-4)


def test_the_schedule_is_the_pipelines(hunyuan: HunyuanImageToVideo) -> None:
    """From all noise down to none, each sigma s moved to 7 s / (1 + 6 s)."""
    scheduler = hunyuan.scheduler(4, shift=7.0)
    even = np.array([1.0, 0.75, 0.5, 0.25, 0.0])
    np.testing.assert_allclose(scheduler.sigmas.numpy(), 7 * even / (1 + 6 * even), atol=1e-6)
    np.testing.assert_allclose(hunyuan.scheduler(4, shift=1.0).sigmas.numpy(), even, atol=1e-6)


def test_an_adapter_reaches_every_kind_of_layer(hunyuan: HunyuanImageToVideo) -> None:
    adapters.attach(hunyuan, adapters.LoraSpec(rank=2), seed=0)
    adapted = {
        name.partition(".lora_A")[0]
        for name, _ in hunyuan.expert("transformer").named_parameters()
        if ".lora_A" in name
    }
    # Eight projections of attention and four of feed-forward in a block of two streams, three and two in one of one.
    assert len(adapted) == 2 * (8 + 4) + 2 * (3 + 2)
    assert {name.partition(".")[0] for name in adapted} == set(hunyuan.block_lists)
    adapters.attach(hunyuan, adapters.LoraSpec(rank=2, targets="attention", share=0.25), seed=0)
    later = {name for name, _ in hunyuan.expert("transformer").named_parameters() if ".lora_A" in name}
    assert len(later) == 3
    assert all(name.startswith("single_transformer_blocks.1.attn.to_") for name in later)


@pytest.mark.parametrize(("targets", "millions"), [("attention", 27.5), ("attention+ffn", 68.8)])
def test_an_adapter_of_rank_16_at_full_size(
    hunyuan_replace_folder: Path, monkeypatch: pytest.MonkeyPatch, targets: str, millions: float
) -> None:
    """16 × (inputs + outputs) for each of 280 projections of attention, and of 160 feed-forward layers."""
    monkeypatch.setattr(hunyuan_module, "load_part", lambda *_, **__: PUBLISHED["HunyuanVideo-I2V"].build())
    model = open_hunyuan(hunyuan_replace_folder)
    parameters = adapters.attach(model, adapters.LoraSpec(rank=16, targets=targets), seed=0)
    assert sum(parameter.numel() for parameter in parameters) / 1e6 == pytest.approx(millions, abs=0.1)


def test_the_pipeline_reads_the_saved_adapter(
    hunyuan: HunyuanImageToVideo, pipeline: HunyuanVideoImageToVideoPipeline, tmp_path: Path
) -> None:
    parameters = adapters.attach(hunyuan, adapters.LoraSpec(rank=2), seed=0)
    generator = torch.Generator().manual_seed(3)
    for parameter in parameters:
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    adapters.save(hunyuan, tmp_path / "adapter.safetensors", metadata={})
    inputs = {
        "hidden_states": torch.randn(1, hunyuan.expert("transformer").config.in_channels, 2, 4, 4, generator=generator),
        "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": torch.randn(1, 7, 16, generator=generator),
        "encoder_attention_mask": torch.ones(1, 7),
        "pooled_projections": torch.randn(1, 16, generator=generator),
        "guidance": torch.tensor([6000.0]),
        "return_dict": False,
    }
    with torch.no_grad():
        plain = pipeline.transformer(**inputs)[0]
        pipeline.load_lora_weights(tmp_path, weight_name="adapter.safetensors", adapter_name="edit")
        theirs, ours = pipeline.transformer(**inputs)[0], hunyuan.expert("transformer")(**inputs)[0]
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(plain, ours, atol=1e-3)


def test_encoders_are_let_go(hunyuan: HunyuanImageToVideo) -> None:
    first = hunyuan.encode_condition(first_frame_condition(VIDEO, factor=8))
    text = hunyuan.text
    assert hunyuan.text is text
    hunyuan.release_encoders()
    assert not {"text", "codec"} & set(vars(hunyuan))
    torch.testing.assert_close(hunyuan.encode_condition(first_frame_condition(VIDEO, factor=8)), first)
