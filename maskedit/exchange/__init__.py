# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters between tools: other programs' LoRA files into our own form and back.

Needs torch and safetensors only, so that a conversion starts in two seconds; `python -m maskedit.exchange` does one.
"""

from maskedit.exchange.converting import export_adapter, import_adapter
from maskedit.exchange.layers import LoraLayer
from maskedit.exchange.reading import format_of, read_layers
from maskedit.exchange.writing import write_layers

__all__ = ["LoraLayer", "export_adapter", "format_of", "import_adapter", "read_layers", "write_layers"]
