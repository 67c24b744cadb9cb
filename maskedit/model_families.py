# SPDX-License-Identifier: GPL-3.0-or-later
"""The families of models that can be used: how each is recognised, what its folder holds, what follows (torch-free)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from maskedit.model_configs import ModelProblem, PipelineIndex, Statement
from maskedit.model_hunyuan import hunyuan_facts
from maskedit.model_wan import wan_facts

# Pipeline class → family. Wan's classes stand for several, which `pipeline_family` tells apart.
_PIPELINES = {
    "WanImageToVideoPipeline": "wan-i2v",
    "WanPipeline": "wan-t2v",
    "WanVACEPipeline": "wan-vace",
    "HunyuanVideoImageToVideoPipeline": "hunyuan-i2v",
    "HunyuanVideo15ImageToVideoPipeline": "hunyuan15-i2v",
    "LTXConditionPipeline": "ltx",
    "LTX2ConditionPipeline": "ltx",
    "CogVideoXImageToVideoPipeline": "cogvideox-i2v",
}


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a folder of one family holds.

    `classes`: part → the classes that it is loaded with. `needed`: the parts that no folder of the family lacks.
    `facts`: reads the folder's configurations and weight headers once all its parts are there, and returns the fields
    `prediction`, `flow_shift`, `limits` and `recipe` of a `ModelEntry`, or raises ModelProblem.
    """

    classes: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]
    facts: Callable[[Path, PipelineIndex, Statement], dict[str, Any]]


_WAN_CLASSES = {
    "transformer": ("WanTransformer3DModel",),
    "transformer_2": ("WanTransformer3DModel",),
    "vae": ("AutoencoderKLWan", "DctCodec"),
    "scheduler": ("UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"),
    "text_encoder": ("UMT5EncoderModel",),
    "image_encoder": ("CLIPVisionModel", "CLIPVisionModelWithProjection"),
}
_WAN_IMAGE_TO_VIDEO = Family(
    classes=_WAN_CLASSES,
    needed=("transformer", "vae", "scheduler"),
    facts=wan_facts,
)
FAMILIES: Mapping[str, Family] = {
    "wan-i2v": _WAN_IMAGE_TO_VIDEO,
    # As the bundled model is: trained to mend drafts (models/mending.py).
    "wan-i2v-mending": _WAN_IMAGE_TO_VIDEO,
    "wan-i2v-two-experts": Family(
        classes=_WAN_CLASSES,
        needed=("transformer", "transformer_2", "vae", "scheduler", "text_encoder", "tokenizer"),
        facts=partial(wan_facts, experts=("transformer", "transformer_2")),
    ),
    "wan-ti2v": Family(
        classes=_WAN_CLASSES,
        needed=("transformer", "vae", "scheduler", "text_encoder", "tokenizer"),
        facts=partial(wan_facts, given_tokens=True),
    ),
    "hunyuan-i2v": Family(
        classes={
            "transformer": ("HunyuanVideoTransformer3DModel",),
            "vae": ("AutoencoderKLHunyuanVideo",),
            "scheduler": ("FlowMatchEulerDiscreteScheduler",),
            "text_encoder": ("LlavaForConditionalGeneration",),
            "text_encoder_2": ("CLIPTextModel",),
        },
        needed=(
            *("transformer", "vae", "scheduler", "text_encoder", "tokenizer"),
            *("text_encoder_2", "tokenizer_2", "image_processor"),
        ),
        facts=hunyuan_facts,
    ),
}


def pipeline_family(index: PipelineIndex) -> str:
    """The family of a model_index.json; "unknown" for a pipeline that was never heard of."""
    family = _PIPELINES.get(index.class_name, "unknown")
    # Wan2.2-TI2V-5B is published as a text-to-video pipeline and serves both.
    if family in ("wan-i2v", "wan-t2v") and index.expand_timesteps:
        return "wan-ti2v"
    if family == "wan-i2v" and ("transformer_2" in index.parts or index.boundary_ratio is not None):
        return "wan-i2v-two-experts"
    return family


def family_named(name: str) -> Family:
    """Raises ModelProblem for a family that cannot be used."""
    if name in FAMILIES:
        return FAMILIES[name]
    known = ", ".join(FAMILIES)
    if name == "unknown":
        raise ModelProblem(f"The pipeline is of an unknown kind: use a model of one of the families {known}.")
    raise ModelProblem(f"Models of the family {name} are not supported: use one of the families {known}.")
