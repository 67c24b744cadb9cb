# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits with their drafts: drawn once, the same from the same seed, and given to the model as far as they are sure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maskedit.models.bundled.codec import DctCodec
from maskedit.models.mending import with_sure_cells
from maskedit.pretraining.batches import training_batches
from maskedit.pretraining.config import DraftedClips, PretrainConfig, load_config
from maskedit.pretraining.drafts import draw_edits, load_drafted_clips, make_drafted_clips
from maskedit.pretraining.loop import pretrain
from maskedit.pretraining.mending import mending_condition
from tests.unit.tiny_run import RUN, same_weights, seeded, tiny_config

DRAFTED = DraftedClips(count=8, frames=5, side=32, share=1.0, hidden=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drafted")
    make_drafted_clips(folder, DRAFTED, seed=3, say=lambda sentence: None, workers=1)
    return folder


@pytest.fixture(scope="module")
def config() -> PretrainConfig:
    return tiny_config(drafted=DRAFTED, seed=3)


def test_edits_follow_from_the_seed_and_their_number_alone(folder: Path) -> None:
    kept = load_drafted_clips(folder, [4, 5])
    drawn = list(draw_edits(DRAFTED, seed=3, start=4))
    for clip in range(2):
        assert torch.equal(kept.truth[clip], torch.from_numpy(drawn[clip]["truth"]).float() / 127.5 - 1)
        assert torch.equal(kept.draft[clip], torch.from_numpy(drawn[clip]["draft"]).float() / 127.5 - 1)


def test_only_what_is_missing_is_made(folder: Path) -> None:
    said: list[str] = []
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    make_drafted_clips(folder, DRAFTED, seed=3, say=said.append, workers=1)
    assert said == []
    (folder / "000006.npz").unlink()
    make_drafted_clips(folder, DRAFTED, seed=3, say=said.append, workers=1)
    assert len(said) == 1
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert before.keys() == after.keys()
    assert all(after[name] == before[name] for name in before if name < "000004.npz")


def test_keyframes_are_exact_and_drafts_follow_the_truth_where_they_are_sure(folder: Path) -> None:
    edits = load_drafted_clips(folder, list(range(8)))
    assert bool(edits.given[:, 0].all())
    given = edits.given[:, None, :, None, None].expand_as(edits.truth)
    torch.testing.assert_close(edits.draft[given], edits.truth[given], atol=1 / 100, rtol=0)
    inside = (edits.edit_matte > 0) & ~edits.given[:, None, :, None, None]
    sure, unsure = inside & (edits.confidence > 0.9), inside & (edits.confidence < 0.1)
    error = (edits.draft - edits.truth).abs().mean(dim=1, keepdim=True)
    assert error[sure].mean() < error[unsure].mean()
    outside = (edits.edit_matte == 0).expand_as(edits.truth)
    torch.testing.assert_close(edits.draft[outside], edits.truth[outside], atol=1 / 100, rtol=0)


def test_an_excerpt_moves_everything_alike(folder: Path) -> None:
    edits = load_drafted_clips(folder, [0, 3])
    part = edits.excerpt(5, side=16, generator=seeded(2))
    assert part.truth.shape == part.draft.shape == (2, 3, 5, 16, 16)
    assert part.confidence.shape == part.edit_matte.shape == (2, 1, 5, 16, 16)
    outside = (part.edit_matte == 0).expand_as(part.truth)
    torch.testing.assert_close(part.draft[outside], part.truth[outside], atol=1 / 100, rtol=0)
    assert torch.equal(part.given, edits.given)


def test_a_hidden_draft_leaves_an_empty_region(folder: Path) -> None:
    edits = load_drafted_clips(folder, [0, 1, 2, 3])
    shown, hidden = (mending_condition(edits, surest=surest) for surest in (0.9, 0.0))
    assert set(hidden.keep_cells.unique().tolist()) <= {0.0, 1.0}
    empty = (hidden.keep_cells == 0).repeat_interleave(4, -2).repeat_interleave(4, -1).expand_as(hidden.video)
    assert hidden.video[empty].abs().max() == 0
    torch.testing.assert_close(shown.video[empty], edits.draft[empty])
    assert torch.equal(shown.keep_cells == 1, hidden.keep_cells == 1)


def test_steps_on_drafts_weigh_the_whole_region_however_sure(folder: Path, config: PretrainConfig) -> None:
    batch = next(training_batches(config, DctCodec(), first_step=0, drafted=folder))
    keep = batch.given[:, :4].amin(dim=1, keepdim=True)
    assert torch.equal(batch.generated, (keep < 1).float())
    assert ((keep > 0) & (keep < 1)).any()


def test_a_share_of_no_step_leaves_the_drawn_clips_as_they_were(folder: Path, config: PretrainConfig) -> None:
    without = replace(config, drafted=replace(DRAFTED, share=0.0))
    plain = next(training_batches(tiny_config(seed=3), DctCodec(), first_step=0))
    same = next(training_batches(without, DctCodec(), first_step=0, drafted=folder))
    assert torch.equal(plain.clean, same.clean)


def test_a_resumed_run_equals_one_that_was_never_interrupted(config: PretrainConfig, tmp_path: Path) -> None:
    whole = pretrain(config, tmp_path / "whole")
    pretrain(replace(config, stages=(replace(config.stages[0], steps=3),)), tmp_path / "parts")
    parts = pretrain(config, tmp_path / "parts", resume=True)
    assert parts.step == whole.step == 6
    assert same_weights(parts.transformer, whole.transformer)


def test_a_run_says_what_it_draws(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(RUN + "[drafted]\ncount = 4\nframes = 5\nside = 32\n")
    assert load_config(tmp_path / "run.toml").drafted == DraftedClips(count=4, frames=5, side=32)


def test_given_cells_come_back_as_given_and_empty_ones_as_predicted() -> None:
    predicted, latents = torch.randn(2, 1, 48, 2, 3, 3, generator=seeded(0)).unbind()
    keep = torch.rand(1, 4, 2, 3, 3, generator=seeded(1))
    keep[..., 0, 0], keep[..., 1, 1] = 1, 0
    blended = with_sure_cells(predicted, torch.cat([keep, latents], dim=1))
    torch.testing.assert_close(blended[..., 0, 0], latents[..., 0, 0])
    assert torch.equal(blended[..., 1, 1], predicted[..., 1, 1])
    for f in range(2):
        for row in range(3):
            for column in range(3):
                sure = float(keep[0, :, f, row, column].min())
                at = (0, slice(None), f, row, column)
                torch.testing.assert_close(blended[at], predicted[at] + sure * (latents[at] - predicted[at]))
