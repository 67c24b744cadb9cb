# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows and plan together: as the recipe says while that fits, shorter ones where memory ran out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import ModelError
from maskedit.geometry import Rect, plan_track
from maskedit.holding import Holding, hold
from maskedit.memory import RESIDENT, Demand, MemoryPlan
from maskedit.models import Limits
from maskedit.presets import BEST
from maskedit.request import FrameRange
from maskedit.shot import Shot

LIMITS = Limits(grid_px=8, cell_px=4, temporal_factor=4, budget_px=64 * 64, max_frames=25)


def shot_of(frames: int) -> Shot:
    track = plan_track(
        {0: Rect(8, 8, 16, 16)},
        frames=range(frames),
        frame_width=32,
        frame_height=32,
        grid=8,
        budget_px=1024,
        context=Fraction(1, 4),
    )
    video = torch.zeros(1, 3, frames, 16, 16)
    return Shot(FrameRange(first=0, last=frames - 1), track, video, video[:, :1], {0: video[:, :, :1]})


def held(frames: int, *, most_tokens: int, shorten: bool, training: int = 0) -> Holding:
    """With as much memory as takes so many tokens."""

    def plan(demand: Demand) -> MemoryPlan:
        if max(demand.render_tokens, demand.training_tokens) > most_tokens:
            raise ModelError("too large")
        return replace(RESIDENT, device_bytes=demand.render_tokens, sentence="Held.")

    shot, recipe = shot_of(frames), replace(BEST, training_frames=training)
    return hold(shot, taught=shot, recipe=recipe, limits=LIMITS, plan=plan, shorten=shorten)


def test_as_the_recipe_says_where_that_fits() -> None:
    found = held(40, most_tokens=10**6, shorten=False, training=9)
    assert (max(map(len, found.stretches)), max(map(len, found.lessons))) == (25, 9)
    assert found.recipe.window_frames == BEST.window_frames and found.plan.sentence == "Held."
    assert held(40, most_tokens=10**6, shorten=True) == held(40, most_tokens=10**6, shorten=False)


def test_where_it_does_not_nothing_is_changed_behind_the_users_back() -> None:
    with pytest.raises(ModelError, match="too large"):
        held(40, most_tokens=20, shorten=False)


@given(frames=st.integers(2, 40), latent_frames=st.integers(2, 8))
def test_windows_are_halved_until_they_fit_and_every_frame_is_still_rendered(frames: int, latent_frames: int) -> None:
    found = held(frames, most_tokens=4 * latent_frames, shorten=True)
    assert {frame for stretch in found.stretches for frame in stretch} == set(range(frames))
    assert found.plan.device_bytes <= 4 * latent_frames
    longest = max(map(len, found.stretches))
    if longest < min(frames, 25):
        assert found.plan.sentence.endswith(f"At most {found.recipe.window_frames} frames are rendered at a time.")
        # No shorter than it had to be: twice as long would not have fitted.
        assert 2 * longest + 4 > 4 * (latent_frames - 1)


def test_what_does_not_fit_at_all_is_said() -> None:
    with pytest.raises(ModelError, match="too large"):
        held(40, most_tokens=4, shorten=True)
