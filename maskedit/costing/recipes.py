# SPDX-License-Identifier: GPL-3.0-or-later
"""From operations per pass to operations per edit: the recipe of `edit.run_edit` as a sum."""

from __future__ import annotations

from dataclasses import dataclass

from maskedit.adapters import LoraSpec
from maskedit.costing.operations import Clip, Operations
from maskedit.geometry import padded_length, windows
from maskedit.presets import Recipe

# `tuning.tune` looks at four samples every ten steps where it may end early.
_PROBE_SHARE = 4 / 10


@dataclass(frozen=True, kw_only=True)
class EditCost:
    """Operations of one edit by what they are spent on. `encoding_next`: what is left of it once the clip is known."""

    motion: float
    appearance: float
    render: float
    encoding: float
    encoding_next: float

    @property
    def first(self) -> float:
        """The first edit of a clip."""
        return self.motion + self.appearance + self.render + self.encoding

    @property
    def next(self) -> float:
        """A later edit of the same clip: its motion adapter and latents are there."""
        return self.appearance + self.render + self.encoding_next


def edit_cost(
    operations: Operations, recipe: Recipe, clip: Clip, *, checkpointing: bool, prompted: bool = False
) -> EditCost:
    """One edit of `clip` with one keyframe, all steps taken: with `recipe.patience` it may be less.

    `prompted`: with a prompt guidance takes a second pass, without one both passes would be the same. A step cache
    is not counted: what it skips depends on the pictures.
    """
    window = min(recipe.window_frames, clip.frames)
    lesson_frames = padded_length(min(recipe.training_frames or window, window))
    lesson, still = clip.lasting(lesson_frames), clip.lasting(1)
    spec = LoraSpec(rank=recipe.rank, alpha=recipe.alpha, targets=recipe.targets, share=recipe.adapted_share)
    lessons = len(windows(clip.frames, length=lesson_frames, overlap=min(recipe.training_overlap, lesson_frames - 1)))
    looking = _PROBE_SHARE * operations.forward(lesson, spec) if recipe.patience else 0.0

    def steps(count: int, of: Clip) -> float:
        return count * operations.step(of, spec, checkpointing=checkpointing) if count else 0.0

    on_motion = int(recipe.appearance_steps * recipe.motion_share)
    rendered = [
        clip.lasting(padded_length(len(stretch)))
        for stretch in windows(clip.frames, length=window, overlap=min(recipe.overlap_frames, window - 1))
    ]
    passes = 2 if prompted and recipe.guidance > 1 else 1
    render_steps = max(1, round(recipe.render_steps * recipe.draft_strength))
    stills = 2 * operations.encode(still)
    around = sum(operations.encode(part) + operations.decode(part) for part in rendered)
    return EditCost(
        motion=steps(recipe.motion_steps, lesson) + recipe.motion_steps * looking,
        appearance=steps(on_motion, lesson)
        + steps(recipe.appearance_steps - on_motion, still)
        + recipe.appearance_steps * looking,
        render=passes * render_steps * sum(operations.forward(part, spec) for part in rendered),
        encoding=2 * lessons * operations.encode(lesson) + stills + around,
        encoding_next=stills + around,
    )
