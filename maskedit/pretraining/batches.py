# SPDX-License-Identifier: GPL-3.0-or-later
"""Training batches: drawn clips, own footage and drafted edits, each under what the model may be given of it."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.config import PretrainConfig, Stage
from maskedit.pretraining.configurations import draw_condition
from maskedit.pretraining.footage import Footage
from maskedit.pretraining.holding import codec_psnr, held_by_codec, stand_ins
from maskedit.pretraining.latents import Batch, make_batch
from maskedit.pretraining.mending import mending_batch
from maskedit.pretraining.pool import WindowPool, open_pool
from maskedit.synthetic import clips
from maskedit.synthetic.mattes import vary_matte

_MOST_ATTEMPTS = 4  # at a batch of which the codec holds at least one clip


def _seeded(config: PretrainConfig, number: int, *, attempt: int, device: torch.device) -> torch.Generator:
    """A generator for one step: a resumed run draws what an uninterrupted one would have drawn."""
    return torch.Generator(device).manual_seed((config.seed + 7919 * attempt) * 1_000_003 + number)


def _another_look(video: Tensor, edit_matte: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror, transpose, reverse in time and permute the colours of a batch, together with its matte."""
    flags = (torch.rand(4, generator=generator, device=generator.device) < 0.5).tolist()
    flips = [axis for axis, flag in zip((2, 3, 4), flags, strict=False) if flag]
    video, edit_matte = video.flip(flips), edit_matte.flip(flips)
    if flags[3] and video.shape[-1] == video.shape[-2]:
        video, edit_matte = video.transpose(3, 4), edit_matte.transpose(3, 4)
    return video[:, torch.randperm(3, generator=generator, device=generator.device)], edit_matte


def _stills(
    config: PretrainConfig, video: Tensor, coverage: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Now and then one frame of each clip instead of the clips."""
    if torch.rand((), generator=generator, device=generator.device) >= config.still_share:
        return video, coverage
    frame = int(torch.randint(video.shape[2], (), generator=generator, device=generator.device))
    return video[:, :, frame : frame + 1], coverage[:, :, frame : frame + 1]


def _fresh_clips(
    config: PretrainConfig, stage: Stage, pool: WindowPool | None, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Video and coverage of a stage's shape: drawn, or some of them from the footage's `pool`."""
    own = 0
    if pool is not None:
        own = int((torch.rand(stage.batch, generator=generator, device=generator.device) < config.footage_share).sum())
    parts: list[tuple[Tensor, Tensor]] = []
    if own < stage.batch:
        drawn = stage.batch - own
        lifelike = bool(torch.rand((), generator=generator, device=generator.device) < config.lifelike_share)
        parts.append(
            clips(
                drawn,
                stage.frames,
                height=stage.height,
                width=stage.width,
                generator=generator,
                lifelike=lifelike,
            )
        )
    if pool is not None and own:
        parts.append(pool.take(own, device=generator.device))
    videos, coverages = zip(*parts, strict=True)
    return torch.cat(videos), torch.cat(coverages)


def training_batches(
    config: PretrainConfig,
    codec: DctCodec,
    *,
    first_step: int,
    device: torch.device | str = "cpu",
    footage: Footage | None = None,
    drafted: Path | None = None,
) -> Iterator[Batch]:
    """Endless batches on `device` from `first_step` on; `codec` must be there too.

    `drafted`: the folder of the run's drafted clips, if it has any; a share of the steps trains on them.
    Clips that the codec does not hold are left out: others of the batch take their places; a batch without any is
    drawn again. What comes at a step depends on the device, the seed and the step alone, unless there is `footage`,
    whose windows come as they are read.
    """
    device = torch.device(device)
    step = first_step
    while True:
        stage = config.stage_at(step)
        with nullcontext() if footage is None else open_pool(footage, stage, config=config) as pool:
            for batch in _stage_batches(config, codec, stage, step, pool=pool, device=device):
                mending = mending_batch(config, codec, stage, step, folder=drafted, device=device)
                yield mending or batch
                step += 1
                if config.stage_at(step) is not stage:
                    break


def _stage_batches(
    config: PretrainConfig,
    codec: DctCodec,
    stage: Stage,
    step: int,
    *,
    pool: WindowPool | None,
    device: torch.device,
) -> Iterator[Batch]:
    origin, video, coverage = None, torch.empty(0), torch.empty(0)
    while True:
        for attempt in range(_MOST_ATTEMPTS):
            if origin != (step // config.clip_echo, attempt):
                origin = (step // config.clip_echo, attempt)
                source = _seeded(config, 2 * origin[0], attempt=attempt, device=device)
                video, coverage = _fresh_clips(config, stage, pool, source)
            generator = _seeded(config, 2 * step + 1, attempt=attempt, device=device)
            seen, matte = _another_look(video, coverage, generator)
            seen, matte = _stills(config, seen, matte, generator)
            matte = vary_matte(matte, generator=generator)
            held = held_by_codec(codec, seen, matte, least_db=config.least_codec_db)
            if held.any():
                break
        else:
            quality = codec_psnr(codec, seen, matte)
            held = quality == quality.max()
        chosen = stand_ins(held)
        seen, matte = seen[chosen], matte[chosen]
        yield make_batch(codec, seen, draw_condition(seen, matte, generator=generator))
        step += 1
