# SPDX-License-Identifier: GPL-3.0-or-later
"""A LoRA file checked against a model and brought into our own form, and our own files for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from maskedit import __version__
from maskedit.errors import ModelError
from maskedit.exchange.layers import LoraLayer
from maskedit.exchange.reading import EXPERTS, format_of, is_finite, read_layers, refuse
from maskedit.exchange.writing import write_layers
from maskedit.exhaustion import told_in_words
from maskedit.model_check import ModelEntry
from maskedit.model_weights import tensor_shapes, weight_files
from maskedit.request import AdapterFormat

# Where an exported file keeps what our own says about itself. One entry: safetensors writes several in any order, and
# the same export shall be the same bytes.
_ABOUT = "maskedit"
# What an adapter keeps of what its file says: how it was made, and from what (the table is in `adapters.files`).
_MODEL, _MAKING = ("model", "model_fingerprint"), ("stage", "steps", "seed", "settings", "loss")
_FACTS = (*_MODEL, *_MAKING, "clip", "matte", "keyframes", "name", "source_format")
_LONGEST_FACT = 4000


def import_adapter(file: Path, out: Path, *, model: ModelEntry, expert: str = "", name: str = "") -> dict[str, str]:
    """Write the LoRA in `file` to `out` as an adapter of `model`, and return its metadata.

    `expert`: which of the model's transformers it is for, where it has several and the file does not say. Every layer
    is compared with the model's own weights, by the headers of their files. Raises ModelError, one sentence.
    """
    if model.problems:
        raise ModelError(f"The model {model.name} cannot be used: {model.problems[0]}")
    tensors, metadata = _read(file)
    about = _about(metadata)
    if about.get("model_fingerprint", model.fingerprint) != model.fingerprint:
        raise ModelError(f"The LoRA was made for {about.get('model', 'another model')}, not for {model.name}.")
    found = read_layers(tensors, metadata)
    experts = [known for known in EXPERTS if (model.directory / known).is_dir()]
    layers = _assigned(found, experts=experts, chosen=expert, name=model.name)
    for part, own in layers.items():
        _check_shapes(own, model, part)
    ranks = [layer.rank for own in layers.values() for layer in own.values()]
    known = {
        "format_version": "1",
        "maskedit_version": __version__,
        "model": model.name,
        "model_fingerprint": model.fingerprint,
        "experts": ",".join(layers),
        # Folded: each layer's alpha is its rank. The largest stands for all.
        "rank": str(max(ranks)),
        "alpha": str(max(ranks)),
    }
    origin = {"stage": "imported", "source_format": format_of(tensors)}
    metadata = origin | about | known | ({"name": name} if name else {})
    parts = [write_layers(own, AdapterFormat.DIFFUSERS, expert=part) for part, own in layers.items()]
    written = {key: tensor for part in parts for key, tensor in part.items()}
    # What was finite in the file need not be so times the alpha that the file states.
    refuse([key for key, tensor in written.items() if not is_finite(tensor)], "values that its alpha makes infinite")
    _write(written, out, metadata)
    return metadata


def export_adapter(file: Path, out: Path, *, form: AdapterFormat, expert: str = "") -> None:
    """Write one transformer's part of the adapter in `file` to `out` as another program reads it.

    `expert`: which one, where there are several. Raises ModelError, one sentence.
    """
    tensors, metadata = _read(file)
    found = read_layers(tensors, metadata)
    if not expert and len(found) > 1:
        raise ModelError(f"The adapter has parts for {' and '.join(found)}, a file has one: say which.")
    if (expert or next(iter(found))) not in found:
        raise ModelError(f"The adapter has no part for {expert}, only for {' and '.join(found)}.")
    written = write_layers(found[expert or next(iter(found))], form)
    _write(written, out, {_ABOUT: json.dumps(_about(metadata), sort_keys=True)})


def _read(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(file, framework="pt") as opened:
            return {key: opened.get_tensor(key) for key in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError("The file is no safetensors file, or is cut short: export the LoRA again.") from error


def _write(tensors: Mapping[str, Tensor], out: Path, metadata: Mapping[str, str]) -> None:
    """Raises OSError."""
    # Splitting fused layers leaves views of one storage, which safetensors refuses.
    whole = {key: tensor.contiguous().clone() for key, tensor in tensors.items()}
    try:
        save_file(whole, out, metadata=dict(metadata))
    except SafetensorError as error:
        raise told_in_words(error, out) from error


def _about(metadata: Mapping[str, str]) -> dict[str, str]:
    """What a file of our own, or one that we exported, says about itself; nothing for others."""
    try:
        said = metadata if "model_fingerprint" in metadata else json.loads(metadata.get(_ABOUT, "{}"))
        texts = {str(key): str(value) for key, value in said.items()}
    except (ValueError, AttributeError, RecursionError):
        return {}
    # A file may say anything, and every list of adapters carries it.
    return {key: text for key, text in texts.items() if key in _FACTS and _is_fact(text)}


def _is_fact(text: str) -> bool:
    return len(text) <= _LONGEST_FACT and text.isprintable()


def _assigned(
    found: Mapping[str, dict[str, LoraLayer]], *, experts: list[str], chosen: str, name: str
) -> dict[str, dict[str, LoraLayer]]:
    """The layers by the model's experts. A file that names one transformer means the one that was chosen."""
    if not found:
        raise ModelError("The file holds no LoRA layers: give a LoRA.")
    if len(found) > 1:
        missing = [part for part in found if part not in experts]
        if missing or chosen:
            raise ModelError(f"The file holds parts for {' and '.join(map(repr, found))}, which {name} has not.")
        return dict(found)
    (layers,) = found.values()
    if not chosen and len(experts) > 1:
        raise ModelError(f"{name} has several transformers: say whether the LoRA is for {' or '.join(experts)}.")
    if (chosen or experts[0]) not in experts:
        raise ModelError(f"{name} has no transformer {chosen!r}, only {' and '.join(experts)}.")
    return {chosen or experts[0]: layers}


def _check_shapes(layers: Mapping[str, LoraLayer], model: ModelEntry, expert: str) -> None:
    """Raise ModelError naming the layers that the model does not have, or has in another size."""
    weights: dict[str, tuple[int, ...]] = {}
    for file in weight_files(model.directory / expert):
        weights |= tensor_shapes(file)
    unknown = [name for name in layers if f"{name}.weight" not in weights]
    refuse(unknown, f"layers that {model.name} does not have")
    unfit = [
        f"{name} ({layer.up.shape[0]}×{layer.down.shape[1]})"
        for name, layer in layers.items()
        if weights[f"{name}.weight"] != (layer.up.shape[0], layer.down.shape[1])
    ]
    refuse(unfit, f"layers of another size than {model.name}'s")
