# SPDX-License-Identifier: GPL-3.0-or-later
"""Preset, then the model's recommendation, then the user."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maskedit.errors import InputError
from maskedit.presets import BEST, Edges, edges_for, recipe_for
from maskedit.request import (
    AdapterRole,
    AdapterUse,
    EditRequest,
    Keyframe,
    Loosening,
    Matte,
    MediaReference,
    Preset,
    Region,
    Settings,
)

REQUEST = EditRequest(
    target=MediaReference(locations=("clip.mov",)),
    regions=(Region(mattes=(Matte(media=MediaReference(locations=("matte.mkv",))),)),),
    keyframes=(Keyframe(frame=0, image=MediaReference(locations=("edited.png",))),),
)


def test_best_holds_the_papers_values() -> None:
    recipe = recipe_for(replace(REQUEST, preset=Preset.BEST), recommended={})
    assert (recipe.rank, recipe.learning_rate, recipe.motion_steps, recipe.appearance_steps) == (16, 1e-4, 100, 100)
    assert (recipe.render_steps, recipe.guidance, recipe.timestep_shift) == (30, 5.0, 1.0)


def test_each_faster_preset_does_less() -> None:
    fast, standard, best = (
        recipe_for(replace(REQUEST, preset=preset), recommended={})
        for preset in (Preset.FAST, Preset.STANDARD, Preset.BEST)
    )
    assert fast.motion_steps < standard.motion_steps <= best.motion_steps
    assert fast.render_steps < standard.render_steps < best.render_steps


def test_the_models_recommendation_wins_over_the_preset_and_the_user_over_both() -> None:
    recommended = {"all": {"rank": 32, "guidance": 1.0}, "fast": {"motion_steps": 7, "rank": 8}}
    fast = recipe_for(replace(REQUEST, preset=Preset.FAST), recommended=recommended)
    assert (fast.rank, fast.guidance, fast.motion_steps) == (8, 1.0, 7)
    best = recipe_for(replace(REQUEST, preset=Preset.BEST), recommended=recommended)
    assert (best.rank, best.guidance, best.motion_steps) == (32, 1.0, BEST.motion_steps)
    chosen = replace(REQUEST, preset=Preset.FAST, settings=Settings(motion_steps=3, guidance=2.0))
    mine = recipe_for(chosen, recommended=recommended)
    assert (mine.rank, mine.guidance, mine.motion_steps) == (8, 2.0, 3)


def test_a_start_stands_for_stage_one_unless_the_user_tops_it_up() -> None:
    start, beside = (AdapterUse(adapter_id="a" * 64, role=role) for role in (AdapterRole.START, AdapterRole.BESIDE))
    recommended = {"all": {"motion_steps": 7}}
    begun = replace(REQUEST, adapters=(beside, start))
    assert recipe_for(begun, recommended=recommended).motion_steps == 0
    assert recipe_for(begun, recommended=recommended).appearance_steps > 0
    assert recipe_for(replace(begun, settings=Settings(motion_steps=3)), recommended=recommended).motion_steps == 3
    assert recipe_for(replace(begun, adapters=(beside,)), recommended=recommended).motion_steps == 7


def test_the_regions_own_edges_win() -> None:
    region = replace(REQUEST.regions[0], grow_px=0, feather_px=9)
    assert edges_for(region, frame_height=1080) == Edges(grow_px=0, feather_px=9)
    assert edges_for(replace(region, feather_px=None), frame_height=1080) == Edges(grow_px=0, feather_px=5)


@pytest.mark.parametrize(
    ("frame_height", "grow_px", "feather_px"), [(48, 2, 2), (360, 4, 2), (1080, 11, 5), (2160, 22, 11)]
)
def test_open_edges_follow_the_frames_size(frame_height: int, grow_px: int, feather_px: int) -> None:
    expected = Edges(grow_px=grow_px, feather_px=feather_px)
    assert edges_for(REQUEST.regions[0], frame_height=frame_height) == expected
    box = replace(REQUEST.regions[0], loosening=Loosening.BOX)
    assert edges_for(box, frame_height=frame_height) == replace(expected, loosening=Loosening.BOX, smooth_frames=3)
    assert edges_for(replace(box, smooth_frames=0), frame_height=frame_height).smooth_frames == 0


@pytest.mark.parametrize(
    "settings",
    [
        Settings(learning_rate=float("nan")),
        Settings(learning_rate=float("inf")),
        Settings(learning_rate=0.0),
        Settings(rank=0),
        Settings(rank=100_000),
        Settings(render_steps=0),
        Settings(motion_steps=-1),
        Settings(guidance=-3.0),
        Settings(budget_px=2),
    ],
)
def test_values_that_cannot_be_used_are_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"cannot be|more than any layer|holds no picture"):
        recipe_for(replace(REQUEST, settings=settings), recommended={})


def test_a_draft_follows_no_recipe_and_refuses_bad_settings_all_the_same() -> None:
    recipe_for(replace(REQUEST, preset=Preset.DRAFT), recommended={})
    with pytest.raises(InputError, match="rank"):
        recipe_for(replace(REQUEST, preset=Preset.DRAFT, settings=Settings(rank=0)), recommended={})
