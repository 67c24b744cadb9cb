# SPDX-License-Identifier: GPL-3.0-or-later
"""The published models at full size, without their weights: shapes, parameters, operations, and what is recognised."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler
from torch.utils.flop_counter import FlopCounterMode

from maskedit import adapters
from maskedit.model_check import inspect_model
from maskedit.models import load_model, wan
from maskedit.models.published import PUBLISHED, PublishedModel
from tests.unit.tiny_models import save_index

WAN = [name for name in PUBLISHED if name.startswith("Wan")]


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("Wan2.1-I2V-14B-480P", 16.39),
        ("Wan2.1-Fun-1.3B-InP", 1.56),
        ("Wan2.2-I2V-A14B", 14.29),
        ("Wan2.2-TI2V-5B", 5.00),
        ("HunyuanVideo-I2V", 12.82),
        ("HunyuanVideo-I2V-33ch", 12.81),
    ],
)
def test_parameters_are_as_published(name: str, billions: float) -> None:
    parameters = sum(parameter.numel() for parameter in PUBLISHED[name].build().parameters())
    assert parameters / 1e9 == pytest.approx(billions, abs=0.005)


def forward(model: PublishedModel, *, frames: int, width: int = 832, height: int = 480) -> tuple[float, torch.Size]:
    """Petaflop of one forward pass, and the shape that comes out."""
    transformer = model.build()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        (output,) = transformer(**model.inputs_for(width=width, height=height, frames=frames), return_dict=False)
    return counter.get_total_flops() / 1e15, output.shape


@pytest.mark.parametrize(
    ("name", "frames", "petaflop", "shape"),
    [
        ("Wan2.1-I2V-14B-480P", 49, 0.840, (1, 16, 13, 60, 104)),
        ("Wan2.1-I2V-14B-480P", 81, 1.691, (1, 16, 21, 60, 104)),
        ("Wan2.1-Fun-1.3B-InP", 49, 0.130, (1, 16, 13, 60, 104)),
        ("Wan2.2-I2V-A14B", 49, 0.833, (1, 16, 13, 60, 104)),
        # A quarter of the cells and a third of the parameters: a fifteenth of the work.
        ("Wan2.2-TI2V-5B", 49, 0.056, (1, 48, 13, 30, 52)),
        ("HunyuanVideo-I2V", 49, 0.596, (1, 16, 13, 60, 104)),
        ("HunyuanVideo-I2V-33ch", 49, 0.603, (1, 16, 13, 60, 104)),
    ],
)
def test_a_forward_pass_costs_what_was_measured(
    name: str, frames: int, petaflop: float, shape: tuple[int, ...]
) -> None:
    cost, out = forward(PUBLISHED[name], frames=frames)
    assert cost == pytest.approx(petaflop, rel=0.03)
    assert tuple(out) == shape


def save_sparse(folder: Path, module: torch.nn.Module) -> None:
    """A weight file of full size with a true header and no data: holes on the disk."""
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in module.state_dict().items():
        start, end = end, end + 2 * tensor.numel()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with (folder / "diffusion_pytorch_model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def save_published(folder: Path, model: PublishedModel) -> Path:
    """The folder of a published model, with true configurations and holes for weights."""
    transformer = model.build()
    for name in ("transformer", "transformer_2")[: model.experts]:
        transformer.save_config(folder / name)
        save_sparse(folder / name, transformer)
    small_cells = {
        "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "is_residual": True,
        "in_channels": 12, "out_channels": 12, "patch_size": 2, "scale_factor_spatial": 16,
        "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
    }  # fmt: skip
    with torch.device("meta"):
        codec = AutoencoderKLWan(**small_cells if model.spatial_factor == 16 else {})
    codec.save_config(folder / "vae")
    save_sparse(folder / "vae", codec)
    UniPCMultistepScheduler(use_flow_sigmas=True, flow_shift=model.flow_shift).save_pretrained(folder / "scheduler")
    others: dict[str, dict[str, Any]] = {
        "text_encoder": {"architectures": ["UMT5EncoderModel"], "d_model": 4096},
        "tokenizer": {},
    }
    if model.config["image_dim"]:
        others["image_encoder"] = {"architectures": ["CLIPVisionModel"], "hidden_size": 1280}
        others["image_processor"] = {}
    files = {"tokenizer": "tokenizer_config.json", "image_processor": "preprocessor_config.json"}
    for part, config in others.items():
        (folder / part).mkdir()
        (folder / part / files.get(part, "config.json")).write_text(json.dumps(config))
        if config:
            save_sparse(folder / part, torch.nn.Linear(2, 2))
    ti2v = model.family == "wan-ti2v"
    save_index(
        folder,
        pipeline="WanPipeline" if ti2v else "WanImageToVideoPipeline",
        expand_timesteps=ti2v,
        boundary_ratio=0.9 if model.experts == 2 else None,
    )
    return folder


@pytest.mark.parametrize("name", WAN)
def test_a_published_folder_is_recognised_with_its_limits(name: str, tmp_path: Path) -> None:
    model = PUBLISHED[name]
    entry = inspect_model(save_published(tmp_path / name, model), name)
    assert entry.problems == ()
    assert (entry.family, entry.flow_shift, entry.prediction) == (model.family, model.flow_shift, "velocity")
    assert entry.limits == asdict(model.limits)
    parameters = sum(parameter.numel() for parameter in model.build().parameters())
    assert entry.size_bytes > 2 * parameters * model.experts
    assert (entry.licence, entry.commercial) == ("apache-2.0", "Commercial use is allowed, in every territory.")


@pytest.mark.parametrize(
    ("name", "targets", "millions"),
    [
        ("Wan2.1-I2V-14B-480P", "attention+ffn", 76.7),
        ("Wan2.1-I2V-14B-480P", "attention", 52.4),
        ("Wan2.2-I2V-A14B", "attention+ffn", 2 * 76.7),
        ("Wan2.2-TI2V-5B", "attention+ffn", 40.4),
    ],
)
def test_an_adapter_of_rank_16_has_the_papers_size(
    name: str, targets: str, millions: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """76.7 million parameters in the reference code, 52.4 with attention only (arXiv 2506.10082)."""
    published = PUBLISHED[name]
    monkeypatch.setattr(wan, "load_part", lambda *_, **__: published.build())
    model = load_model(inspect_model(save_published(tmp_path / name, published), name), device=torch.device("cpu"))
    parameters = adapters.attach(model, adapters.LoraSpec(rank=16, targets=targets), seed=0)
    assert sum(parameter.numel() for parameter in parameters) / 1e6 == pytest.approx(millions, abs=0.1)
