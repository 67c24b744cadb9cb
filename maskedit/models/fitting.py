# SPDX-License-Identifier: GPL-3.0-or-later
"""A memory plan applied to a transformer as it is loaded, before adapters are put on it.

Gradient checkpointing costs nothing outside of tuning: the blocks look whether gradients are wanted at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psutil
import torch
from torch import nn

from maskedit.memory import Memory, MemoryPlan, Offload
from maskedit.models.stored import PACKINGS, Fetch, StoredLinear
from maskedit.models.streaming import WeightStream


def fit(transformer: Any, plan: MemoryPlan, *, block_lists: Sequence[str], device: torch.device) -> Any:
    """The same transformer, its blocks' linear layers kept as `plan` says, in main memory or wherever it is moved.

    `transformer`: frozen, in main memory; `device`: where it will compute. Norms, embeddings and biases stay as they
    are: they are small, and what they do is delicate.
    """
    checkpoint_as_planned(transformer, plan)
    stream = WeightStream(device) if plan.offload is Offload.GROUP else None
    if stream is None and plan.precision.whole:
        return transformer
    for place in block_lists:
        for block in transformer.get_submodule(place):
            _store_layers(block, plan, fetch=stream, device=device)
    return transformer


def checkpoint_as_planned(transformer: Any, plan: MemoryPlan) -> None:
    """Gradient checkpointing on or off: the one thing of a plan that a loaded transformer can change."""
    if plan.checkpointing:
        transformer.enable_gradient_checkpointing()
    else:
        transformer.disable_gradient_checkpointing()


def put_away(transformer: Any) -> None:
    """Off the device with it, and with what was fetched there ahead."""
    transformer.to("cpu")
    for layer in transformer.modules():
        if isinstance(layer, StoredLinear):
            layer.let_go()


def bytes_of(transformer: Any) -> int:
    """What its weights take where they are kept."""
    kept = [each for layer in transformer.modules() if isinstance(layer, StoredLinear) for each in layer.packed.tensors]
    return sum(tensor.nbytes for tensor in (*transformer.parameters(), *transformer.buffers(), *kept))


def encoder_device(plan: MemoryPlan, device: torch.device) -> torch.device:
    """Where text and pictures are encoded: seconds on the device, half a minute in main memory."""
    return device if plan.encoders_on_device else torch.device("cpu")


def memory_of(device: torch.device) -> Memory:
    """What there is on this machine as it is now."""
    main = psutil.virtual_memory()
    if device.type == "cuda":
        return Memory(free=torch.cuda.mem_get_info(device)[0], main=main.available, gpu=True)
    return Memory(free=main.available, main=main.available, gpu=False)


def _store_layers(block: nn.Module, plan: MemoryPlan, *, fetch: Fetch | None, device: torch.device) -> None:
    packing = PACKINGS[plan.precision]
    linears = [(path, layer) for path, layer in block.named_modules() if isinstance(layer, nn.Linear)]
    for path, layer in linears:
        # On the device, where packing the largest models takes seconds, and back: where a transformer lies is not
        # for us to say.
        packed = packing.pack(layer.weight.detach().to(device)).map(torch.Tensor.cpu)
        if fetch is not None and device.type == "cuda":
            # Only from locked pages is a copy asynchronous.
            packed = packed.map(torch.Tensor.pin_memory)
        block.set_submodule(path, StoredLinear(layer, packing, packed=packed, fetch=fetch))
