# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the parts of a model folder are, read from the headers of its weight files (torch-free)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from maskedit.model_weights import tensor_shapes, weight_files

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class TransformerSize:
    """Counts of one transformer.

    `parameters`: all of them; `stored`: those in the linear layers of its blocks; `largest_layer`: of these in one
    layer. `blocks` of tokens `width` channels wide; `channels`: in and out of all linear layers of one block, summed.
    """

    parameters: int
    stored: int
    largest_layer: int
    blocks: int
    width: int
    channels: int

    @classmethod
    def of(cls, shapes: Shapes) -> TransformerSize:
        """From its tensors' names and shapes. A block is what a list at the top of the class holds: `blocks.7.…`."""
        layers = {name: shape for name, shape in shapes.items() if len(shape) == 2 and name.endswith(".weight")}
        blocks: dict[tuple[str, str], list[tuple[int, ...]]] = {}
        for name, shape in layers.items():
            place, index, *_ = name.split(".")
            if index.isdigit():
                blocks.setdefault((place, index), []).append(shape)
        inside = [shape for block in blocks.values() for shape in block]
        return cls(
            parameters=sum(map(prod, shapes.values())),
            stored=sum(map(prod, inside)),
            largest_layer=max(map(prod, inside)),
            blocks=len(blocks),
            width=Counter(shape[1] for shape in inside).most_common(1)[0][0],
            channels=max(sum(map(sum, block)) for block in blocks.values()),
        )


@dataclass(frozen=True, kw_only=True)
class ModelSizes:
    """Of a model's parts: parameters of the codec and of the largest encoder of text or pictures (0: none)."""

    transformers: tuple[TransformerSize, ...]
    codec: int
    largest_encoder: int

    @property
    def largest(self) -> TransformerSize:
        """Transformers take turns on the device: this one decides."""
        return max(self.transformers, key=lambda size: size.parameters)


def read_sizes(directory: Path) -> ModelSizes:
    """The sizes of a checked model folder (`model_check.inspect_model`): no weight is read."""
    parts = {folder.name: _shapes(folder) for folder in sorted(directory.iterdir()) if _has_weights(folder)}
    encoders = [sum(map(prod, shapes.values())) for name, shapes in parts.items() if name.endswith("_encoder")]
    return ModelSizes(
        transformers=tuple(
            TransformerSize.of(shapes) for name, shapes in parts.items() if name.startswith("transformer")
        ),
        codec=sum(map(prod, parts.get("vae", {}).values())),
        largest_encoder=max(encoders, default=0),
    )


def _has_weights(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.safetensors"))


def _shapes(folder: Path) -> Shapes:
    return {name: shape for path in weight_files(folder) for name, shape in tensor_shapes(path).items()}
