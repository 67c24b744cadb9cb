# SPDX-License-Identifier: GPL-3.0-or-later
"""What stage 1 practises on: the clip's own draft, under colours that the plate does not have."""

from __future__ import annotations

import pytest
import torch

from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.practising import practice_shots, recoloured
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


def test_without_other_looks_it_is_the_clip_and_its_own_draft(shot: Shot) -> None:
    (practised,) = practice_shots(shot, looks=0, seed=0)
    assert practised.video is shot.video
    assert practised.draft is not None
    torch.testing.assert_close(practised.draft[:, :, :1], shot.video[:, :, :1], atol=1e-5, rtol=0)
    assert (practised.draft - shot.video).abs().mean() < 0.1


def test_other_looks_change_the_region_alone_and_are_drafted_from_their_own_first_frame(shot: Shot) -> None:
    looks = practice_shots(shot, looks=3, seed=1)
    assert len(looks) == 3
    outside = (shot.edit_matte == 0).expand_as(shot.video)
    for practised in looks:
        assert torch.equal(practised.video[outside], shot.video[outside])
        assert (practised.video - shot.video)[~outside].abs().mean() > 0.05
        assert practised.draft is not None
        assert practised.confidence is not None
        # The keyframe is the recoloured frame, and what the flow is sure of has its colours.
        torch.testing.assert_close(practised.draft[:, :, :1], practised.video[:, :, :1], atol=1e-5, rtol=0)
        sure = (practised.confidence > 0.8).expand_as(shot.video) & ~outside
        assert (practised.draft - practised.video)[sure].abs().mean() < 0.1
    assert not torch.equal(looks[0].video, looks[1].video)


def test_the_seed_decides(shot: Shot) -> None:
    first, again, other = (practice_shots(shot, looks=1, seed=seed)[0].video for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_recolouring_is_one_rule_for_every_pixel(shot: Shot) -> None:
    """Equal colours stay equal: a grey clip of two values comes back with two colours."""
    video = torch.zeros(1, 3, 3, 8, 8)
    video[..., ::2] = 0.5
    colours = recoloured(video, generator=torch.Generator().manual_seed(0))
    assert len(colours.permute(0, 2, 3, 4, 1).reshape(-1, 3).unique(dim=0)) == 2
    assert colours.abs().max() <= 1
