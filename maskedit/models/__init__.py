# SPDX-License-Identifier: GPL-3.0-or-later
"""Video models behind one protocol (`family.VideoModel`); `load_model` is the way in."""

from __future__ import annotations

import torch

from maskedit.catalogue import ModelEntry
from maskedit.errors import ModelError
from maskedit.models.family import Limits, Prediction, VideoModel
from maskedit.models.wan import WanImageToVideo

__all__ = ["Limits", "Prediction", "VideoModel", "load_model"]


def load_model(entry: ModelEntry, *, device: torch.device | None = None) -> VideoModel:
    """The model behind a catalogue entry, its parts loaded when first used.

    Raises ModelError naming what is missing in the folder or that the family is not supported.
    """
    if entry.problems:
        raise ModelError(f"The model {entry.name} is not usable: {entry.problems[0]}")
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if entry.family != "wan-i2v":
        raise ModelError(f"Models of the family {entry.family} are not supported yet: use a Wan image-to-video model.")
    # The transformer's own parameters stay float32 on a CPU (autocast casts the products), bfloat16 on a GPU.
    return WanImageToVideo(
        entry.directory,
        name=entry.name,
        fingerprint=entry.fingerprint,
        limits=Limits(**entry.limits),
        prediction=Prediction(entry.prediction),
        flow_shift=entry.flow_shift,
        device=device,
        dtype=torch.bfloat16 if device.type == "cuda" else torch.float32,
    )
