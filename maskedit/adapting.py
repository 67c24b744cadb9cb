# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit's adapter: reused as far as a cached one fits, tuned for the rest.

Stage 1 uses no edit at all: its adapter is named by clip, matte, model and settings, so that it serves every later
edit of the clip. Stage 2 goes on from it and is named by the keyframes as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from maskedit import adapters
from maskedit.caching import content_hash
from maskedit.encoding import Samples, TrainingSample
from maskedit.faults import Point, reach
from maskedit.models.family import VideoModel
from maskedit.presets import Recipe
from maskedit.progress import Ask, Reporter, Stage
from maskedit.request import AdapterUse
from maskedit.tuning import TuningRun, appearance_schedule, motion_schedule, tune

Look = Callable[[str, tuple[Stage, int, int]], bytes | None]
"""Makes a picture with the adapter as it is, which goes by that name, at stage, step and steps; None if it cannot."""


@dataclass(frozen=True)
class Adapted:
    """The adapter attached to the model: its name, and whether stage 1 (or all of it) came from the cache."""

    key: str
    reused: bool


def adapt(
    model: VideoModel,
    samples: Samples,
    *,
    recipe: Recipe,
    seed: int,
    cache: Path,
    reporter: Reporter,
    uses: Sequence[AdapterUse] = (),
    look: Look | None = None,
) -> Adapted:
    """Leave the edit's adapter attached to `model`, from `cache` or tuned and saved there.

    A stage of no steps is left out: without stage 2 the adapter is the clip's, without both the model is as it was.
    `uses`: adapters in `cache` that the request names, to start from or to stay beside the edit's own. `look`: makes
    the picture that may be asked for meanwhile.
    """
    lora = adapters.LoraSpec(rank=recipe.rank, alpha=recipe.alpha, targets=recipe.targets, share=recipe.adapted_share)
    rates = (recipe.learning_rate, recipe.final_rate, recipe.weight_decay)
    how = repr((lora, *rates, recipe.kept_weight, recipe.patience, seed))
    times = repr((recipe.timestep_sampling, recipe.timestep_shift, recipe.draft_strength))
    motion_key = content_hash(
        model.fingerprint, "motion", how, times, repr((recipe.motion_steps, recipe.prior_strength)),
        adapters.uses_key(uses),
        *_contents(samples.motion if recipe.motion_steps else ()),
    )  # fmt: skip
    appearance = repr((recipe.appearance_steps, recipe.motion_share, recipe.appearance_rate))
    key = content_hash(motion_key, "appearance", appearance, *_contents(samples.appearance))
    key = key if recipe.appearance_steps else motion_key

    def file(name: str, *, folder: str = "adapters") -> Path:
        return cache / folder / f"{name}.safetensors"

    def kept(name: str, facts: Mapping[str, str]) -> str:
        """Save the adapter as it is; returns why that could not be, or nothing."""
        try:
            adapters.save(model, file(name), metadata=facts)
        except OSError as error:
            return f"The adapter could not be kept ({error.strerror or error}): free some space."
        return ""

    def run(stage: Stage, name: str, tuned_on: tuple[TrainingSample, ...], schedule: tuple[int, ...]) -> None:
        checkpoint = file(name, folder="checkpoints")
        plan = TuningRun(stage=stage, schedule=schedule, checkpoint=checkpoint, seed=seed)
        share = recipe.appearance_rate if stage is Stage.TUNE_APPEARANCE else 1.0
        learning = replace(recipe, learning_rate=share * recipe.learning_rate)
        facts = {"stage": stage, "steps": str(len(schedule)), "seed": str(seed)}
        facts |= {"settings": how, "clip": content_hash(*(sample.target for sample in samples.motion))}
        facts["matte"] = content_hash(*(sample.conditioning.latents for sample in samples.motion))
        if stage is Stage.TUNE_APPEARANCE:
            facts["keyframes"] = content_hash(*(sample.target for sample in samples.appearance))

        def answer(ask: Ask, done: int) -> None:
            now, total = content_hash(name, str(done)), len(schedule)
            if ask is Ask.SAVE:
                trouble = kept(now, facts | {"steps": str(done)})
                said = trouble or f"Saved the adapter as it is after step {done}."
                reporter.report(stage, done, total=total, message=said)
                return
            picture = look(now, (stage, done, total)) if look is not None else None
            said = f"Sample after step {done}." if picture else "There is no memory for a sample while this is tuned."
            reporter.report(stage, done, total=total, message=said, preview=picture)

        loss = tune(model, tuned_on, run=plan, recipe=learning, reporter=reporter, answer=answer)
        trouble = kept(name, facts | {"loss": f"{loss:.6f}"})
        reach(Point.TUNED)
        if trouble:
            # It is attached and serves this edit all the same; the next one may go on from the checkpoint.
            reporter.report(stage, len(schedule), total=len(schedule), message=trouble)
        else:
            checkpoint.unlink(missing_ok=True)

    adapters.attach_beside(model, uses, folder=cache / "adapters")
    if file(key).exists():
        adapters.load(model, file(key))
        return Adapted(key, reused=True)

    reused, started = file(motion_key).exists(), False
    if reused:
        adapters.load(model, file(motion_key))
    else:
        started = adapters.load_start(model, uses, folder=cache / "adapters")
    if not reused and not started:
        adapters.attach(model, lora, seed=seed)
    if recipe.motion_steps and not reused:
        prior = file(content_hash(model.fingerprint, repr(lora), times, recipe.configuration), folder="priors")
        if recipe.prior_strength and not started:
            adapters.start_from_prior(model, prior, strength=recipe.prior_strength)
        schedule = motion_schedule(len(samples.motion), steps=recipe.motion_steps, seed=seed)
        run(Stage.TUNE_MOTION, motion_key, samples.motion, schedule)
        if recipe.prior_strength and not started:
            with suppress(OSError):  # the next clip learns a little longer
                adapters.teach_prior(model, prior)

    if recipe.appearance_steps:
        schedule = appearance_schedule(
            len(samples.motion),
            len(samples.appearance),
            steps=recipe.appearance_steps,
            motion_share=recipe.motion_share,
            seed=seed,
        )
        run(Stage.TUNE_APPEARANCE, key, samples.motion + samples.appearance, schedule)
    return Adapted(key, reused=reused or (started and not recipe.motion_steps))


def _contents(samples: tuple[TrainingSample, ...]) -> list[Tensor]:
    return [content for sample in samples for content in sample.contents]
