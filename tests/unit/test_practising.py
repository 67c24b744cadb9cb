# SPDX-License-Identifier: GPL-3.0-or-later
"""What stage 1 practises on: the clip under other looks that move as it does, or with its draft."""

from __future__ import annotations

import pytest
import torch

from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.practising import practice_windows, recoloured, relooked
from maskedit.request import FrameRange
from maskedit.shot import Shot


@pytest.fixture(scope="module")
def shot() -> Shot:
    """A textured square that moves by two pixels a frame; frames are numbered from 10."""
    generator = torch.Generator().manual_seed(4)
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 12, generator=generator), size=48, mode="bicubic")
    video = torch.stack([smooth[0].roll(2 * frame, dims=2) for frame in range(5)], dim=1)[None] * 2 - 1
    matte = torch.zeros(1, 1, 5, 48, 48)
    for frame in range(5):
        matte[..., frame, 12:36, 10 + 2 * frame : 34 + 2 * frame] = 1
    return Shot(
        frames=FrameRange(first=10, last=14),
        track=CropTrack.still(CropPlan(Rect(0, 0, 48, 48), 48, 48), frames=range(10, 15)),
        video=video.clamp(-1, 1),
        edit_matte=matte,
        edited={10: torch.zeros(1, 3, 1, 48, 48)},
    )


FRAMES = tuple(range(10, 15))


def test_with_a_draft_it_is_the_clip_as_it_is_and_its_own_draft(shot: Shot) -> None:
    (made,) = practice_windows(shot, [FRAMES], looks=3, seed=0, drafted=True)
    practised = made()
    assert torch.equal(practised.video, shot.video)
    assert practised.draft is not None
    torch.testing.assert_close(practised.draft[:, :, :1], shot.video[:, :, :1], atol=1e-5, rtol=0)
    assert (practised.draft - shot.video).abs().mean() < 0.1


def test_from_noise_it_is_the_clip_under_looks_of_its_region(shot: Shot) -> None:
    (plain,) = practice_windows(shot, [FRAMES], looks=0, seed=0, drafted=False)
    assert torch.equal(plain().video, shot.video)
    looks = [made().video for made in practice_windows(shot, [FRAMES], looks=3, seed=1, drafted=False)]
    outside = (shot.edit_matte == 0).expand_as(shot.video)
    for video in looks:
        assert torch.equal(video[outside], shot.video[outside])
        assert (video - shot.video)[~outside].abs().mean() > 0.05
    assert not any(torch.equal(looks[i], looks[j]) for i, j in [(0, 1), (0, 2), (1, 2)])


@pytest.mark.parametrize(("looks", "count"), [(0, 2), (1, 2), (5, 5)])
def test_every_stretch_is_practised_however_few_looks(shot: Shot, looks: int, count: int) -> None:
    made = practice_windows(shot, [(10, 11, 12), (12, 13, 14)], looks=looks, seed=0, drafted=False)
    assert [window().frames[0] for window in made] == [(10, 12)[index % 2] for index in range(count)]


def test_the_seed_decides(shot: Shot) -> None:
    def video(seed: int) -> torch.Tensor:
        return practice_windows(shot, [FRAMES], looks=1, seed=seed, drafted=False)[0]().video

    assert torch.equal(video(5), video(5))
    assert not torch.equal(video(5), video(6))


def test_a_recolouring_is_one_rule_for_every_pixel(shot: Shot) -> None:
    """Equal colours stay equal: a grey clip of two values comes back with two colours."""
    video = torch.zeros(1, 3, 3, 8, 8)
    video[..., ::2] = 0.5
    colours = recoloured(video, generator=torch.Generator().manual_seed(0))
    assert len(colours.permute(0, 2, 3, 4, 1).reshape(-1, 3).unique(dim=0)) == 2
    assert colours.abs().max() <= 1


@pytest.mark.parametrize("seed", range(12))
def test_a_look_moves_as_the_clip_does_and_shows_something(shot: Shot, seed: int) -> None:
    """The square is shifted by two pixels a frame: so is every look of it, and none is a flat colour."""
    looked = relooked(shot.video, generator=torch.Generator().manual_seed(seed))
    assert looked.abs().max() <= 1
    for frame in range(1, 5):
        torch.testing.assert_close(looked[:, :, frame], looked[:, :, 0].roll(2 * frame, dims=3), atol=1e-5, rtol=0)
    assert looked.std(dim=(2, 3, 4)).max() > 0.1
