# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuning a model of two transformers: one after the other, resumable, with a LoRA on each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import WanImageToVideoPipeline
from safetensors.torch import load_file

from maskedit import adapters
from maskedit.denoising import draw_time
from maskedit.encoding import TrainingSample
from maskedit.models.experts import Experts
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.tuning import TuningRun, tune
from tests.unit.tiny_models import TEXT_DIM, open_wan, save_two_experts

# The shift that the sampler uses, without which one step in ten would be the first expert's.
RECIPE = replace(BEST, learning_rate=1e-2, rank=2, timestep_shift=3.0)


@pytest.fixture(scope="module")
def evenly_split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two_experts(tmp_path_factory.mktemp("models") / "evenly-split", boundary_ratio=0.7)


@pytest.fixture
def model(evenly_split: Path) -> WanImageToVideo:
    return open_wan(evenly_split, cell_px=8)


def sample(seed: int = 0) -> TrainingSample:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(1, 16, 2, 4, 4, generator=generator)
    condition = torch.randn(1, 20, 2, 4, 4, generator=generator)
    return TrainingSample(
        target=target,
        start=target,
        conditioning=Conditioning(condition, Embeddings(torch.randn(1, 5, TEXT_DIM, generator=generator))),
        generated=torch.ones(1, 1, 2, 4, 4),
    )


def run_of(steps: int, checkpoint: Path) -> TuningRun:
    return TuningRun(stage=Stage.TUNE_MOTION, schedule=(0,) * steps, checkpoint=checkpoint, seed=3)


def weights(model: WanImageToVideo) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in adapters.trainable(model)]


def served(model: WanImageToVideo, calls: list[tuple[str, float]]) -> None:
    """Note which expert predicts, and at which time, in the order of calls."""
    for name in model.experts:
        model.expert(name).register_forward_pre_hook(
            lambda module, args, kwargs, name=name: calls.append((name, round(kwargs["timestep"].item() / 1000, 4))),
            with_kwargs=True,
        )


def test_the_noisy_expert_takes_all_its_steps_before_the_other(model: WanImageToVideo, tmp_path: Path) -> None:
    calls: list[tuple[str, float]] = []
    served(model, calls)
    adapters.attach(model, adapters.LoraSpec(rank=2), seed=0)
    run = run_of(12, tmp_path / "c")
    tune(model, [sample()], run=run, recipe=RECIPE, reporter=SilentReporter())
    names = [name for name, _ in calls]
    assert names == sorted(names) and set(names) == {"transformer", "transformer_2"}
    # Each step at the time that it draws whatever the order, and within an expert in the order of the schedule.
    drawn = [round(draw_time(RECIPE, key=f"3 {run.stage} {step}")[0].item(), 4) for step in range(12)]
    for expert in model.experts:
        assert [t for name, t in calls if name == expert] == [t for t in drawn if model.expert_at(t) == expert]


def test_both_experts_learn(model: WanImageToVideo, tmp_path: Path) -> None:
    adapters.attach(model, adapters.LoraSpec(rank=2), seed=0)
    before = adapters.trainable(model)
    first = len([p for p in model.expert("transformer").parameters() if p.requires_grad])
    untouched = weights(model)
    tune(model, [sample()], run=run_of(12, tmp_path / "c"), recipe=RECIPE, reporter=SilentReporter())
    moved = [not torch.equal(a, b) for a, b in zip(untouched, before, strict=True)]
    assert any(moved[:first]) and any(moved[first:])


class StopsAt(SilentReporter):
    def __init__(self, step: int) -> None:
        self.step = step
        self.seen: list[int] = []

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append(done)
        if done == self.step:
            raise Cancelled


@pytest.mark.parametrize(("stop", "from_step"), [(25, 20), (45, 40)])
def test_resuming_before_and_after_the_change_of_experts_equals_one_run(
    model: WanImageToVideo, tmp_path: Path, stop: int, from_step: int
) -> None:
    samples, steps = [sample()], 50
    times = [draw_time(RECIPE, key=f"3 {Stage.TUNE_MOTION} {step}")[0].item() for step in range(steps)]
    assert 20 < sum(model.expert_at(t) == "transformer" for t in times) < 40

    def start() -> None:
        adapters.attach(model, adapters.LoraSpec(rank=2), seed=0)

    start()
    tune(model, samples, run=run_of(steps, tmp_path / "whole"), recipe=RECIPE, reporter=SilentReporter())
    whole = weights(model)
    start()
    cut = run_of(steps, tmp_path / "cut")
    with pytest.raises(Cancelled):
        tune(model, samples, run=cut, recipe=RECIPE, reporter=StopsAt(stop))
    start()
    resumed = StopsAt(-1)
    tune(model, samples, run=cut, recipe=RECIPE, reporter=resumed)
    assert resumed.seen[0] == from_step
    assert all(torch.equal(a, b) for a, b in zip(whole, weights(model), strict=True))


def predictions(model: WanImageToVideo) -> list[torch.Tensor]:
    taught = sample(4)
    with torch.no_grad():
        return [model.predict(taught.target, torch.tensor([t]), conditioning=taught.conditioning) for t in (900, 300)]


def tuned(model: WanImageToVideo, path: Path) -> list[torch.Tensor]:
    """A saved adapter that changes both experts, and what the model predicts with it."""
    adapters.attach(model, adapters.LoraSpec(rank=2), seed=0)
    generator = torch.Generator().manual_seed(9)
    for parameter in adapters.trainable(model):
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    adapters.save(model, path, metadata={})
    return predictions(model)


def test_an_adapter_holds_both_loras_and_comes_back(model: WanImageToVideo, tmp_path: Path) -> None:
    plain = predictions(model)
    expected = tuned(model, tmp_path / "a.safetensors")
    keys = load_file(tmp_path / "a.safetensors")
    assert {key.partition(".")[0] for key in keys} == {"transformer", "transformer_2"}
    adapters.detach(model)
    assert all(map(torch.equal, predictions(model), plain))
    adapters.load(model, tmp_path / "a.safetensors")
    assert all(map(torch.equal, predictions(model), expected))
    assert not any(torch.allclose(a, b, atol=0.05) for a, b in zip(plain, expected, strict=True))


def test_diffusers_reads_one_expert_at_a_time(model: WanImageToVideo, tmp_path: Path) -> None:
    """Its pipeline knows the prefix `transformer.` alone; `load_into_transformer_2` says where the keys go."""
    expected = tuned(model, tmp_path / "a.safetensors")
    adapters.detach(model)
    pipeline = WanImageToVideoPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=model.codec,
        scheduler=model.scheduler(2, shift=3.0),
        transformer=model.expert("transformer"),
        transformer_2=model.expert("transformer_2"),
        boundary_ratio=0.7,
    )
    both = load_file(tmp_path / "a.safetensors")
    for expert in model.experts:
        own = {
            f"transformer.{key.removeprefix(f'{expert}.')}": value
            for key, value in both.items()
            if key.startswith(f"{expert}.")
        }
        second = expert == "transformer_2"
        pipeline.load_lora_weights(own, adapter_name="edit", load_into_transformer_2=second)
    for ours, theirs in zip(expected, predictions(model), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


class Noting(torch.nn.Linear):
    """A real module that notes where it is sent."""

    def __init__(self, name: str, log: list[tuple[str, str]]) -> None:
        super().__init__(2, 2)
        self.name, self.log = name, log

    def to(self, device: torch.device | str) -> Noting:  # type: ignore[override]
        self.log.append((self.name, str(device)))
        return self


def test_only_one_expert_is_on_the_device_and_it_moves_only_when_it_must() -> None:
    log: list[tuple[str, str]] = []
    experts = Experts(lambda name: Noting(name, log), device=torch.device("cuda"))
    assert experts.get("transformer") is experts.get("transformer") and not log
    for name in ("transformer", "transformer", "transformer_2", "transformer_2"):
        assert experts.on_device(name) is experts.get(name)
    experts.park()
    experts.park()
    assert log == [
        ("transformer", "cuda"),
        ("transformer", "cpu"),
        ("transformer_2", "cuda"),
        ("transformer_2", "cpu"),
    ]
