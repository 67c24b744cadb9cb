# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost tables of docs/benchmark.md, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from maskedit.adapters import LoraSpec
from maskedit.costing.operations import Clip, Operations
from maskedit.costing.recipes import edit_cost
from maskedit.presets import BEST, Recipe

FULL = Clip(width=832, height=480, frames=49)
QUARTER = Clip(width=416, height=240, frames=49)
_PETA = 1e15


@dataclass(frozen=True, kw_only=True)
class Lever:
    """One thing that makes a tuning step cheaper, or two."""

    label: str
    clip: Clip
    spec: LoraSpec = field(default_factory=LoraSpec)


LEVERS = (
    Lever(label="whole frame, 49 frames", clip=FULL),
    Lever(label="half of the frame", clip=Clip(width=416, height=480, frames=49)),
    Lever(label="a quarter of the frame", clip=QUARTER),
    Lever(label="whole frame, 25 frames", clip=FULL.lasting(25)),
    Lever(label="whole frame, windows of 9", clip=FULL.lasting(9)),
    Lever(label="whole frame, adapter on the later half of the blocks", clip=FULL, spec=LoraSpec(share=0.5)),
    Lever(label="a quarter, later half of the blocks", clip=QUARTER, spec=LoraSpec(share=0.5)),
    Lever(label="a quarter, windows of 9", clip=QUARTER.lasting(9)),
    Lever(label="a quarter, windows of 9, later half", clip=QUARTER.lasting(9), spec=LoraSpec(share=0.5)),
    Lever(label="a quarter, one frame (stage 2)", clip=QUARTER.lasting(1)),
    Lever(label="a quarter, one frame, later half", clip=QUARTER.lasting(1), spec=LoraSpec(share=0.5)),
)


def lever_table(operations: Operations, levers: Iterable[Lever] = LEVERS) -> str:
    """One row per lever: a forward pass and a tuning step without and with checkpointing."""
    rows = []
    for lever in levers:
        plain, checkpointed = (
            operations.step(lever.clip, lever.spec, checkpointing=checkpointing) for checkpointing in (False, True)
        )
        forward = operations.forward(lever.clip, lever.spec)
        rows.append((lever.label, *map(_peta, (forward, plain, checkpointed))))
    return markdown(("one pass over", "forward", "step", "step, checkpointed"), rows)


def preset_table(
    operations: Operations, presets: Mapping[str, Recipe], *, full: Clip = FULL, part: Clip = QUARTER
) -> str:
    """One row per preset and crop, the reference recipe first: what each part of an edit costs, and the edit."""
    reference = ("reference recipe, whole frame, prompt", BEST, full, True)
    edits = [
        (f"`{name}`, {place}", recipe, clip, False)
        for place, clip in (("whole frame", full), ("a quarter", part))
        for name, recipe in presets.items()
    ]
    rows = []
    for label, recipe, clip, checkpointing in (reference, *edits):
        cost = edit_cost(operations, recipe, clip, checkpointing=checkpointing, prompted=checkpointing)
        prompted = edit_cost(operations, recipe, clip, checkpointing=checkpointing, prompted=True)
        parts = (cost.motion, cost.appearance, cost.render, cost.encoding, cost.first, cost.next, prompted.next)
        rows.append((label, *map(_peta, parts)))
    heads = ("edit", "stage 1", "stage 2", "render", "codec", "first edit", "next edit", "next, with a prompt")
    return markdown(heads, rows)


def _peta(operations: float) -> str:
    value = operations / _PETA
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def markdown(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table, its figures to the right."""
    first, *others = heads
    lines = [(first, *others), ("---", *("---:" for _ in others)), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
