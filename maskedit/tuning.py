# SPDX-License-Identifier: GPL-3.0-or-later
"""Second stage: tune the LoRA on the clip (motion, background), then on the edited keyframes (appearance).

Paper: arXiv 2506.10082, sections 3.2 and 3.3. Every step draws its noise and timestep from its own seed, so that a
run resumed from a checkpoint is equal to one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from maskedit import adapters
from maskedit.caching import content_hash, save_atomically
from maskedit.encoding import TrainingSample
from maskedit.models.family import Prediction, VideoModel
from maskedit.presets import Recipe
from maskedit.progress import Reporter, Stage

_CHECKPOINT_STEPS = 20
_GRADIENT_CLIP = 1.0
_BETAS = (0.9, 0.99)
# Below this share of noise a clean-latent model is asked for hardly more than a copy: do not let it drown the rest.
_LEAST_NOISE = 0.3


@dataclass(frozen=True, kw_only=True)
class TuningRun:
    """One run of one stage on the attached adapter, resumable from `checkpoint`.

    `schedule[i]` is the sample of step i. The checkpoint is removed by `finish`.
    """

    stage: Stage
    schedule: tuple[int, ...]
    checkpoint: Path
    seed: int


def denoising_loss(
    model: VideoModel, sample: TrainingSample, *, noise: Tensor, t: Tensor, kept_weight: float = 1.0
) -> Tensor:
    """Mean squared velocity error at time `t` in (0, 1], shape (1,): x_t = (1 - t) x1 + t x0, v = x0 - x1.

    Where the sample starts from a draft, the draft stands for x1 in x_t: the model learns to mend it.

    For a model that predicts the clean latents the same error is ‖x̂1 - x1‖² / t², its weight bounded at t = 0.3.
    `kept_weight`: what a cell that is given counts beside one that is generated (1 = alike, the paper's way).
    """
    noisy = (1 - t) * sample.start + t * noise
    prediction = model.predict(noisy, t * 1000, conditioning=sample.conditioning)
    if model.prediction is Prediction.CLEAN:
        error = (prediction - sample.target) / t.clamp(min=_LEAST_NOISE)
    else:
        # The velocity that leads from x_t to x1 in time t: x0 - x1, and what the draft is off by.
        off = (1 - t) / t.clamp(min=_LEAST_NOISE) * (sample.start - sample.target)
        error = prediction - (noise - sample.target + off)
    weight = kept_weight + (1 - kept_weight) * sample.generated
    return (weight * error.square().mean(dim=1, keepdim=True)).sum() / weight.sum()


def tune(
    model: VideoModel,
    samples: Sequence[TrainingSample],
    *,
    run: TuningRun,
    recipe: Recipe,
    reporter: Reporter,
) -> float:
    """Train the attached adapter over `run.schedule`; returns the mean loss of the last tenth of the steps."""
    parameters = adapters.trainable(model)
    optimiser = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, betas=_BETAS, weight_decay=recipe.weight_decay, foreach=True
    )
    first = _resume(parameters, optimiser, run)
    total = len(run.schedule)
    losses: list[float] = []
    reporter.report(run.stage, first, total=total)
    for step in range(first, total):
        sample = samples[run.schedule[step]]
        noise, t = _draw(sample.target, seed=run.seed, stage=run.stage, step=step, recipe=recipe)
        loss = denoising_loss(model, sample, noise=noise, t=t, kept_weight=recipe.kept_weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, _GRADIENT_CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (step + 1) % _CHECKPOINT_STEPS == 0:
            _save_checkpoint(parameters, optimiser, run, step=step + 1)
        reporter.report(run.stage, step + 1, total=total, message=f"loss {losses[-1]:.4f}")
    tail = losses[-max(1, total // 10) :]
    return sum(tail) / len(tail) if tail else 0.0


def motion_schedule(samples: int, *, steps: int, seed: int) -> tuple[int, ...]:
    """Stage 1: every window equally often, in an order shuffled anew each round."""
    return tuple(index for index, _ in zip(_rounds(range(samples), seed), range(steps), strict=False))


def appearance_schedule(
    motion_samples: int, keyframes: int, *, steps: int, motion_share: float, seed: int
) -> tuple[int, ...]:
    """Stage 2: keyframe samples, with a share of stage 1's kept in the mix so that the motion is not forgotten.

    Indices 0 … motion_samples - 1 are stage 1's samples, the following ones the keyframes'.
    """
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


def _draw(target: Tensor, *, seed: int, stage: Stage, step: int, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Noise like `target` and t, no more than the render starts with; on the CPU: every device draws the same."""
    key = int(content_hash(str(seed), stage, str(step))[:15], 16)
    generator = torch.Generator().manual_seed(key)
    noise = torch.randn(target.shape, generator=generator).to(target.device)
    t = 1 - torch.rand(1, generator=generator)
    shifted = recipe.timestep_shift * t / (1 + (recipe.timestep_shift - 1) * t)
    return noise, (recipe.draft_strength * shifted).to(target.device)


def _save_checkpoint(parameters: list[Tensor], optimiser: torch.optim.Optimizer, run: TuningRun, *, step: int) -> None:
    tensors = {}
    for index, parameter in enumerate(parameters):
        state = optimiser.state[parameter]
        tensors |= {f"{index}.value": parameter.data, f"{index}.mean": state["exp_avg"]}
        tensors |= {f"{index}.square": state["exp_avg_sq"], f"{index}.step": state["step"].reshape(1)}
    save_atomically(tensors, run.checkpoint, metadata={"step": str(step)})


def _resume(parameters: list[Tensor], optimiser: torch.optim.Optimizer, run: TuningRun) -> int:
    """Put a checkpoint's values back, if there is a usable one, and return the step to go on with."""
    try:
        with safe_open(run.checkpoint, framework="pt") as file:
            saved = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a file, not a mapping)
            step = int((file.metadata() or {})["step"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return 0
    if step > len(run.schedule) or len(saved) != 4 * len(parameters):
        return 0
    for index, parameter in enumerate(parameters):
        parameter.data.copy_(saved[f"{index}.value"])
        optimiser.state[parameter] = {
            "step": saved[f"{index}.step"].reshape(()),
            "exp_avg": saved[f"{index}.mean"].to(parameter.device),
            "exp_avg_sq": saved[f"{index}.square"].to(parameter.device),
        }
    return step
