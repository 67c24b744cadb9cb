# SPDX-License-Identifier: GPL-3.0-or-later
"""Which adapters are tuned anew and which are reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maskedit import adapters
from maskedit.adapting import adapt
from maskedit.encoding import Samples, TrainingSample
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import Cancelled, SilentReporter, Stage

RECIPE = replace(BEST, motion_steps=3, appearance_steps=2, rank=2, learning_rate=1e-2)


def sample(seed: int, *, frames: int = 2) -> TrainingSample:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(1, 48, frames, 4, 4, generator=generator)
    return TrainingSample(
        target=target,
        start=target,
        conditioning=Conditioning(
            torch.randn(1, 52, frames, 4, 4, generator=generator), Embeddings(torch.zeros(1, 1, 32))
        ),
        generated=(torch.rand(1, 1, frames, 4, 4, generator=generator) > 0.5).float(),
    )


SAMPLES = Samples(motion=(sample(0),), appearance=(sample(1, frames=1),))


class Stages(SilentReporter):
    def __init__(self, stop: Stage | None = None) -> None:
        self.seen: list[Stage] = []
        self.stop = stop

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append(stage)
        if stage is self.stop and done == 1:
            raise Cancelled


def weights(model: WanImageToVideo) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in adapters.trainable(model)]


def tuned(model: WanImageToVideo, cache: Path, samples: Samples = SAMPLES, **changes: object) -> tuple[set, bool, str]:
    """The stages that were tuned, whether anything was reused, and the adapter's name."""
    reporter = Stages()
    recipe = replace(RECIPE, **{name: value for name, value in changes.items() if name != "seed"})  # type: ignore[arg-type]
    seed = int(changes.get("seed", 0))  # type: ignore[call-overload]
    adapted = adapt(model, samples, recipe=recipe, seed=seed, cache=cache, reporter=reporter)
    return set(reporter.seen), adapted.reused, adapted.key


def test_both_stages_are_tuned_the_first_time_and_none_the_second(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    stages, reused, key = tuned(plain_wan, tmp_path)
    assert (stages, reused) == ({Stage.TUNE_MOTION, Stage.TUNE_APPEARANCE}, False)
    first = weights(plain_wan)
    adapters.detach(plain_wan)
    stages, reused, again = tuned(plain_wan, tmp_path)
    assert (stages, reused, again) == (set(), True, key)
    assert all(torch.equal(a, b) for a, b in zip(first, weights(plain_wan), strict=True))


def test_another_keyframe_keeps_stage_one(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    _, _, key = tuned(plain_wan, tmp_path)
    other = Samples(motion=SAMPLES.motion, appearance=(sample(2, frames=1),))
    stages, reused, other_key = tuned(plain_wan, tmp_path, other)
    assert (stages, reused) == ({Stage.TUNE_APPEARANCE}, True)
    assert other_key != key


def test_stage_two_from_a_cached_stage_one_equals_stage_two_in_one_go(
    plain_wan: WanImageToVideo, tmp_path: Path
) -> None:
    other = Samples(motion=SAMPLES.motion, appearance=(sample(2, frames=1),))
    tuned(plain_wan, tmp_path / "a", other)
    in_one_go = weights(plain_wan)
    tuned(plain_wan, tmp_path / "b")
    tuned(plain_wan, tmp_path / "b", other)
    assert all(torch.equal(a, b) for a, b in zip(in_one_go, weights(plain_wan), strict=True))


@pytest.mark.parametrize(
    "change", [{"rank": 3}, {"motion_steps": 4}, {"learning_rate": 1e-3}, {"timestep_shift": 3.0}, {"seed": 1}]
)
def test_what_stage_one_depends_on_is_tuned_anew(
    plain_wan: WanImageToVideo, tmp_path: Path, change: dict[str, float]
) -> None:
    tuned(plain_wan, tmp_path)
    stages, reused, _ = tuned(plain_wan, tmp_path, **change)
    assert (stages, reused) == ({Stage.TUNE_MOTION, Stage.TUNE_APPEARANCE}, False)


def test_another_clip_or_matte_is_tuned_anew(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    tuned(plain_wan, tmp_path)
    stages, reused, _ = tuned(plain_wan, tmp_path, Samples(motion=(sample(5),), appearance=SAMPLES.appearance))
    assert (stages, reused) == ({Stage.TUNE_MOTION, Stage.TUNE_APPEARANCE}, False)


def test_a_job_stopped_in_stage_two_keeps_stage_one(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        adapt(
            plain_wan,
            SAMPLES,
            recipe=RECIPE,
            seed=0,
            cache=tmp_path,
            reporter=Stages(stop=Stage.TUNE_APPEARANCE),
        )
    stages, reused, _ = tuned(plain_wan, tmp_path)
    assert (stages, reused) == ({Stage.TUNE_APPEARANCE}, True)


def test_finished_runs_leave_no_checkpoint(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    tuned(plain_wan, tmp_path, motion_steps=25)
    assert len(list((tmp_path / "adapters").iterdir())) == 2
    assert not list((tmp_path / "checkpoints").iterdir())
