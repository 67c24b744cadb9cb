# SPDX-License-Identifier: GPL-3.0-or-later
"""The small JSON files of a model folder in the diffusers layout, read strictly (torch-free)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from maskedit.regular import read_small

Count = Annotated[int, Field(ge=1, le=1 << 40)]
Shift = Annotated[float, Field(gt=0, le=1000)]


class ModelProblem(Exception):
    """One thing that is wrong with a model folder: a sentence that says what to do."""


class ConfigFile(BaseModel):
    """A configuration; keys that are not named here are left alone."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ModelProblem for a file that is missing, no JSON, or of other types than it should be."""
        name = f"{path.parent.name}/{path.name}"
        try:
            return cls.model_validate_json(read_small(path))
        except FileNotFoundError:
            raise ModelProblem(f"{name} is missing: fetch it again.") from None
        except OSError as error:
            raise ModelProblem(f"{name} cannot be read ({error.strerror}): check its rights.") from error
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"])) or "the file"
            raise ModelProblem(f"{name} is damaged ({place}: {_one_line(fault['msg'])}): fetch it again.") from error


class PipelineIndex(ConfigFile):
    """model_index.json: which pipeline, and [library, class] per part."""

    class_name: str = Field(default="", alias="_class_name")
    expand_timesteps: bool | None = None
    boundary_ratio: Annotated[float, Field(gt=0, lt=1)] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are there: an absent one is listed as [null, null]."""
        extra = self.model_extra or {}
        return tuple(name for name, part in extra.items() if isinstance(part, list) and part[:1] not in ([], [None]))


class PartConfig(ConfigFile):
    """config.json of any part: its class, as diffusers or as transformers writes it."""

    diffusers_class: str = Field(default="", alias="_class_name")
    architectures: list[str] = []

    @property
    def class_name(self) -> str:
        return self.diffusers_class or next(iter(self.architectures), "part of unknown kind")


class WanTransformerConfig(ConfigFile):
    in_channels: Count
    out_channels: Count
    num_layers: Annotated[int, Field(ge=1, le=1000)]
    num_attention_heads: Count
    attention_head_dim: Count
    ffn_dim: Count
    text_dim: Count
    image_dim: Count | None = None
    added_kv_proj_dim: Count | None = None
    patch_size: tuple[Count, Count, Count] = (1, 2, 2)
    pos_embed_seq_len: int | None = None


class WanCodecConfig(ConfigFile):
    """`temperal_downsample` (as diffusers spells it): per halving of the picture, whether time is halved too.

    `patch_size`: pixels that are folded into channels before the first halving.
    """

    z_dim: Count = 16
    temperal_downsample: Annotated[list[bool], Field(min_length=1, max_length=8)] = [False, True, True]
    patch_size: Annotated[int, Field(ge=1, le=64)] | None = None

    @property
    def cell_px(self) -> int:
        """Pixels per latent cell."""
        return (self.patch_size or 1) * 2 ** len(self.temperal_downsample)

    @property
    def temporal_factor(self) -> int:
        return 2 ** sum(self.temperal_downsample)


class ImageEncoderConfig(ConfigFile):
    hidden_size: Count


class TextEncoderConfig(ConfigFile):
    d_model: Count


class SchedulerConfig(ConfigFile):
    flow_shift: Shift = 3.0


class WeightIndex(ConfigFile):
    weight_map: dict[str, str]

    @field_validator("weight_map")
    @classmethod
    def _files_of_this_folder(cls, files: dict[str, str]) -> dict[str, str]:
        if not files or any(Path(name).name != name for name in files.values()):
            raise ValueError("it should name weight files of this folder")
        return files


class StatedLimits(ConfigFile):
    model_config = ConfigDict(extra="forbid")

    grid_px: Count
    cell_px: Count
    temporal_factor: Count
    budget_px: Count
    max_frames: Count


class Statement(ConfigFile):
    """maskedit.json: what a folder says about itself that its configurations do not."""

    family: str = ""
    prediction: Literal["velocity", "clean"] = "velocity"
    flow_shift: Shift | None = None
    limits: StatedLimits | None = None
    recipe: dict[str, dict[str, Any]] = {}
    licence: str = ""
    commercial: str = ""


Config = TypeVar("Config", bound=ConfigFile)


def read_if_there(kind: type[Config], path: Path) -> Config:
    """The file's content, or the defaults where there is no such file."""
    return kind.read(path) if path.is_file() else kind()


def _one_line(text: str) -> str:
    return " ".join(text.split())
