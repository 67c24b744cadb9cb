# SPDX-License-Identifier: GPL-3.0-or-later
"""Video models behind one protocol (`family.VideoModel`); `load_model` is the way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from maskedit.catalogue import ModelEntry
from maskedit.errors import ModelError
from maskedit.memory import RESIDENT, Demand, MemoryPlan, plan_memory
from maskedit.model_sizes import read_sizes
from maskedit.models.family import Limits, Prediction, VideoModel
from maskedit.models.fitting import memory_of
from maskedit.models.hunyuan import HunyuanImageToVideo
from maskedit.models.mending import MendingChannels
from maskedit.models.wan import WanImageToVideo
from maskedit.models.wan_ti2v import GivenTokens

__all__ = ["Limits", "Prediction", "VideoModel", "load_model", "plan_for"]

# Family (`model_families.FAMILIES` describes the folders) → what opens such a folder.
_OPEN: Mapping[str, Callable[..., VideoModel]] = {
    "wan-i2v": WanImageToVideo,
    "wan-i2v-mending": partial(WanImageToVideo, layout=MendingChannels()),
    "wan-i2v-two-experts": WanImageToVideo,
    "wan-ti2v": partial(WanImageToVideo, layout=GivenTokens()),
    "hunyuan-i2v": HunyuanImageToVideo,
}


def plan_for(
    entry: ModelEntry,
    demand: Demand,
    *,
    device: torch.device | None = None,
    loaded_bytes: int = 0,
    spare_bytes: int = 0,
    ran_out: int | None = None,
) -> MemoryPlan:
    """How to hold the model behind a catalogue entry for a shot, from the memory that is free now.

    `loaded_bytes`: what of it lies in main memory already; `spare_bytes`: what is left to others of the device's
    memory; `ran_out` as `plan_memory` takes it.
    Raises ModelError, one sentence, where it cannot be held at all.
    """
    memory = memory_of(device or _best_device())
    free = memory.free if memory.gpu else memory.free + loaded_bytes
    memory = replace(memory, free=max(0, free - spare_bytes), main=memory.main + loaded_bytes)
    return plan_memory(read_sizes(entry.directory), demand, memory=memory, ran_out=ran_out)


def load_model(
    entry: ModelEntry,
    *,
    device: torch.device | None = None,
    plan: MemoryPlan = RESIDENT,
    transformers: MutableMapping[str, Any] | None = None,
) -> VideoModel:
    """The model behind a catalogue entry, its parts loaded when first used and held as `plan` says.

    `transformers`: those of them that are loaded already, by name, and where others are put.
    Raises ModelError naming what is missing in the folder or that the family is not supported.
    """
    if entry.problems:
        raise ModelError(f"The model {entry.name} is not usable: {entry.problems[0]}")
    device = device or _best_device()
    # The transformer's own parameters stay float32 on a CPU (autocast casts the products), bfloat16 on a GPU.
    return _OPEN[entry.family](
        entry.directory,
        name=entry.name,
        fingerprint=entry.fingerprint,
        limits=Limits(**entry.limits),
        prediction=Prediction(entry.prediction),
        flow_shift=entry.flow_shift,
        device=device,
        dtype=torch.bfloat16 if device.type == "cuda" else torch.float32,
        plan=plan,
        transformers=transformers,
    )


def _best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
