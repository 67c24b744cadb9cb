# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny models of the real classes, saved as diffusers folders and loaded the way the large ones are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel

from maskedit.models import Limits, Prediction
from maskedit.models.bundled.codec import DctCodec
from maskedit.models.wan import WanImageToVideo

# Tiny tensors gain nothing from a second thread and lose much to waiting for it.
torch.set_num_threads(1)

TEXT_DIM = 32
IMAGE_DIM = 16


def save_transformer(folder: Path, *, latent_channels: int, image_dim: int | None) -> None:
    torch.manual_seed(0)
    WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=2 * latent_channels + 4,
        out_channels=latent_channels,
        text_dim=TEXT_DIM,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        image_dim=image_dim,
        added_kv_proj_dim=None if image_dim is None else 24,
        rope_max_seq_len=32,
    ).save_pretrained(folder / "transformer")


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


def open_wan(folder: Path, *, cell_px: int, prediction: Prediction = Prediction.VELOCITY) -> WanImageToVideo:
    return WanImageToVideo(
        folder,
        name=folder.name,
        fingerprint=f"test-{folder.name}-{prediction}",
        limits=Limits(grid_px=2 * cell_px, cell_px=cell_px, temporal_factor=4, budget_px=64 * 64, max_frames=9),
        prediction=prediction,
        flow_shift=3.0,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


@pytest.fixture(scope="session")
def plain_wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout without text or image encoder: what the bundled model uses."""
    folder = tmp_path_factory.mktemp("models") / "plain-wan"
    save_transformer(folder, latent_channels=48, image_dim=None)
    save_scheduler(folder)
    DctCodec().save_pretrained(folder / "vae")
    limits = {"grid_px": 8, "cell_px": 4, "temporal_factor": 4, "budget_px": 32 * 32, "max_frames": 9}
    sidecar = {"family": "wan-i2v", "prediction": "velocity", "flow_shift": 3.0, "limits": limits, "licence": "test"}
    (folder / "maskedit.json").write_text(json.dumps(sidecar))
    return folder


@pytest.fixture(scope="session")
def whole_wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wan2.1-I2V with all its parts, tiny."""
    folder = tmp_path_factory.mktemp("models") / "whole-wan"
    save_transformer(folder, latent_channels=16, image_dim=IMAGE_DIM)
    save_scheduler(folder)
    save_text_encoder(folder)
    save_image_encoder(folder)
    torch.manual_seed(3)
    AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).save_pretrained(folder / "vae")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "WanImageToVideoPipeline"}))
    return folder


@pytest.fixture
def plain_wan(plain_wan_folder: Path) -> WanImageToVideo:
    return open_wan(plain_wan_folder, cell_px=4)


@pytest.fixture
def clean_wan(plain_wan_folder: Path) -> WanImageToVideo:
    """The same weights read as a model that predicts the clean latents."""
    return open_wan(plain_wan_folder, cell_px=4, prediction=Prediction.CLEAN)


@pytest.fixture
def whole_wan(whole_wan_folder: Path) -> WanImageToVideo:
    return open_wan(whole_wan_folder, cell_px=8)
