# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA adapters on a model's transformers: attach, save, load back, check."""

from maskedit.adapters.attaching import ADAPTER, LoraSpec, attach, detach, trainable
from maskedit.adapters.files import load, save

__all__ = ["ADAPTER", "LoraSpec", "attach", "detach", "load", "save", "trainable"]
