# SPDX-License-Identifier: GPL-3.0-or-later
"""What else the bundled model might have been: the variations that the search compares, each unlike in one thing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.codec_variants import TransformCodec, Waveform
from maskedit.pretraining.config import PretrainConfig, Probe, Stage
from maskedit.pretraining.state import TrainingState, build_state
from maskedit.synthetic import clips

REFERENCE = PretrainConfig(
    stages=(Stage(steps=400, batch=8, frames=9, height=48, width=48),),
    transformer={
        "patch_size": [1, 2, 2],
        "num_attention_heads": 3,
        "attention_head_dim": 64,
        "in_channels": 100,
        "out_channels": 48,
        "text_dim": 64,
        "freq_dim": 256,
        "ffn_dim": 768,
        "num_layers": 4,
    },
    probe=Probe(clips=16, frames=9, height=48, width=48, render_steps=6),
    seed=1,
    learning_rate=1.5e-3,
    warmup_steps=40,
    decay_steps=120,
    noise_shift=5.0,
    detail_weight=0.35,
    flow_shift=8.0,
)


def shifted_times(count: int, config: PretrainConfig, generator: torch.Generator) -> Tensor:
    """Noise levels (count,) in (0, 1) as the shipped run draws them: uniform, then shifted towards noise."""
    uniform = torch.rand(count, generator=generator)
    return config.noise_shift * uniform / (1 + (config.noise_shift - 1) * uniform)


def logit_normal_times(count: int, config: PretrainConfig, generator: torch.Generator) -> Tensor:
    """Noise levels whose logit is N(log noise_shift, 1) (Esser et al. 2024, section 3.1): fewer at both ends."""
    return torch.sigmoid(torch.randn(count, generator=generator) + torch.tensor(config.noise_shift).log())


class FromVelocity:
    """A transformer whose output is the velocity x0 - x1, read as clean latents x1 = x_t - t (x0 - x1).

    The error of the clean latent is t times that of the velocity, so that the loss with weight 1 / t² is that of the
    velocity itself.
    """

    def __init__(self, transformer: Any) -> None:
        self._transformer = transformer
        self.config = transformer.config

    def __call__(self, *, hidden_states: Tensor, timestep: Tensor, **rest: Any) -> tuple[Tensor]:
        velocity = self._transformer(hidden_states=hidden_states, timestep=timestep, **rest)[0]
        noisy = hidden_states[:, : velocity.shape[1]]
        return (noisy - timestep.view(-1, 1, 1, 1, 1) / 1000 * velocity.float(),)


def adamw_alone(config: PretrainConfig) -> TrainingState:
    """The same fresh model, every parameter with AdamW."""
    state = build_state(config)
    betas = (0.9, 0.99)
    everything = torch.optim.AdamW(state.transformer.parameters(), betas=betas, weight_decay=config.weight_decay)
    return replace(state, optimizers=[everything])


def _examples() -> Tensor:
    """Drawn clips by which a codec's coefficients are ranked."""
    return clips(48, 9, height=64, width=64, generator=torch.Generator().manual_seed(0))[0]


def _transform(side: int, channels: int, waveform: Waveform = "cosine") -> Callable[[], Any]:
    return lambda: TransformCodec(_examples(), side=side, channels=channels, waveform=waveform)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run: `change` alters the common configuration, the others replace a part of the training step."""

    name: str
    about: str
    change: Callable[[PretrainConfig], PretrainConfig] = lambda config: config
    codec: Callable[[], Any] = DctCodec
    build: Callable[[PretrainConfig], TrainingState] = build_state
    times: Callable[[int, PretrainConfig, torch.Generator], Tensor] = shifted_times
    reads: Callable[[Any], Any] = lambda transformer: transformer


def _settings(**changes: Any) -> Callable[[PretrainConfig], PretrainConfig]:
    return lambda config: replace(config, **changes)


def _shape(heads: int, layers: int) -> Callable[[PretrainConfig], PretrainConfig]:
    width = {"num_attention_heads": heads, "ffn_dim": 256 * heads, "num_layers": layers}
    return lambda config: replace(config, transformer=config.transformer | width)


def half_size_first(config: PretrainConfig) -> PretrainConfig:
    """Two thirds of the steps at half the size, with four times the clips: every step has as many tokens."""
    (whole,) = config.stages
    early = whole.steps * 2 // 3
    half = replace(whole, steps=early, batch=4 * whole.batch, height=whole.height // 2, width=whole.width // 2)
    return replace(config, stages=(half, replace(whole, steps=whole.steps - early)))


REFERENCE_SEEDS = ("reference", "reference-2", "reference-3")  # how far chance alone moves a figure

TRIALS = (
    Trial(name="reference", about="3 heads × 64, 4 blocks; cosine 4×4×4→48; clean latent; shift 5; detail 0.35"),
    Trial(name="reference-2", about="the same, second seed", change=_settings(seed=2)),
    Trial(name="reference-3", about="the same, third seed", change=_settings(seed=3)),
    Trial(name="codec-4-48", about="cosine 4×4×4→48, chosen on drawn clips", codec=_transform(4, 48)),
    Trial(name="codec-8-192", about="cosine 8×8×4→192, patches of 1", codec=_transform(8, 192)),
    Trial(name="codec-8-96", about="cosine 8×8×4→96, patches of 1", codec=_transform(8, 96)),
    Trial(
        name="velocity",
        about="velocity instead of clean latent",
        change=_settings(least_noise=1e-3),
        reads=FromVelocity,
    ),
    Trial(name="adamw", about="AdamW alone, same rate", build=adamw_alone),
    Trial(
        name="adamw-slow",
        about="AdamW alone, a third of the rate",
        build=adamw_alone,
        change=_settings(learning_rate=5e-4),
    ),
    Trial(name="detail-0", about="detail weight 0", change=_settings(detail_weight=0.0)),
    Trial(name="detail-0.7", about="detail weight 0.7", change=_settings(detail_weight=0.7)),
    Trial(name="shift-1", about="timesteps uniform", change=_settings(noise_shift=1.0)),
    Trial(name="shift-3", about="timesteps shifted by 3", change=_settings(noise_shift=3.0)),
    Trial(name="logit-normal", about="timesteps logit-normal around shift 5", times=logit_normal_times),
    Trial(name="half-size-first", about="24×24 for two thirds of the steps, same tokens", change=half_size_first),
    Trial(name="deep", about="2 heads × 64, 6 blocks", change=_shape(2, 6)),
    Trial(name="shallow", about="4 heads × 64, 3 blocks", change=_shape(4, 3)),
    Trial(name="wide", about="6 heads × 64, 2 blocks", change=_shape(6, 2)),
    Trial(name="codec-4-32", about="cosine 4×4×4→32, chosen on drawn clips", codec=_transform(4, 32)),
    Trial(name="codec-4-64", about="cosine 4×4×4→64, chosen on drawn clips", codec=_transform(4, 64)),
    Trial(name="haar-4-48", about="Haar 4×4×4→48, chosen on drawn clips", codec=_transform(4, 48, "haar")),
    Trial(name="shipped-shape", about="4 heads × 64, 6 blocks", change=_shape(4, 6)),
)
