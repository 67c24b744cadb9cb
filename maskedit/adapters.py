# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA adapters on a model's transformer: attach, save, load back, check.

Files are safetensors with diffusers' key names (`transformer.…`), so that other tools read them, and metadata that
says what they belong to.
"""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from torch import Tensor

from maskedit.caching import save_atomically
from maskedit.errors import ModelError
from maskedit.models.family import VideoModel

ADAPTER = "edit"
_PREFIX = "transformer."
# The paper says attention; its code also adapts the feed-forward layers, which carry much of the appearance.
_TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2"]


def attach(model: VideoModel, *, rank: int, seed: int) -> list[Tensor]:
    """Add a fresh adapter (alpha = rank, as in the paper) and return its parameters, float32, trainable.

    An adapter that is already there is removed first. A fresh one leaves the model's output unchanged.
    """
    detach(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.transformer.add_adapter(
            LoraConfig(r=rank, lora_alpha=rank, target_modules=_TARGETS, init_lora_weights=True),
            adapter_name=ADAPTER,
        )
    parameters = trainable(model)
    if not parameters:
        raise ModelError(f"No layer of {model.name} takes an adapter: the model is of an unknown kind.")
    for parameter in parameters:
        parameter.data = parameter.data.float()
    return parameters


def trainable(model: VideoModel) -> list[Tensor]:
    return [parameter for parameter in model.transformer.parameters() if parameter.requires_grad]


def detach(model: VideoModel) -> None:
    if ADAPTER in getattr(model.transformer, "peft_config", {}):
        model.transformer.delete_adapters(ADAPTER)


def save(model: VideoModel, path: Path, *, metadata: dict[str, str]) -> None:
    """Write the adapter; `metadata` gains the rank and the model's name and fingerprint."""
    state = get_peft_model_state_dict(model.transformer, adapter_name=ADAPTER)
    rank = model.transformer.peft_config[ADAPTER].r
    known = {"rank": str(rank), "model": model.name, "model_fingerprint": model.fingerprint}
    save_atomically({_PREFIX + key: value for key, value in state.items()}, path, metadata=metadata | known)


def load(model: VideoModel, path: Path) -> dict[str, str]:
    """Attach the adapter in `path` and return its metadata.

    Raises ModelError if the file is unreadable, belongs to another model, holds values that are not finite, or does
    not fit the transformer key for key: peft itself only warns and then runs without the adapter.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key.removeprefix(_PREFIX): file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a file, not a mapping)
        rank = int(metadata["rank"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"The adapter {path.name} cannot be read: delete it and tune again.") from error
    if metadata.get("model_fingerprint") != model.fingerprint:
        raise ModelError(f"The adapter {path.name} was made for another model than {model.name}: tune again.")
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise ModelError(f"The adapter {path.name} is damaged (not finite): delete it and tune again.")
    attach(model, rank=rank, seed=0)
    expected = get_peft_model_state_dict(model.transformer, adapter_name=ADAPTER)
    if {key: value.shape for key, value in expected.items()} != {key: value.shape for key, value in state.items()}:
        raise ModelError(f"The adapter {path.name} does not fit {model.name}: tune again.")
    set_peft_model_state_dict(model.transformer, state, adapter_name=ADAPTER)
    return metadata
