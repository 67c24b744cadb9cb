# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: predict the clean latent from noise and condition, weigh what must be generated, average."""

import json
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor, nn

from maskedit.errors import InputError
from maskedit.models.bundled.codec import DctCodec
from maskedit.models.mending import with_sure_cells
from maskedit.pretraining.batches import training_batches
from maskedit.pretraining.config import PretrainConfig
from maskedit.pretraining.drafts import make_drafted_clips
from maskedit.pretraining.footage import Footage
from maskedit.pretraining.latents import Batch, normalised_latents
from maskedit.pretraining.probe import measure, probe_clips, save_sheet
from maskedit.pretraining.starting import compile_blocks
from maskedit.pretraining.state import TrainingState, build_state
from maskedit.synthetic import clips

CHECKPOINT = "checkpoint.pt"
_CHECKPOINT_SECONDS = 300.0


def learning_rate_at(config: PretrainConfig, step: int) -> float:
    """Linear warm-up, then constant, then linearly to nothing over the last `decay_steps`."""
    rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    fall = min(1.0, (config.total_steps - step) / config.decay_steps) if config.decay_steps else 1.0
    return config.learning_rate * rise * fall


def channel_weights(config: PretrainConfig, codec: DctCodec) -> Tensor:
    """Loss weights (48,) that raise fine detail, whose variance is thousands of times below that of the mean colour.

    Scaled so that the loss of a model that knows nothing stays the same. On the CPU, as `codec` must be: they are
    the same wherever the run trains.
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

    `channels`: weights of the latent channels, (48,). Everything, `generator` too, is on one device.
    """
    count, device = len(batch.clean), batch.clean.device
    uniform = torch.rand(count, generator=generator, device=device)
    t = config.noise_shift * uniform / (1 + (config.noise_shift - 1) * uniform)
    over = t.view(-1, 1, 1, 1, 1)
    noisy = torch.lerp(batch.clean, torch.randn(batch.clean.shape, generator=generator, device=device), over)
    with torch.autocast(device.type, torch.bfloat16):
        predicted = transformer(
            hidden_states=torch.cat([noisy, batch.given], dim=1),
            timestep=t * 1000,
            encoder_hidden_states=batch.clean.new_zeros(count, 1, config.transformer["text_dim"]),
            return_dict=False,
        )[0]
    place_weight = config.kept_weight + (1 - config.kept_weight) * batch.generated
    time_weight = over.clamp(min=config.least_noise) ** -2
    predicted = with_sure_cells(predicted.float(), batch.given)
    error = (predicted - batch.clean).square() * channels.view(-1, 1, 1, 1)
    error = error.mean(dim=1, keepdim=True)
    return (time_weight * place_weight * error).sum() / place_weight.sum()


def pretrain(
    config: PretrainConfig,
    out: Path,
    *,
    resume: bool = False,
    minutes: float | None = None,
    compiled: bool = False,
    device: torch.device | str = "cpu",
    start: WanTransformer3DModel | None = None,
    footage: Footage | None = None,
    log_every: int = 50,
    probe_every: int = 500,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
    say: Callable[[str], None] = lambda sentence: None,
    stop: threading.Event | None = None,
) -> TrainingState:
    """Train until the last stage ends, the minutes are over or `stop` is set; leave a checkpoint in `out`.

    Appends a JSON line to `out/log.jsonl` and calls `report` with it every `log_every` steps; before the first step
    and every `probe_every` steps the line holds the probe's figures and `out/sheet-STEP.png` is written. `start`:
    weights to go on from, with new optimisers. With `resume` the run goes on from the checkpoint in `out`; on one
    device and without `footage`, what it draws is what an uninterrupted run would have drawn.
    Raises FloatingPointError, keeping the last good checkpoint, when the loss is no longer a number, and InputError
    when the checkpoint is of another model or, unlike this run, began from nothing or from weights.
    """
    device = torch.device(device)
    out.mkdir(parents=True, exist_ok=True)
    started = saved = time.monotonic()
    state = build_state(config, device=device, start=start)
    if resume and (out / CHECKPOINT).exists():
        state.load(out / CHECKPOINT)
        if state.fresh is not (start is None):
            began = "from nothing: leave --from out" if state.fresh else "from weights: give the same --from again"
            raise InputError(f"The run in {out} began {began}, or choose another --out.")
    if compiled:
        compile_blocks(state.transformer, device, say=say)
    channels = channel_weights(config, DctCodec()).to(device)
    codec: Any = DctCodec()
    codec.to(device)
    held = probe_clips(config.probe, codec, device=device)
    drafted = None
    if config.drafted is not None:
        drafted = out / "drafted"
        make_drafted_clips(drafted, config.drafted, seed=config.seed, say=say)

    def probed() -> dict[str, float]:
        figures, result = measure(
            state.average, codec, held, steps=config.probe.render_steps, flow_shift=config.flow_shift
        )
        save_sheet(out / f"sheet-{state.step:06}.png", held, result)
        return figures

    def log(line: dict[str, Any]) -> None:
        line = {"step": state.step, **line, "minutes": round((time.monotonic() - started) / 60, 2)}
        with (out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        report(line)

    if state.step < config.total_steps:
        log({"device": str(device), **probed()})
    figures: list[Tensor] = []  # loss and gradient norm of each step since the last line, on the device
    logged = time.monotonic()
    for batch in training_batches(
        config, codec, first_step=state.step, device=device, footage=footage, drafted=drafted
    ):
        late = minutes is not None and time.monotonic() - started > 60 * minutes
        if late or state.step >= config.total_steps or (stop is not None and stop.is_set()):
            break
        generator = torch.Generator(device).manual_seed(config.seed * 1_000_003 + state.step)
        loss = clean_latent_loss(state.transformer, batch, config, channels=channels, generator=generator)
        loss.backward()
        gradient_norm = nn.utils.clip_grad_norm_(state.transformer.parameters(), 1.0)
        rate = learning_rate_at(config, state.step)
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        state.step += 1
        state.update_average(config.ema_decay)
        figures.append(torch.stack([loss.detach(), gradient_norm]))
        if state.step % log_every == 0:
            mean_loss, mean_norm = torch.stack(figures).mean(dim=0).tolist()
            if not math.isfinite(mean_loss):
                raise FloatingPointError(
                    f"The loss is not a number at step {state.step}: lower learning_rate and go on with --resume."
                )
            line: dict[str, Any] = {
                "loss": round(mean_loss, 5),
                "gradient_norm": round(mean_norm, 4),
                "learning_rate": float(f"{rate:.3g}"),
                "seconds_per_step": round((time.monotonic() - logged) / len(figures), 3),
            }
            figures.clear()
            log(line | (probed() if state.step % probe_every == 0 else {}))
            logged = time.monotonic()
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            state.save(out / CHECKPOINT)
            saved = time.monotonic()
    state.save(out / CHECKPOINT)
    return state
