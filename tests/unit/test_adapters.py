# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters attach, change the output, and come back from disk equal or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from maskedit import __version__, adapters
from maskedit.errors import ModelError
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo

CONDITIONING = Conditioning(torch.zeros(1, 52, 2, 4, 4), Embeddings(torch.zeros(1, 1, 32)))
NOISE = torch.randn(1, 48, 2, 4, 4, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def output(model: WanImageToVideo) -> torch.Tensor:
    return model.predict(NOISE, torch.tensor([500.0]), conditioning=CONDITIONING)


def attach_trained(model: WanImageToVideo, *, rank: int = 4) -> None:
    """An adapter that changes the output, as tuning leaves it."""
    generator = torch.Generator().manual_seed(9)
    for parameter in adapters.attach(model, adapters.LoraSpec(rank=rank), seed=1):
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.3)


def test_a_fresh_adapter_changes_nothing_and_only_it_trains(plain_wan: WanImageToVideo) -> None:
    before = output(plain_wan)
    parameters = adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=1)
    torch.testing.assert_close(output(plain_wan), before)
    # q, k, v, o of two attentions and two feed-forward layers, A and B each, in two blocks.
    assert len(parameters) == (2 * 4 + 2) * 2 * 2
    assert all(parameter.dtype is torch.float32 for parameter in parameters)


def test_attaching_again_starts_afresh(plain_wan: WanImageToVideo) -> None:
    before = output(plain_wan)
    attach_trained(plain_wan)
    assert not torch.allclose(output(plain_wan), before)
    adapters.attach(plain_wan, adapters.LoraSpec(rank=8), seed=1)
    torch.testing.assert_close(output(plain_wan), before)


def test_the_seed_decides_the_start(plain_wan: WanImageToVideo) -> None:
    first = [parameter.clone() for parameter in adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=1)]
    torch.manual_seed(123)
    again = adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=1)
    other = adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_saved_adapter_comes_back_with_its_output_and_metadata(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    attach_trained(plain_wan)
    tuned = output(plain_wan)
    adapters.save(plain_wan, tmp_path / "a.safetensors", metadata={"stage": "motion"})
    adapters.detach(plain_wan)
    assert not torch.allclose(output(plain_wan), tuned)
    metadata = adapters.load(plain_wan, tmp_path / "a.safetensors")
    torch.testing.assert_close(output(plain_wan), tuned)
    assert metadata == {
        "stage": "motion",
        "format_version": "1",
        "maskedit_version": __version__,
        "experts": "transformer",
        "rank": "4",
        "alpha": "4",
        "model": plain_wan.name,
        "model_fingerprint": plain_wan.fingerprint,
    }


def test_a_loaded_adapter_can_be_tuned_further(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    attach_trained(plain_wan)
    adapters.save(plain_wan, tmp_path / "a.safetensors", metadata={})
    adapters.load(plain_wan, tmp_path / "a.safetensors")
    plain_wan.predict(NOISE, torch.tensor([500.0]), conditioning=CONDITIONING).sum().backward()
    assert all(parameter.grad is not None for parameter in adapters.trainable(plain_wan))


def test_diffusers_reads_the_file(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    """The key names are those of other tools: the transformer's own loader attaches all of them."""
    attach_trained(plain_wan)
    tuned = output(plain_wan)
    adapters.save(plain_wan, tmp_path / "a.safetensors", metadata={})
    adapters.detach(plain_wan)
    plain_wan.expert("transformer").load_lora_adapter(str(tmp_path / "a.safetensors"), prefix="transformer")
    torch.testing.assert_close(output(plain_wan), tuned)


def tampered(path: Path, change: str) -> None:
    tensors = load_file(path)
    metadata = {"rank": "4", "alpha": "4", "model_fingerprint": "test-plain-wan-velocity"}
    key = next(iter(tensors))
    match change:
        case "another model":
            metadata["model_fingerprint"] = "other"
        case "not finite":
            tensors[key] = torch.full_like(tensors[key], float("nan"))
        case "a layer missing":
            del tensors[key]
        case "another rank":
            metadata["rank"] = "8"
        case "foreign keys":
            tensors = {f"base_model.model.{key}": tensor for key, tensor in tensors.items()}
        case "no metadata":
            metadata = {}
    save_file(tensors, path, metadata=metadata)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("another model", "another model"),
        ("not finite", "not finite"),
        ("a layer missing", "does not fit"),
        ("another rank", "cannot be read"),
        ("foreign keys", "does not fit"),
        ("no metadata", "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    plain_wan: WanImageToVideo, tmp_path: Path, change: str, message: str
) -> None:
    attach_trained(plain_wan)
    path = tmp_path / "a.safetensors"
    adapters.save(plain_wan, path, metadata={})
    tampered(path, change)
    with pytest.raises(ModelError, match=message):
        adapters.load(plain_wan, path)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x00" * 64])
def test_a_file_that_is_no_adapter_is_refused(plain_wan: WanImageToVideo, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="tune again"):
        adapters.load(plain_wan, path)
