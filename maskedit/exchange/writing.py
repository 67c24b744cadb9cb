# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA layers under the keys of other programs (the table of formats is in `reading`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from maskedit.exchange.layers import LoraLayer, put_together
from maskedit.exchange.names import from_original, to_original
from maskedit.exchange.reading import refuse
from maskedit.request import AdapterFormat


def write_layers(
    layers: Mapping[str, LoraLayer], form: AdapterFormat, *, expert: str = "transformer"
) -> dict[str, Tensor]:
    """One transformer's layers (diffusers' layer names) as a file's tensors: `read_layers` backwards.

    Exact, but where alpha is not the rank and `form` is DIFFUSERS, whose keys have no place for it: there `up` is
    scaled by alpha / rank. `expert`: the prefix of DIFFUSERS. Raises ModelError where the program has no name for a
    layer.
    """
    if form is AdapterFormat.DIFFUSERS:
        return dict(pair for name, layer in layers.items() for pair in _as_peft(f"{expert}.{name}", layer.folded()))
    refuse([name for name in layers if to_original(name) is None], f"layers that {form} files have no name for")
    write = _as_kohya if form is AdapterFormat.KOHYA else _as_comfyui
    written: dict[str, Tensor] = {}
    for original in dict.fromkeys(filter(None, map(to_original, layers))):
        layer = put_together([layers.get(name) for name in from_original(original)])
        written.update(write(original, layer))
    return written


def _as_peft(path: str, layer: LoraLayer) -> Iterator[tuple[str, Tensor]]:
    yield f"{path}.lora_A.weight", layer.down
    yield f"{path}.lora_B.weight", layer.up
    if layer.bias is not None:
        yield f"{path}.lora_B.bias", layer.bias


def _as_comfyui(original: str, layer: LoraLayer) -> Iterator[tuple[str, Tensor]]:
    path = f"diffusion_model.{original}"
    yield f"{path}.lora_A.weight", layer.down
    yield f"{path}.lora_B.weight", layer.up
    if layer.alpha != layer.rank:
        yield f"{path}.alpha", torch.tensor(layer.alpha)
    if layer.bias is not None:
        yield f"{path}.diff_b", layer.bias


def _as_kohya(original: str, layer: LoraLayer) -> Iterator[tuple[str, Tensor]]:
    path = f"lora_unet_{original.replace('.', '_')}"
    yield f"{path}.lora_down.weight", layer.down
    yield f"{path}.lora_up.weight", layer.up
    yield f"{path}.alpha", torch.tensor(layer.alpha)
    if layer.bias is not None:
        yield f"{path}.diff_b", layer.bias
