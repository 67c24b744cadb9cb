# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's earlier clips have taught, as the start of the next clip's stage 1.

A running prior in the manner of Reptile (Nichol et al. 2018, arXiv 1803.02999): after each clip the prior moves a
little towards the adapter that was tuned from it. It holds no picture of any clip, only what their motion shares.
"""

from __future__ import annotations

from pathlib import Path

import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load_file

from maskedit.adapters.attaching import trainable_by_name
from maskedit.caching import save_atomically
from maskedit.models.family import VideoModel

# How far the prior moves towards each newly tuned adapter.
_STEP = 0.3


def start_from_prior(model: VideoModel, path: Path, *, strength: float) -> bool:
    """Move the attached, fresh adapter `strength` (0 to 1) of the way to the prior in `path`.

    Returns whether there was a prior that fits; otherwise the adapter stays as it is.
    """
    try:
        prior = load_file(path)
    except (OSError, SafetensorError):
        return False
    parameters = trainable_by_name(model)
    if {name: value.shape for name, value in prior.items()} != {name: p.shape for name, p in parameters.items()}:
        return False
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.lerp_(prior[name].to(parameter.device), strength)
    return True


def teach_prior(model: VideoModel, path: Path) -> None:
    """Move the prior in `path` towards the attached adapter, which stage 1 has just tuned; the first one is taken."""
    parameters = trainable_by_name(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        try:
            prior = load_file(path)
            moved = {name: torch.lerp(prior[name], p.detach().cpu(), _STEP) for name, p in parameters.items()}
        except (OSError, SafetensorError, KeyError, RuntimeError):
            moved = {name: parameter.detach() for name, parameter in parameters.items()}
        save_atomically(moved, path)
