# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters of every family of models go out to other tools, one file per transformer, and come home the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import HunyuanVideoImageToVideoPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from maskedit import adapters
from maskedit.adapters.attaching import parameters_of
from maskedit.catalogue import ModelEntry
from maskedit.errors import ModelError
from maskedit.exchange import export_adapter, import_adapter
from maskedit.model_check import inspect_model
from maskedit.models import VideoModel, load_model
from maskedit.request import AdapterFormat, AdapterUse

FOLDERS = ("plain_wan", "whole_wan", "two_experts", "ti2v", "hunyuan_concat", "hunyuan_replace")


@pytest.fixture
def entry(request: pytest.FixtureRequest) -> ModelEntry:
    return inspect_model(request.getfixturevalue(f"{request.param}_folder"), request.param)


def held(model: VideoModel) -> dict[str, Tensor]:
    """What the model's layers get to add: up · down, scaled, per expert and layer."""
    deltas = {}
    for expert in model.experts:
        parameters = parameters_of(model.expert(expert))
        for key in [key for key in parameters if ".lora_A." in key]:
            layer = key.removesuffix(".lora_A.weight")
            scale = model.expert(expert).get_submodule(layer).scaling[adapters.ADAPTER]
            deltas[f"{expert}.{layer}"] = (scale * parameters[f"{layer}.lora_B.weight"] @ parameters[key]).detach()
    return deltas


def tuned(entry: ModelEntry, path: Path) -> tuple[VideoModel, dict[str, Tensor]]:
    """The model with an adapter on every layer that takes one, saved as `path`."""
    model = load_model(entry, device=torch.device("cpu"))
    generator = torch.Generator().manual_seed(3)
    for parameter in adapters.attach(model, adapters.LoraSpec(rank=3, alpha=1.5), seed=1):
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    adapters.save(model, path, metadata={"stage": "tune_motion"})
    return model, held(model)


def assert_held(model: VideoModel, expected: dict[str, Tensor]) -> None:
    found = held(model)
    assert found.keys() == expected.keys() and found
    for layer, delta in expected.items():
        torch.testing.assert_close(found[layer], delta, msg=lambda words, layer=layer: f"{layer}: {words}")


@pytest.mark.parametrize("form", AdapterFormat)
@pytest.mark.parametrize("entry", FOLDERS, indirect=True)
def test_out_to_another_tool_and_home_again(entry: ModelEntry, tmp_path: Path, form: AdapterFormat) -> None:
    own = tmp_path / "own.safetensors"
    model, expected = tuned(entry, own)
    homes = []
    for number, expert in enumerate(model.experts):
        out, home = tmp_path / f"{expert}.safetensors", tmp_path / f"{number}{'0' * 63}.safetensors"
        export_adapter(own, out, form=form, expert=expert)
        metadata = import_adapter(out, home, model=entry, expert=expert)
        assert (metadata["experts"], metadata["stage"]) == (expert, "tune_motion")
        homes.append(home)
    assert adapters.load_start(model, [AdapterUse(adapter_id=home.stem) for home in homes], folder=tmp_path)
    assert_held(model, expected)


@pytest.mark.parametrize("entry", FOLDERS, indirect=True)
def test_a_file_of_our_own_is_taken_whole(entry: ModelEntry, tmp_path: Path) -> None:
    model, expected = tuned(entry, tmp_path / "own.safetensors")
    metadata = import_adapter(tmp_path / "own.safetensors", tmp_path / "home.safetensors", model=entry)
    assert metadata["experts"] == ",".join(model.experts)
    adapters.load(model, tmp_path / "home.safetensors")
    assert_held(model, expected)


@pytest.mark.parametrize("entry", ["two_experts"], indirect=True)
def test_with_two_transformers_one_has_to_be_chosen(entry: ModelEntry, tmp_path: Path) -> None:
    own, out, home = (tmp_path / f"{name}.safetensors" for name in ("own", "out", "home"))
    tuned(entry, own)
    with pytest.raises(ModelError, match=r"transformer and transformer_2.*say which"):
        export_adapter(own, out, form=AdapterFormat.COMFYUI)
    export_adapter(own, out, form=AdapterFormat.COMFYUI, expert="transformer_2")
    with pytest.raises(ModelError, match="say whether the LoRA is for transformer or transformer_2"):
        import_adapter(out, home, model=entry)
    import_adapter(out, home, model=entry, expert="transformer_2")
    assert {key.partition(".")[0] for key in load_file(home)} == {"transformer_2"}


@pytest.mark.parametrize("entry", ["plain_wan"], indirect=True)
def test_a_part_for_a_transformer_that_is_not_there_is_refused(entry: ModelEntry, tmp_path: Path) -> None:
    own, both = tmp_path / "own.safetensors", tmp_path / "both.safetensors"
    tuned(entry, own)
    first = load_file(own)
    second = {f"transformer_2.{key.partition('.')[2]}": tensor.clone() for key, tensor in first.items()}
    save_file(first | second, both)
    with pytest.raises(ModelError, match="'transformer_2', which plain_wan has not"):
        import_adapter(both, tmp_path / "home.safetensors", model=entry)


@pytest.mark.parametrize("entry", ["hunyuan_concat"], indirect=True)
def test_diffusers_pipeline_loads_hunyuan_as_we_export_it(entry: ModelEntry, tmp_path: Path) -> None:
    own, out = tmp_path / "own.safetensors", tmp_path / "out.safetensors"
    model, expected = tuned(entry, own)
    export_adapter(own, out, form=AdapterFormat.DIFFUSERS)
    adapters.detach(model)
    transformer = model.expert("transformer")
    state = HunyuanVideoImageToVideoPipeline.lora_state_dict(str(tmp_path), weight_name=out.name)
    HunyuanVideoImageToVideoPipeline.load_lora_into_transformer(state, transformer, adapter_name="edit")
    assert_held(model, expected)
