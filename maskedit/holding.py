# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the stretches of a shot may be, and how the model is held, so that the two fit into memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from maskedit.errors import ModelError
from maskedit.geometry import padded_length
from maskedit.memory import Demand, MemoryPlan
from maskedit.models import Limits
from maskedit.presets import Recipe
from maskedit.shot import Shot

Stretches = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Holding:
    """`recipe`: with the windows that are worked with; `stretches` to render and `lessons` to learn from, as
    `Shot.stretches` gives them; `plan`: how the model is held."""

    recipe: Recipe
    stretches: Stretches
    lessons: Stretches
    plan: MemoryPlan


def hold(
    shot: Shot,
    *,
    taught: Shot,
    recipe: Recipe,
    limits: Limits,
    plan: Callable[[Demand], MemoryPlan],
    shorten: bool = False,
) -> Holding:
    """The recipe's windows, as far as the model takes them, and the `plan` for them.

    `taught`: the shot as stage 1 learns it. `shorten`: windows are halved until there is a plan, where there is none.
    Raises what `plan` raises for the shortest.
    """
    *longer, shortest = _lengths(shot, recipe, limits) if shorten else [min(recipe.window_frames, limits.max_frames)]
    for window in longer:
        try:
            return _held(shot, taught, recipe, limits, window, plan)
        except ModelError:
            continue
    return _held(shot, taught, recipe, limits, shortest, plan)


def _held(
    shot: Shot, taught: Shot, recipe: Recipe, limits: Limits, window: int, plan: Callable[[Demand], MemoryPlan]
) -> Holding:
    stretches = shot.stretches(length=window, overlap=recipe.overlap_frames)
    lessons = taught.stretches(length=min(recipe.training_frames or window, window), overlap=recipe.training_overlap)
    height, width = shot.video.shape[-2:]
    longest = {"lesson": max(map(len, lessons)), "window": max(map(len, stretches))}
    found = plan(Demand.of(recipe, limits=asdict(limits), width=width, height=height, **longest))
    if window < min(recipe.window_frames, limits.max_frames):
        recipe = replace(recipe, window_frames=window)
        found = replace(found, sentence=f"{found.sentence} At most {window} frames are rendered at a time.")
    return Holding(recipe, stretches, lessons, found)


def _lengths(shot: Shot, recipe: Recipe, limits: Limits) -> Iterator[int]:
    """The recipe's windows, then halves of what the shot needs of them, of 4n + 1 frames, down to 4 and 1."""
    yield (window := min(recipe.window_frames, limits.max_frames))
    window, least = min(window, len(shot.frames)), limits.temporal_factor + 1
    while window > least:
        window = max(least, padded_length(window // 2 + 1, temporal_factor=limits.temporal_factor))
        yield window
