# SPDX-License-Identifier: GPL-3.0-or-later
"""A trainable LoRA on the transformers of a model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor

from maskedit.errors import ModelError
from maskedit.models.family import VideoModel

ADAPTER = "edit"


@dataclass(frozen=True, kw_only=True)
class LoraSpec:
    """What the LoRA is put on. `alpha`: its scale is alpha / rank, 0 = as much as the rank (the paper's).

    `targets`: "attention" (the paper's text) or "attention+ffn" (its code: the feed-forward layers carry much of the
    appearance). `share`: the part of the blocks, counted from the last, that takes it; what lies before them needs no
    gradients.
    """

    rank: int = 16
    alpha: float = 0.0
    targets: str = "attention+ffn"
    share: float = 1.0


def attach(model: VideoModel, spec: LoraSpec, *, seed: int) -> list[Tensor]:
    """Add a fresh adapter to every expert and return its parameters, float32, trainable.

    An adapter that is already there is removed first. A fresh one leaves the model's output unchanged.
    """
    detach(model)
    for expert in model.experts:
        transformer = model.expert(expert)
        layers = _layers(model, transformer, spec)
        attach_to_layers(transformer, layers, rank=spec.rank, alpha=spec.alpha or spec.rank, seed=seed)
    parameters = trainable(model)
    if not parameters:
        raise ModelError(f"No layer of {model.name} takes an adapter: the model is of an unknown kind.")
    return parameters


def attach_to_layers(transformer: Any, layers: Collection[str], *, rank: int, alpha: float, seed: int) -> None:
    """Add a fresh adapter to the named modules of a transformer that has none."""
    if not layers:
        return
    # A scale need not be a whole number, whatever the annotation says.
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(layers), init_lora_weights=True)  # type: ignore
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer.add_adapter(config, adapter_name=ADAPTER)
    for parameter in transformer.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def trainable(model: VideoModel) -> list[Tensor]:
    """The adapter's parameters, expert by expert."""
    return [
        parameter
        for expert in model.experts
        for parameter in model.expert(expert).parameters()
        if parameter.requires_grad
    ]


def detach(model: VideoModel) -> None:
    """Leave the model as it was loaded."""
    for expert in model.experts:
        transformer = model.expert(expert)
        if ADAPTER in getattr(transformer, "peft_config", {}):
            transformer.delete_adapters(ADAPTER)


def _layers(model: VideoModel, transformer: Any, spec: LoraSpec) -> list[str]:
    """The full paths of the layers that `spec` names, in the order in which they run."""
    blocks = [
        (f"{place}.{index}", block)
        for place in model.block_lists
        for index, block in enumerate(transformer.get_submodule(place))
    ]
    adapted = blocks[len(blocks) - max(1, round(spec.share * len(blocks))) :]
    ends = tuple(f".{end}" for target in spec.targets.split("+") for end in model.lora_layers[target])
    return [
        f"{path}.{name}"
        for path, block in adapted
        for name, layer in block.named_modules()
        if isinstance(layer, (torch.nn.Linear, BaseTunerLayer)) and f".{name}".endswith(ends)
    ]
