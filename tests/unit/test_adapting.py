# SPDX-License-Identifier: GPL-3.0-or-later
"""Which adapters are tuned anew and which are reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from maskedit import adapters
from maskedit.adapting import adapt
from maskedit.encoding import Samples, TrainingSample
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.request import AdapterRole, AdapterUse

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


def test_the_rate_of_stage_two_leaves_stage_one_as_it_is(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    tuned(plain_wan, tmp_path, appearance_steps=0, weight_decay=0.0)
    after_one = weights(plain_wan)
    keys, furthest = set(), []
    for share in (1.0, 0.1):
        stages, _, key = tuned(plain_wan, tmp_path, appearance_rate=share, weight_decay=0.0)
        assert stages == {Stage.TUNE_APPEARANCE}
        keys.add(key)
        furthest.append(max((a - b).abs().max().item() for a, b in zip(weights(plain_wan), after_one, strict=True)))
    assert len(keys) == 2 and furthest[1] < 0.5 * furthest[0]


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


def test_a_stage_without_steps_is_left_out(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    assert tuned(plain_wan, tmp_path, motion_steps=0)[0] == {Stage.TUNE_APPEARANCE}
    stages, reused, motion = tuned(plain_wan, tmp_path, appearance_steps=0)
    assert (stages, reused) == ({Stage.TUNE_MOTION}, False)
    # It is the very adapter that an edit with both stages goes on from.
    stages, reused, whole = tuned(plain_wan, tmp_path)
    assert (stages, reused) == ({Stage.TUNE_APPEARANCE}, True) and whole != motion


def test_without_both_stages_the_model_is_as_it_was(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    stages, reused, _ = tuned(plain_wan, tmp_path, motion_steps=0, appearance_steps=0)
    assert (stages, reused) == (set(), False)
    ups = [p for name, p in plain_wan.expert("transformer").named_parameters() if "lora_B" in name]
    assert ups and not any(parameter.any() for parameter in ups)


def test_the_second_clip_starts_from_what_the_first_taught(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    warm = {"motion_steps": 1, "appearance_steps": 0, "prior_strength": 1.0, "learning_rate": 1e-6}
    tuned(plain_wan, tmp_path, **warm | {"motion_steps": 3, "learning_rate": 1e-2})
    first = weights(plain_wan)
    other = Samples(motion=(sample(7),), appearance=SAMPLES.appearance)
    tuned(plain_wan, tmp_path, other, **warm)
    for start, one in zip(first, weights(plain_wan), strict=True):
        torch.testing.assert_close(one, start, atol=1e-5, rtol=0)
    tuned(plain_wan, tmp_path, other, **warm | {"prior_strength": 0.0})
    assert any((a - b).abs().max() > 1e-3 for a, b in zip(first, weights(plain_wan), strict=True))


def test_a_prior_moves_towards_each_adapter_and_one_of_another_shape_is_left_alone(
    plain_wan: WanImageToVideo, tmp_path: Path
) -> None:
    path, spec = tmp_path / "prior.safetensors", adapters.LoraSpec(rank=2)
    adapters.attach(plain_wan, spec, seed=0)
    assert not adapters.start_from_prior(plain_wan, path, strength=1.0)
    for parameter in adapters.trainable(plain_wan):
        parameter.data.fill_(1.0)
    adapters.teach_prior(plain_wan, path)
    for parameter in adapters.trainable(plain_wan):
        parameter.data.fill_(2.0)
    adapters.teach_prior(plain_wan, path)
    assert adapters.start_from_prior(plain_wan, path, strength=0.5)
    for parameter in adapters.trainable(plain_wan):
        torch.testing.assert_close(parameter.detach(), torch.full_like(parameter, (2.0 + 1.3) / 2))
    adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=0)
    before = weights(plain_wan)
    assert not adapters.start_from_prior(plain_wan, path, strength=1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(plain_wan), strict=True))


OWN, OTHER = "a" * 64, "b" * 64


def put_on_the_shelf(model: WanImageToVideo, cache: Path, name: str, *, seed: int) -> None:
    """An adapter as an import leaves it, and the model without it."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in adapters.attach(model, adapters.LoraSpec(rank=3), seed=seed):
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    adapters.save(model, cache / "adapters" / f"{name}.safetensors", metadata={})
    adapters.detach(model)


def tuned_with(
    model: WanImageToVideo, cache: Path, *uses: AdapterUse, motion_steps: int = 0
) -> tuple[set[Stage], bool, str]:
    reporter, recipe = Stages(), replace(RECIPE, motion_steps=motion_steps)
    adapted = adapt(model, SAMPLES, recipe=recipe, seed=0, cache=cache, reporter=reporter, uses=uses)
    return set(reporter.seen), adapted.reused, adapted.key


def test_a_start_stands_for_stage_one_and_is_tuned_on(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    put_on_the_shelf(plain_wan, tmp_path, OWN, seed=1)
    start = load_file(tmp_path / "adapters" / f"{OWN}.safetensors")
    stages, reused, key = tuned_with(plain_wan, tmp_path, AdapterUse(adapter_id=OWN))
    assert (stages, reused) == ({Stage.TUNE_APPEARANCE}, True)
    found = load_file(tmp_path / "adapters" / f"{key}.safetensors")
    assert found.keys() == start.keys() and any(not torch.equal(found[name], start[name]) for name in start)
    # Two steps at a rate of 0.01 leave it near where it began.
    assert all((found[name] - start[name]).abs().max() < 0.05 for name in start)
    assert tuned_with(plain_wan, tmp_path, AdapterUse(adapter_id=OWN)) == (set(), True, key)


def test_stage_one_may_top_a_start_up(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    put_on_the_shelf(plain_wan, tmp_path, OWN, seed=1)
    stages, reused, _ = tuned_with(plain_wan, tmp_path, AdapterUse(adapter_id=OWN), motion_steps=2)
    assert (stages, reused) == ({Stage.TUNE_MOTION, Stage.TUNE_APPEARANCE}, False)


def test_every_use_has_an_adapter_of_its_own(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    put_on_the_shelf(plain_wan, tmp_path, OWN, seed=1)
    put_on_the_shelf(plain_wan, tmp_path, OTHER, seed=2)
    beside = AdapterUse(adapter_id=OTHER, role=AdapterRole.BESIDE)
    cases = [
        (),
        (AdapterUse(adapter_id=OWN),),
        (AdapterUse(adapter_id=OTHER),),
        (beside,),
        (replace(beside, strength=0.5),),
        (AdapterUse(adapter_id=OWN), beside),
    ]
    assert len({tuned_with(plain_wan, tmp_path, *uses)[2] for uses in cases}) == len(cases)


def test_what_stays_beside_is_there_from_the_cache_as_well(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    put_on_the_shelf(plain_wan, tmp_path, OTHER, seed=2)
    beside = AdapterUse(adapter_id=OTHER, role=AdapterRole.BESIDE)
    outputs = []
    for _ in range(2):
        tuned_with(plain_wan, tmp_path, beside, motion_steps=2)
        with torch.no_grad():
            outputs.append(
                plain_wan.predict(
                    SAMPLES.motion[0].target, torch.tensor([500.0]), conditioning=SAMPLES.motion[0].conditioning
                )
            )
    assert torch.equal(*outputs)
    adapters.attach_beside(plain_wan, (), folder=tmp_path)
    with torch.no_grad():
        alone = plain_wan.predict(
            SAMPLES.motion[0].target, torch.tensor([500.0]), conditioning=SAMPLES.motion[0].conditioning
        )
    assert not torch.allclose(alone, outputs[0])


def test_an_adapter_says_what_it_was_made_of(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    _, _, key = tuned(plain_wan, tmp_path)
    told = {}
    for path in (tmp_path / "adapters").iterdir():
        with safe_open(path, framework="pt") as file:
            told[path.stem] = file.metadata()
    edit = told.pop(key)
    (motion,) = told.values()
    assert (motion["stage"], motion["steps"], edit["stage"], edit["steps"]) == (
        "tune_motion",
        "3",
        "tune_appearance",
        "2",
    )
    assert len(edit["keyframes"]) == 64 and "keyframes" not in motion
    for name in ("clip", "matte", "settings", "seed", "model", "model_fingerprint", "rank", "alpha", "format_version"):
        assert motion[name] == edit[name] != ""
    assert len({motion["clip"], motion["matte"], edit["keyframes"]}) == 3
