# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers behind each preset (torch-free).

`BEST` holds the paper's values (arXiv 2506.10082, section 4 and its reference settings). A model may recommend
other values for itself (`ModelEntry.recipe`); what the user sets wins over both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from typing import Any

from maskedit.errors import InputError
from maskedit.request import AdapterRole, EditRequest, Loosening, Preset, Region


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of one edit. Steps are optimiser or sampler steps; px are source pixels.

    `configuration`: "masked", or "naive": the paper's ablation, where only the first frame is given.
    `given_keyframes`: which keyframes a window is given as they are: "first" (the paper's way: the others live in the
    LoRA alone) or "all" that lie in it.
    `rank`, `alpha`, `targets`, `adapted_share`: what the LoRA is put on (see `adapters.LoraSpec`).
    `training_frames`, `training_overlap`: the windows of stage 1 (0: those of the render; the paper's cheap way: 9).
    `final_rate`: the share of the learning rate to which it falls, evenly, over each stage (1: it stays).
    `appearance_rate`: the share of the learning rate that stage 2 learns with (1: all of it, the paper's way).
    `patience`: a stage ends early after this many steps without progress on its probe (0: never).
    `prior_strength`: how far stage 1 starts from what this model's earlier clips taught, from 0 (afresh) to 1.
    `motion_share`: the part of stage 2's steps that still train on stage 1's samples (the paper's code: 1 in 10).
    `window_frames`, `overlap_frames`: the longest stretch rendered at once and how many frames of the one before
    are given to it as kept.
    `kept_weight`: what a latent cell that is given counts in the loss beside one that is generated (the paper's: 1).
    `draft_strength`: how much noise the render starts with: 1 = nothing but noise (the paper's way), below 1 = the
    optical-flow draft with that share of noise, which a weak model turns into better pictures.
    `draft_given`: how sure of the draft the model is told to be at most, below 1; 0 = it is not told of it, its region
    is emptied (the paper's way). Only for models that have learnt to mend drafts.
    `practice_looks`: under how many looks of the region stage 1 practises where no draft is given or started from (0:
    the clip as it is, the paper's way).
    `draft_trust`: how far the draft, where it is sure, overrules what the model made, from 0 (a good model knows
    better) to 1. `draft_detail`: how much of its detail finer than the model's pixels is added where both agree.
    `budget_px`: how many pixels of a frame the model works on at most (0: as many as it can).
    `seeds`: how many seeds are rendered; the first counts, the others tell where the model is guessing.
    `enlargement`: how far the crop may be enlarged to fill what the model can hold.
    `context`: how much of the region's sides the model sees around it.
    `timestep_sampling`, `timestep_shift`: how training timesteps are drawn, "uniform" or "logit_normal", then moved
    towards noise as the sampler's are (1 = not at all, the paper's value).
    `step_cache`: the change of the first block's output below which a render step reuses the one before (0: never).
    """

    configuration: str = "masked"
    given_keyframes: str = "first"
    motion_steps: int = 100
    appearance_steps: int = 100
    motion_share: float = 0.1
    learning_rate: float = 1e-4
    final_rate: float = 1.0
    appearance_rate: float = 1.0
    weight_decay: float = 0.01
    rank: int = 16
    alpha: float = 0.0
    targets: str = "attention+ffn"
    adapted_share: float = 1.0
    timestep_sampling: str = "uniform"
    timestep_shift: float = 1.0
    kept_weight: float = 1.0
    training_frames: int = 0
    training_overlap: int = 1
    patience: int = 0
    prior_strength: float = 0.0
    render_steps: int = 30
    guidance: float = 5.0
    draft_strength: float = 1.0
    draft_given: float = 0.0
    practice_looks: int = 0
    draft_trust: float = 0.0
    draft_detail: float = 1.0
    step_cache: float = 0.0
    window_frames: int = 81
    overlap_frames: int = 5
    budget_px: int = 0
    seeds: int = 1
    enlargement: float = 4.0
    context: Fraction = Fraction(1, 4)


@dataclass(frozen=True, kw_only=True)
class Edges:
    """How the paste matte is made from the drawn one, in source pixels.

    Widened by `loosening`, grown by `grow_px` in every direction, steadied by covering what it covers `smooth_frames`
    frames away, then let run out over `feather_px`.
    """

    grow_px: int
    feather_px: int
    smooth_frames: int = 1
    loosening: Loosening = Loosening.GROWN


BEST = Recipe()
PRESETS = {
    Preset.FAST: replace(
        BEST,
        motion_steps=40,
        appearance_steps=20,
        render_steps=12,
        training_frames=9,
        adapted_share=0.5,
        enlargement=1.0,
    ),
    Preset.STANDARD: replace(
        BEST, motion_steps=100, appearance_steps=50, render_steps=16, training_frames=9, enlargement=1.0
    ),
    Preset.BEST: BEST,
}
_POSITIVE = (
    "learning_rate", "rank", "timestep_shift", "draft_strength", "render_steps", "window_frames", "adapted_share",
    "enlargement", "seeds",
)  # fmt: skip
_SHARES = (
    "draft_given",
    "draft_trust",
    "draft_detail",
    "motion_share",
    "final_rate",
    "appearance_rate",
    "adapted_share",
    "draft_strength",
    "prior_strength",
    "step_cache",
)
_LEAST_BUDGET_PX = 32 * 32  # one cell of the coarsest grid
_CHOICES = {
    "configuration": ("masked", "naive"),
    "given_keyframes": ("first", "all"),
    "targets": ("attention", "ffn", "attention+ffn"),
    "timestep_sampling": ("uniform", "logit_normal"),
}


def recipe_for(request: EditRequest, *, recommended: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """The recipe of a request: preset, then the model's recommendation, then what the user set.

    `recommended`: preset name (or "all") → values, as a model's metadata gives them. An adapter to start from stands
    for stage 1, which then has no steps unless the user gives it some.
    Raises InputError for values that cannot be used.
    """
    # A draft follows no recipe, but settings that cannot be used are refused all the same.
    recipe = PRESETS.get(request.preset, BEST)
    starts = any(use.role is AdapterRole.START for use in request.adapters)
    begun = {"motion_steps": 0} if starts else {}
    for values in (recommended.get("all", {}), recommended.get(request.preset, {}), begun, asdict(request.settings)):
        recipe = replace(recipe, **{name: value for name, value in values.items() if value is not None})
    _check(recipe)
    return recipe


def edges_for(region: Region, *, frame_height: int) -> Edges:
    """The region's own edges; where it leaves them open, a hundredth of the frame's height and half as much feather.

    A loose region leaves room for new silhouettes and for roto that is a pixel off; more only shows more of what the
    model makes of the background. Boxes and hulls jump where a drawn outline only wavers, so they are steadied more.
    """
    defaults = {
        "grow_px": max(2, round(frame_height / 100)),
        "feather_px": max(2, round(frame_height / 200)),
        "smooth_frames": 1 if region.loosening is Loosening.GROWN else 3,
    }
    given = {name: getattr(region, name) for name in defaults}
    chosen = {name: defaults[name] if value is None else value for name, value in given.items()}
    return Edges(**chosen, loosening=region.loosening)


def _check(recipe: Recipe) -> None:
    for item in fields(recipe):
        value = getattr(recipe, item.name)
        if item.name in _CHOICES:
            if value not in _CHOICES[item.name]:
                choices = " or ".join(_CHOICES[item.name])
                raise InputError(f"The setting {item.name} cannot be {value!r}: give {choices}.")
        elif not 0 <= value < 1_000_000 or (value == 0 and item.name in _POSITIVE):
            raise InputError(f"The setting {item.name} cannot be {value}: give a positive number below a million.")
        elif item.name in _SHARES and value > 1:
            raise InputError(f"The setting {item.name} is a share and cannot be {value}: give up to 1.")
    if 0 < recipe.budget_px < _LEAST_BUDGET_PX:
        raise InputError(f"A budget of {recipe.budget_px} pixels holds no picture: give {_LEAST_BUDGET_PX} or more.")
    if recipe.rank > 1024:
        raise InputError(f"A LoRA rank of {recipe.rank} is more than any layer holds: use 4 to 128.")
