# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder holds and whether it can be used, found out from small files and headers (torch-free).

The layout is the one that `DiffusionPipeline.save_pretrained` writes. A `maskedit.json` beside the parts may state
what a folder's configuration does not: prediction, limits, recommended settings, licence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from maskedit.model_configs import (
    CodecConfig,
    ConfigFile,
    ModelProblem,
    PartConfig,
    PipelineIndex,
    SchedulerConfig,
    Statement,
    TransformerConfig,
    WeightIndex,
    read_if_there,
)
from maskedit.model_licences import licence_of

SUPPORTED_FAMILIES = ("wan-i2v",)
_FAMILIES = {
    "WanImageToVideoPipeline": "wan-i2v",
    "WanPipeline": "wan-t2v",
    "WanVACEPipeline": "wan-vace",
    "HunyuanVideoImageToVideoPipeline": "hunyuan-i2v",
    "HunyuanVideo15ImageToVideoPipeline": "hunyuan15-i2v",
    "LTXConditionPipeline": "ltx",
    "LTX2ConditionPipeline": "ltx",
    "CogVideoXImageToVideoPipeline": "cogvideox-i2v",
}
# Part → the classes that this program loads it with.
_CLASSES = {
    "transformer": ("WanTransformer3DModel",),
    "vae": ("AutoencoderKLWan", "DctCodec"),
    "text_encoder": ("UMT5EncoderModel",),
    "image_encoder": ("CLIPVisionModel", "CLIPVisionModelWithProjection"),
}
_NEEDED = ("transformer", "vae", "scheduler")
_WITHOUT_WEIGHTS = {
    "scheduler": "scheduler_config.json",
    "tokenizer": "tokenizer_config.json",
    "image_processor": "preprocessor_config.json",
}
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SAMPLE_BYTES = 65536
_PIXELS_480P, _PIXELS_720P = 832 * 480, 1280 * 720
_MAX_FRAMES = 81


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
    if family not in SUPPORTED_FAMILIES:
        return ModelEntry(**about, problems=(_unsupported(family),))
    problems = tuple(_part_problems(directory, parts=tuple(dict.fromkeys((*_NEEDED, *index.parts)))))
    if problems:
        return ModelEntry(**about, problems=problems)
    try:
        return ModelEntry(**about, **_wan_facts(directory, stated=stated), fingerprint=_fingerprint(directory))
    except ModelProblem as problem:
        return ModelEntry(**about, problems=(str(problem),))


def pipeline_family(index: PipelineIndex) -> str:
    """The family of a model_index.json."""
    family = _FAMILIES.get(index.class_name, "unknown")
    if family == "wan-i2v" and index.expand_timesteps:
        return "wan-ti2v"
    if family == "wan-i2v" and "transformer_2" in index.parts:
        return "wan-i2v-two-experts"
    return family


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


def _unsupported(family: str) -> str:
    if family == "unknown":
        return "The pipeline is of an unknown kind: use a Wan 2.1 image-to-video model in the diffusers layout."
    return f"Models of the family {family} are not supported yet: use a Wan 2.1 image-to-video model."


def _part_problems(directory: Path, *, parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        folder = directory / part
        try:
            if not folder.is_dir():
                raise ModelProblem(f"The part {part} is missing: fetch the folder {part}/ again.")
            if part in _WITHOUT_WEIGHTS:
                ConfigFile.read(folder / _WITHOUT_WEIGHTS[part])
            elif _checked_class(folder) != "DctCodec":  # a fixed transform, which has no weights
                yield from _weight_problems(folder)
        except ModelProblem as problem:
            yield str(problem)


def _checked_class(folder: Path) -> str:
    name = PartConfig.read(folder / "config.json").class_name
    if folder.name in _CLASSES and name not in _CLASSES[folder.name]:
        raise ModelProblem(
            f"The part {folder.name} is a {name}, not a {_CLASSES[folder.name][0]}: use a Wan 2.1 image-to-video model."
        )
    return name


def _weight_problems(folder: Path) -> Iterable[str]:
    for path in weight_files(folder):
        relative = f"{folder.name}/{path.name}"
        if not path.is_file():
            yield f"The weight file {relative} is missing: fetch it again."
            continue
        try:
            tensor_shapes(path)
        except (SafetensorError, OSError):
            yield f"The weight file {relative} is damaged or cut short: fetch it again."


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


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape from a safetensors header, which is also checked against the file's length (SafetensorError)."""
    with safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _wan_facts(directory: Path, *, stated: Statement) -> dict[str, Any]:
    transformer = TransformerConfig.read(directory / "transformer" / "config.json")
    _check_transformer(directory / "transformer", transformer)
    codec = CodecConfig.read(directory / "vae" / "config.json")
    scheduler = SchedulerConfig.read(directory / "scheduler" / "scheduler_config.json")
    flow_shift = stated.flow_shift or scheduler.flow_shift
    cell = 2 ** len(codec.temperal_downsample)
    limits = {
        "grid_px": cell * transformer.patch_size[1],
        "cell_px": cell,
        "temporal_factor": 2 ** sum(codec.temperal_downsample),
        # The 720P weights come with flow_shift 5, those for 480P with 3.
        "budget_px": _PIXELS_720P if flow_shift >= 5 else _PIXELS_480P,
        "max_frames": _MAX_FRAMES,
    }
    if stated.limits:
        limits = stated.limits.model_dump()
    # Noise, the keep mask folded over each group of frames, condition latents.
    expected = 2 * transformer.out_channels + limits["temporal_factor"]
    if transformer.in_channels != expected:
        raise ModelProblem(
            f"The transformer takes {transformer.in_channels} channels instead of {expected}, so it has no mask "
            "channels: use an image-to-video model."
        )
    return {"prediction": stated.prediction, "flow_shift": flow_shift, "limits": limits, "recipe": stated.recipe}


def _check_transformer(folder: Path, config: TransformerConfig) -> None:
    if config.pos_embed_seq_len:
        raise ModelProblem("The transformer needs a last frame as well as a first: use an image-to-video model.")
    tensors = {name: shape for path in weight_files(folder) for name, shape in tensor_shapes(path).items()}
    needed = ["patch_embedding.weight", "proj_out.weight"]
    needed += [f"blocks.{layer}.attn1.to_q.weight" for layer in range(config.num_layers)]
    missing = next((name for name in needed if name not in tensors), None)
    if missing:
        raise ModelProblem(f"The transformer's weights lack {missing}: fetch the folder transformer/ again.")
    taken = tensors["patch_embedding.weight"][1]
    if taken != config.in_channels:
        raise ModelProblem(
            f"The transformer's weights take {taken} channels, its config.json says {config.in_channels}: "
            "fetch the folder transformer/ again."
        )


def _fingerprint(directory: Path) -> str:
    """Hash of configurations, sizes, headers and three samples of each weight file: cheap at any size."""
    digest = hashlib.sha256()
    for path in sorted([*directory.glob("*/*config.json"), *directory.glob("*/*.safetensors")]):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(directory).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            for start in sorted({0, size // 2, max(0, size - _SAMPLE_BYTES)}):
                file.seek(start)
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()
