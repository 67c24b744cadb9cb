# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters on disk: safetensors with diffusers' key names (`transformer.…`), and metadata that says what it is."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from torch import Tensor

from maskedit.adapters.attaching import ADAPTER, attach_to_layers, detach
from maskedit.caching import save_atomically
from maskedit.errors import ModelError
from maskedit.models.family import VideoModel


def save(model: VideoModel, path: Path, *, metadata: dict[str, str]) -> None:
    """Write the adapter; `metadata` gains rank and alpha and the model's name and fingerprint."""
    state = adapter_state(model)
    config = model.expert(model.experts[0]).peft_config[ADAPTER]
    known = {"rank": str(config.r), "alpha": f"{config.lora_alpha:g}"}
    known |= {"model": model.name, "model_fingerprint": model.fingerprint}
    save_atomically(state, path, metadata=metadata | known)


def adapter_state(model: VideoModel) -> dict[str, Tensor]:
    """The attached adapter in diffusers' key names: `EXPERT.LAYER.lora_A.weight` (rank, in), `…lora_B.weight`."""
    return {
        f"{expert}.{key}": value
        for expert in model.experts
        for key, value in get_peft_model_state_dict(model.expert(expert), adapter_name=ADAPTER).items()
    }


def load(model: VideoModel, path: Path) -> dict[str, str]:
    """Attach the adapter in `path` and return its metadata.

    Raises ModelError if the file is unreadable, belongs to another model, holds values that are not finite, or does
    not fit the transformers key for key: peft itself only warns and then runs without the adapter.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a file, not a mapping)
        rank, alpha = int(metadata["rank"]), float(metadata.get("alpha", metadata["rank"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"The adapter {path.name} cannot be read: delete it and tune again.") from error
    if metadata.get("model_fingerprint") != model.fingerprint:
        raise ModelError(f"The adapter {path.name} was made for another model than {model.name}: tune again.")
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise ModelError(f"The adapter {path.name} is damaged (not finite): delete it and tune again.")
    unfit = ModelError(f"The adapter {path.name} does not fit {model.name}: tune again.")
    if not state or any(key.partition(".")[0] not in model.experts for key in state):
        raise unfit
    detach(model)
    for expert in model.experts:
        transformer, start = model.expert(expert), f"{expert}."
        own = {key.removeprefix(start): value for key, value in state.items() if key.startswith(start)}
        layers = {key.rpartition(".lora_")[0] for key in own}
        try:
            for layer in layers:
                transformer.get_submodule(layer)
        except AttributeError as error:
            raise unfit from error
        attach_to_layers(transformer, sorted(layers), rank=rank, alpha=alpha, seed=0)
        if not own:
            continue
        expected = get_peft_model_state_dict(transformer, adapter_name=ADAPTER)
        if {key: value.shape for key, value in expected.items()} != {key: value.shape for key, value in own.items()}:
            raise unfit
        set_peft_model_state_dict(transformer, own, adapter_name=ADAPTER)
    return metadata
