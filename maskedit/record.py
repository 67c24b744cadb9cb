# SPDX-License-Identifier: GPL-3.0-or-later
"""The take's record beside a result: enough to render it again and to finish it elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from maskedit.catalogue import ModelEntry
from maskedit.colour import view_of
from maskedit.draft import Doubts
from maskedit.geometry import CropTrack
from maskedit.locking import Lineage
from maskedit.memory import MemoryPlan
from maskedit.outlets import Delivered
from maskedit.presets import Recipe, edges_for
from maskedit.progress import Ask, Reporter, Stage
from maskedit.request import EditRequest, FrameRange, MediaFacts, to_json
from maskedit.scoring import Scorecard

_VERSIONS = ("maskedit", "torch", "diffusers", "peft", "av")


@dataclass(frozen=True)
class EditResult:
    """What a finished edit leaves: what it delivered, and the take's record beside it.

    `traced`: the matte that was made from the keyframes, if none was given.
    """

    delivered: tuple[Delivered, ...]
    record: Path
    stage_seconds: dict[str, float]
    adapter_reused: bool
    traced: Path | None = None

    @property
    def result(self) -> Path:
        """The first deliverable: a file, or a folder for sequences."""
        return self.delivered[0].path


@dataclass(frozen=True, kw_only=True)
class Making:
    """How a model made a take. `plan`: how it was held in memory; `adapter`: the key of what was tuned,
    `adapter_reused` rather than tuned anew."""

    recipe: Recipe
    model: ModelEntry
    plan: MemoryPlan
    adapter: str
    adapter_reused: bool


class StageClock:
    """A Reporter that passes everything on and keeps the seconds between the reports of each stage."""

    def __init__(self, reporter: Reporter) -> None:
        self.seconds: dict[str, float] = {}
        self._reporter = reporter
        self._last = time.monotonic()

    def report(
        self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None
    ) -> Ask | None:
        now = time.monotonic()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now
        return self._reporter.report(stage, done, total=total, message=message, preview=preview)


def write_record(
    path: Path,
    *,
    request: EditRequest,
    facts: MediaFacts,
    track: CropTrack,
    stage_seconds: dict[str, float],
    delivered: Sequence[Delivered],
    making: Making | None = None,
    scorecard: Scorecard | None = None,
    lineage: Lineage | None = None,
    doubts: Doubts | None = None,
    mended: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Write the record as JSON (`NAME.maskedit.json` of the contract); null stands for what the take did without.

    `mended`: what was found and done about keyframes that differ from their plates, by frame number.
    """
    lineage = lineage or Lineage()
    frames = request.frames or FrameRange(first=0, last=facts.frame_count - 1)
    record = {
        "format": "maskedit-take",
        "version": 1,
        "request": json.loads(to_json(request)),
        "source": {
            "frame_count": facts.frame_count,
            "width": facts.width,
            "height": facts.height,
            "rate": f"{facts.rate.numerator}/{facts.rate.denominator}",
            "pixel_format": facts.pixel_format,
        },
        **_made(making),
        "paste_matte": [asdict(edges_for(region, frame_height=facts.height)) for region in request.regions],
        "colour": view_of(facts, request.working_colour).record(),
        "keyframes": {str(frame): dict(found) for frame, found in mended.items()},
        "crop": _crop(track),
        "deliverables": [each.as_json() for each in delivered],
        "stage_seconds": {stage: round(seconds, 3) for stage, seconds in stage_seconds.items()},
        "scorecard": None if scorecard is None else scorecard.as_json(),
        "versions": {name: version(name) for name in _VERSIONS},
        "parent": lineage.parent,
        "frames": lineage.runs(frames),
        **_doubted(doubts, first=frames.first),
        "taught": list(lineage.taught or sorted(keyframe.frame for keyframe in request.keyframes)),
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _doubted(doubts: Doubts | None, *, first: int) -> dict[str, object]:
    """By frame number: what no keyframe showed of the region, what the frame before showed, and what to paint next."""
    if doubts is None:
        return {"uncertainty": None, "continuity": None, "next_keyframe": None}
    best = doubts.next_keyframe
    return {
        "uncertainty": {str(number): round(share, 4) for number, share in enumerate(doubts.uncertainty, start=first)},
        "continuity": {str(number): round(share, 4) for number, share in enumerate(doubts.continuity, start=first)},
        "next_keyframe": None if best is None else {"frame": first + best, "gain": round(doubts.gain, 4)},
    }


def _made(making: Making | None) -> dict[str, object]:
    if making is None:
        return {"recipe": None, "model": None, "memory": None, "adapter": None}
    recipe, model = asdict(making.recipe), making.model
    return {
        "recipe": {name: str(value) if name == "context" else value for name, value in recipe.items()},
        "model": {"name": model.name, "fingerprint": model.fingerprint, "licence": model.licence},
        "memory": asdict(making.plan),
        "adapter": {"key": making.adapter, "reused": making.adapter_reused},
    }


def _crop(track: CropTrack) -> dict[str, object]:
    """Its size, and where its top left corner lies on each frame from `first` on: one place if it stands still."""
    plan = track.plans[0]
    return {
        "width": plan.rect.width,
        "height": plan.rect.height,
        "model_width": plan.model_width,
        "model_height": plan.model_height,
        "first": track.first,
        "places": [[each.rect.x, each.rect.y] for each in (track.plans if track.moves else (plan,))],
    }
