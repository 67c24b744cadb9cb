# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's frames rendered anew by a model: between locked ones, from the adapter that the clip has already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maskedit import rendering
from maskedit.caching import LatentCache
from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.models.wan import WanImageToVideo
from maskedit.progress import SilentReporter
from maskedit.rendering import Sampling, render_shot
from maskedit.request import FrameRange
from maskedit.shot import Shot

FRAMES = 12


def shot_of(*locked: int, keyframes: tuple[int, ...] = (0,)) -> Shot:
    generator = torch.Generator().manual_seed(0)
    matte = torch.zeros(1, 1, FRAMES, 16, 16)
    matte[..., 4:12, 4:12] = 1

    def picture() -> torch.Tensor:
        return torch.rand(1, 3, 1, 16, 16, generator=generator) * 2 - 1

    return Shot(
        frames=FrameRange(first=0, last=FRAMES - 1),
        track=CropTrack.still(CropPlan(Rect(0, 0, 16, 16), 16, 16), frames=range(FRAMES)),
        video=torch.rand(1, 3, FRAMES, 16, 16, generator=generator) * 2 - 1,
        edit_matte=matte,
        edited={frame: picture() for frame in keyframes},
        locked={frame: picture() for frame in locked},
        given_keyframes="all",
    )


def rendered(model: WanImageToVideo, shot: Shot, cache: Path, **sampling: float) -> dict[int, torch.Tensor]:
    return render_shot(
        model,
        shot,
        shot.stretches(length=9, overlap=2),
        sampling=replace(Sampling(steps=1, guidance=1.0, seed=4), **sampling),
        prompt="",
        adapter_key="none",
        cache=LatentCache(cache),
        reporter=SilentReporter(),
    )


def test_locked_frames_stay_and_are_given_on_both_sides(
    plain_wan: WanImageToVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = shot_of(0, 1, 2, 3, 8, 9, 10, 11, keyframes=(0, 6))
    windows = []
    encode = rendering.render_conditioning

    def spy(model, window, **how):  # type: ignore[no-untyped-def]
        windows.append(window)
        return encode(model, window, **how)

    monkeypatch.setattr(rendering, "render_conditioning", spy)
    frames = rendered(plain_wan, shot, tmp_path)
    (window,) = windows
    assert window.frames == (2, 3, 4, 5, 6, 7, 8, 9)
    assert [window.frames[place] for place in window.given] == [2, 3, 6, 8, 9]
    for place in window.given:
        frame = window.frames[place]
        assert torch.equal(window.video[:, :, place : place + 1], (shot.edited | shot.locked)[frame])
    assert sorted(frames) == list(range(FRAMES))
    assert all(torch.equal(frames[frame], shot.locked[frame]) for frame in shot.locked)
    assert torch.equal(frames[6], shot.edited[6])
    for frame in (4, 5, 7):
        plate, matte = shot.at(frame)
        assert torch.equal(frames[frame] * (1 - matte), plate * (1 - matte))
        assert not torch.equal(frames[frame], plate)


def test_frames_before_all_locked_ones_are_rendered_backwards(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    shot = shot_of(*range(3, FRAMES), keyframes=(1,))
    assert shot.stretches(length=9, overlap=2) == ((4, 3, 2, 1, 0),)
    frames = rendered(plain_wan, shot, tmp_path)
    assert torch.equal(frames[1], shot.edited[1]) and not torch.equal(frames[0], shot.at(0)[0])


def test_what_is_locked_decides_what_is_rendered_beside_it(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    shot = shot_of(*range(4), *range(8, FRAMES))
    other = replace(shot, locked=shot.locked | {8: -shot.locked[8]})
    first, second = rendered(plain_wan, shot, tmp_path), rendered(plain_wan, other, tmp_path)
    assert not torch.equal(first[7], second[7])


def test_the_draft_carries_locked_frames_in(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    shot = shot_of(*range(4), *range(8, FRAMES)).drafted()
    assert shot.draft is not None and shot.confidence is not None
    inside = shot.edit_matte[0, 0, 2] > 0
    assert torch.allclose(shot.draft[0, :, 2][:, inside], shot.locked[2][0, :, 0][:, inside], atol=1e-5)
    assert rendered(plain_wan, shot, tmp_path, draft_strength=0.5).keys() == set(range(FRAMES))


def test_lessons_are_the_parents_whatever_was_painted_since() -> None:
    parent = shot_of(keyframes=(5,))
    child = shot_of(*range(3), *range(6, FRAMES), keyframes=(5, 4)).taught_around((5,))
    assert not child.locked and list(child.edited) == [5]
    assert child.stretches(length=9, overlap=1) == parent.stretches(length=9, overlap=1)
    assert torch.equal(child.edited[5], child.at(5)[0])
    assert parent.taught_around(()).edited == parent.edited


def test_a_shot_says_what_its_keyframes_do_not_show() -> None:
    found = shot_of(keyframes=(3,)).doubts()
    assert len(found.uncertainty) == FRAMES and found.uncertainty[3] < 0.01 < max(found.uncertainty)
