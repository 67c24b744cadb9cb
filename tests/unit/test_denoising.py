# SPDX-License-Identifier: GPL-3.0-or-later
"""How training times are drawn, and the probe that sees progress."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit import adapters
from maskedit.denoising import Probe, draw_noise, draw_time
from maskedit.encoding import TrainingSample
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import SilentReporter, Stage
from maskedit.tuning import Best, TuningRun, tune


def sample(seed: int) -> TrainingSample:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(1, 48, 1, 4, 4, generator=generator)
    latents = torch.randn(1, 52, 1, 4, 4, generator=generator)
    return TrainingSample(
        target=target,
        start=target,
        conditioning=Conditioning(latents, Embeddings(torch.zeros(1, 1, 32))),
        generated=torch.ones(1, 1, 1, 4, 4),
    )


@given(
    key=st.text(max_size=20),
    sampling=st.sampled_from(["uniform", "logit_normal"]),
    shift=st.floats(0.1, 20),
    strength=st.floats(0.1, 1),
)
def test_times_lie_within_what_the_render_starts_with_and_repeat(
    key: str, sampling: str, shift: float, strength: float
) -> None:
    recipe = replace(BEST, timestep_sampling=sampling, timestep_shift=shift, draft_strength=strength)
    t, generator = draw_time(recipe, key=key)
    again, twin = draw_time(recipe, key=key)
    assert t.shape == (1,) and 0 < t <= strength + 1e-6
    assert torch.equal(t, again)
    assert torch.equal(draw_noise(torch.zeros(3), generator), draw_noise(torch.zeros(3), twin))


@pytest.mark.parametrize(
    ("sampling", "shift", "mean"), [("uniform", 1.0, 0.5), ("uniform", 5.0, 0.75), ("logit_normal", 1.0, 0.5)]
)
def test_times_are_spread_as_the_setting_says(sampling: str, shift: float, mean: float) -> None:
    recipe = replace(BEST, timestep_sampling=sampling, timestep_shift=shift)
    times = torch.cat([draw_time(recipe, key=str(i))[0] for i in range(600)])
    assert abs(times.mean() - mean) < 0.04
    # The logit-normal keeps to the middle: 68 % lie within one standard deviation of the logit.
    middle = ((times > 0.269) & (times < 0.731)).float().mean()
    if shift == 1:
        assert abs(middle - (0.68 if sampling == "logit_normal" else 0.462)) < 0.07


def test_the_probe_is_the_same_every_time_and_falls_as_the_model_learns(
    plain_wan: WanImageToVideo, tmp_path: Path
) -> None:
    recipe = replace(BEST, learning_rate=1e-2, rank=4)
    samples = [sample(i) for i in range(2)]
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    probe = Probe.of(samples, recipe=recipe, seed=1)
    before = probe.loss(plain_wan)
    assert probe.loss(plain_wan) == before
    run = TuningRun(stage=Stage.TUNE_MOTION, schedule=(0, 1) * 10, checkpoint=tmp_path / "c.safetensors", seed=3)
    tune(plain_wan, samples, run=run, recipe=recipe, reporter=SilentReporter())
    assert probe.loss(plain_wan) < 0.97 * before


class Steps(SilentReporter):
    def __init__(self) -> None:
        self.seen: list[tuple[int, str]] = []

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append((done, message))


def test_a_run_without_progress_ends_early_and_a_patient_one_does_not(
    plain_wan: WanImageToVideo, tmp_path: Path
) -> None:
    for patience, ended in ((20, True), (0, False)):
        # A rate so low that nothing can be learnt.
        recipe = replace(BEST, learning_rate=1e-9, rank=4, patience=patience)
        adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
        run = TuningRun(stage=Stage.TUNE_MOTION, schedule=(0,) * 40, checkpoint=tmp_path / f"{patience}", seed=3)
        reporter = Steps()
        tune(plain_wan, [sample(0)], run=run, recipe=recipe, reporter=reporter)
        steps = [done for done, message in reporter.seen if message.startswith("loss")]
        assert steps[-1] == (20 if ended else 40)
        # Whoever watches sees the stage complete either way.
        assert reporter.seen[-1][0] == 40


@given(losses=st.lists(st.floats(0.01, 10), min_size=1, max_size=30))
def test_the_best_is_never_beaten_by_more_than_the_least_progress(losses: list[float]) -> None:
    best = Best()
    for step, loss in enumerate(losses):
        best = best.after(step, loss)
    assert best.loss <= min(losses) / 0.99 + 1e-9
    assert losses[best.step] == best.loss
