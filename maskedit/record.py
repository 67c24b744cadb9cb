# SPDX-License-Identifier: GPL-3.0-or-later
"""The take's record beside a result: enough to render it again and to finish it elsewhere."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from maskedit.catalogue import ModelEntry
from maskedit.geometry import CropTrack
from maskedit.presets import Recipe, edges_for
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest, MediaFacts, to_json
from maskedit.scoring import Scorecard

_VERSIONS = ("maskedit", "torch", "diffusers", "peft", "av")


@dataclass(frozen=True)
class EditResult:
    """What a finished edit leaves: the result (a file, or a folder for sequences) and the take's record beside it."""

    result: Path
    record: Path
    stage_seconds: dict[str, float]
    adapter_reused: bool


@dataclass(frozen=True, kw_only=True)
class Making:
    """How a model made a take. `adapter`: the key of what was tuned, `adapter_reused` rather than tuned anew."""

    recipe: Recipe
    model: ModelEntry
    adapter: str
    adapter_reused: bool


class StageClock:
    """A Reporter that passes everything on and keeps the seconds between the reports of each stage."""

    def __init__(self, reporter: Reporter) -> None:
        self.seconds: dict[str, float] = {}
        self._reporter = reporter
        self._last = time.monotonic()

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        now = time.monotonic()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now
        self._reporter.report(stage, done, total=total, message=message, preview=preview)


def write_record(
    path: Path,
    *,
    request: EditRequest,
    facts: MediaFacts,
    track: CropTrack,
    stage_seconds: dict[str, float],
    making: Making | None = None,
    scorecard: Scorecard | None = None,
) -> None:
    """Write the record as JSON (`NAME.maskedit.json` of the contract); null stands for what the take did without."""
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
        "crop": _crop(track),
        "stage_seconds": {stage: round(seconds, 3) for stage, seconds in stage_seconds.items()},
        "scorecard": None if scorecard is None else scorecard.as_json(),
        "versions": {name: version(name) for name in _VERSIONS},
        "parent": "",
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _made(making: Making | None) -> dict[str, object]:
    if making is None:
        return {"recipe": None, "model": None, "adapter": None}
    recipe, model = asdict(making.recipe), making.model
    return {
        "recipe": {name: str(value) if name == "context" else value for name, value in recipe.items()},
        "model": {"name": model.name, "fingerprint": model.fingerprint, "licence": model.licence},
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
