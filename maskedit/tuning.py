# SPDX-License-Identifier: GPL-3.0-or-later
"""Second stage: tune the LoRA on the clip (motion, background), then on the edited keyframes (appearance).

Paper: arXiv 2506.10082, sections 3.2 and 3.3. Every step draws its noise and timestep from its own seed, so that a
run resumed from a checkpoint is equal to one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from maskedit import adapters
from maskedit.caching import save_atomically
from maskedit.denoising import Probe, denoising_loss, draw_noise, draw_time
from maskedit.encoding import TrainingSample
from maskedit.models.family import VideoModel
from maskedit.presets import Recipe
from maskedit.progress import Ask, Cancelled, Reporter, Stage

_CHECKPOINT_STEPS = 20
_GRADIENT_CLIP = 1.0
_BETAS = (0.9, 0.99)
# How often a run with patience looks at its probe; a divisor of _CHECKPOINT_STEPS, so that resuming loses no look.
_PROBE_STEPS = 10
# By how much a probe has to get better to count as progress.
_PROGRESS = 0.01


@dataclass(frozen=True, kw_only=True)
class TuningRun:
    """One run of one stage on the attached adapter, resumable from `checkpoint`.

    `schedule[i]` is the sample of step i.
    """

    stage: Stage
    schedule: tuple[int, ...]
    checkpoint: Path
    seed: int


@dataclass(frozen=True)
class Best:
    """The probe's least loss so far and the step at which it was seen."""

    step: int = 0
    loss: float = math.inf

    def after(self, step: int, loss: float) -> Best:
        """The best of this one and `loss` at `step`; a gain too small to be progress does not count."""
        return Best(step, loss) if loss < (1 - _PROGRESS) * self.loss else self


def tune(
    model: VideoModel,
    samples: Sequence[TrainingSample],
    *,
    run: TuningRun,
    recipe: Recipe,
    reporter: Reporter,
    answer: Callable[[Ask, int], None] = lambda ask, done: None,
) -> float:
    """Train the attached adapter over `run.schedule`; returns the mean loss of the last tenth of the steps.

    `answer(ask, done)` does what was asked for, after `done` steps. A run that is stopped to be resumed leaves a
    checkpoint where it stands. One that cannot be written stops nothing: the steps say so until the next one can.

    With `recipe.patience` it ends early when the probe has not got better by a hundredth for that many steps.
    """
    parameters = adapters.trainable(model)
    optimiser = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, betas=_BETAS, weight_decay=recipe.weight_decay, foreach=True
    )
    first, best = _resume(parameters, optimiser, run, device=model.device)
    total = len(run.schedule)
    probe = Probe.of([samples[index] for index in sorted(set(run.schedule))], recipe=recipe, seed=run.seed)
    losses: list[float] = []
    trouble = ""
    reporter.report(run.stage, first, total=total)
    for done, step in enumerate(_order(run, model, recipe)[first:], start=first):
        # A probe looks at every time, and several experts learn one after the other: there it would stop too early.
        if recipe.patience and len(model.experts) == 1 and done % _PROBE_STEPS == 0:
            best = best.after(done, probe.loss(model))
            if done - best.step >= recipe.patience:
                reporter.report(run.stage, total, total=total, message=f"No more progress after step {done}.")
                break
        for group in optimiser.param_groups:
            group["lr"] = _rate(recipe, done, total=total)
        sample = samples[run.schedule[step]]
        t, generator = draw_time(recipe, key=_key(run, step))
        t, noise = t.to(sample.target.device), draw_noise(sample.target, generator)
        loss = denoising_loss(model, sample, noise=noise, t=t, kept_weight=recipe.kept_weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, _GRADIENT_CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (done + 1) % _CHECKPOINT_STEPS == 0:
            trouble = _save_checkpoint(parameters, optimiser, run, step=done + 1, best=best)
        try:
            ask = reporter.report(run.stage, done + 1, total=total, message=f"loss {losses[-1]:.4f}{trouble}")
            if ask is not None:
                answer(ask, done + 1)
        except Cancelled as stop:
            if stop.resumes:
                _save_checkpoint(parameters, optimiser, run, step=done + 1, best=best)
            raise
    tail = losses[-max(1, total // 10) :]
    return sum(tail) / len(tail) if tail else 0.0


def _rate(recipe: Recipe, step: int, *, total: int) -> float:
    """The learning rate of a step: a straight line from the recipe's down to its share at the end of the stage."""
    return recipe.learning_rate * (1 - (1 - recipe.final_rate) * step / total)


def _order(run: TuningRun, model: VideoModel, recipe: Recipe) -> tuple[int, ...]:
    """The run's steps in the order in which they are taken.

    As they come, but expert by expert where there are several: each needs the device for one stretch only.
    """
    steps = range(len(run.schedule))
    if len(model.experts) == 1:
        return tuple(steps)
    times = [draw_time(recipe, key=_key(run, step))[0].item() for step in steps]
    return tuple(sorted(steps, key=lambda step: model.experts.index(model.expert_at(times[step]))))


def _key(run: TuningRun, step: int) -> str:
    """What a step draws its time and noise from."""
    return f"{run.seed} {run.stage} {step}"


def motion_schedule(samples: int, *, steps: int, seed: int) -> tuple[int, ...]:
    """Stage 1: every window equally often, in an order shuffled anew each round."""
    return tuple(index for index, _ in zip(_rounds(range(samples), seed), range(steps), strict=False))


def appearance_schedule(
    motion_samples: int, keyframes: int, *, steps: int, motion_share: float, seed: int
) -> tuple[int, ...]:
    """Stage 2: keyframe samples, with a share of stage 1's kept in the mix so that the motion is not forgotten.

    Indices 0 … motion_samples - 1 are stage 1's samples, the following ones the keyframes'.
    """
    motion_share = motion_share if motion_samples else 0.0
    motion = _rounds(range(motion_samples), seed)
    appearance = _rounds(range(motion_samples, motion_samples + keyframes), seed + 1)
    # Bresenham's line: after n steps the share is met to within one step.
    return tuple(
        next(motion) if int((step + 1) * motion_share) > int(step * motion_share) else next(appearance)
        for step in range(steps)
    )


def _rounds(indices: range, seed: int) -> Iterator[int]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from (indices[i] for i in torch.randperm(len(indices), generator=generator).tolist())


def _save_checkpoint(
    parameters: list[Tensor], optimiser: torch.optim.Optimizer, run: TuningRun, *, step: int, best: Best
) -> str:
    """Returns what to add to the steps' messages: nothing, or that it could not be written."""
    tensors = {}
    for index, parameter in enumerate(parameters):
        tensors[f"{index}.value"] = parameter.data
        # An expert whose turn has not come has no state yet.
        if state := optimiser.state.get(parameter):
            tensors |= {f"{index}.mean": state["exp_avg"], f"{index}.square": state["exp_avg_sq"]}
            tensors[f"{index}.step"] = state["step"].reshape(1)
    facts = {"step": str(step), "best_step": str(best.step), "best_loss": best.loss.hex()}
    try:
        save_atomically(tensors, run.checkpoint, metadata=facts)
    except OSError as error:
        # Losing the work of an hour because its safety copy does not fit would be the wrong way round.
        return f"; the checkpoint of step {step} could not be written ({error.strerror or error}): free some space"
    return ""


def _resume(
    parameters: list[Tensor], optimiser: torch.optim.Optimizer, run: TuningRun, *, device: torch.device
) -> tuple[int, Best]:
    """Put a checkpoint's values back, if there is a usable one, and return the step to go on with."""
    try:
        with safe_open(run.checkpoint, framework="pt") as file:
            saved = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a file, not a mapping)
            facts = file.metadata() or {}
        step, best = int(facts["step"]), Best(int(facts["best_step"]), float.fromhex(facts["best_loss"]))
    except (OSError, SafetensorError, KeyError, ValueError):
        return 0, Best()
    values = [saved.get(f"{index}.value") for index in range(len(parameters))]
    if step > len(run.schedule) or [None if v is None else v.shape for v in values] != [p.shape for p in parameters]:
        return 0, Best()
    for index, parameter in enumerate(parameters):
        parameter.data.copy_(saved[f"{index}.value"])
        if f"{index}.step" in saved:
            # Where the parameter will be when its turn comes; now it may wait in main memory.
            optimiser.state[parameter] = {
                "step": saved[f"{index}.step"].reshape(()),
                "exp_avg": saved[f"{index}.mean"].to(device),
                "exp_avg_sq": saved[f"{index}.square"].to(device),
            }
    return step, best
