# SPDX-License-Identifier: GPL-3.0-or-later
"""A trainable LoRA on the transformers of a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
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
        ranks = dict.fromkeys(_layers(model, transformer, spec), spec.rank)
        attach_to_layers(transformer, ranks, scale=(spec.alpha or spec.rank) / spec.rank, seed=seed)
    parameters = trainable(model)
    if not parameters:
        raise ModelError(f"No layer of {model.name} takes an adapter: the model is of an unknown kind.")
    return parameters


def attach_to_layers(
    transformer: Any, ranks: Mapping[str, int], *, scale: float, seed: int, name: str = ADAPTER, bias: bool = False
) -> None:
    """Add a fresh adapter called `name` to a transformer that has none of that name, beside those that it has.

    `ranks`: module → rank there; `scale`: what its output is multiplied by; `bias`: whether it has biases.
    """
    if not ranks:
        return
    usual = Counter(ranks.values()).most_common(1)[0][0]
    # peft takes the patterns for regular expressions.
    unusual = {re.escape(layer): rank for layer, rank in ranks.items() if rank != usual}
    config = LoraConfig(
        r=usual,
        lora_alpha=scale * usual,  # type: ignore (a scale need not be a whole number, whatever the annotation says)
        target_modules=list(ranks),
        rank_pattern=unusual,
        alpha_pattern={layer: scale * rank for layer, rank in unusual.items()},
        lora_bias=bias,
        init_lora_weights=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer.add_adapter(config, adapter_name=name)
    _activate(transformer)
    # Not to where the layer's own weight lies: that may stay in main memory. Asked once: it walks the whole model.
    device = transformer.device
    for parameter in parameters_of(transformer, name).values():
        parameter.data = parameter.data.to(device, torch.float32)


def parameters_of(transformer: Any, name: str = ADAPTER) -> dict[str, Tensor]:
    """An adapter's parameters by diffusers' key names: `LAYER.lora_A.weight` (rank, in), `LAYER.lora_B.weight`."""
    return {
        path.replace(f".{name}.", "."): parameter
        for path, parameter in transformer.named_parameters()
        if f".{name}." in path
    }


def _activate(transformer: Any) -> None:
    """Every adapter at work at once, and only the edit's own trained: peft does either for the last one added only."""
    if names := list(getattr(transformer, "peft_config", ())):
        transformer.set_adapter(names)
    transformer.requires_grad_(False)
    for parameter in parameters_of(transformer).values():
        parameter.requires_grad_(True)


def trainable(model: VideoModel) -> list[Tensor]:
    """The adapter's parameters, expert by expert."""
    return list(trainable_by_name(model).values())


def trainable_by_name(model: VideoModel) -> dict[str, Tensor]:
    """The adapter's parameters in a fixed order, each named by its expert and its place there."""
    return {
        f"{expert}.{name}": parameter
        for expert in model.experts
        for name, parameter in model.expert(expert).named_parameters()
        if parameter.requires_grad
    }


def detach(model: VideoModel, name: str = ADAPTER) -> None:
    """Take an adapter off again, if it is there: by itself the edit's own."""
    for expert in model.experts:
        transformer = model.expert(expert)
        if name in getattr(transformer, "peft_config", {}):
            transformer.delete_adapters(name)
            _activate(transformer)


def strip(transformer: Any) -> None:
    """Take every adapter off and put the layers back that they were wrapped around: it is again as it was loaded."""
    wrapped = [(path, layer) for path, layer in transformer.named_modules() if isinstance(layer, BaseTunerLayer)]
    for path, layer in wrapped:
        transformer.set_submodule(path, layer.get_base_layer())
    if wrapped:
        del transformer.peft_config
        transformer._hf_peft_config_loaded = False
    transformer.requires_grad_(False)


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
