# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a model folder in the diffusers layout, from disk to a device: offline, from safetensors only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from maskedit.errors import ModelError


def read_config(folder: Path, *, file: str = "config.json") -> dict[str, Any]:
    """One of the folder's small JSON files. Raises ModelError where it is missing or no JSON object."""
    try:
        return dict(json.loads((folder / file).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"The model folder lacks a readable {folder.name}/{file}: check the model.") from error


def load_part(cls: Any, directory: Path, part: str, *, dtype: torch.dtype, device: torch.device) -> Any:
    """The folder `part` of a model as a frozen `cls` (of diffusers or transformers) in `dtype` on `device`.

    Layers that the class keeps in float32 by itself stay so: `dtype` is given at load, never with `.to()` after it.
    Raises ModelError for weights that are missing, do not fit the class or are not finite; the libraries themselves
    would fill the gaps with random numbers and go on.
    """
    name = f"{directory.name}/{part}"
    try:
        loaded, report = cls.from_pretrained(
            directory,
            subfolder=part,
            torch_dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"The part {name} cannot be loaded: `maskedit models check` says what is wrong.") from error
    for key in [*report["missing_keys"], *report["mismatched_keys"]]:
        raise ModelError(f"The weights of {name} lack a fitting {key}: fetch them again.")
    for key, parameter in loaded.named_parameters():
        # A finite sum has finite numbers only, and takes a fortieth of the time of looking at each.
        if not parameter.sum().isfinite() and not parameter.isfinite().all():
            raise ModelError(f"The weights of {name} are damaged ({key} is not finite): fetch them again.")
    return loaded.requires_grad_(False).eval().to(device)
