# SPDX-License-Identifier: GPL-3.0-or-later
"""The Wan family against diffusers' own pipeline: same conditions, same embeddings, same latents."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import WanImageToVideoPipeline
from PIL import Image
from safetensors.torch import load_file, save_file

from maskedit.conditioning import first_frame_condition
from maskedit.errors import ModelError
from maskedit.models.family import Conditioning, Embeddings, Prediction
from maskedit.models.wan import WanImageToVideo
from maskedit.rendering import Sampling, initial_noise, sample_latents

VIDEO = torch.rand(1, 3, 5, 32, 48, generator=torch.Generator().manual_seed(7)) * 2 - 1


@pytest.fixture
def pipeline(whole_wan: WanImageToVideo) -> WanImageToVideoPipeline:
    from transformers import AutoTokenizer, CLIPImageProcessor, CLIPVisionModel, UMT5EncoderModel

    folder = whole_wan.directory
    made = WanImageToVideoPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=UMT5EncoderModel.from_pretrained(folder / "text_encoder"),
        vae=whole_wan.codec,
        scheduler=whole_wan.scheduler(2, shift=3.0),
        image_processor=CLIPImageProcessor.from_pretrained(folder / "image_processor"),
        image_encoder=CLIPVisionModel.from_pretrained(folder / "image_encoder"),
        transformer=whole_wan.expert("transformer"),
    )
    made.set_progress_bar_config(disable=True)
    return made


def test_the_first_frame_condition_is_the_pipelines(
    whole_wan: WanImageToVideo, pipeline: WanImageToVideoPipeline
) -> None:
    ours = whole_wan.encode_condition(first_frame_condition(VIDEO, factor=8))
    _, theirs = pipeline.prepare_latents(
        VIDEO[:, :, 0], 1, num_channels_latents=16, height=32, width=48, num_frames=5, dtype=torch.float32, device="cpu"
    )
    assert ours.shape == (1, 20, 2, 4, 6)
    torch.testing.assert_close(ours, theirs)


def test_prompt_embeddings_are_the_pipelines(whole_wan: WanImageToVideo, pipeline: WanImageToVideoPipeline) -> None:
    ours = whole_wan.encode_prompt("a red hat", VIDEO[:, :, 0])["prompt"]
    theirs, _ = pipeline.encode_prompt("a red hat", do_classifier_free_guidance=False, max_sequence_length=512)
    torch.testing.assert_close(ours, theirs)
    assert ours[0, 3:].abs().max() == 0


def test_image_embeddings_are_the_pipelines(whole_wan: WanImageToVideo, pipeline: WanImageToVideoPipeline) -> None:
    levels = ((VIDEO[0, :, 0] + 1) / 2 * 255).round()
    ours = whole_wan.encode_image((levels / 255 * 2 - 1)[None])
    picture = Image.fromarray(levels.permute(1, 2, 0).to(torch.uint8).numpy())
    torch.testing.assert_close(ours, pipeline.encode_image(picture), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_rendering_equals_the_pipeline(
    whole_wan: WanImageToVideo, pipeline: WanImageToVideoPipeline, guidance: float
) -> None:
    levels = ((VIDEO[:, :, 0] + 1) / 2 * 255).round()
    first = levels / 255 * 2 - 1
    condition = first_frame_condition(first[:, :, None].expand(-1, -1, 5, -1, -1), factor=8)
    latents = whole_wan.encode_condition(condition)
    seen = whole_wan.encode_image(first)
    given = Conditioning(latents, Embeddings(**whole_wan.encode_prompt("a red hat", first), image=seen))
    free = Conditioning(latents, Embeddings(**whole_wan.encode_prompt("", first), image=seen))
    ours = sample_latents(
        whole_wan,
        given,
        unconditional=free if guidance > 1 else None,
        sampling=Sampling(steps=3, guidance=guidance, seed=5),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        theirs = pipeline(
            image=Image.fromarray(levels[0].permute(1, 2, 0).to(torch.uint8).numpy()),
            prompt="a red hat",
            negative_prompt="",
            height=32,
            width=48,
            num_frames=5,
            num_inference_steps=3,
            guidance_scale=guidance,
            latents=initial_noise((1, 16, 2, 4, 6), seed=5),
            output_type="latent",
        ).frames
    # Both round to bfloat16 inside, at different places: equal to that precision.
    torch.testing.assert_close(ours, theirs.float(), atol=0.05, rtol=0.05)


def test_the_bundled_layout_needs_no_encoders(plain_wan: WanImageToVideo) -> None:
    assert not plain_wan.uses_prompt
    assert not plain_wan.uses_image_embedding
    assert plain_wan.encode_prompt("ignored", VIDEO[:, :, 0])["prompt"].shape == (1, 1, 32)
    latents = plain_wan.encode_condition(first_frame_condition(VIDEO, factor=4))
    assert latents.shape == (1, 4 + 48, 2, 8, 12)


def test_latents_come_back_as_the_video(plain_wan: WanImageToVideo) -> None:
    ramp = torch.linspace(-0.8, 0.8, 48).expand(1, 3, 5, 32, 48)
    torch.testing.assert_close(plain_wan.decode(plain_wan.encode_video(ramp)), ramp, atol=0.02, rtol=0)


def test_the_scheduler_follows_the_prediction(plain_wan: WanImageToVideo, clean_wan: WanImageToVideo) -> None:
    assert plain_wan.scheduler(4, shift=3.0).config.prediction_type == "flow_prediction"
    assert clean_wan.scheduler(4, shift=3.0).config.prediction_type == "sample"


def test_a_perfect_clean_prediction_is_returned_as_the_picture(clean_wan: WanImageToVideo) -> None:
    """The one fact that sampling with clean-latent prediction rests on, whatever the number of steps."""
    truth = torch.randn(1, 48, 2, 8, 12, generator=torch.Generator().manual_seed(1))
    scheduler = clean_wan.scheduler(5, shift=3.0)
    latents = initial_noise(tuple(truth.shape), seed=0)
    for timestep in scheduler.timesteps:
        latents = scheduler.step(truth, timestep, latents, return_dict=False)[0]
    torch.testing.assert_close(latents, truth, atol=1e-4, rtol=0)


def test_a_perfect_velocity_is_returned_as_the_picture(plain_wan: WanImageToVideo) -> None:
    truth = torch.randn(1, 48, 2, 8, 12, generator=torch.Generator().manual_seed(1))
    noise = initial_noise(tuple(truth.shape), seed=0)
    scheduler = plain_wan.scheduler(5, shift=3.0)
    latents = noise
    for timestep in scheduler.timesteps:
        latents = scheduler.step(noise - truth, timestep, latents, return_dict=False)[0]
    torch.testing.assert_close(latents, truth, atol=1e-4, rtol=0)


def test_weights_that_are_not_finite_are_refused(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    folder = shutil.copytree(plain_wan.directory, tmp_path / "damaged")
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["proj_out.weight"][0, 0] = float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    damaged = WanImageToVideo(
        folder,
        name="damaged",
        fingerprint="",
        limits=plain_wan.limits,
        prediction=Prediction.VELOCITY,
        flow_shift=3.0,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    with pytest.raises(ModelError, match="proj_out"):
        _ = damaged.expert("transformer")


@pytest.mark.parametrize(("part", "call"), [("vae", "codec"), ("scheduler", "scheduler")])
def test_an_unknown_part_is_named(plain_wan: WanImageToVideo, tmp_path: Path, part: str, call: str) -> None:
    folder = shutil.copytree(plain_wan.directory, tmp_path / "odd")
    config = next((folder / part).glob("*config.json"))
    config.write_text(json.dumps({**json.loads(config.read_text()), "_class_name": "SomethingElse"}))
    plain_wan.directory = folder
    with pytest.raises(ModelError, match="SomethingElse"):
        plain_wan.codec if call == "codec" else plain_wan.scheduler(2, shift=3.0)
