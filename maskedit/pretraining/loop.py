# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: predict the clean latent from noise and condition, weigh what must be generated, average."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor, nn

from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.batches import Batch, normalised_latents, training_batches
from maskedit.pretraining.config import PretrainConfig
from maskedit.pretraining.probe import measure, probe_clips, save_sheet
from maskedit.synthetic import clips

_CHECKPOINT = "checkpoint.pt"
_CHECKPOINT_SECONDS = 300.0


class OneTokenCrossAttention:
    """Cross-attention to a prompt of one token: the softmax over one key is 1, so the answer is the key's value.

    Gives what the stock processor gives, without the queries; a third of a block's attention work saved.
    """

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, *_: Any) -> Tensor:
        return attn.to_out[0](attn.to_v(encoder_hidden_states))


@dataclass
class TrainingState:
    """What a checkpoint holds."""

    step: int
    transformer: WanTransformer3DModel
    average: WanTransformer3DModel
    optimizers: list[torch.optim.Optimizer]

    def save(self, path: Path) -> None:
        """Write and then rename, so that a checkpoint is whole or the one before it."""
        content = {
            "step": self.step,
            "transformer": self.transformer.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        temporary = path.with_suffix(".writing")
        torch.save(content, temporary)
        temporary.replace(path)

    def load(self, path: Path) -> None:
        content = torch.load(path, weights_only=True)
        self.step = content["step"]
        self.transformer.load_state_dict(content["transformer"])
        self.average.load_state_dict(content["average"])
        for optimizer, saved in zip(self.optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def build_state(config: PretrainConfig) -> TrainingState:
    """A fresh model from the seed. Matrices inside the blocks learn by Muon, everything else by AdamW."""
    torch.manual_seed(config.seed)
    transformer = WanTransformer3DModel(**config.transformer)
    average = WanTransformer3DModel(**config.transformer).requires_grad_(False).eval()
    average.load_state_dict(transformer.state_dict())
    blocks: Any = transformer.blocks
    for block in blocks:
        block.attn2.set_processor(OneTokenCrossAttention())
    matrices = [p for p in blocks.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in transformer.parameters() if id(p) not in chosen]
    optimizers = [
        torch.optim.Muon(matrices, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=config.weight_decay),
    ]
    return TrainingState(0, transformer, average, optimizers)


def learning_rate_at(config: PretrainConfig, step: int) -> float:
    """Linear warm-up, then constant, then linearly to nothing over the last `decay_steps`."""
    rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    fall = min(1.0, (config.total_steps - step) / config.decay_steps) if config.decay_steps else 1.0
    return config.learning_rate * rise * fall


def channel_weights(config: PretrainConfig, codec: DctCodec) -> Tensor:
    """Loss weights (48,) that raise fine detail, whose variance is thousands of times below that of the mean colour.

    Scaled so that the loss of a model that knows nothing stays the same.
    """
    video, _ = clips(48, 9, height=64, width=64, generator=torch.Generator().manual_seed(config.seed))
    variance = normalised_latents(codec, video).var(dim=(0, 2, 3, 4))
    weights = (variance + 0.005) ** -config.detail_weight
    return weights * variance.sum() / (weights * variance).sum()


def clean_latent_loss(
    transformer: Callable[..., Any],
    batch: Batch,
    config: PretrainConfig,
    *,
    channels: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Weighted squared error of the predicted clean latent at x_t = (1 - t) x1 + t x0 with x0 ~ N(0, 1).

    `channels`: weights of the latent channels, (48,).
    """
    count = len(batch.clean)
    uniform = torch.rand(count, generator=generator)
    t = config.noise_shift * uniform / (1 + (config.noise_shift - 1) * uniform)
    over = t.view(-1, 1, 1, 1, 1)
    noisy = torch.lerp(batch.clean, torch.randn(batch.clean.shape, generator=generator), over)
    with torch.autocast("cpu", torch.bfloat16):
        predicted = transformer(
            hidden_states=torch.cat([noisy, batch.given], dim=1),
            timestep=t * 1000,
            encoder_hidden_states=torch.zeros(count, 1, config.transformer["text_dim"]),
            return_dict=False,
        )[0]
    place_weight = config.kept_weight + (1 - config.kept_weight) * batch.generated
    time_weight = over.clamp(min=config.least_noise) ** -2
    error = (predicted.float() - batch.clean).square() * channels.view(-1, 1, 1, 1)
    error = error.mean(dim=1, keepdim=True)
    return (time_weight * place_weight * error).sum() / place_weight.sum()


@torch.no_grad()
def _update_average(state: TrainingState, decay: float) -> None:
    weight = 1 - min(decay, (1 + state.step) / (10 + state.step))
    torch._foreach_lerp_(list(state.average.parameters()), list(state.transformer.parameters()), weight)


def pretrain(
    config: PretrainConfig,
    out: Path,
    *,
    resume: bool = False,
    minutes: float | None = None,
    compiled: bool = False,
    log_every: int = 50,
    probe_every: int = 500,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
    stop: threading.Event | None = None,
) -> TrainingState:
    """Train until the last stage ends, the minutes are over or `stop` is set; leave a checkpoint in `out`.

    Appends a JSON line to `out/log.jsonl` and calls `report` with it every `log_every` steps; every `probe_every`
    steps the line holds the probe's figures and `out/sheet-STEP.png` is written. With `resume` the run goes on from
    the checkpoint in `out`; what it draws is what an uninterrupted run would have drawn.
    Raises FloatingPointError when the loss is no longer a number.
    """
    out.mkdir(parents=True, exist_ok=True)
    started = saved = logged = time.monotonic()
    state = build_state(config)
    if resume and (out / _CHECKPOINT).exists():
        state.load(out / _CHECKPOINT)
    if compiled:
        torch._dynamo.config.recompile_limit = 32
        state.transformer.compile_repeated_blocks(dynamic=False)
    codec = DctCodec()
    channels = channel_weights(config, codec)
    held = probe_clips(config.probe, codec)
    losses: list[float] = []
    for batch in training_batches(config, codec, first_step=state.step):
        late = minutes is not None and time.monotonic() - started > 60 * minutes
        if late or state.step >= config.total_steps or (stop is not None and stop.is_set()):
            break
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + state.step)
        loss = clean_latent_loss(state.transformer, batch, config, channels=channels, generator=generator)
        loss.backward()
        nn.utils.clip_grad_norm_(state.transformer.parameters(), 1.0)
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(config, state.step)
            optimizer.step()
            optimizer.zero_grad()
        state.step += 1
        _update_average(state, config.ema_decay)
        losses.append(loss.item())
        if state.step % log_every == 0:
            mean_loss = sum(losses) / len(losses)
            if mean_loss != mean_loss:
                raise FloatingPointError(f"The loss is not a number at step {state.step}; lower learning_rate.")
            now = time.monotonic()
            line: dict[str, Any] = {
                "step": state.step,
                "loss": round(mean_loss, 5),
                "seconds_per_step": round((now - logged) / len(losses), 3),
                "minutes": round((now - started) / 60, 2),
            }
            losses.clear()
            if state.step % probe_every == 0:
                figures, result = measure(
                    state.average, codec, held, steps=config.probe.render_steps, flow_shift=config.flow_shift
                )
                line |= figures
                save_sheet(out / f"sheet-{state.step:06}.png", held, result)
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            report(line)
            logged = time.monotonic()
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            state.save(out / _CHECKPOINT)
            saved = time.monotonic()
    state.save(out / _CHECKPOINT)
    return state
