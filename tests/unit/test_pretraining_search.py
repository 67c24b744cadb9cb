# SPDX-License-Identifier: GPL-3.0-or-later
"""The written search: transforms that might have been the codec, trials that differ in one thing, one table."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.pretraining.codec_variants import TransformCodec, haar_steps
from maskedit.pretraining.config import Probe, Stage
from maskedit.pretraining.latents import decoded_video, normalised_latents
from maskedit.pretraining.loop import channel_weights, clean_latent_loss
from maskedit.pretraining.search import as_markdown, batches, fitted, loss_at, main, question, run_trial, search
from maskedit.pretraining.state import build_state
from maskedit.pretraining.trials import (
    REFERENCE,
    REFERENCE_SEEDS,
    TRIALS,
    FromVelocity,
    adamw_alone,
    half_size_first,
    logit_normal_times,
    shifted_times,
)
from maskedit.synthetic import clips

BY_NAME = {trial.name: trial for trial in TRIALS}
TINY = replace(
    REFERENCE,
    stages=(Stage(steps=3, batch=2, frames=5, height=32, width=32),),
    probe=Probe(clips=2, frames=5, height=32, width=32, render_steps=2),
    transformer=REFERENCE.transformer
    | {"num_attention_heads": 2, "attention_head_dim": 16, "ffn_dim": 32, "num_layers": 1, "freq_dim": 16},
    warmup_steps=1,
    decay_steps=1,
)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise_video(frames: int, side: int = 16, *, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, frames, side, side, generator=seeded(seed)) * 2 - 1


def variant(side: int, channels: int, waveform: Any = "cosine") -> TransformCodec:
    examples, _ = clips(6, 9, height=32, width=32, generator=seeded(3))
    return TransformCodec(examples, side=side, channels=channels, waveform=waveform)


def encode(codec: Any, video: torch.Tensor) -> torch.Tensor:
    return codec.encode(video).latent_dist.mode()


def there_and_back(codec: Any, video: torch.Tensor) -> torch.Tensor:
    return codec.decode(encode(codec, video), return_dict=False)[0]


def close(result: torch.Tensor, truth: torch.Tensor) -> bool:
    return torch.allclose(result, truth, atol=2e-5, rtol=0)


COMPLETE = [(4, 192, "cosine"), (4, 192, "haar"), (8, 768, "cosine"), (8, 768, "haar")]
REDUCED = [
    (4, 32, "cosine"),
    (4, 48, "cosine"),
    (4, 64, "cosine"),
    (4, 48, "haar"),
    (8, 96, "cosine"),
    (8, 192, "haar"),
]


class TestTransforms:
    @pytest.mark.parametrize("size", [1, 2, 4, 8])
    def test_haar_steps_are_orthonormal_and_local(self, size: int) -> None:
        basis = haar_steps(size)
        assert close(basis @ basis.T, torch.eye(size, dtype=torch.float64))
        assert close(basis[0], torch.full((size,), size**-0.5, dtype=torch.float64))
        if size > 1:
            assert (basis[-1] != 0).sum() == 2

    @pytest.mark.parametrize("shape", COMPLETE)
    def test_with_every_coefficient_nothing_is_lost(self, shape) -> None:
        video = noise_video(9)
        assert close(there_and_back(variant(*shape), video), video)

    @pytest.mark.parametrize("shape", COMPLETE)
    def test_with_every_coefficient_a_still_clip_is_held_and_looks_like_its_first_frame(self, shape) -> None:
        codec, still = variant(*shape), noise_video(1).repeat(1, 1, 9, 1, 1)
        latents = encode(codec, still)
        assert close(latents[:, :, 1], latents[:, :, 0]) and close(latents[:, :, 2], latents[:, :, 0])
        assert close(there_and_back(codec, still), still)

    @pytest.mark.parametrize("shape", REDUCED)
    def test_a_still_clip_stays_still_and_keeps_its_channels(self, shape) -> None:
        codec, still = variant(*shape), noise_video(1).repeat(1, 1, 9, 1, 1)
        latents, result = encode(codec, still), there_and_back(codec, still)
        assert close(result[:, :, 1:], result[:, :, 1:2].expand(-1, -1, 8, -1, -1))
        alike = (latents[:, :, 1] - latents[:, :, 0]).abs().amax(dim=(0, 2, 3)) < 1e-4
        absent = latents[:, :, 1].abs().amax(dim=(0, 2, 3)) < 1e-4
        added = latents[:, :, 0].abs().amax(dim=(0, 2, 3)) < 1e-4
        assert (alike | absent | added).float().mean() >= 0.9 and alike.sum() >= shape[1] // 8

    @pytest.mark.parametrize("shape", REDUCED)
    def test_what_is_kept_is_kept_whole(self, shape) -> None:
        codec = variant(*shape)
        once = there_and_back(codec, noise_video(9))
        assert close(there_and_back(codec, once), once)

    @pytest.mark.parametrize("shape", [(4, 48, "cosine"), (4, 64, "haar"), (8, 192, "cosine")])
    def test_first_frame_is_exact_where_its_numbers_fit(self, shape) -> None:
        video = noise_video(5)
        assert close(there_and_back(variant(*shape), video)[:, :, :1], video[:, :, :1])
        assert close(there_and_back(variant(*shape), video[:, :, :1]), video[:, :, :1])

    @pytest.mark.parametrize("side", [4, 8])
    def test_more_channels_hold_a_clip_better(self, side: int) -> None:
        video, _ = clips(4, 9, height=32, width=32, generator=seeded(8))
        counts = [6 * side, 12 * side, 24 * side]
        errors = [(there_and_back(variant(side, n), video) - video).square().mean() for n in counts]
        assert errors[0] > errors[1] > errors[2]

    def test_cells_of_four_hold_the_numbers_of_the_shipped_codec(self) -> None:
        """An independent writing of the same transform: its first frame holds the same numbers in another order."""
        video = noise_video(1)
        ours, shipped = encode(variant(4, 48), video), encode(DctCodec(), video)
        assert close(ours.sort(dim=1).values, shipped.sort(dim=1).values)

    @settings(max_examples=15, deadline=None)
    @given(groups=st.integers(0, 2), rows=st.integers(1, 3), columns=st.integers(1, 3), side=st.sampled_from([4, 8]))
    def test_shapes_follow_the_cells(self, groups: int, rows: int, columns: int, side: int) -> None:
        codec = variant(side, 40)
        video = torch.zeros(1, 3, 4 * groups + 1, side * rows, side * columns)
        assert encode(codec, video).shape == (1, 40, groups + 1, rows, columns)
        assert there_and_back(codec, video).shape == video.shape


class TestTrials:
    def test_names_are_unique_and_the_reference_has_seeds_to_compare(self) -> None:
        assert len(BY_NAME) == len(TRIALS)
        seeds = {BY_NAME[name].change(REFERENCE).seed for name in REFERENCE_SEEDS}
        assert len(seeds) == len(REFERENCE_SEEDS)

    def test_settings_differ_from_the_reference_in_what_is_said(self) -> None:
        shift = BY_NAME["shift-1"].change(REFERENCE)
        assert shift == replace(REFERENCE, noise_shift=1.0) and shift != REFERENCE

    def test_every_step_of_half_size_first_has_as_many_tokens(self) -> None:
        config = half_size_first(REFERENCE)
        pixels = {stage.batch * stage.frames * stage.height * stage.width for stage in config.stages}
        (whole,) = REFERENCE.stages
        assert pixels == {whole.batch * whole.frames * whole.height * whole.width}
        assert config.total_steps == REFERENCE.total_steps
        assert config.stage_at(config.total_steps - 1) == replace(whole, steps=config.stages[1].steps)

    def test_adamw_alone_learns_every_parameter_once(self) -> None:
        state = adamw_alone(TINY)
        (optimizer,) = state.optimizers
        learnt = [id(p) for group in optimizer.param_groups for p in group["params"]]
        assert sorted(learnt) == sorted(id(p) for p in state.transformer.parameters())

    def test_logit_normal_is_narrower_around_the_same_middle(self) -> None:
        draws = [draw(20_000, REFERENCE, seeded(1)) for draw in (shifted_times, logit_normal_times)]
        middle = REFERENCE.noise_shift / (1 + REFERENCE.noise_shift)
        for times in draws:
            assert times.min() > 0 and times.max() < 1
            assert times.median() == pytest.approx(middle, abs=0.01)
        assert draws[1].logit().std() == pytest.approx(1, abs=0.03)
        assert draws[0].logit().std() == pytest.approx(math.pi / math.sqrt(3), abs=0.05)

    def test_true_velocity_reads_as_the_clean_latent(self) -> None:
        clean, noise = torch.randn(2, 2, 6, 2, 4, 4, generator=seeded(0))
        t = torch.tensor([0.2, 0.9])
        noisy = torch.lerp(clean, noise, t.view(-1, 1, 1, 1, 1))

        class TrueVelocity:
            config = None

            def __call__(self, **_: Any) -> tuple[torch.Tensor]:
                return (noise - clean,)

        (read,) = FromVelocity(TrueVelocity())(
            hidden_states=torch.cat([noisy, torch.ones_like(noisy)], dim=1), timestep=t * 1000
        )
        assert close(read, clean)


class TestTraining:
    def test_the_reference_learns_by_the_shipped_loss(self) -> None:
        state, codec = build_state(TINY), DctCodec()
        batch = next(batches(TINY, codec))
        # With no cell sure, the shipped run's prediction is the network's own, as it is here.
        given = torch.cat([torch.zeros_like(batch.given[:, :CELL]), batch.given[:, CELL:]], dim=1)
        batch = replace(batch, given=given)
        channels = channel_weights(TINY, codec)
        shipped = clean_latent_loss(state.transformer, batch, TINY, channels=channels, generator=seeded(5))
        generator = seeded(5)
        t = shifted_times(len(batch.clean), TINY, generator)
        noise = torch.randn(batch.clean.shape, generator=generator)
        ours = loss_at(state.transformer, batch, TINY, t=t, channels=channels, noise=noise)
        torch.testing.assert_close(ours, shipped)

    def test_velocity_trial_counts_the_error_of_the_velocity(self) -> None:
        config = BY_NAME["velocity"].change(replace(TINY, kept_weight=1.0))
        batch = next(batches(config, DctCodec()))
        noise = torch.randn(batch.clean.shape, generator=seeded(1))
        guess = torch.randn(batch.clean.shape, generator=seeded(2))

        class Guess:
            config = None

            def __call__(self, **_: Any) -> tuple[torch.Tensor]:
                return (guess,)

        t = torch.tensor([0.05, 0.8])
        loss = loss_at(FromVelocity(Guess()), batch, config, t=t, channels=torch.ones(48), noise=noise)
        expected = (guess - (noise - batch.clean)).square().mean()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-3)

    def test_every_codec_sees_the_same_clips_and_nothing_hidden(self) -> None:
        shown = []
        for codec in (variant(4, 192), variant(8, 768)):
            channels = codec.config["z_dim"]
            batch = next(batches(TINY, codec))
            shown.append((decoded_video(codec, batch.clean), decoded_video(codec, batch.given[:, CELL:]), batch))
            assert batch.given.shape[1] == CELL + channels
        (fine, fine_given, fine_batch), (coarse, coarse_given, coarse_batch) = shown
        assert close(fine, coarse)
        hidden = fine_given.abs().amax(dim=1) < 1e-4
        assert coarse_given.abs().amax(dim=1)[hidden].max() < 1e-4
        wide = coarse_batch.generated.repeat_interleave(2, -1).repeat_interleave(2, -2)
        assert (wide >= fine_batch.generated).all()

    def test_every_codec_is_judged_alike(self) -> None:
        fine, coarse = (question(TINY.probe, codec) for codec in (DctCodec(), variant(8, 96)))
        assert torch.equal(fine.judged, coarse.judged) and torch.equal(fine.video, coarse.video)
        assert coarse.batch.clean.shape[1:] == (96, 2, 4, 4)
        assert torch.equal(fine.condition_video[:, :, 0], fine.video[:, :, 0])

    @pytest.mark.parametrize("shape", [(4, 48), (4, 64), (8, 96), (8, 192)])
    def test_every_codec_costs_as_many_tokens(self, shape) -> None:
        codec = variant(*shape)
        config = fitted(REFERENCE, codec)
        _, down, across = config.transformer["patch_size"]
        assert down * codec.side == across * codec.side == 8
        latents = normalised_latents(codec, torch.zeros(1, 3, 5, 16, 16))  # type: ignore[arg-type]
        assert config.transformer["in_channels"] == 2 * latents.shape[1] + CELL


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("search")
    search(out, [BY_NAME["reference"], BY_NAME["codec-8-96"]], common=TINY)
    return out


class TestSearch:
    def test_a_trial_is_judged_in_pixels(self, searched: Path) -> None:
        lines = [json.loads(line) for line in (searched / "search.jsonl").read_text().splitlines()]
        assert [line["trial"] for line in lines] == ["reference", "codec-8-96"]
        for line in lines:
            assert line["steps"] == 3 and line["seconds"] > 0
            assert 0 < line["one_step_db"] < line["codec_db"] and 0 < line["render_db"] < line["codec_db"]
        assert lines[0]["frozen_db"] == lines[1]["frozen_db"]

    def test_what_the_log_holds_is_not_repeated(self, searched: Path, tmp_path: Path) -> None:
        log = tmp_path / "search.jsonl"
        log.write_text((searched / "search.jsonl").read_text())
        before = log.read_text()
        lines = search(tmp_path, [BY_NAME["reference"], BY_NAME["codec-8-96"]], common=TINY)
        assert log.read_text() == before and len(lines) == 2
        assert len(search(tmp_path, [BY_NAME["reference"], BY_NAME["velocity"]], common=TINY)) == 3
        assert (
            log.read_text().startswith(before) and json.loads(log.read_text().splitlines()[-1])["trial"] == "velocity"
        )

    def test_no_trial_begins_after_its_time(self, tmp_path: Path) -> None:
        assert search(tmp_path, TRIALS, common=TINY, minutes=0) == []

    @pytest.mark.parametrize("name", ["half-size-first", "adamw", "logit-normal", "haar-4-48"])
    def test_a_trial_is_the_same_each_time(self, name: str) -> None:
        first, second = (run_trial(BY_NAME[name], TINY) for _ in range(2))
        assert {**first, "seconds": 0} == {**second, "seconds": 0}

    def test_a_trial_learns(self) -> None:
        stage = replace(TINY.stages[0], steps=30)
        untaught = run_trial(BY_NAME["reference"], replace(TINY, learning_rate=0.0))
        taught = run_trial(BY_NAME["reference"], replace(TINY, stages=(stage,), learning_rate=1e-2))
        assert taught["one_step_db"] > untaught["one_step_db"] + 1

    def test_the_table_stands_between_the_marks(self, searched: Path, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("above\n<!-- search:begin -->\nold\n<!-- search:end -->\nbelow\n")
        assert main(["--out", str(searched), "--trials", "reference,codec-8-96", "--page", str(page)]) == 0
        lines = [json.loads(line) for line in (searched / "search.jsonl").read_text().splitlines()]
        table = as_markdown(lines)
        assert page.read_text() == f"above\n<!-- search:begin -->\n{table}<!-- search:end -->\nbelow\n"
        assert f"{lines[0]['render_db']:.2f} (+0.00)" in table and "codec-8-96" in table

    def test_the_table_gives_the_distance_from_the_seeds_and_how_far_they_lie_apart(self) -> None:
        line = {"steps": 100, "parameters": 2_000_000, "seconds": 20.0, "frozen_db": 15.0, "codec_db": 30.0}
        runs = {"reference": 17.0, "reference-2": 17.2, "reference-3": 17.4, "velocity": 16.0}
        table = as_markdown([{**line, "trial": name, "one_step_db": db, "render_db": db} for name, db in runs.items()])
        assert "3 seeds of the reference lie 0.40 dB (1 step) and 0.40 dB (6 steps) apart" in table
        assert "| 2.0 | 0.20 | 30.0 | 16.00 (-1.20) | 16.00 (-1.20) |" in table

    def test_a_table_without_the_reference_is_refused(self) -> None:
        with pytest.raises(InputError, match="reference"):
            as_markdown([])

    def test_unknown_trial_and_page_without_marks_are_said(self, searched: Path, tmp_path: Path, capsys) -> None:
        assert main(["--out", str(tmp_path), "--trials", "reference,nonsense"]) == 2
        assert "nonsense" in capsys.readouterr().err
        page = tmp_path / "page.md"
        page.write_text("no marks\n")
        assert main(["--out", str(searched), "--trials", "reference", "--page", str(page)]) == 2
        assert "search:begin" in capsys.readouterr().err
