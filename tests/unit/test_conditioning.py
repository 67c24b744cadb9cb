# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask configurations against slow twins that walk over every pixel."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit.conditioning import (
    appearance_condition,
    cells_to_edit,
    drafted_condition,
    empty_region,
    first_frame_condition,
    fold_keep_mask,
    motion_condition,
)

FACTOR = 4


def slow_cells(edit_matte: torch.Tensor, factor: int) -> torch.Tensor:
    batch, _, frames, height, width = edit_matte.shape
    cells = torch.zeros(batch, 1, frames, height // factor, width // factor)
    for b in range(batch):
        for t in range(frames):
            for y in range(height):
                for x in range(width):
                    if edit_matte[b, 0, t, y, x] > 0:
                        cells[b, 0, t, y // factor, x // factor] = 1
    return cells


def slow_fold(keep_cells: torch.Tensor) -> torch.Tensor:
    """Channel c of latent frame f holds pixel frame 4(f - 1) + 1 + c; all channels of latent frame 0 hold frame 0."""
    batch, _, frames, height, width = keep_cells.shape
    folded = torch.zeros(batch, 4, (frames + 3) // 4, height, width)
    for f in range(folded.shape[2]):
        for c in range(4):
            folded[:, c, f] = keep_cells[:, 0, 0 if f == 0 else 4 * (f - 1) + 1 + c]
    return folded


def random_matte(seed: int, *, frames: int = 5, height: int = 12, width: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(1, 1, frames, height, width, generator=generator) > 0.97).float()


def random_video(seed: int, *, frames: int = 5) -> torch.Tensor:
    return torch.rand(1, 3, frames, 12, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@given(seed=st.integers(0, 10_000))
def test_a_cell_is_edited_if_any_of_its_pixels_is(seed: int) -> None:
    matte = random_matte(seed)
    assert torch.equal(cells_to_edit(matte, factor=FACTOR), slow_cells(matte, FACTOR))


def test_the_softest_edge_counts_as_edited() -> None:
    matte = torch.zeros(1, 1, 1, 8, 8)
    matte[..., 3, 3] = 1e-6
    assert cells_to_edit(matte, factor=FACTOR)[0, 0, 0].tolist() == [[1, 0], [0, 0]]


def test_a_matte_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="cells of 4"):
        cells_to_edit(torch.zeros(1, 1, 1, 9, 8), factor=FACTOR)


@given(frames=st.integers(0, 5).map(lambda n: 4 * n + 1), seed=st.integers(0, 10_000))
def test_folding_puts_each_frame_into_its_latent_frames_channel(frames: int, seed: int) -> None:
    keep = 1 - cells_to_edit(random_matte(seed, frames=frames), factor=FACTOR)
    assert torch.equal(fold_keep_mask(keep), slow_fold(keep))


def test_folding_refuses_a_clip_that_was_not_padded() -> None:
    with pytest.raises(ValueError, match="4n\\+1"):
        fold_keep_mask(torch.ones(1, 1, 4, 2, 2))


@given(seed=st.integers(0, 10_000))
def test_no_kept_cell_holds_grey_and_no_emptied_cell_holds_picture(seed: int) -> None:
    video, matte = random_video(seed), random_matte(seed)
    condition = motion_condition(video, matte, factor=FACTOR)
    kept = condition.keep_cells.repeat_interleave(FACTOR, -2).repeat_interleave(FACTOR, -1)
    assert torch.equal(condition.video, video * kept)
    assert torch.all(matte[:, :, 1:] * kept[:, :, 1:] == 0)


def test_stage_one_gives_the_first_frame_whole() -> None:
    video, matte = random_video(1), torch.ones(1, 1, 5, 12, 8)
    condition = motion_condition(video, matte, factor=FACTOR)
    assert torch.equal(condition.video[:, :, 0], video[:, :, 0])
    assert condition.video[:, :, 1:].abs().max() == 0
    assert condition.keep_cells[:, :, 0].min() == 1
    assert condition.keep_cells[:, :, 1:].max() == 0


def test_frames_of_an_earlier_window_are_given_whole() -> None:
    video, matte = random_video(2), torch.ones(1, 1, 5, 12, 8)
    condition = motion_condition(video, matte, factor=FACTOR, kept_frames=(0, 1, 2))
    assert torch.equal(condition.video[:, :, :3], video[:, :, :3])
    assert condition.keep_cells[0, 0, :, 0, 0].tolist() == [1, 1, 1, 0, 0]


def test_stage_two_empties_even_its_only_frame() -> None:
    frame, matte = random_video(3, frames=1), torch.zeros(1, 1, 1, 12, 8)
    matte[..., :4, :4] = 1
    condition = appearance_condition(frame, matte, factor=FACTOR)
    assert condition.video[..., :4, :4].abs().max() == 0
    assert torch.equal(condition.video[..., 4:, :], frame[..., 4:, :])
    assert condition.keep_cells.sum() == 5


def test_the_naive_condition_gives_frame_zero_and_nothing_else() -> None:
    video = random_video(4)
    condition = first_frame_condition(video, factor=FACTOR)
    assert torch.equal(condition.video[:, :, 0], video[:, :, 0])
    assert condition.video[:, :, 1:].abs().max() == 0
    assert condition.keep_cells[0, 0, :, 0, 0].tolist() == [1, 0, 0, 0, 0]


def test_emptying_leaves_the_callers_tensors_alone() -> None:
    video, matte = random_video(5), random_matte(5)
    before = video.clone(), matte.clone()
    motion_condition(video, matte, factor=FACTOR)
    empty_region(video, cells_to_edit(matte, factor=FACTOR), factor=FACTOR)
    assert torch.equal(video, before[0])
    assert torch.equal(matte, before[1])


@given(seed=st.integers(0, 10_000), surest=st.floats(0, 0.99))
def test_a_draft_stands_in_the_region_and_is_kept_as_far_as_it_is_sure(seed: int, surest: float) -> None:
    video, draft, matte = random_video(seed), random_video(seed + 1), random_matte(seed)
    confidence = torch.rand(1, 1, 5, 12, 8, generator=torch.Generator().manual_seed(seed + 2))
    condition = drafted_condition(
        video, matte, factor=FACTOR, draft=draft, confidence=confidence, surest=surest, kept_frames=(0, 3)
    )
    cells = slow_cells(matte, FACTOR)
    for frame in range(5):
        for row in range(12):
            for column in range(8):
                cell = (0, 0, frame, row // FACTOR, column // FACTOR)
                given_whole = frame in (0, 3) or cells[cell] == 0
                shown = video if given_whole else draft
                pixel = (0, slice(None), frame, row, column)
                assert torch.equal(condition.video[pixel], shown[pixel])
                rows = slice(cell[3] * FACTOR, (cell[3] + 1) * FACTOR)
                columns = slice(cell[4] * FACTOR, (cell[4] + 1) * FACTOR)
                sure = 1.0 if given_whole else surest * float(confidence[0, 0, frame, rows, columns].mean())
                assert float(condition.keep_cells[cell]) == pytest.approx(sure, abs=1e-6)
    unsure = drafted_condition(
        video, matte, factor=FACTOR, draft=torch.zeros_like(video), confidence=confidence, surest=0.0
    )
    emptied = motion_condition(video, matte, factor=FACTOR)
    assert torch.equal(unsure.video, emptied.video)
    assert torch.equal(unsure.keep_cells, emptied.keep_cells)
