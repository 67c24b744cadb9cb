# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder holds and whether it can be used, found out from small files and headers (torch-free).

The layout is the one that `DiffusionPipeline.save_pretrained` writes. A `maskedit.json` beside the parts may state
what a folder's configuration does not: prediction, limits, recommended settings, licence.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskedit.model_configs import (
    ConfigFile,
    ModelProblem,
    PartConfig,
    PipelineIndex,
    Statement,
    read_if_there,
)
from maskedit.model_families import Family, family_named, pipeline_family
from maskedit.model_licences import licence_of
from maskedit.model_weights import weight_problems
from maskedit.regular import open_regular

# Part → its configuration, where that is not config.json. These parts have no weights.
_WITHOUT_WEIGHTS = {
    "scheduler": "scheduler_config.json",
    "tokenizer": "tokenizer_config.json",
    "tokenizer_2": "tokenizer_config.json",
    "image_processor": "preprocessor_config.json",
}
_SAMPLE_BYTES = 65536


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model on disk. `problems` is empty where it can be used; each problem is one sentence.

    `prediction`: "velocity" or "clean". `limits`: grid_px, cell_px, temporal_factor, budget_px, max_frames (see
    `models.family.Limits`). `recipe`: preset name or "all" → values (see `presets.recipe_for`).
    """

    name: str
    directory: Path
    family: str = "unknown"
    licence: str = "unknown"
    commercial: str = ""
    size_bytes: int = 0
    problems: tuple[str, ...] = ()
    fingerprint: str = ""
    prediction: str = "velocity"
    flow_shift: float = 3.0
    limits: Mapping[str, int] = field(default_factory=dict)
    recipe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def inspect_model(directory: Path, name: str) -> ModelEntry:
    """Everything there is to say about the model in `directory`; what is wrong with it is in `problems`."""
    try:
        stated = read_if_there(Statement, directory / "maskedit.json")
        bare = stated.family and not (directory / "model_index.json").is_file()
        index = PipelineIndex() if bare else _pipeline_index(directory)
    except ModelProblem as problem:
        return ModelEntry(name=name, directory=directory, problems=(str(problem),))
    family = stated.family or pipeline_family(index)
    licence, commercial = licence_of(directory, family=family, stated=stated)
    about: dict[str, Any] = {
        "name": name,
        "directory": directory,
        "family": family,
        "licence": licence,
        "commercial": commercial,
        "size_bytes": sum(path.stat().st_size for path in directory.glob("*/*.*") if path.is_file()),
    }
    try:
        kind = family_named(family)
        problems = tuple(_part_problems(directory, kind, index=index))
        if problems:
            return ModelEntry(**about, problems=problems)
        facts = kind.facts(directory, index, stated)
        return ModelEntry(**about, **facts, fingerprint=_fingerprint(directory))
    except ModelProblem as problem:
        return ModelEntry(**about, problems=(str(problem),))


def _pipeline_index(directory: Path) -> PipelineIndex:
    if not directory.is_dir():
        raise ModelProblem(f"The folder {directory} is not there: connect its disk, or add the model again.")
    if (directory / "model_index.json").is_file():
        return PipelineIndex.read(directory / "model_index.json")
    if (directory / "Wan2.1_VAE.pth").is_file() or list(directory.glob("models_t5*")):
        raise ModelProblem(
            f"{directory.name} is in Wan's original layout: use the folder of the same name that ends in -Diffusers."
        )
    if list(directory.glob("*.safetensors")):
        raise ModelProblem(
            f"{directory.name} holds single weight files only: use a folder in the diffusers layout, with "
            "model_index.json and one folder per part."
        )
    raise ModelProblem(f"{directory.name} has no model_index.json: choose the folder that holds it.")


def _part_problems(directory: Path, family: Family, *, index: PipelineIndex) -> Iterable[str]:
    for part in dict.fromkeys((*family.needed, *index.parts)):
        folder = directory / part
        try:
            if not folder.is_dir():
                raise ModelProblem(f"The part {part} is missing: fetch the folder {part}/ again.")
            name = _checked_class(folder, family)
            # A fixed transform has no weights either.
            if part not in _WITHOUT_WEIGHTS and name != "DctCodec":
                yield from weight_problems(folder)
        except ModelProblem as problem:
            yield str(problem)


def _checked_class(folder: Path, family: Family) -> str:
    """The class of a part, one of those that the family is loaded with."""
    file = folder / _WITHOUT_WEIGHTS.get(folder.name, "config.json")
    if folder.name not in family.classes:
        ConfigFile.read(file)
        return ""
    name, known = PartConfig.read(file).class_name, family.classes[folder.name]
    if name not in known:
        raise ModelProblem(
            f"The part {folder.name} is a {name}, not a {known[0]}: fetch the folder {folder.name}/ again."
        )
    return name


def _fingerprint(directory: Path) -> str:
    """Hash of configurations, sizes, headers and three samples of each weight file: cheap at any size.

    Raises ModelProblem for one that cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted([*directory.glob("*/*config.json"), *directory.glob("*/*.safetensors")]):
        name = path.relative_to(directory).as_posix()
        try:
            with open_regular(path) as file:
                size = os.fstat(file.fileno()).st_size
                digest.update(os.fsencode(f"{name}\0{size}\0"))
                for start in sorted({0, size // 2, max(0, size - _SAMPLE_BYTES)}):
                    file.seek(start)
                    digest.update(file.read(_SAMPLE_BYTES))
        except OSError as error:
            raise ModelProblem(f"{name} cannot be read ({error.strerror}): check its rights.") from error
    return digest.hexdigest()
