# SPDX-License-Identifier: GPL-3.0-or-later
"""The take's record beside a result: enough to render it again and to finish it elsewhere."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from maskedit.catalogue import ModelEntry
from maskedit.geometry import CropPlan
from maskedit.presets import Edges, Recipe
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest, MediaFacts, to_json
from maskedit.scoring import Scorecard

_VERSIONS = ("maskedit", "torch", "diffusers", "peft", "av")


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
    recipe: Recipe,
    edges: Edges,
    model: ModelEntry,
    adapter: str,
    plan: CropPlan,
    stage_seconds: dict[str, float],
    adapter_reused: bool,
    scorecard: Scorecard | None,
) -> None:
    """Write the record as JSON (`NAME.maskedit.json` of the contract)."""
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
        "recipe": {name: str(value) if name == "context" else value for name, value in asdict(recipe).items()},
        "paste_matte": asdict(edges),
        "crop": {**asdict(plan.rect), "model_width": plan.model_width, "model_height": plan.model_height},
        "model": {"name": model.name, "fingerprint": model.fingerprint, "licence": model.licence},
        "adapter": {"key": adapter, "reused": adapter_reused},
        "stage_seconds": {stage: round(seconds, 3) for stage, seconds in stage_seconds.items()},
        "scorecard": None if scorecard is None else scorecard.as_json(),
        "versions": {name: version(name) for name in _VERSIONS},
        "parent": "",
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
