# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a model folder: loaded whole and frozen, or refused with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModel, UMT5EncoderModel

from maskedit.errors import ModelError
from maskedit.models.bundled.codec import DctCodec
from maskedit.models.loading import load_part, read_config

CPU = torch.device("cpu")
PARTS = {
    "transformer": WanTransformer3DModel,
    "vae": AutoencoderKLWan,
    "text_encoder": UMT5EncoderModel,
    "image_encoder": CLIPVisionModel,
}


@pytest.fixture
def folder(whole_wan_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_wan_folder, tmp_path / "model"))


def load(folder: Path, part: str, dtype: torch.dtype = torch.float32) -> Any:
    return load_part(PARTS[part], folder, part, dtype=dtype, device=CPU)


def change(folder: Path, part: str, **changes: Any) -> str:
    """Rewrite a part's first weight matrix as `changes` say; returns its name."""
    (file,) = (folder / part).glob("*.safetensors")
    weights = load_file(file)
    name = sorted(name for name, tensor in weights.items() if tensor.ndim >= 2)[0]
    if "drop" in changes:
        del weights[name]
    if "shape" in changes:
        weights[name] = torch.zeros(changes["shape"])
    if "value" in changes:
        weights[name].view(-1)[-1] = changes["value"]
    save_file(weights, file, metadata={"format": "pt"})
    return name


@pytest.mark.parametrize("part", PARTS)
def test_a_part_comes_back_frozen_and_as_saved(folder: Path, part: str) -> None:
    loaded = load(folder, part)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    (file,) = (folder / part).glob("*.safetensors")
    saved = load_file(file)
    own = {name.removeprefix("vision_model."): tensor for name, tensor in loaded.state_dict().items()}
    shared = set(own) & {name.removeprefix("vision_model.") for name in saved}
    assert len(shared) >= 0.9 * len(saved)
    for name, tensor in saved.items():
        if name.removeprefix("vision_model.") in shared:
            torch.testing.assert_close(own[name.removeprefix("vision_model.")], tensor, atol=0, rtol=0)


def test_what_the_class_keeps_exact_stays_exact(folder: Path) -> None:
    loaded = load(folder, "transformer", torch.bfloat16)
    assert loaded.blocks[0].attn1.to_q.weight.dtype is torch.bfloat16
    assert loaded.condition_embedder.time_embedder.linear_1.weight.dtype is torch.float32


def test_a_codec_without_parameters_is_a_part_like_any_other(plain_wan_folder: Path) -> None:
    codec = load_part(DctCodec, plain_wan_folder, "vae", dtype=torch.float32, device=CPU)
    assert torch.equal(codec.first_frame_basis, DctCodec().first_frame_basis)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_refused(folder: Path, part: str, value: float) -> None:
    change(folder, part, value=value)
    with pytest.raises(ModelError, match=f"model/{part} are damaged .* not finite"):
        load(folder, part)


def test_large_numbers_are_numbers(folder: Path) -> None:
    """In half precision a sum runs over where no number does."""
    (file,) = (folder / "transformer").glob("*.safetensors")
    weights = load_file(file)
    weights["blocks.0.ffn.net.2.weight"][:] = 6e4
    save_file(weights, file, metadata={"format": "pt"})
    loaded = load(folder, "transformer", torch.float16)
    assert not loaded.blocks[0].ffn.net[2].weight.sum().isfinite()


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_weight_is_refused_not_drawn_at_random(folder: Path, part: str) -> None:
    change(folder, part, drop=True)
    with pytest.raises(ModelError, match=f"model/{part}"):
        load(folder, part)


@pytest.mark.parametrize("part", PARTS)
def test_a_weight_of_another_shape_is_refused(folder: Path, part: str) -> None:
    change(folder, part, shape=(3, 5))
    with pytest.raises(ModelError, match=f"model/{part}"):
        load(folder, part)


def test_pickles_are_never_read(folder: Path) -> None:
    (file,) = (folder / "vae").glob("*.safetensors")
    torch.save(load_file(file), folder / "vae" / "diffusion_pytorch_model.bin")
    file.unlink()
    with pytest.raises(ModelError, match="models check"):
        load(folder, "vae")


def test_a_file_cut_short_is_refused(folder: Path) -> None:
    (file,) = (folder / "transformer").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ModelError, match="model/transformer"):
        load(folder, "transformer")


@pytest.mark.parametrize("content", ["", "[1]", "{", "null", None])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=f"{tmp_path.name}/config.json"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    assert read_config(tmp_path) == {"a": 1}
