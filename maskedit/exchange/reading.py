# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA files as other programs write them.

| format | keys | alpha |
|---|---|---|
| diffusers | `transformer.blocks.0.attn1.to_q.lora_A.weight` | in the metadata `lora_adapter_metadata`, else the rank |
| ComfyUI, diffusion-pipe | `diffusion_model.blocks.0.self_attn.q.lora_A.weight` | `….alpha`, else the rank |
| kohya, musubi-tuner | `lora_unet_blocks_0_self_attn_q.lora_down.weight` | `….alpha`, else the rank |
| peft | `base_model.model.` before a diffusers or a maker's name | not in the file: taken for the rank |

A file holds one transformer; only a file of our own may hold several (`transformer.…`, `transformer_2.…`).
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from maskedit.errors import ModelError
from maskedit.exchange.layers import LoraLayer, take_apart
from maskedit.exchange.names import from_flat, from_original

EXPERTS = ("transformer", "transformer_2")

_PREFIXES = {
    "base_model.model.": "peft",
    "diffusion_model.": "comfyui",
    "lora_unet_": "kohya",
    **{f"{expert}.": "diffusers" for expert in EXPERTS},
}
_PARTS = {
    "lora_A.weight": "down",
    "lora_A.default.weight": "down",
    "lora_down.weight": "down",
    "lora_B.weight": "up",
    "lora_B.default.weight": "up",
    "lora_up.weight": "up",
    "lora_B.bias": "bias",
    "diff_b": "bias",
    "alpha": "alpha",
    "diff": "difference",
}
_KEY = re.compile(rf"(.+?)\.({'|'.join(map(re.escape, _PARTS))})")
_NORM = re.compile(r"(^|[._])norm")
# A layer's whole difference is a LoRA of full rank: fine for the narrow output layer, absurd for any other.
_WIDEST_DIFFERENCE = 1024
_NAMED = 3


def format_of(keys: Iterable[str]) -> str:
    """Whose names these are: "peft", "comfyui", "kohya", "diffusers", or "" for nobody's."""
    found = [name for key in keys for prefix, name in _PREFIXES.items() if key.startswith(prefix)]
    return found[0] if found else ""


def read_layers(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, dict[str, LoraLayer]]:
    """The LoRA layers of a file: expert ("" where the file does not say which) → diffusers' layer name → layer.

    Whether a model has such layers is for the caller to see. Raises ModelError naming the keys that mean nothing
    here: DoRA, LoHa and LoKr, halves of a pair, values that are not finite.
    """
    refuse([key for key, tensor in tensors.items() if tensor.dtype.itemsize < 2], "values of less than 16 bits")
    refuse([key for key, tensor in tensors.items() if not is_finite(tensor)], "values that are not finite")
    refuse([key for key in tensors if not _KEY.fullmatch(key)], "keys that are no plain LoRA")
    gathered: dict[tuple[str, str], dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        path, part = _KEY.fullmatch(key).groups()  # type: ignore[union-attr]
        if not (_NORM.search(path) and not tensor.any()):  # some programs write zeros for every norm
            gathered[_place(path)][_PARTS[part]] = tensor
    layers: dict[str, dict[str, LoraLayer]] = defaultdict(dict)
    strange = []
    for (expert, path), parts in gathered.items():
        names = _layer_names(path)
        layer = _assembled(parts, alpha=_StatedAlpha(metadata, expert, layer=path)) if names else None
        if layer is None or not _fits(layer, names) or any(name in layers[expert] for name in names):
            strange.append(path)
            continue
        for name, part in zip(names, take_apart(layer, len(names)), strict=True):
            if part is not None:
                layers[expert][name] = part
    refuse(strange, "layers that have no known name, are given twice or only in part")
    return {expert: found for expert, found in layers.items() if found}


def is_finite(tensor: Tensor) -> bool:
    """Whether no value is infinite or NaN: in one pass and without a copy, which counts at gigabytes."""
    return tensor.numel() == 0 or bool(torch.stack(torch.aminmax(tensor)).isfinite().all())


def refuse(keys: list[str], what: str) -> None:
    """Raise ModelError naming the first few of `keys`, if there are any."""
    if keys:
        more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
        raise ModelError(f"The LoRA has {what}: {', '.join(keys[:_NAMED])}{more}; it cannot be used.")


def _place(path: str) -> tuple[str, str]:
    """A key's expert and the name of its layer; kohya's keeps its prefix, which says how it is spelt."""
    path = path.removeprefix("base_model.model.").removeprefix("diffusion_model.")
    expert, dot, name = path.partition(".")
    return (expert, name) if dot and expert in EXPERTS else ("", path)


def _layer_names(path: str) -> tuple[str, ...]:
    """The diffusers layers that the layer `path` of a file stands for, most often one; () for flat names unknown."""
    if path.startswith("lora_unet_"):
        return from_flat(path.removeprefix("lora_unet_"))
    return from_original(path) or (path,)


def _assembled(parts: Mapping[str, Tensor], *, alpha: _StatedAlpha) -> LoraLayer | None:
    """The layer that a file's tensors make; None where some are missing or of the wrong shape."""
    down, up, bias = parts.get("down"), parts.get("up"), parts.get("bias")
    if "difference" in parts and down is None and up is None:
        down = parts["difference"]
        if down.ndim != 2 or down.shape[0] > _WIDEST_DIFFERENCE:
            return None
        up = torch.eye(down.shape[0], dtype=down.dtype)
    elif "difference" in parts:
        return None
    if down is None or up is None or down.ndim != 2 or up.ndim != 2 or not 0 < down.shape[0] == up.shape[1]:
        return None
    if bias is not None and bias.shape != up.shape[:1]:
        return None
    stated = parts.get("alpha")
    if stated is not None and stated.numel() != 1:
        return None
    rank = down.shape[0]
    return LoraLayer(down=down, up=up, alpha=alpha.at(rank) if stated is None else float(stated), bias=bias)


def _fits(layer: LoraLayer, names: tuple[str, ...]) -> bool:
    """Whether a fused layer's outputs can be those of its parts."""
    width, outputs = layer.down.shape[1], layer.up.shape[0]
    return {1: True, 3: outputs == 3 * width, 4: outputs > 3 * width}[len(names)]


class _StatedAlpha:
    """The alpha that a file's metadata give to a layer; without any it is the rank, as every program has it."""

    def __init__(self, metadata: Mapping[str, str], expert: str, *, layer: str) -> None:
        self._metadata = metadata
        self._expert = expert
        self._layer = layer

    def at(self, rank: int) -> float:
        """Raises ModelError for metadata that cannot be read."""
        try:
            if "model_fingerprint" in self._metadata:  # a file of our own: one scale for all
                return rank * float(self._metadata["alpha"]) / float(self._metadata["rank"])
            return self._as_diffusers_says(json.loads(self._metadata.get("lora_adapter_metadata", "{}")), rank)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ModelError("The LoRA's metadata cannot be read: export it again from where it was made.") from error

    def _as_diffusers_says(self, config: Mapping[str, Any], rank: int) -> float:
        """`{"transformer.lora_alpha": 8, "transformer.alpha_pattern": {…}, …}`: peft's LoraConfig with a prefix."""
        said = {name.removeprefix(f"{self._expert}."): value for name, value in config.items()}
        patterns = said.get("alpha_pattern") or {}
        ends = (alpha for end, alpha in patterns.items() if f".{self._layer}".endswith(f".{end}"))
        alpha = float(next(ends, said.get("lora_alpha", rank)))
        return alpha * math.sqrt(rank) if said.get("use_rslora") else alpha
