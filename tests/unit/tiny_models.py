# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny models of the real classes, saved as diffusers folders the way the large ones are published."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel

from maskedit.models import Limits, Prediction
from maskedit.models.wan import Layout, WanImageToVideo

TEXT_DIM = 32
IMAGE_DIM = 16


def save_transformer(
    folder: Path,
    *,
    channels: int,
    latent_channels: int,
    image_dim: int | None = None,
    name: str = "transformer",
    seed: int = 0,
) -> None:
    torch.manual_seed(seed)
    WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels,
        out_channels=latent_channels,
        text_dim=TEXT_DIM,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        image_dim=image_dim,
        added_kv_proj_dim=None if image_dim is None else 24,
        rope_max_seq_len=32,
    ).save_pretrained(folder / name)


def save_codec(folder: Path) -> None:
    """Wan2.1's: 16 channels, cells of 8 pixels."""
    torch.manual_seed(3)
    AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).save_pretrained(folder / "vae")


def save_residual_codec(folder: Path, *, channels: int) -> None:
    """Wan2.2-TI2V's: pixels folded by two first, cells of 16 pixels, residual blocks."""
    torch.manual_seed(3)
    AutoencoderKLWan(
        base_dim=4,
        decoder_base_dim=4,
        z_dim=channels,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.1] * channels,
        latents_std=[0.7] * channels,
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=16,
    ).save_pretrained(folder / "vae")


def save_scheduler(folder: Path) -> None:
    UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0).save_pretrained(
        folder / "scheduler"
    )


def save_text_encoder(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "red": 4, "hat": 5}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder / "tokenizer")
    torch.manual_seed(1)
    config = UMT5Config(
        vocab_size=8, d_model=TEXT_DIM, d_ff=32, d_kv=8, num_heads=2, num_layers=1, is_encoder_decoder=False
    )
    UMT5EncoderModel(config).save_pretrained(folder / "text_encoder")


def save_image_encoder(folder: Path) -> None:
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(2)
    config = CLIPVisionConfig(
        hidden_size=IMAGE_DIM,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    CLIPVisionModel(config).save_pretrained(folder / "image_encoder")
    CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}).save_pretrained(
        folder / "image_processor"
    )


def open_wan(
    folder: Path, *, cell_px: int, prediction: Prediction = Prediction.VELOCITY, layout: Layout | None = None
) -> WanImageToVideo:
    grid_px = cell_px if layout else 2 * cell_px
    return WanImageToVideo(
        folder,
        name=folder.name,
        fingerprint=f"test-{folder.name}-{prediction}",
        limits=Limits(grid_px=grid_px, cell_px=cell_px, temporal_factor=4, budget_px=64 * 64, max_frames=9),
        prediction=prediction,
        flow_shift=3.0,
        device=torch.device("cpu"),
        dtype=torch.float32,
        layout=layout,
    )


def save_index(folder: Path, *, pipeline: str = "WanImageToVideoPipeline", **facts: object) -> None:
    """model_index.json with the parts that the folder holds, and a licence."""
    classes = {
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "transformer_2": ["diffusers", "WanTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "image_encoder": ["transformers", "CLIPVisionModel"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
    }
    parts = {part: kind if (folder / part).is_dir() else [None, None] for part, kind in classes.items()}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline, **parts, **facts}))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")


def save_i2v(folder: Path) -> Path:
    """Wan2.1-I2V with all its parts; Fun-InP has the same."""
    save_transformer(folder, channels=36, latent_channels=16, image_dim=IMAGE_DIM)
    save_scheduler(folder)
    save_text_encoder(folder)
    save_image_encoder(folder)
    save_codec(folder)
    save_index(folder)
    return folder


def save_two_experts(folder: Path, *, boundary_ratio: float = 0.9) -> Path:
    """Wan2.2-I2V-A14B with all its parts."""
    for seed, name in enumerate(("transformer", "transformer_2")):
        save_transformer(folder, channels=36, latent_channels=16, name=name, seed=seed)
    save_scheduler(folder)
    save_text_encoder(folder)
    save_codec(folder)
    save_index(folder, boundary_ratio=boundary_ratio)
    return folder


def save_ti2v(folder: Path) -> Path:
    """Wan2.2-TI2V-5B with all its parts, with eight latent channels instead of 48."""
    save_transformer(folder, channels=8, latent_channels=8)
    save_scheduler(folder)
    save_text_encoder(folder)
    save_residual_codec(folder, channels=8)
    save_index(folder, pipeline="WanPipeline", expand_timesteps=True, boundary_ratio=None)
    return folder
