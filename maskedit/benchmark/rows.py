# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways of editing that are compared: those that any clip can be edited in, and those that need no model to try."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from maskedit.request import Finish, Preset, Settings


class Baseline(StrEnum):
    """What stands for a result without an edit: the source itself, the first keyframe held still, and the perfect
    edit after a round trip through the model's size and codec: the best that the model alone could do."""

    UNEDITED = "unedited"
    FROZEN = "frozen"
    CODEC = "codec"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way of editing: a preset with some settings changed, or a baseline."""

    name: str
    label: str
    preset: Preset = Preset.STANDARD
    settings: Settings = field(default_factory=Settings)
    finish: Finish = field(default_factory=Finish)
    baseline: Baseline | None = None


# What the model makes is judged without what the draft would add to it afterwards.
_PRESET = Settings(draft_trust=0.0, draft_detail=0.0)
_UNTUNED = replace(_PRESET, motion_steps=0, appearance_steps=0)
_MOTION = replace(_PRESET, appearance_steps=0)
_NAIVE = replace(_MOTION, configuration="naive")


def _from_noise(settings: Settings) -> Settings:
    """The model's own work and nothing of the draft's: the paper's way."""
    return replace(settings, draft_strength=1.0, draft_given=0.0)


QUALITY = (
    Row(name="unedited", label="Source, unedited", baseline=Baseline.UNEDITED),
    Row(name="frozen", label="First keyframe, frozen", baseline=Baseline.FROZEN),
    Row(name="draft", label="Draft: optical flow alone", preset=Preset.DRAFT),
    Row(name="base", label="Model without LoRA", preset=Preset.BEST, settings=_from_noise(_UNTUNED)),
    Row(name="naive", label="Naive LoRA", preset=Preset.BEST, settings=_from_noise(_NAIVE)),
    Row(name="stage-1", label="Stage 1", preset=Preset.BEST, settings=_from_noise(_MOTION)),
    Row(name="stages-1-2", label="Stages 1 + 2", preset=Preset.BEST, settings=_from_noise(_PRESET)),
    Row(name="base-draft", label="Draft, model without LoRA", settings=_UNTUNED),
    Row(name="stage-1-draft", label="Draft, stage 1", settings=_MOTION),
    Row(name="stages-1-2-draft", label="Draft, stages 1 + 2", settings=_PRESET),
    Row(name="fast", label="Preset fast", preset=Preset.FAST),
    Row(name="standard", label="Preset standard", preset=Preset.STANDARD),
    Row(name="best", label="Preset best", preset=Preset.BEST),
    Row(name="codec", label="Codec's ceiling", baseline=Baseline.CODEC),
)


def _lever(name: str, label: str, **settings: object) -> Row:
    return Row(name=name, label=label, settings=replace(_PRESET, **settings))  # pyright: ignore[reportArgumentType]


# Each differs in what it names from the preset `standard` without the draft's part in the finished picture.
LEVERS = (
    Row(name="draft", label="draft: optical flow alone", preset=Preset.DRAFT),
    Row(name="standard", label="preset standard"),
    _lever("alone", "standard, the model's picture alone"),
    _lever("detail-1", "draft_detail 1", draft_detail=1.0),
    _lever("trust-1", "draft_trust 1", draft_trust=1.0),
    *(_lever(f"draft-{share}", f"draft_strength {share}", draft_strength=share) for share in (0.3, 0.5, 0.7, 1.0)),
    _lever("untuned", "no tuning", motion_steps=0, appearance_steps=0),
    _lever("untuned-0.3", "no tuning, draft_strength 0.3", motion_steps=0, appearance_steps=0, draft_strength=0.3),
    _lever("motion-only", "stage 1 only", appearance_steps=0),
    _lever("appearance-only", "stage 2 only", motion_steps=0),
    *(_lever(f"motion-{steps}", f"motion_steps {steps}", motion_steps=steps) for steps in (15, 100)),
    *(_lever(f"appearance-{steps}", f"appearance_steps {steps}", appearance_steps=steps) for steps in (10, 60)),
    *(_lever(f"share-{share}", f"motion_share {share}", motion_share=share) for share in (0.0, 0.5)),
    *(_lever(f"trust-{share}", f"draft_trust {share}", draft_trust=share) for share in (0.0, 0.5, 1.0)),
    *(_lever(f"detail-{share}", f"draft_detail {share}", draft_detail=share) for share in (0.0, 1.0)),
    *(_lever(f"enlarged-{most}", f"enlargement {most}", enlargement=most) for most in (1.0, 2.0, 4.0)),
    _lever("windows-9", "training_frames 9", training_frames=9),
    _lever("blocks-half", "adapted_share 0.5", adapted_share=0.5),
    *(_lever(f"rank-{rank}", f"rank {rank}", rank=rank) for rank in (4, 64)),
    *(_lever(f"rate-{rate}", f"learning_rate {rate}", learning_rate=rate) for rate in (0.0003, 0.001, 0.01)),
    _lever("attention", "targets attention", targets="attention"),
    _lever("kept-1", "kept_weight 1", kept_weight=1.0),
    _lever("shift-1", "timestep_shift 1", timestep_shift=1.0),
    _lever("logit-normal", "timestep_sampling logit_normal", timestep_sampling="logit_normal"),
    _lever("patience", "patience 10", patience=10),
    _lever("prior", "prior_strength 1", prior_strength=1.0),
    *(_lever(f"render-{steps}", f"render_steps {steps}", render_steps=steps) for steps in (4, 20)),
    _lever("step-cache", "step_cache 0.1", step_cache=0.1),
    _lever("given-all", "given_keyframes all", given_keyframes="all"),
    Row(name="rim-colour", label="rim_colour 1", finish=Finish(rim_colour=1.0)),
)


def quickened(row: Row) -> Row:
    """The same way with two steps of everything that it takes steps of: to see it work, not to judge it by."""
    steps = {
        name: 2 if getattr(row.settings, name) is None else min(2, getattr(row.settings, name))
        for name in ("motion_steps", "appearance_steps", "render_steps")
    }
    return replace(row, settings=replace(row.settings, **steps))
