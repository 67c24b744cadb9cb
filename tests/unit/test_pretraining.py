# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretraining run of the bundled model, with the real classes at tiny size."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from diffusers import UniPCMultistepScheduler, WanTransformer3DModel
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.conditioning import Condition, cells_to_edit
from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.pretraining.__main__ import main
from maskedit.pretraining.batches import training_batches
from maskedit.pretraining.config import Probe, Stage, load_config
from maskedit.pretraining.configurations import draw_condition
from maskedit.pretraining.export import export, fingerprint
from maskedit.pretraining.latents import decoded_video, make_batch, normalised_latents
from maskedit.pretraining.loop import channel_weights, clean_latent_loss, learning_rate_at, pretrain
from maskedit.pretraining.probe import main as probe_main
from maskedit.pretraining.probe import measure, probe_clips, psnr_inside, render_latents, save_sheet
from maskedit.pretraining.state import OneTokenCrossAttention, build_state
from maskedit.synthetic import clips, vary_matte
from tests.unit.tiny_run import RUN, TINY, same_weights, seeded, tiny_config

SHIPPED_RUN = Path(__file__).parents[2] / "maskedit" / "models" / "bundled" / "pretrain.toml"


class TestConfig:
    def test_shipped_run_is_readable_and_small(self) -> None:
        config = load_config(SHIPPED_RUN)
        model = WanTransformer3DModel(**config.transformer)
        assert sum(p.numel() for p in model.parameters()) <= 8_000_000
        assert config.transformer["in_channels"] == 48 + 4 + 48
        assert config.total_steps > 1000

    def test_unknown_setting_is_named(self, tmp_path) -> None:
        path = tmp_path / "run.toml"
        path.write_text('speed = "high"\n')
        with pytest.raises(ValueError, match="speed"):
            load_config(path)

    @pytest.mark.parametrize("change", [{"frames": 8}, {"height": 20}, {"width": 12}])
    def test_stage_off_the_grid_is_refused(self, change) -> None:
        with pytest.raises(ValueError, match="4n\\+1"):
            Stage(**({"steps": 1, "batch": 1, "frames": 5, "height": 16, "width": 16} | change))

    @given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4))
    def test_stages_follow_each_other(self, lengths: list[int]) -> None:
        stages = tuple(Stage(steps=n, batch=i + 1, frames=5, height=16, width=16) for i, n in enumerate(lengths))
        config = tiny_config(stages=stages)
        batches = [config.stage_at(step).batch for step in range(config.total_steps)]
        assert batches == [i + 1 for i, n in enumerate(lengths) for _ in range(n)]
        assert config.stage_at(config.total_steps + 5) == stages[-1]

    def test_rate_rises_holds_and_falls(self) -> None:
        stage = Stage(steps=100, batch=1, frames=5, height=16, width=16)
        config = tiny_config(stages=(stage,), warmup_steps=10, decay_steps=20)
        rates = [learning_rate_at(config, step) / config.learning_rate for step in range(100)]
        assert rates[0] == pytest.approx(0.1) and rates[9:80] == [1.0] * 71
        assert all(a > b for a, b in itertools.pairwise(rates[80:])) and 0 < rates[-1] < 0.1


class TestBatches:
    @settings(max_examples=25, deadline=None)
    @given(seed=st.integers(0, 10_000), frames=st.sampled_from([1, 5, 9]))
    def test_nothing_to_be_generated_is_given_away(self, seed: int, frames: int) -> None:
        """Grey exactly where the mask says generate, the clip's own pixels exactly where it says keep."""
        generator = seeded(seed)
        video, coverage = clips(8, frames, height=16, width=16, generator=generator)
        condition = draw_condition(video, vary_matte(coverage, generator=generator), generator=generator)
        keep = condition.keep_cells.repeat_interleave(CELL, -1).repeat_interleave(CELL, -2).bool().expand_as(video)
        assert set(condition.keep_cells.unique().tolist()) <= {0.0, 1.0}
        assert (condition.video[~keep] == 0).all()
        assert torch.equal(condition.video[keep], video[keep])

    def test_every_configuration_occurs(self) -> None:
        frames, generator = 9, seeded(0)
        video = torch.ones(400, 3, frames, 8, 8)
        matte = torch.zeros(400, 1, frames, 8, 8)
        matte[..., :4] = 1  # the left column of cells
        keep = draw_condition(video, matte, generator=generator).keep_cells[:, 0]
        whole = keep.flatten(2).amin(dim=2)  # (clips, frames): 1 = the frame is given whole
        right_kept = keep[..., 1].flatten(1).amin(dim=1)
        share = {
            "first": ((whole[:, 0] == 1) & (whole[:, 1:] == 0).all(1) & (right_kept == 1)).float().mean(),
            "first and last": ((whole[:, 0] == 1) & (whole[:, -1] == 1) & (whole[:, 1:-1] == 0).all(1)).float().mean(),
            "first only": ((whole[:, 0] == 1) & (right_kept == 0)).float().mean(),
            "nothing given": (keep.flatten(1).amax(1) == 0).float().mean(),
            "everything given": (keep.flatten(1).amin(1) == 1).float().mean(),
            "later keyframe": ((whole[:, 0] == 0) & (whole.sum(1) == 1)).float().mean(),
        }
        assert share["first"] > 0.55
        assert all(0.01 < value < 0.2 for name, value in share.items() if name != "first"), share

    def test_single_frame_has_its_region_emptied(self) -> None:
        matte = torch.zeros(5, 1, 1, 16, 16)
        matte[..., 3:9, 3:9] = 1
        condition = draw_condition(torch.ones(5, 3, 1, 16, 16), matte, generator=seeded(0))
        assert torch.equal(condition.keep_cells, 1 - cells_to_edit(matte, factor=CELL))

    def test_latents_round_trip_and_have_unit_size(self) -> None:
        codec = DctCodec()
        video, _ = clips(16, 5, height=32, width=32, generator=seeded(0))
        latents = normalised_latents(codec, video)
        assert 0.5 < latents.std() < 2  # against noise of deviation 1
        assert (decoded_video(codec, latents) - video).square().mean() < 0.004

    def test_channels_are_in_the_order_of_wan(self) -> None:
        codec = DctCodec()
        video, _ = clips(1, 5, height=16, width=16, generator=seeded(0))
        keep = torch.ones(1, 1, 5, 4, 4)
        keep[:, :, 3, 1, 2] = 0
        batch = make_batch(codec, video, Condition(video=video, keep_cells=keep))
        assert batch.given.shape == (1, 52, 2, 4, 4)
        assert batch.given[0, :4, 1, 1, 2].tolist() == [1, 1, 0, 1]
        assert batch.given[:, :4].sum() == 4 * 2 * 16 - 1
        torch.testing.assert_close(batch.given[:, 4:], batch.clean)
        assert batch.generated.sum() == 1 and batch.generated[0, 0, 1, 1, 2] == 1

    def test_a_step_draws_the_same_wherever_the_run_began(self) -> None:
        config, codec = tiny_config(clip_echo=3), DctCodec()
        whole = training_batches(config, codec, first_step=0)
        batches = [next(whole) for _ in range(6)]
        late = next(training_batches(config, codec, first_step=5))
        assert torch.equal(batches[5].clean, late.clean) and torch.equal(batches[5].given, late.given)
        assert not torch.equal(batches[4].clean, batches[5].clean)


class TestLoop:
    def test_one_token_attention_is_exact(self) -> None:
        torch.manual_seed(0)
        model = WanTransformer3DModel(**TINY)
        inputs = {
            "hidden_states": torch.randn(2, 100, 2, 4, 4),
            "timestep": torch.tensor([300.0, 900.0]),
            "encoder_hidden_states": torch.zeros(2, 1, 8),
        }
        stock = model(**inputs).sample
        for block in model.blocks:
            block.attn2.set_processor(OneTokenCrossAttention())
        torch.testing.assert_close(model(**inputs).sample, stock, atol=1e-5, rtol=1e-4)

    def test_loss_of_a_perfect_model_is_nothing(self) -> None:
        config = tiny_config()
        batch = next(training_batches(config, DctCodec(), first_step=0))
        assert (
            clean_latent_loss(lambda **_: (batch.clean,), batch, config, channels=torch.ones(48), generator=seeded(0))
            == 0
        )

    def test_generated_cells_weigh_more(self) -> None:
        config = tiny_config(kept_weight=0.1)
        clean = torch.zeros(1, 48, 2, 2, 2)
        generated = torch.zeros(1, 1, 2, 2, 2)
        generated[..., 0] = 1
        batch = next(training_batches(config, DctCodec(), first_step=0))
        batch = replace(batch, clean=clean, given=torch.zeros(1, 52, 2, 2, 2), generated=generated)
        inside = clean_latent_loss(
            lambda **_: (generated.expand_as(clean),), batch, config, channels=torch.ones(48), generator=seeded(0)
        )
        outside = clean_latent_loss(
            lambda **_: (1 - generated.expand_as(clean),), batch, config, channels=torch.ones(48), generator=seeded(0)
        )
        assert inside / outside == pytest.approx(10)

    def test_detail_weight_lifts_what_varies_little(self) -> None:
        codec = DctCodec()
        plain, lifted = (channel_weights(tiny_config(detail_weight=power), codec) for power in (0.0, 0.35))
        torch.testing.assert_close(plain, torch.ones(48))
        assert lifted[0] < lifted[1] < lifted[3], "mean colour, coarse detail, fine detail"

    def test_learns(self, tmp_path) -> None:
        stage = Stage(steps=60, batch=8, frames=5, height=16, width=16)
        config = tiny_config(stages=(stage,), learning_rate=3e-3)
        pretrain(config, tmp_path, log_every=10, probe_every=1000)
        start, *lines = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
        assert start["step"] == 0 and "loss" not in start and start["render_db"] < start["codec_db"]
        losses = [line["loss"] for line in lines]
        assert len(losses) == 6 and losses[-1] < losses[0] / 2
        assert all(line["gradient_norm"] > 0 and line["learning_rate"] == 3e-3 for line in lines)

    def test_resumed_run_equals_an_uninterrupted_one(self, tmp_path) -> None:
        config = tiny_config()
        whole = pretrain(config, tmp_path / "whole")
        shorter = replace(config, stages=(replace(config.stages[0], steps=3),))
        assert pretrain(shorter, tmp_path / "parts").step == 3
        resumed = pretrain(config, tmp_path / "parts", resume=True)
        assert resumed.step == 6
        assert same_weights(resumed.transformer, whole.transformer)
        assert same_weights(resumed.average, whole.average)
        assert not same_weights(whole.average, whole.transformer)

    def test_time_limit_stops_and_saves(self, tmp_path) -> None:
        state = pretrain(tiny_config(), tmp_path, minutes=0)
        assert state.step == 0 and (tmp_path / "checkpoint.pt").exists()
        assert not list(tmp_path.glob("*.writing"))

    @pytest.mark.parametrize("log_every", [2, 50])
    def test_loss_that_is_no_number_stops_the_run_and_keeps_what_was_good(self, tmp_path, log_every: int) -> None:
        config = tiny_config(stages=(Stage(steps=3, batch=2, frames=5, height=16, width=16),))
        good = pretrain(config, tmp_path)
        spoilt = tiny_config(learning_rate=float("nan"))
        with pytest.raises(FloatingPointError, match="learning_rate"):
            pretrain(spoilt, tmp_path, resume=True, log_every=log_every)
        kept = build_state(config)
        kept.load(tmp_path / "checkpoint.pt")
        assert kept.step == 3 and same_weights(kept.transformer, good.transformer)

    def test_same_seed_logs_the_same_figures(self, tmp_path) -> None:
        logs = []
        for name in ("first", "second"):
            pretrain(tiny_config(), tmp_path / name, log_every=2, probe_every=4)
            lines = map(json.loads, (tmp_path / name / "log.jsonl").read_text().splitlines())
            logs.append([{k: v for k, v in line.items() if k not in ("minutes", "seconds_per_step")} for line in lines])
        assert logs[0] == logs[1]
        assert [line["step"] for line in logs[0]] == [0, 2, 4, 6]
        assert [line["step"] for line in logs[0] if "render_db" in line] == [0, 4]
        assert {path.name for path in (tmp_path / "first").glob("*.png")} == {"sheet-000000.png", "sheet-000004.png"}

    def test_resuming_begins_with_the_probe_of_where_it_was(self, tmp_path) -> None:
        config = tiny_config()
        shorter = replace(config, stages=(replace(config.stages[0], steps=3),))
        pretrain(shorter, tmp_path)
        seen: list[dict] = []
        pretrain(config, tmp_path, resume=True, minutes=0, report=seen.append)
        assert [line["step"] for line in seen] == [3] and "render_db" in seen[0]
        pretrain(shorter, tmp_path, resume=True, report=seen.append)
        assert len(seen) == 1, "a run that is over measures nothing"

    def test_queries_of_one_token_stay_as_they_were(self, tmp_path) -> None:
        config = tiny_config()
        fresh = build_state(config).transformer
        trained = pretrain(config, tmp_path).transformer
        assert torch.equal(trained.blocks[0].attn2.to_q.weight, fresh.blocks[0].attn2.to_q.weight)
        assert not torch.equal(trained.blocks[0].attn2.to_v.weight, fresh.blocks[0].attn2.to_v.weight)


class TestProbe:
    def test_figures_rank_truth_above_the_frozen_frame(self) -> None:
        codec, held = DctCodec(), probe_clips(Probe(clips=4, frames=9, height=32, width=32), DctCodec())
        figures, result = measure(build_state(tiny_config()).average, codec, held, steps=2, flow_shift=3.0)
        assert figures["codec_db"] > figures["frozen_db"] + 5
        assert figures["codec_db"] > figures["render_db"] + 5, "an untrained model cannot do this"
        assert result.shape == held.video.shape

    def test_psnr_counts_only_the_matte(self) -> None:
        truth = torch.zeros(1, 3, 2, 4, 4)
        matte = torch.zeros(1, 1, 2, 4, 4)
        matte[..., :2] = 1
        wrong_outside = truth.clone()
        wrong_outside[..., 2:] = 1
        assert psnr_inside(wrong_outside, truth, matte) > 90
        assert psnr_inside(truth + 0.2, truth, matte) == pytest.approx(20, abs=0.01)

    def test_render_finds_the_clean_latent_that_a_perfect_model_names(self) -> None:
        """Sampling in the convention of training: sigma = t, timestep = 1000 t, the output is x1 itself."""
        clean = torch.randn(1, 48, 2, 4, 4, generator=seeded(1))
        seen: list[float] = []

        class Perfect:
            config: ClassVar = {"out_channels": 48, "text_dim": 8}

            def __call__(self, hidden_states, timestep, **_):
                t = timestep[0].item() / 1000
                residual = hidden_states[:, :48] - (1 - t) * clean
                seen.append((residual.std() / t).item())
                return (clean,)

        result = render_latents(Perfect(), torch.zeros(1, 52, 2, 4, 4), steps=6, flow_shift=3.0)
        torch.testing.assert_close(result, clean, atol=2e-2, rtol=0)
        assert all(0.9 < deviation < 1.1 for deviation in seen), "what the model sees is (1 - t) x1 + t x0"

    def test_sheet_has_a_row_per_clip(self, tmp_path) -> None:
        from PIL import Image

        held = probe_clips(Probe(clips=3, frames=5, height=16, width=16), DctCodec())
        save_sheet(tmp_path / "sheet.png", held, held.video, frames=4)
        assert Image.open(tmp_path / "sheet.png").size == (3 * 4 * 16, 3 * 16)

    def test_command_measures_a_model_folder(self, tmp_path, capsys) -> None:
        config = tiny_config(flow_shift=8.0)
        average = build_state(config).average.to(torch.bfloat16).to(torch.float32)
        export(average, tmp_path / "model", config=config, facts={})
        sizes = ["--clips", "2", "--frames", "5", "--size", "16", "--steps", "2"]
        assert probe_main([str(tmp_path / "model"), *sizes, "--sheet", str(tmp_path / "sheet.png")]) == 0
        held = probe_clips(config.probe, DctCodec())
        expected, _ = measure(average, DctCodec(), held, steps=2, flow_shift=8.0)
        assert json.loads(capsys.readouterr().out) == pytest.approx(expected, abs=0.01)
        assert (tmp_path / "sheet.png").exists()


class TestExport:
    def test_folder_is_an_ordinary_model_folder(self, tmp_path) -> None:
        config = tiny_config(recipe={"all": {"guidance": 0}})
        average = build_state(config).average
        mark = export(average, tmp_path / "model", config=config, facts={"steps": 7})
        folder = tmp_path / "model"
        loaded = WanTransformer3DModel.from_pretrained(
            folder, subfolder="transformer", torch_dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
        largest = max(
            ((a - b).abs().max() / b.abs().max().clamp(min=1e-6)).item()
            for a, b in zip(loaded.parameters(), average.parameters(), strict=True)
        )
        assert largest < 0.005  # bfloat16 keeps eight bits
        scheduler = UniPCMultistepScheduler.from_pretrained(folder, subfolder="scheduler")
        assert scheduler.config.prediction_type == "sample" and scheduler.config.use_flow_sigmas
        DctCodec.from_pretrained(folder, subfolder="vae", use_safetensors=True, local_files_only=True)
        identity = json.loads((folder / "maskedit.json").read_text())
        assert identity["fingerprint"] == mark == fingerprint(folder)
        assert identity["prediction"] == "clean" and identity["steps"] == 7
        assert identity["limits"]["grid_px"] == 8 and identity["recipe"] == {"all": {"guidance": 0}}
        assert not [p for p in tmp_path.iterdir() if p != folder], "nothing is left aside"

    def test_fingerprint_sees_every_part(self, tmp_path) -> None:
        config = tiny_config()
        average = build_state(config).average
        first = export(average, tmp_path / "model", config=config, facts={})
        assert export(average, tmp_path / "model", config=config, facts={"other": 1}) == first
        assert export(average, tmp_path / "model", config=replace(config, flow_shift=5.0), facts={}) != first
        average.proj_out.bias.data += 1
        assert export(average, tmp_path / "model", config=config, facts={}) != first


class TestCommand:
    def test_trains_and_exports(self, tmp_path, capsys) -> None:
        (tmp_path / "run.toml").write_text(RUN)
        out, weights = tmp_path / "out", tmp_path / "weights"
        assert main(["--config", str(tmp_path / "run.toml"), "--out", str(out), "--export", str(weights)]) == 0
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["fingerprint"] == json.loads((weights / "maskedit.json").read_text())["fingerprint"]
        assert json.loads((weights / "maskedit.json").read_text())["probe"]["frozen_db"] == last["frozen_db"]

    @pytest.mark.parametrize("text", ["speed = 1", "stages = [", "seed = 1"])
    def test_bad_run_file_is_one_sentence(self, tmp_path, capsys, text: str) -> None:
        (tmp_path / "run.toml").write_text(text)
        assert main(["--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "out")]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
