# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row on every case, one after the other; what is finished is kept and not done again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from maskedit.benchmark.cases import Case, CaseFiles, write_case
from maskedit.benchmark.cells import Bench, Cell
from maskedit.benchmark.rows import Row
from maskedit.errors import MaskEditError
from maskedit.progress import Stage
from maskedit.whole import written_whole

_VERSIONS = ("maskedit", "torch", "diffusers", "peft", "av", "numpy")

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A filled table; `folder` holds the takes. `failed`: (case, row) → the sentence why there is no result."""

    folder: Path
    suite: str
    model: str
    fingerprint: str
    seed: int
    machine: dict[str, str | int]
    cases: tuple[Case, ...]
    rows: tuple[Row, ...]
    cells: tuple[Cell, ...]
    failed: dict[tuple[str, str], str]

    def at(self, case: str, row: str) -> Cell | None:
        return next((cell for cell in self.cells if (cell.case, cell.row) == (case, row)), None)

    def first_seconds(self, cell: Cell) -> float:
        """What the row costs on a clip that was never edited before: with stage 1, whichever cell tuned it."""
        if cell.tuned:
            return cell.seconds
        tuners = (other for other in self.cells if other.tuned and other.stage_1 == cell.stage_1)
        return cell.seconds + next((tuner.stage_seconds[Stage.TUNE_MOTION] for tuner in tuners), 0.0)

    def next_seconds(self, cell: Cell) -> float:
        """What the row costs on a clip whose stage 1 is in the cache."""
        return cell.seconds - (cell.stage_seconds[Stage.TUNE_MOTION] if cell.tuned else 0.0)


def fill_sheet(
    suite: str, builders: Iterable[Callable[[], Case]], rows: Sequence[Row], *, bench: Bench, say: Say
) -> Sheet:
    """Build each case once, fill its cells or take them from an earlier run, and keep each as it is finished.

    A row that cannot be done on a case is left out with its sentence; any other error ends the run, and the next
    one goes on from there.
    """
    cases, cells, failed = [], [], {}
    for build in builders:
        case = build()
        files = write_case(case, bench.folder / "cases" / case.name)
        cases.append(case)
        for row in rows:
            try:
                cells.append(_cell(row, case, files, bench=bench, say=say))
            except MaskEditError as error:
                failed[case.name, row.name] = str(error)
                say(f"{case.name}, {row.name}: {error}")
    return Sheet(
        folder=bench.folder,
        suite=suite,
        model=bench.model,
        fingerprint=bench.models.find(bench.model).fingerprint,
        seed=bench.seed,
        machine=machine(),
        cases=tuple(cases),
        rows=tuple(rows),
        cells=tuple(cells),
        failed=failed,
    )


def _cell(row: Row, case: Case, files: CaseFiles, *, bench: Bench, say: Say) -> Cell:
    kept = bench.folder / "cells" / f"{bench.key(row, case, files)}.json"
    if kept.exists():
        # Another row may have come to the same recipe.
        return replace(_cell_from(json.loads(kept.read_text(encoding="utf-8"))), row=row.name)
    cell = bench.fill(row, case, files)
    with written_whole(kept) as unfinished:
        unfinished.write_text(json.dumps(plain(asdict(cell)), indent=1), encoding="utf-8")
    decibels = cell.figures["psnr"]
    say(f"{case.name}, {row.name}: {'-' if decibels is None else f'{decibels:.2f} dB'} in {cell.seconds:.0f} s")
    return cell


def _cell_from(stored: Mapping[str, Any]) -> Cell:
    """The inverse of `plain`."""
    values = {item.name: stored[item.name] for item in fields(Cell)}
    figures = {name: None if value is None else float(value) for name, value in stored["figures"].items()}
    frames = {int(frame): float(value) for frame, value in stored["frame_psnr"].items()}
    return Cell(**{**values, "figures": figures, "frame_psnr": frames})


def plain(value: Any) -> Any:
    """Nested values as JSON has them; infinities, which it lacks, as the string "inf"."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, float):
        return "inf" if value == float("inf") else round(value, 6)
    return value


def machine() -> dict[str, str | int]:
    """What the seconds were measured on, and the versions that the figures hang on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return {
        "processors": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "architecture": platform.machine(),
        "device": device,
        "python": platform.python_version(),
        **{name: version(name) for name in _VERSIONS},
    }


def as_json(sheet: Sheet) -> dict[str, Any]:
    """Everything in the sheet, the clips by their digests."""
    cases = [
        {
            "name": case.name,
            "about": case.about,
            "digest": case.digest,
            "frames": len(case.source),
            "size": [case.source.shape[2], case.source.shape[1]],
            "keyframes": list(case.keyframes),
            "judged": list(case.judged),
        }
        for case in sheet.cases
    ]
    cells = [plain(asdict(cell)) | {"first_seconds": round(sheet.first_seconds(cell), 3)} for cell in sheet.cells]
    failed = [{"case": case, "row": row, "why": why} for (case, row), why in sheet.failed.items()]
    about = {"suite": sheet.suite, "model": sheet.model, "fingerprint": sheet.fingerprint, "seed": sheet.seed}
    rows = [{"name": row.name, "label": row.label} for row in sheet.rows]
    return {**about, "machine": sheet.machine, "cases": cases, "rows": rows, "cells": cells, "failed": failed}
