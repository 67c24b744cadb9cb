# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of edits with their drafts as what is given: the model learns where optical flow goes wrong."""

from pathlib import Path

import torch

from maskedit.conditioning import Condition, drafted_condition
from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.pretraining.config import PretrainConfig, Stage
from maskedit.pretraining.drafts import DraftedBatch, load_drafted_clips
from maskedit.pretraining.latents import Batch, make_batch


def mending_batch(
    config: PretrainConfig, codec: DctCodec, stage: Stage, step: int, *, folder: Path | None, device: torch.device
) -> Batch | None:
    """At a share of the steps, edits with their drafts as what is given."""
    if folder is None or config.drafted is None:
        return None
    # On the CPU, where the edits are: their excerpts are then the same on every device.
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + 2 * step + 1)
    if torch.rand((), generator=generator) >= config.drafted.share:
        return None
    numbers = torch.randint(config.drafted.count, (stage.batch,), generator=generator).tolist()
    side = min(stage.height, stage.width, config.drafted.side)
    edits = load_drafted_clips(folder, numbers).excerpt(
        min(stage.frames, config.drafted.frames), side=side, generator=generator
    )
    hidden = bool(torch.rand((), generator=generator) < config.drafted.hidden)
    edits = edits.to(device)
    return make_batch(codec, edits.truth, mending_condition(edits, surest=0.0 if hidden else config.drafted.surest))


def mending_condition(edits: DraftedBatch, *, surest: float) -> Condition:
    """What a model that mends drafts is given of some edits; with `surest` = 0 the draft is not shown to it."""
    conditions = [
        drafted_condition(
            edits.truth[clip : clip + 1],
            edits.edit_matte[clip : clip + 1],
            factor=CELL,
            draft=edits.draft[clip : clip + 1] if surest else torch.zeros_like(edits.truth[clip : clip + 1]),
            confidence=edits.confidence[clip : clip + 1],
            surest=surest,
            kept_frames=tuple(edits.given[clip].nonzero().squeeze(1).tolist()),
        )
        for clip in range(len(edits.truth))
    ]
    return Condition(
        video=torch.cat([condition.video for condition in conditions]),
        keep_cells=torch.cat([condition.keep_cells for condition in conditions]),
    )
