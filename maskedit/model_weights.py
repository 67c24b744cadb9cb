# SPDX-License-Identifier: GPL-3.0-or-later
"""The weight files of one part of a model folder, known by their headers (torch-free)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from maskedit.model_configs import ModelProblem, WeightIndex

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files of one part, those that its index names whether or not they are there.

    Raises ModelProblem where there are none, or only pickle files, which can run code and are never read.
    """
    indices = sorted(folder.glob("*.safetensors.index.json"))
    if indices:
        return tuple(folder / name for name in sorted(set(WeightIndex.read(indices[0]).weight_map.values())))
    single = tuple(sorted(folder.glob("*.safetensors")))
    if single:
        return single
    if any(list(folder.glob(pattern)) for pattern in _PICKLES):
        raise ModelProblem(f"The part {folder.name} has pickle weights only, which can run code: get .safetensors.")
    raise ModelProblem(f"The part {folder.name} has no weights: fetch the folder {folder.name}/ again.")


def weight_problems(folder: Path) -> Iterable[str]:
    """One sentence per weight file that is missing, damaged or cut short. Raises ModelProblem as `weight_files`."""
    for path in weight_files(folder):
        relative = f"{folder.name}/{path.name}"
        if not path.is_file():
            yield f"The weight file {relative} is missing: fetch it again."
            continue
        try:
            tensor_shapes(path)
        except (SafetensorError, OSError):
            yield f"The weight file {relative} is damaged or cut short: fetch it again."


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape from a safetensors header, which is also checked against the file's length (SafetensorError)."""
    with safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def check_tensors(folder: Path, needed: Mapping[str, tuple[int | None, ...] | None]) -> None:
    """Compare a part's weights with the tensors that its configuration promises.

    `needed`: name → shape, None for a side (or the whole shape) that may be any. Raises ModelProblem for the first
    tensor that is missing or of another shape.
    """
    tensors = {name: shape for path in weight_files(folder) for name, shape in tensor_shapes(path).items()}
    for name, expected in needed.items():
        if name not in tensors:
            raise ModelProblem(f"The weights of {folder.name} lack {name}: fetch the folder {folder.name}/ again.")
        shape = tensors[name]
        if expected is None:
            continue
        if len(shape) != len(expected) or any(a not in (b, None) for a, b in zip(expected, shape, strict=True)):
            sides = "x".join("?" if side is None else str(side) for side in expected)
            raise ModelProblem(
                f"{name} in the weights of {folder.name} is {'x'.join(map(str, shape))}, its config.json says {sides}: "
                f"fetch the folder {folder.name}/ again."
            )
