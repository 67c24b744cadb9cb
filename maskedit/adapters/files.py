# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters on disk: safetensors with diffusers' key names (`transformer.…`), and metadata that says what it is.

| metadata | what it says |
|---|---|
| `format_version`, `maskedit_version` | of this file's form, and of the program that wrote it |
| `model`, `model_fingerprint`, `experts` | what it belongs to, and for which of its transformers |
| `rank`, `alpha` | alpha / rank is the scale of every layer; a layer's own rank is its shape's |
| `stage`, `steps`, `seed`, `settings`, `loss` | how it was made |
| `clip`, `matte`, `keyframes` | content hashes of what it was tuned on |
| `name`, `source_format` | of an imported one |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError, safe_open
from torch import Tensor

from maskedit import __version__
from maskedit.adapters.attaching import ADAPTER, attach_to_layers, detach, parameters_of
from maskedit.caching import save_atomically
from maskedit.errors import ModelError
from maskedit.exchange.reading import is_finite
from maskedit.models.family import VideoModel


def save(model: VideoModel, path: Path, *, metadata: Mapping[str, str]) -> None:
    """Write the edit's adapter; `metadata` gains what the model, the adapter and the program say of themselves."""
    state = adapter_state(model)
    with_adapter = [expert for expert in model.experts if any(key.startswith(f"{expert}.") for key in state)]
    config = model.expert(with_adapter[0]).peft_config[ADAPTER]
    known = {
        "format_version": "1",
        "maskedit_version": __version__,
        "model": model.name,
        "model_fingerprint": model.fingerprint,
        "experts": ",".join(with_adapter),
        "rank": str(config.r),
        "alpha": f"{config.lora_alpha:.9g}",
    }
    save_atomically(state, path, metadata={**metadata, **known})


def adapter_state(model: VideoModel) -> dict[str, Tensor]:
    """The attached adapter in diffusers' key names: `EXPERT.LAYER.lora_A.weight` (rank, in), `…lora_B.weight`."""
    return {
        f"{expert}.{key}": parameter.detach()
        for expert in model.experts
        for key, parameter in parameters_of(model.expert(expert)).items()
    }


def load(model: VideoModel, *paths: Path, name: str = ADAPTER, strength: float = 1.0) -> dict[str, str]:
    """Attach the adapter in `paths` under `name`, at `strength`, and return the first file's metadata.

    Several files are parts of one adapter, for different transformers. Raises ModelError if one is unreadable,
    belongs to another model, holds values that are not finite, or does not fit the transformers key for key: peft
    itself only warns and then runs without the adapter.
    """
    contents = [_read(model, path) for path in paths]
    state: dict[str, Tensor] = {}
    for path, (own, _) in zip(paths, contents, strict=True):
        if not own or state.keys() & own or any(key.partition(".")[0] not in model.experts for key in own):
            raise _unfit(model, path)
        state |= own
    scales = {float(metadata["alpha"]) / float(metadata["rank"]) for _, metadata in contents}
    if len(scales) > 1:
        names = " and ".join(path.name for path in paths)
        raise ModelError(f"The adapters {names} differ in scale: import them again.")
    detach(model, name)
    for expert in model.experts:
        start = f"{expert}."
        part = {key.removeprefix(start): value for key, value in state.items() if key.startswith(start)}
        if part and not _attach(model.expert(expert), part, scale=min(scales) * strength, name=name):
            detach(model, name)
            raise _unfit(model, paths[0])
    return contents[0][1]


def _read(model: VideoModel, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a file, not a mapping)
        rank, alpha = int(metadata["rank"]), float(metadata["alpha"])
        ranks = {value.shape[0] for key, value in state.items() if ".lora_A." in key}
        if rank not in ranks or not 0 < alpha < float("inf"):
            raise ValueError(f"a rank of {rank} and an alpha of {alpha}")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"The adapter {path.name} cannot be read: delete it and tune again.") from error
    if metadata.get("model_fingerprint") != model.fingerprint:
        raise ModelError(f"The adapter {path.name} was made for another model than {model.name}: tune again.")
    if not all(map(is_finite, state.values())):
        raise ModelError(f"The adapter {path.name} is damaged (not finite): delete it and tune again.")
    return state, metadata


def _attach(transformer: Any, state: Mapping[str, Tensor], *, scale: float, name: str) -> bool:
    """Put `state` on the transformer as the adapter `name`; False where it does not fit or did not arrive."""
    ranks = {key.rpartition(".lora_")[0]: value.shape[0] for key, value in state.items() if ".lora_A." in key}
    try:
        for layer in ranks:
            transformer.get_submodule(layer)
    except AttributeError:
        return False
    bias = any(key.endswith(".bias") for key in state)
    attach_to_layers(transformer, ranks, scale=scale, seed=0, name=name, bias=bias)
    parameters = parameters_of(transformer, name)
    # Where some layers have a bias peft gives all of them one, which is to be 0.
    state = {key: torch.zeros_like(p) for key, p in parameters.items() if key.endswith(".bias")} | dict(state)
    if {key: value.shape for key, value in state.items()} != {key: p.shape for key, p in parameters.items()}:
        return False
    for key, parameter in parameters.items():
        parameter.data.copy_(state[key])
    layers = [module for module in transformer.modules() if isinstance(module, LoraLayer) and name in module.lora_A]
    return len(layers) == len(ranks) and all(name in layer.active_adapters for layer in layers)


def _unfit(model: VideoModel, path: Path) -> ModelError:
    return ModelError(f"The adapter {path.name} does not fit {model.name}: tune again.")
