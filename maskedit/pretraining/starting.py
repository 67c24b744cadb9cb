# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run starts and on what: exported weights, what their model says of itself, the device, the compiler."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel

from maskedit.errors import InputError, ModelError
from maskedit.model_check import inspect_model

# What a run's [transformer] says.
_SHAPE = (
    "patch_size",
    "num_attention_heads",
    "attention_head_dim",
    "in_channels",
    "out_channels",
    "text_dim",
    "freq_dim",
    "ffn_dim",
    "num_layers",
)


def training_device(name: str) -> torch.device:
    """`auto` (a CUDA GPU if there is one), `cpu` or `cuda`. Raises InputError where there is no such device."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA GPU that torch can use: choose --device cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def load_weights(folder: Path) -> WanTransformer3DModel:
    """The transformer (float32, evaluating) of a model folder that pretraining exported.

    Raises ModelError for a folder that is incomplete or holds a model of another kind.
    """
    entry = inspect_model(folder, folder.name)
    if entry.problems:
        raise ModelError(entry.problems[0])
    codec = json.loads((folder / "vae" / "config.json").read_text())["_class_name"]
    if codec != "DctCodec" or entry.prediction != "clean":
        raise ModelError(f"{folder} is not a model of the bundled kind: give a folder that `maskedit pretrain` wrote.")
    transformer: Any = WanTransformer3DModel.from_pretrained(
        folder, subfolder="transformer", torch_dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    return transformer.eval()


def inherited_settings(folder: Path, transformer: WanTransformer3DModel) -> dict[str, Any]:
    """What a run that starts from a model folder takes over from it where its own file says nothing."""
    entry = inspect_model(folder, folder.name)
    return {
        "transformer": {name: transformer.config[name] for name in _SHAPE},
        "flow_shift": entry.flow_shift,
        "budget_px": entry.limits["budget_px"],
        "max_frames": entry.limits["max_frames"],
        "recipe": {name: dict(values) for name, values in entry.recipe.items()},
    }


def check_same_shape(transformer: WanTransformer3DModel, stated: dict[str, Any], *, folder: Path) -> None:
    """Raise InputError where a run's [transformer] describes another model than the weights it is to start from."""
    different = [name for name, value in stated.items() if _plain(transformer.config[name]) != _plain(value)]
    if different:
        raise InputError(
            f"The run's [transformer] is unlike the weights in {folder} ({', '.join(different)}): "
            "leave that table out, or train from nothing."
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def compile_blocks(transformer: WanTransformer3DModel, device: torch.device, *, say: Callable[[str], None]) -> None:
    """Compile the transformer's blocks; where there is no working compiler, say so and leave them as they are."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(8, device=device))
    except Exception as error:  # what a missing compiler raises differs by backend and platform
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        say(f"Going on without --compile, no compiler works here ({reason}).")
        return
    torch._dynamo.config.recompile_limit = 32
    transformer.compile_repeated_blocks(dynamic=False)
