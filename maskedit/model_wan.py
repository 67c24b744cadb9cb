# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Wan folder's configurations and weight headers say, checked against each other (torch-free)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskedit.model_configs import (
    ImageEncoderConfig,
    ModelProblem,
    PipelineIndex,
    SchedulerConfig,
    Statement,
    TextEncoderConfig,
    WanCodecConfig,
    WanTransformerConfig,
)
from maskedit.model_fit import check_latents, check_width
from maskedit.model_weights import check_tensors

_PIXELS_480P, _PIXELS_720P = 832 * 480, 1280 * 720
# Wan2.2-TI2V-5B was made for 1280x704, five seconds at 24 frames per second; its relatives for five at 16.
_PIXELS_TI2V, _FRAMES_TI2V = 1280 * 704, 121
_FRAMES = 81


def wan_facts(
    directory: Path,
    index: PipelineIndex,
    stated: Statement,
    *,
    experts: tuple[str, ...] = ("transformer",),
    given_tokens: bool = False,
) -> dict[str, Any]:
    """The facts of a Wan folder with these transformers (see `model_families.Family.facts`).

    `given_tokens`: whether what is given enters as clean latents, so that there are no mask channels.
    """
    codec = WanCodecConfig.read(directory / "vae" / "config.json")
    flow_shift = stated.flow_shift or SchedulerConfig.read(directory / "scheduler/scheduler_config.json").flow_shift
    transformers = [WanTransformerConfig.read(directory / expert / "config.json") for expert in experts]
    patch = transformers[0].patch_size[1]
    limits = {
        "grid_px": codec.cell_px * patch,
        # A token that has a timestep of its own is given whole or generated whole.
        "cell_px": codec.cell_px * (patch if given_tokens else 1),
        "temporal_factor": codec.temporal_factor,
        # Weights for 720p come with flow_shift 5, those for 480p with 3.
        "budget_px": _PIXELS_TI2V if given_tokens else _PIXELS_720P if flow_shift >= 5 else _PIXELS_480P,
        "max_frames": _FRAMES_TI2V if given_tokens else _FRAMES,
    }
    if stated.limits:
        limits = stated.limits.model_dump()
    for expert, transformer in zip(experts, transformers, strict=True):
        _check_transformer(directory / expert, transformer)
        _check_channels(transformer, codec, masks=0 if given_tokens else limits["temporal_factor"])
        _check_encoders(directory, transformer)
    recipe = stated.recipe
    if len(experts) > 1:
        if index.boundary_ratio is None:
            raise ModelProblem("model_index.json names no boundary_ratio between the two transformers: fetch it again.")
        # Drawn evenly, times would give the expert of the noisy part one step in ten and the sampler one in three.
        recipe = {"all": {"timestep_shift": flow_shift}} | recipe
    return {"prediction": stated.prediction, "flow_shift": flow_shift, "limits": limits, "recipe": recipe}


def _check_channels(transformer: WanTransformerConfig, codec: WanCodecConfig, *, masks: int) -> None:
    check_latents(made=transformer.out_channels, held=codec.z_dim)
    # Noise alone; or noise, the keep mask folded over each group of frames, condition latents.
    expected = 2 * transformer.out_channels + masks if masks else transformer.out_channels
    if transformer.in_channels != expected:
        raise ModelProblem(
            f"The transformer takes {transformer.in_channels} channels instead of {expected}"
            f"{', so it has no mask channels' if masks else ''}: use an image-to-video model."
        )


def _check_transformer(folder: Path, config: WanTransformerConfig) -> None:
    if config.pos_embed_seq_len:
        raise ModelProblem("The transformer needs a last frame as well as a first: use an image-to-video model.")
    if config.patch_size != (1, 2, 2):
        raise ModelProblem(f"{folder.name}/config.json has a patch_size other than 1, 2, 2: fetch it again.")
    width = config.num_attention_heads * config.attention_head_dim
    needed: dict[str, tuple[int | None, ...]] = {
        "patch_embedding.weight": (width, config.in_channels, *config.patch_size),
        "proj_out.weight": (4 * config.out_channels, width),
        "condition_embedder.text_embedder.linear_1.weight": (width, config.text_dim),
    }
    for layer in range(config.num_layers):
        needed[f"blocks.{layer}.attn1.to_q.weight"] = (width, width)
        needed[f"blocks.{layer}.ffn.net.2.weight"] = (width, config.ffn_dim)
        if config.added_kv_proj_dim is not None:
            needed[f"blocks.{layer}.attn2.add_k_proj.weight"] = (width, config.added_kv_proj_dim)
    if config.image_dim is not None:
        needed["condition_embedder.image_embedder.ff.net.2.weight"] = (width, config.image_dim)
    check_tensors(folder, needed)


def _check_encoders(directory: Path, transformer: WanTransformerConfig) -> None:
    """A transformer that attends to an image embedding needs its encoder, and a full-length prompt beside it."""
    parts = ("image_encoder", "image_processor", "text_encoder", "tokenizer") if transformer.image_dim else ()
    for part in parts:
        if not (directory / part).is_dir():
            raise ModelProblem(f"The part {part} is missing: fetch the folder {part}/ again.")
    if transformer.image_dim:
        image = ImageEncoderConfig.read(directory / "image_encoder" / "config.json").hidden_size
        check_width("image_encoder", gives=image, takes=transformer.image_dim)
    if (directory / "text_encoder").is_dir():
        text = TextEncoderConfig.read(directory / "text_encoder" / "config.json").d_model
        check_width("text_encoder", gives=text, takes=transformer.text_dim)
