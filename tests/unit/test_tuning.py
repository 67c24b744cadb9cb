# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning: the loss, the order of samples, resuming, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit import adapters, tuning
from maskedit.denoising import denoising_loss
from maskedit.encoding import TrainingSample
from maskedit.faults import Point, planned
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.tuning import TuningRun, appearance_schedule, motion_schedule, tune

RECIPE = replace(BEST, learning_rate=1e-2, rank=4)


def sample(seed: int = 0) -> TrainingSample:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(1, 48, 2, 4, 4, generator=generator)
    return TrainingSample(
        target=target,
        start=target,
        conditioning=Conditioning(torch.randn(1, 52, 2, 4, 4, generator=generator), Embeddings(torch.zeros(1, 1, 32))),
        generated=(torch.rand(1, 1, 2, 4, 4, generator=generator) > 0.5).float(),
    )


def run_of(steps: int, checkpoint: Path) -> TuningRun:
    return TuningRun(stage=Stage.TUNE_MOTION, schedule=(0,) * steps, checkpoint=checkpoint, seed=3)


class Perfect:
    """A model that knows the answer, in either parametrisation."""

    def __init__(self, model: WanImageToVideo, answer: torch.Tensor) -> None:
        self.prediction = model.prediction
        self.scores_generated_only = model.scores_generated_only
        self.answer = answer

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor, *, conditioning: Conditioning) -> torch.Tensor:
        return self.answer


def test_the_right_velocity_costs_nothing(plain_wan: WanImageToVideo) -> None:
    taught, noise = sample(), sample(1).target
    model = Perfect(plain_wan, noise - taught.target)
    assert denoising_loss(model, taught, noise=noise, t=torch.tensor([0.3])) == 0  # type: ignore[arg-type]


def test_what_is_ignored_costs_nothing_and_counts_for_nothing(plain_wan: WanImageToVideo) -> None:
    taught, noise = sample(), sample(1).target
    wrong = (noise - taught.target).clone()
    wrong[..., 0] += 5
    model = Perfect(plain_wan, wrong)
    ignored = torch.zeros(1, 1, 2, 4, 4)
    ignored[..., 0] = 1
    how = {"noise": noise, "t": torch.tensor([0.3])}
    assert denoising_loss(model, taught, **how) > 0  # type: ignore[arg-type]
    assert denoising_loss(model, replace(taught, ignored=ignored), **how) == 0  # type: ignore[arg-type]
    # The mean is over what counts: a constant error stays what it is.
    model = Perfect(plain_wan, noise - taught.target + 2)
    assert denoising_loss(model, replace(taught, ignored=ignored), **how) == pytest.approx(4, rel=1e-4)  # type: ignore[arg-type]
    assert not any(torch.equal(ignored, content) for content in taught.contents)
    assert any(content is ignored for content in replace(taught, ignored=ignored).contents)


def test_the_right_picture_costs_nothing(clean_wan: WanImageToVideo) -> None:
    taught = sample()
    model = Perfect(clean_wan, taught.target)
    assert denoising_loss(model, taught, noise=sample(1).target, t=torch.tensor([0.3])) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("drafted", [False, True])
def test_both_parametrisations_measure_the_same_velocity_error(
    plain_wan: WanImageToVideo, clean_wan: WanImageToVideo, drafted: bool
) -> None:
    """v = (x_t - x̂1) / t: the same guess costs the same, however it is expressed."""
    taught, noise, guess = sample(), sample(1).target, sample(2).target
    t = torch.tensor([0.6])
    if drafted:
        taught = replace(taught, start=sample(3).target)
    noisy = (1 - t) * taught.start + t * noise
    as_clean = denoising_loss(Perfect(clean_wan, guess), taught, noise=noise, t=t)  # type: ignore[arg-type]
    as_velocity = denoising_loss(Perfect(plain_wan, (noisy - guess) / t), taught, noise=noise, t=t)  # type: ignore[arg-type]
    torch.testing.assert_close(as_clean, as_velocity, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kept_weight", [0.0, 0.1, 1.0])
def test_given_cells_count_as_little_as_is_asked(plain_wan: WanImageToVideo, kept_weight: float) -> None:
    """Against a loop over every cell."""
    taught, noise, guess = sample(), sample(1).target, sample(2).target
    model = Perfect(plain_wan, guess)
    error = (guess - (noise - taught.target)).square().mean(dim=1)[0]
    total = weights = 0.0
    for place in torch.cartesian_prod(*map(torch.arange, error.shape)).tolist():
        weight = 1.0 if taught.generated[0, 0][tuple(place)] else kept_weight
        total, weights = total + weight * float(error[tuple(place)]), weights + weight
    loss = denoising_loss(model, taught, noise=noise, t=torch.tensor([0.5]), kept_weight=kept_weight)  # type: ignore[arg-type]
    assert float(loss) == pytest.approx(total / weights, rel=1e-4)


def test_noise_goes_onto_the_draft_where_there_is_one(clean_wan: WanImageToVideo) -> None:
    taught, noise = sample(), sample(1).target
    seen: list[torch.Tensor] = []

    class Watching(Perfect):
        def predict(self, latents: torch.Tensor, timestep: torch.Tensor, *, conditioning: Conditioning) -> torch.Tensor:
            seen.append(latents)
            return self.answer

    drafted = replace(taught, start=sample(2).target)
    loss = denoising_loss(Watching(clean_wan, taught.target), drafted, noise=noise, t=torch.tensor([0.25]))  # type: ignore[arg-type]
    torch.testing.assert_close(seen[0], 0.75 * drafted.start + 0.25 * noise)
    assert loss == 0, "the aim is still the clip itself"


def test_tuning_learns_the_sample(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    taught = sample()
    noise = sample(1).target
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    with torch.no_grad():
        before = denoising_loss(plain_wan, taught, noise=noise, t=torch.tensor([0.5]))
    tune(plain_wan, [taught], run=run_of(40, tmp_path / "c"), recipe=RECIPE, reporter=SilentReporter())
    with torch.no_grad():
        after = denoising_loss(plain_wan, taught, noise=noise, t=torch.tensor([0.5]))
    assert after < 0.9 * before


class StopsAt(SilentReporter):
    def __init__(self, step: int, *, resumes: bool = False) -> None:
        self.step = step
        self.resumes = resumes

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        if done >= self.step:
            raise Cancelled(resumes=self.resumes)


class Noting(SilentReporter):
    """Keeps what it is told: each step's message by its number."""

    def __init__(self) -> None:
        self.said: dict[int, str] = {}

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.said[done] = message


def weights(model: WanImageToVideo) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in adapters.trainable(model)]


@pytest.mark.parametrize("final_rate", [1.0, 0.0])
def test_a_run_resumed_from_its_checkpoint_equals_one_never_interrupted(
    plain_wan: WanImageToVideo, tmp_path: Path, final_rate: float
) -> None:
    recipe = replace(RECIPE, final_rate=final_rate)
    samples = [sample(0), sample(1)]
    schedule = motion_schedule(2, steps=30, seed=1)
    run = TuningRun(stage=Stage.TUNE_MOTION, schedule=schedule, checkpoint=tmp_path / "whole", seed=3)
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    tune(plain_wan, samples, run=run, recipe=recipe, reporter=SilentReporter())
    whole = weights(plain_wan)

    cut = replace(run, checkpoint=tmp_path / "cut")
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    with pytest.raises(Cancelled):
        tune(plain_wan, samples, run=cut, recipe=recipe, reporter=StopsAt(25))
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    seen: list[int] = []
    reporter = SilentReporter()
    reporter.report = lambda stage, done, **_: seen.append(done)  # type: ignore[method-assign]
    tune(plain_wan, samples, run=cut, recipe=recipe, reporter=reporter)
    assert seen[0] == 20
    assert all(torch.equal(a, b) for a, b in zip(whole, weights(plain_wan), strict=True))


def test_a_run_halted_to_be_resumed_repeats_no_step(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    recipe = replace(RECIPE, patience=100)
    run = run_of(14, tmp_path / "whole")
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    tune(plain_wan, [sample()], run=run, recipe=recipe, reporter=SilentReporter())
    whole = weights(plain_wan)
    run = replace(run, checkpoint=tmp_path / "halted")
    for step in (7, 10):
        adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
        with pytest.raises(Cancelled):
            tune(plain_wan, [sample()], run=run, recipe=recipe, reporter=StopsAt(step, resumes=True))
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    reporter = Noting()
    tune(plain_wan, [sample()], run=run, recipe=recipe, reporter=reporter)
    assert min(reporter.said) == 10
    assert all(torch.equal(a, b) for a, b in zip(whole, weights(plain_wan), strict=True))


@pytest.mark.parametrize("action", ["ENOSPC", "EIO", "short"])
def test_a_full_disk_costs_the_checkpoint_and_not_the_work(
    plain_wan: WanImageToVideo, tmp_path: Path, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_CHECKPOINT_STEPS", 2)
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    reporter, checkpoint = Noting(), tmp_path / "c" / "one"
    for point in (Point.TENSORS_WRITE, Point.TENSORS_RENAME):
        with planned(f"{point}={action}@2"):
            tune(plain_wan, [sample()], run=run_of(7, checkpoint), recipe=RECIPE, reporter=reporter)
        troubled = [step for step, message in reporter.said.items() if "step 4 could not be written" in message]
        assert troubled == [4, 5]
        assert list(checkpoint.parent.iterdir()) == [checkpoint]
        checkpoint.unlink()
    with planned(f"{Point.TENSORS_WRITE}={action}"), pytest.raises(Cancelled):
        tune(plain_wan, [sample()], run=run_of(7, checkpoint), recipe=RECIPE, reporter=StopsAt(1, resumes=True))
    assert not checkpoint.exists()


def test_the_rate_falls_evenly_to_its_share(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    """The first step takes the whole rate; the second goes the same way, shorter by the line's slope."""

    def first_steps(final_rate: float) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        seen: list[list[torch.Tensor]] = []
        reporter = SilentReporter()
        reporter.report = lambda stage, done, **_: seen.append(weights(plain_wan))  # type: ignore[method-assign]
        adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
        recipe = replace(RECIPE, final_rate=final_rate, weight_decay=0.0)
        tune(plain_wan, [sample()], run=run_of(4, tmp_path / "c"), recipe=recipe, reporter=reporter)
        return seen[1], [after - before for before, after in zip(seen[1], seen[2], strict=True)]

    (first, second), (falling_first, falling_second) = first_steps(1.0), first_steps(0.2)
    assert all(torch.equal(a, b) for a, b in zip(first, falling_first, strict=True))
    for whole, shorter in zip(second, falling_second, strict=True):
        torch.testing.assert_close(shorter, (1 - 0.8 / 4) * whole, rtol=1e-3, atol=1e-6)


def test_a_damaged_checkpoint_starts_from_the_beginning(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"cut short")
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    seen: list[int] = []
    reporter = SilentReporter()
    reporter.report = lambda stage, done, **_: seen.append(done)  # type: ignore[method-assign]
    tune(plain_wan, [sample()], run=run_of(2, tmp_path / "c"), recipe=RECIPE, reporter=reporter)
    assert seen == [0, 1, 2]


def test_cancelling_leaves_at_the_very_step(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    with pytest.raises(Cancelled):
        tune(plain_wan, [sample()], run=run_of(1000, tmp_path / "c"), recipe=RECIPE, reporter=StopsAt(3))


@given(samples=st.integers(1, 7), rounds=st.integers(1, 5), seed=st.integers(0, 99))
def test_stage_one_sees_every_window_equally_often(samples: int, rounds: int, seed: int) -> None:
    schedule = motion_schedule(samples, steps=samples * rounds, seed=seed)
    assert [schedule.count(index) for index in range(samples)] == [rounds] * samples


@given(
    motion=st.integers(1, 4),
    keyframes=st.integers(1, 4),
    steps=st.integers(0, 80),
    share=st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_stage_two_mixes_in_the_share_of_stage_one(
    motion: int, keyframes: int, steps: int, share: float, seed: int
) -> None:
    schedule = appearance_schedule(motion, keyframes, steps=steps, motion_share=share, seed=seed)
    assert len(schedule) == steps
    assert all(0 <= index < motion + keyframes for index in schedule)
    assert abs(sum(index < motion for index in schedule) - steps * share) < 1
    counts = [schedule.count(motion + keyframe) for keyframe in range(keyframes)]
    assert max(counts) - min(counts) <= 1
