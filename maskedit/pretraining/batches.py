# SPDX-License-Identifier: GPL-3.0-or-later
"""Training batches: procedural clips under every mask configuration that a mask-aware model has to know."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from maskedit.conditioning import Condition, cells_to_edit, empty_region, fold_keep_mask
from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.pretraining.config import PretrainConfig
from maskedit.synthetic import clips
from maskedit.synthetic.mattes import vary_matte

# Shares of the mask configurations among clips; "region" is the one that tuning and rendering use.
_SHARES = (
    ("region", 0.66),
    ("region between first and last", 0.10),
    ("all but the first frame", 0.09),
    ("region around any keyframe", 0.07),
    ("everything", 0.04),
    ("nothing", 0.04),
)


@dataclass(frozen=True)
class Batch:
    """`clean` latents (B, 48, f, h, w); `given` = folded keep mask and condition latents (B, 52, f, h, w); `generated`
    (B, 1, f, h, w), 1 where a cell is to be generated in any of its frames."""

    clean: Tensor
    given: Tensor
    generated: Tensor


def normalised_latents(codec: DctCodec, video: Tensor) -> Tensor:
    """Encode as the pipelines do: (z - mean) / std."""
    latents = codec.encode(video).latent_dist.mode()
    mean = latents.new_tensor(codec.config["latents_mean"]).view(1, -1, 1, 1, 1)
    std = latents.new_tensor(codec.config["latents_std"]).view(1, -1, 1, 1, 1)
    return (latents - mean) / std


def decoded_video(codec: DctCodec, latents: Tensor) -> Tensor:
    """Undo `normalised_latents`, clamped to [-1, 1]."""
    mean = latents.new_tensor(codec.config["latents_mean"]).view(1, -1, 1, 1, 1)
    std = latents.new_tensor(codec.config["latents_std"]).view(1, -1, 1, 1, 1)
    return codec.decode(latents * std + mean, return_dict=False)[0].clamp(-1, 1)


def condition_channels(codec: DctCodec, condition: Condition) -> Tensor:
    """Folded keep mask, then condition latents: the 4 + 48 channels that follow the noise in Wan's order."""
    mask = fold_keep_mask(condition.keep_cells, temporal_factor=CELL)
    return torch.cat([mask, normalised_latents(codec, condition.video)], dim=1)


def make_batch(codec: DctCodec, video: Tensor, condition: Condition) -> Batch:
    given = condition_channels(codec, condition)
    generated = 1 - given[:, :CELL].amin(dim=1, keepdim=True)
    return Batch(clean=normalised_latents(codec, video), given=given, generated=generated)


def draw_condition(video: Tensor, edit_matte: Tensor, *, generator: torch.Generator) -> Condition:
    """Give each clip of a batch a mask configuration by chance; a single frame always has its region emptied.

    `video` (B, 3, T, H, W), `edit_matte` (B, 1, T, H, W).
    """
    edit_cells = cells_to_edit(edit_matte, factor=CELL)
    batch, _, frames = edit_cells.shape[:3]
    if frames > 1:
        draws = torch.rand(batch, generator=generator, device=generator.device).tolist()
        anywhere = torch.randint(frames, (batch,), generator=generator, device=generator.device).tolist()
        for clip, (draw, keyframe) in enumerate(zip(draws, anywhere, strict=True)):
            _configure(edit_cells[clip, 0], _pick(draw), keyframe)
    return Condition(video=empty_region(video, edit_cells, factor=CELL), keep_cells=1 - edit_cells)


def _pick(draw: float) -> str:
    for name, share in _SHARES:
        draw -= share
        if draw < 0:
            return name
    return _SHARES[0][0]


def _configure(edit_cells: Tensor, configuration: str, keyframe: int) -> None:
    """Change the edit cells (T, h, w) of one clip in place."""
    match configuration:
        case "region":
            edit_cells[0] = 0
        case "region between first and last":
            edit_cells[[0, -1]] = 0
        case "all but the first frame":
            edit_cells[1:], edit_cells[0] = 1, 0
        case "region around any keyframe":
            edit_cells[keyframe] = 0
        case "everything":
            edit_cells[:] = 1
        case "nothing":
            edit_cells[:] = 0


def _seeded(config: PretrainConfig, number: int) -> torch.Generator:
    """A generator for one step: a resumed run draws what an uninterrupted one would have drawn."""
    return torch.Generator().manual_seed(config.seed * 1_000_003 + number)


def _another_look(video: Tensor, edit_matte: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror, transpose, reverse in time and permute the colours of a batch, together with its matte."""
    flags = (torch.rand(4, generator=generator) < 0.5).tolist()
    flips = [axis for axis, flag in zip((2, 3, 4), flags, strict=False) if flag]
    video, edit_matte = video.flip(flips), edit_matte.flip(flips)
    if flags[3] and video.shape[-1] == video.shape[-2]:
        video, edit_matte = video.transpose(3, 4), edit_matte.transpose(3, 4)
    return video[:, torch.randperm(3, generator=generator)], edit_matte


def training_batches(config: PretrainConfig, codec: DctCodec, *, first_step: int) -> Iterator[Batch]:
    """Endless batches from `first_step` on; what comes at a step depends on the seed and the step alone."""
    step, drawn, video, coverage = first_step, None, torch.empty(0), torch.empty(0)
    while True:
        stage = config.stage_at(step)
        origin = (step // config.clip_echo, stage)
        if origin != drawn:
            source = _seeded(config, 2 * origin[0])
            video, coverage = clips(stage.batch, stage.frames, height=stage.height, width=stage.width, generator=source)
            drawn = origin
        generator = _seeded(config, 2 * step + 1)
        seen, seen_coverage = _another_look(video, coverage, generator)
        if torch.rand((), generator=generator) < config.still_share:
            frame = int(torch.randint(stage.frames, (), generator=generator))
            seen, seen_coverage = seen[:, :, frame : frame + 1], seen_coverage[:, :, frame : frame + 1]
        matte = vary_matte(seen_coverage, generator=generator)
        yield make_batch(codec, seen, draw_condition(seen, matte, generator=generator))
        step += 1
