# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA adapters on a model's transformers: attach, save, load back, check."""

from maskedit.adapters.attaching import ADAPTER, LoraSpec, attach, detach, strip, trainable
from maskedit.adapters.files import load, save
from maskedit.adapters.given import attach_beside, load_start, uses_key
from maskedit.adapters.prior import start_from_prior, teach_prior

__all__ = [
    "ADAPTER",
    "LoraSpec",
    "attach",
    "attach_beside",
    "detach",
    "load",
    "load_start",
    "save",
    "start_from_prior",
    "strip",
    "teach_prior",
    "trainable",
    "uses_key",
]
