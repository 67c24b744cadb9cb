# SPDX-License-Identifier: GPL-3.0-or-later
"""One denoising step of training: what is drawn, what it costs, and a fixed probe that says whether it gets better.

Paper: arXiv 2506.10082, sections 3.2 and 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from maskedit.caching import content_hash
from maskedit.encoding import TrainingSample
from maskedit.models.family import Prediction, VideoModel
from maskedit.presets import Recipe

# Below this share of noise a clean-latent model is asked for hardly more than a copy: do not let it drown the rest.
_LEAST_NOISE = 0.3
_PROBES = 4


def denoising_loss(
    model: VideoModel, sample: TrainingSample, *, noise: Tensor, t: Tensor, kept_weight: float = 1.0
) -> Tensor:
    """Mean squared velocity error at time `t` in (0, 1], shape (1,): x_t = (1 - t) x1 + t x0, v = x0 - x1.

    Where the sample starts from a draft, the draft stands for x1 in x_t: the model learns to mend it.

    For a model that predicts the clean latents the same error is ‖x̂1 - x1‖² / t², its weight bounded at t = 0.3.
    `kept_weight`: what a cell that is given counts beside one that is generated (1 = alike, the paper's way; nothing
    at all for a model that says nothing about given cells).
    """
    noisy = (1 - t) * sample.start + t * noise
    prediction = model.predict(noisy, t * 1000, conditioning=sample.conditioning)
    if model.prediction is Prediction.CLEAN:
        error = (prediction - sample.target) / t.clamp(min=_LEAST_NOISE)
    else:
        # The velocity that leads from x_t to x1 in time t: x0 - x1, and what the draft is off by.
        off = (1 - t) / t.clamp(min=_LEAST_NOISE) * (sample.start - sample.target)
        error = prediction - (noise - sample.target + off)
    if model.scores_generated_only:
        kept_weight = 0.0
    weight = kept_weight + (1 - kept_weight) * sample.generated
    if sample.ignored is not None:
        weight = weight * (1 - sample.ignored)
    # Where nothing is generated, as in a window that the region never enters, there is nothing to learn.
    return (weight * error.square().mean(dim=1, keepdim=True)).sum() / weight.sum().clamp(min=1)


def draw_time(recipe: Recipe, *, key: str) -> tuple[Tensor, torch.Generator]:
    """t in (0, 1], shape (1,), no more than the render starts with, and the generator to go on drawing from.

    Drawn on the CPU from the text `key`, so that every device and every resumed run draws the same.
    """
    generator = torch.Generator().manual_seed(int(content_hash(key)[:15], 16))
    if recipe.timestep_sampling == "logit_normal":
        t = torch.randn(1, generator=generator).sigmoid()
    else:
        t = 1 - torch.rand(1, generator=generator)
    return recipe.draft_strength * _shifted(t, recipe), generator


def draw_noise(target: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise like `target`."""
    return torch.randn(target.shape, generator=generator).to(target.device)


def _shifted(t: Tensor, recipe: Recipe) -> Tensor:
    return recipe.timestep_shift * t / (1 + (recipe.timestep_shift - 1) * t)


@dataclass(frozen=True)
class Probe:
    """A few samples with noise and times that never change, so that their loss falls only because the model learns.

    A step's own loss says next to nothing about that: it depends far more on the time that was drawn.
    """

    samples: tuple[TrainingSample, ...]
    recipe: Recipe
    seed: int

    @classmethod
    def of(cls, samples: Sequence[TrainingSample], *, recipe: Recipe, seed: int) -> Probe:
        """A probe on at most four of the samples, evenly chosen."""
        chosen = sorted({round(i * (len(samples) - 1) / (_PROBES - 1)) for i in range(_PROBES)})
        return cls(tuple(samples[i] for i in chosen), recipe, seed)

    @torch.no_grad()
    def loss(self, model: VideoModel) -> float:
        """The mean loss at four times spread over the range that is trained on."""
        losses = []
        for index in range(_PROBES):
            sample = self.samples[index % len(self.samples)]
            _, generator = draw_time(self.recipe, key=f"probe {self.seed} {index}")
            t = self.recipe.draft_strength * _shifted(torch.tensor([(index + 0.5) / _PROBES]), self.recipe)
            noise = draw_noise(sample.target, generator)
            t = t.to(sample.target.device)
            losses.append(denoising_loss(model, sample, noise=noise, t=t, kept_weight=self.recipe.kept_weight).item())
        return sum(losses) / len(losses)
