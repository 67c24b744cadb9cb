# SPDX-License-Identifier: GPL-3.0-or-later
"""What a HunyuanVideo-I2V folder's configurations and weight headers say, checked against each other (torch-free)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from maskedit.model_configs import ConfigFile, Count, ModelProblem, PipelineIndex, Shift, Statement
from maskedit.model_fit import check_latents, check_width
from maskedit.model_weights import check_tensors

_PIXELS_720P = 1280 * 720
_FRAMES = 129
_Blocks = Annotated[int, Field(ge=1, le=1000)]


class _TransformerConfig(ConfigFile):
    in_channels: Count
    out_channels: Count
    num_attention_heads: Count
    attention_head_dim: Count
    num_layers: _Blocks
    num_single_layers: _Blocks
    patch_size: Count
    patch_size_t: Count
    text_embed_dim: Count
    pooled_projection_dim: Count
    guidance_embeds: bool
    image_condition_type: str | None = None


class _CodecConfig(ConfigFile):
    latent_channels: Count
    scaling_factor: Annotated[float, Field(gt=0)]
    spatial_compression_ratio: Count = 8
    temporal_compression_ratio: Count = 4


class _SchedulerConfig(ConfigFile):
    shift: Shift


class _LanguageConfig(ConfigFile):
    # Llama's own width; configurations leave it out where it is the default.
    hidden_size: Count = 4096


class _TextEncoderConfig(ConfigFile):
    text_config: _LanguageConfig


class _PooledEncoderConfig(ConfigFile):
    hidden_size: Count


def hunyuan_facts(directory: Path, index: PipelineIndex, stated: Statement) -> dict[str, Any]:
    """The facts of a HunyuanVideo-I2V folder (see `model_families.Family.facts`)."""
    transformer = _TransformerConfig.read(directory / "transformer" / "config.json")
    codec = _CodecConfig.read(directory / "vae" / "config.json")
    scheduler = _SchedulerConfig.read(directory / "scheduler" / "scheduler_config.json")
    if stated.prediction != "velocity":
        raise ModelProblem("maskedit.json states a prediction that HunyuanVideo has not: make it velocity.")
    _check_channels(transformer, codec)
    _check_text(directory, transformer)
    _check_weights(directory / "transformer", transformer)
    limits = {
        "grid_px": codec.spatial_compression_ratio * transformer.patch_size,
        "cell_px": codec.spatial_compression_ratio,
        "temporal_factor": codec.temporal_compression_ratio,
        "budget_px": _PIXELS_720P,
        "max_frames": _FRAMES,
    }
    return {
        "prediction": stated.prediction,
        "flow_shift": stated.flow_shift or scheduler.shift,
        "limits": stated.limits.model_dump() if stated.limits else limits,
        "recipe": stated.recipe,
    }


def _check_channels(transformer: _TransformerConfig, codec: _CodecConfig) -> None:
    check_latents(made=transformer.out_channels, held=codec.latent_channels)
    noise = transformer.out_channels
    # Noise, condition latents and one mask channel; or noise alone, the first frame's tokens being replaced.
    channels = {"latent_concat": 2 * noise + 1, "token_replace": noise}
    kind = transformer.image_condition_type
    if kind not in channels:
        raise ModelProblem(
            "transformer/config.json has no image_condition_type that is known (latent_concat or token_replace): "
            "use an image-to-video model."
        )
    if transformer.in_channels != channels[kind]:
        raise ModelProblem(
            f"The transformer takes {transformer.in_channels} channels instead of the {channels[kind]} of {kind}: "
            "fetch the folder transformer/ again."
        )


def _check_text(directory: Path, transformer: _TransformerConfig) -> None:
    """The two encoders have the widths that the transformer takes, and the first one's words are in the file read."""
    prompt = _TextEncoderConfig.read(directory / "text_encoder" / "config.json").text_config.hidden_size
    pooled = _PooledEncoderConfig.read(directory / "text_encoder_2" / "config.json").hidden_size
    check_width("text_encoder", gives=prompt, takes=transformer.text_embed_dim)
    check_width("text_encoder_2", gives=pooled, takes=transformer.pooled_projection_dim)
    if not (directory / "tokenizer" / "tokenizer.json").is_file():
        raise ModelProblem("tokenizer/tokenizer.json is missing: fetch it again.")


def _check_weights(folder: Path, config: _TransformerConfig) -> None:
    if (config.patch_size_t, config.patch_size) != (1, 2):
        raise ModelProblem("transformer/config.json has patch sizes other than 1 and 2: fetch it again.")
    width = config.num_attention_heads * config.attention_head_dim
    needed: dict[str, tuple[int | None, ...]] = {
        "x_embedder.proj.weight": (width, config.in_channels, 1, 2, 2),
        "proj_out.weight": (4 * config.out_channels, width),
        "context_embedder.proj_in.weight": (width, config.text_embed_dim),
        "time_text_embed.text_embedder.linear_1.weight": (width, config.pooled_projection_dim),
    }
    if config.guidance_embeds:
        needed["time_text_embed.guidance_embedder.linear_2.weight"] = (width, width)
    for layer in range(config.num_layers):
        needed[f"transformer_blocks.{layer}.attn.to_q.weight"] = (width, width)
        needed[f"transformer_blocks.{layer}.ff_context.net.2.weight"] = (width, None)
    for layer in range(config.num_single_layers):
        needed[f"single_transformer_blocks.{layer}.proj_out.weight"] = (width, None)
    check_tensors(folder, needed)
