# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.pretraining.search --out DIR`: short runs from nothing that differ in one thing, in one table."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn

from maskedit.conditioning import Condition, cells_to_edit, empty_region, motion_condition
from maskedit.errors import InputError
from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.pages import put_between_marks
from maskedit.pretraining.config import PretrainConfig, Probe
from maskedit.pretraining.configurations import draw_condition
from maskedit.pretraining.latents import Batch, make_batch
from maskedit.pretraining.loop import channel_weights, learning_rate_at
from maskedit.pretraining.probe import ProbeClips, measure, probe_clips
from maskedit.pretraining.state import TrainingState
from maskedit.pretraining.trials import REFERENCE, REFERENCE_SEEDS, TRIALS, Trial
from maskedit.synthetic import clips
from maskedit.synthetic.mattes import vary_matte

_DRAWS = 300  # batches of clips that a run goes through again and again, each time under other mattes


def fitted(config: PretrainConfig, codec: Any) -> PretrainConfig:
    """The configuration with a transformer for this codec: its channels, and patches of 8 pixels as ever."""
    channels, patch = codec.config["z_dim"], 2 * CELL // codec.config["scale_factor_spatial"]
    ports = {"in_channels": 2 * channels + CELL, "out_channels": channels, "patch_size": [1, patch, patch]}
    return replace(config, transformer=config.transformer | ports)


@lru_cache(maxsize=3 * _DRAWS)
def _drawn(seed: int, number: int, batch: int, frames: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Clips and coverage in half precision, drawn once for all trials."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    video, coverage = clips(batch, frames, height=height, width=width, generator=generator)
    return video.half(), coverage.half()


def batches(config: PretrainConfig, codec: Any) -> Iterator[Batch]:
    """One batch per step: the same clips, mattes and mask configurations whatever the codec."""
    side = codec.config["scale_factor_spatial"]
    for step in range(config.total_steps):
        stage = config.stage_at(step)
        video, coverage = _drawn(config.seed, step % _DRAWS, stage.batch, stage.frames, stage.height, stage.width)
        video, generator = video.float(), torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        condition = draw_condition(video, vary_matte(coverage.float(), generator=generator), generator=generator)
        edit_cells = cells_to_edit(1 - condition.keep_cells, factor=side // CELL)
        emptied = empty_region(video, edit_cells, factor=side)
        yield make_batch(codec, video, Condition(video=emptied, keep_cells=1 - edit_cells))


def question(probe: Probe, codec: Any) -> ProbeClips:
    """The fixed clips of the probe, conditioned on this codec's cells and judged inside the same matte."""
    held = probe_clips(probe, DctCodec())
    condition = motion_condition(held.video, held.judged, factor=codec.config["scale_factor_spatial"])
    return replace(held, condition_video=condition.video, batch=make_batch(codec, held.video, condition))


def loss_at(
    transformer: Callable[..., Any], batch: Batch, config: PretrainConfig, *, t: Tensor, channels: Tensor, noise: Tensor
) -> Tensor:
    """The loss of the shipped run at noise levels `t` (B,) of the trial's own drawing, of what the network says itself:
    given cells are not put into it. `noise` as `batch.clean`."""
    over = t.view(-1, 1, 1, 1, 1)
    noisy = torch.lerp(batch.clean, noise, over)
    with torch.autocast("cpu", torch.bfloat16):
        predicted = transformer(
            hidden_states=torch.cat([noisy, batch.given], dim=1),
            timestep=t * 1000,
            encoder_hidden_states=torch.zeros(len(t), 1, config.transformer["text_dim"]),
            return_dict=False,
        )[0]
    place_weight = config.kept_weight + (1 - config.kept_weight) * batch.generated
    error = ((predicted.float() - batch.clean).square() * channels.view(-1, 1, 1, 1)).mean(dim=1, keepdim=True)
    return (over.clamp(min=config.least_noise) ** -2 * place_weight * error).sum() / place_weight.sum()


def train(trial: Trial, config: PretrainConfig, codec: Any) -> tuple[TrainingState, float]:
    """A run from nothing, in memory; and its seconds of processor time, without those of drawing clips."""
    state = trial.build(config)
    network = trial.reads(state.transformer)
    channels, seconds = channel_weights(config, codec), 0.0
    for batch in batches(config, codec):
        started = time.process_time()
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + state.step)
        t = trial.times(len(batch.clean), config, generator)
        noise = torch.randn(batch.clean.shape, generator=generator)
        loss_at(network, batch, config, t=t, channels=channels, noise=noise).backward()
        nn.utils.clip_grad_norm_(state.transformer.parameters(), 1.0)
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(config, state.step)
            optimizer.step()
            optimizer.zero_grad()
        state.step += 1
        seconds += time.process_time() - started
    return state, seconds


def run_trial(trial: Trial, common: PretrainConfig) -> dict[str, Any]:
    """Train and judge: the line of the log."""
    codec = trial.codec()
    config = fitted(trial.change(common), codec)
    held = question(config.probe, codec)
    state, seconds = train(trial, config, codec)
    network = trial.reads(state.transformer.eval())
    one, _ = measure(network, codec, held, steps=1, flow_shift=config.flow_shift)
    several, _ = measure(network, codec, held, steps=config.probe.render_steps, flow_shift=config.flow_shift)
    return {
        "trial": trial.name,
        "steps": state.step,
        "parameters": sum(p.numel() for p in state.transformer.parameters()),
        "seconds": round(seconds, 3),
        "one_step_db": one["render_db"],
        **several,
    }


def search(
    out: Path, trials: Sequence[Trial], *, common: PretrainConfig = REFERENCE, minutes: float | None = None
) -> list[dict[str, Any]]:
    """Run the trials that `out/search.jsonl` does not hold yet; returns every line of it.

    Stops before a trial when the minutes are over; a later call goes on.
    """
    out.mkdir(parents=True, exist_ok=True)
    log, started = out / "search.jsonl", time.monotonic()
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {line["trial"] for line in lines}
    for trial in trials:
        if minutes is not None and time.monotonic() - started > 60 * minutes:
            break
        if trial.name in done:
            continue
        lines.append(run_trial(trial, common))
        with log.open("a") as file:
            file.write(json.dumps(lines[-1]) + "\n")
        print(json.dumps(lines[-1]), flush=True)
    return lines


def as_markdown(lines: Sequence[dict[str, Any]]) -> str:
    """The table in the order of `TRIALS`, each figure with its distance from the mean over the reference's seeds."""
    found = {line["trial"]: line for line in lines}
    alike = [found[name] for name in REFERENCE_SEEDS if name in found]
    if not alike:
        raise InputError("The table compares with the reference, which has not run: add reference to --trials.")
    usual = {key: mean(line[key] for line in alike) for key in ("one_step_db", "render_db")}
    apart = {key: max(line[key] for line in alike) - min(line[key] for line in alike) for key in usual}
    rows = [
        f"Frozen first frame: {alike[0]['frozen_db']:.2f} dB. {len(alike)} seeds of the reference lie "
        f"{apart['one_step_db']:.2f} dB (1 step) and {apart['render_db']:.2f} dB (6 steps) apart at most; "
        "in brackets the distance from their mean.",
        "",
        "| trial | what differs | M parameters | s per step | codec alone | 1 step | 6 steps |",
        "|---|---|---|---|---|---|---|",
    ]
    for trial in TRIALS:
        if line := found.get(trial.name):
            figures = [f"{line[key]:.2f} ({line[key] - usual[key]:+.2f})" for key in usual]
            size, pace = line["parameters"] / 1e6, line["seconds"] / line["steps"]
            rows.append(
                f"| {trial.name} | {trial.about} | {size:.1f} | {pace:.2f} | {line['codec_db']:.1f} "
                f"| {figures[0]} | {figures[1]} |"
            )
    return "\n".join(rows) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns 0, or 2 for a trial or page that does not exist, said on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m maskedit.pretraining.search", description="Short runs from nothing that differ in one thing."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of search.jsonl; trials in it are not repeated")
    parser.add_argument("--trials", help="names in the order to run them, separated by commas (default: all)")
    parser.add_argument("--minutes", type=float, help="begin no trial after so many minutes")
    parser.add_argument("--page", type=Path, help="a page with the marks search:begin and search:end")
    options = parser.parse_args(arguments)
    known = {trial.name: trial for trial in TRIALS}
    chosen = options.trials.split(",") if options.trials else list(known)
    try:
        if unknown := set(chosen) - known.keys():
            raise InputError(f"There is no trial {', '.join(sorted(unknown))}: choose of {', '.join(known)}.")
        lines = search(options.out, [known[name] for name in chosen], minutes=options.minutes)
        if options.page:
            put_between_marks(options.page, as_markdown(lines), mark="search")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
