# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of a shot: every frame once rendered, each window joined to what came before."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.request import FrameRange
from maskedit.shot import Shot


def shot_of(first: int, count: int, keyframes: list[int]) -> Shot:
    """A shot whose every pixel holds its frame's number."""
    numbers = torch.arange(first, first + count, dtype=torch.float32).view(1, 1, -1, 1, 1)
    return Shot(
        frames=FrameRange(first=first, last=first + count - 1),
        track=CropTrack.still(CropPlan(Rect(0, 0, 2, 2), 2, 2), frames=range(first, first + count)),
        video=numbers.expand(1, 3, -1, 2, 2),
        edit_matte=(numbers % 2).expand(1, 1, -1, 2, 2),
        edited={frame: torch.zeros(1, 3, 1, 2, 2) for frame in keyframes},
    )


def test_frames_are_found_by_their_clip_number() -> None:
    plate, matte = shot_of(10, 5, [10]).at(13)
    assert plate.shape == (1, 3, 1, 2, 2)
    assert plate.unique().item() == 13
    assert matte.unique().item() == 1


def test_a_window_is_padded_by_its_last_frame() -> None:
    window = shot_of(10, 7, [10]).window((10, 11, 12))
    assert window.frames == (10, 11, 12)
    assert window.video[0, 0, :, 0, 0].tolist() == [10, 11, 12, 12, 12]
    assert window.edit_matte[0, 0, :, 0, 0].tolist() == [0, 1, 0, 0, 0]


def test_a_keyframe_in_the_middle_is_rendered_both_ways() -> None:
    stretches = shot_of(0, 6, [2, 4]).stretches(length=9, overlap=2)
    assert stretches == ((2, 3, 4, 5), (2, 1, 0))


@given(
    first=st.integers(0, 50),
    count=st.integers(2, 60),
    key=st.floats(0, 1),
    length=st.integers(2, 17),
    overlap=st.integers(1, 16),
)
def test_every_frame_is_rendered_from_frames_that_are_there(
    first: int, count: int, key: float, length: int, overlap: int
) -> None:
    keyframe = first + round(key * (count - 1))
    rendered = {keyframe}
    for frames in shot_of(first, count, [keyframe]).stretches(length=length, overlap=overlap):
        assert len(frames) <= length
        assert frames[0] in rendered
        steps = {b - a for a, b in pairwise(frames)}
        assert steps in ({1}, {-1})
        kept = [frame in rendered for frame in frames]
        # What is there comes first and is contiguous: it can be given as kept frames.
        assert kept == sorted(kept, reverse=True)
        rendered |= set(frames)
    assert rendered == set(range(first, first + count))


def test_only_the_first_frame_of_a_window_is_given_unless_all_keyframes_are_to_be() -> None:
    shot = shot_of(0, 9, [0, 3, 6])
    assert shot.window(tuple(range(5))).given == (0,)
    assert replace(shot, given_keyframes="all").window(tuple(range(5))).given == (0, 3)
    assert replace(shot, given_keyframes="all").window((6, 5, 4, 3, 2)).given == (0, 3)


def test_without_a_mask_everything_is_to_be_generated() -> None:
    shot = replace(shot_of(0, 5, [0]), configuration="naive")
    assert shot.window((0, 1, 2)).edit_matte.unique().item() == 1
    # What is pasted is still the region.
    assert shot.at(2)[1].unique().item() == 0
