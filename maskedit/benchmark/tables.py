# SPDX-License-Identifier: GPL-3.0-or-later
"""A filled sheet as tables: on the terminal, and in Markdown between two marks of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich.table import Table

from maskedit.benchmark.cells import Cell
from maskedit.benchmark.rows import Row
from maskedit.benchmark.runner import Sheet

Grid = list[list[str]]  # the headings first

_FIGURES = (
    ("ssim", "SSIM", "{:.3f}"),
    ("flip", "FLIP", "{:.3f}"),
    ("added_warp_error", "added warp error", "{:+.2f}"),
    ("seam_ring_error", "seam", "{:.2f}"),
    ("keyframe_psnr", "keyframe, dB", "{:.1f}"),
)


def decibels(sheet: Sheet) -> Grid:
    """In-matte PSNR of every row on every case, and its mean over the cases in which something changes."""
    headings = ["in-matte PSNR, dB", *(case.name for case in sheet.cases), "mean"]
    return [
        headings,
        *([row.label, *_over(sheet, row), _shown(mean(sheet, row, "psnr"), "{:.2f}")] for row in sheet.rows),
    ]


def figures(sheet: Sheet) -> Grid:
    """The other figures, each the mean over the cases in which something changes, and what a row costs."""
    headings = [
        "mean over the edits",
        *(label for _, label, _ in _FIGURES),
        "changed outside",
        "first edit, s",
        "next, s",
    ]
    lines = []
    for row in sheet.rows:
        cells = _cells(sheet, row)
        touched = sum(cell.figures["samples_changed_outside"] or 0 for cell in cells)
        lines.append(
            [
                row.label,
                *(_shown(mean(sheet, row, name), form) for name, _, form in _FIGURES),
                f"{touched:.0f}" if cells else "–",
                _shown(_mean([sheet.first_seconds(cell) for cell in cells]), "{:.0f}"),
                _shown(_mean([sheet.next_seconds(cell) for cell in cells]), "{:.0f}"),
            ]
        )
    return [headings, *lines]


def levers(sheet: Sheet, *, against: str = "standard") -> Grid:
    """What each row adds to the row `against` in decibels, beside its cost as a share of that row's."""
    base = next(row for row in sheet.rows if row.name == against)
    headings = [f"dB against {base.label}", *(case.name for case in sheet.cases), "mean", "first edit, s", "next, s"]
    lines = []
    for row in sheet.rows:
        cells = _cells(sheet, row)
        gains = [_gain(sheet, row, base, case.name) for case in sheet.cases]
        whole = [gain for gain in gains if gain is not None]
        lines.append(
            [
                row.label,
                *(_shown(gain, "{:+.2f}") for gain in gains),
                _shown(_mean(whole) if len(whole) == len(gains) else None, "{:+.2f}"),
                _shown(_mean([sheet.first_seconds(cell) for cell in cells]), "{:.0f}"),
                _shown(_mean([sheet.next_seconds(cell) for cell in cells]), "{:.0f}"),
            ]
        )
    return [
        headings,
        [f"{base.label}, dB", *_over(sheet, base), _shown(mean(sheet, base, "psnr"), "{:.2f}"), "", ""],
        *lines,
    ]


def mean(sheet: Sheet, row: Row, figure: str) -> float | None:
    """Over the cases in which something changes; None unless the row has that figure on all of them."""
    edits = [case.name for case in sheet.cases if not np.array_equal(case.source, case.truth)]
    cells = [sheet.at(case, row.name) for case in edits]
    values = [None if cell is None else cell.figures[figure] for cell in cells]
    return _mean([value for value in values if value is not None]) if None not in values else None


def second_keyframe(sheet: Sheet) -> Grid:
    """What a second keyframe adds to the frames near it, in decibels, where the sheet holds both cases."""
    lines = []
    for row in sheet.rows:
        one, two = (sheet.at(case, row.name) for case in ("change", "change-two"))
        if one and two and row.baseline is None and one.figures["psnr"] is not None and two.figures["psnr"] is not None:
            lines.append([row.label, f"{two.figures['psnr'] - one.figures['psnr']:+.2f}"])
    return [["near a second keyframe", "gain, dB"], *lines] if lines else []


def about(sheet: Sheet) -> str:
    """Seed, model and machine in one line."""
    facts = sheet.machine
    return (
        f"Suite {sheet.suite}, model {sheet.model} ({sheet.fingerprint[:12]}), seed {sheet.seed}; "
        f"{facts['processors']} processors ({facts['architecture']}), {facts['threads']} threads, {facts['device']}; "
        f"MaskEdit {facts['maskedit']}, torch {facts['torch']}, diffusers {facts['diffusers']}, peft {facts['peft']}."
    )


def cases(sheet: Sheet) -> Grid:
    """What each case asks."""
    lines = []
    for case in sheet.cases:
        frames, height, width = case.source.shape[:3]
        given = ", ".join(map(str, case.keyframes))
        lines.append([case.name, case.about, f"{width}×{height}, {frames} frames", given])
    return [["case", "what it asks", "clip", "keyframes"], *lines]


def grids(sheet: Sheet) -> list[Grid]:
    """The tables that a suite is shown as."""
    if sheet.suite == "levers":
        return [levers(sheet)]
    return [grid for grid in (decibels(sheet), figures(sheet), second_keyframe(sheet)) if grid]


def as_markdown(sheet: Sheet) -> str:
    """The cases, the tables, and what they were measured on."""
    return "\n\n".join([*map(_markdown, [cases(sheet), *grids(sheet)]), about(sheet)]) + "\n"


def as_rich(grid: Grid) -> Table:
    """A table for the terminal."""
    table = Table(*grid[0])
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for line in grid[1:]:
        table.add_row(*line)
    return table


def _markdown(grid: Grid) -> str:
    rule = ["---", *("---:" for _ in grid[0][1:])] if _holds_figures(grid) else ["---" for _ in grid[0]]
    return "\n".join(f"| {' | '.join(line)} |" for line in (grid[0], rule, *grid[1:]))


def _holds_figures(grid: Grid) -> bool:
    return grid[0][0] != "case"


def _over(sheet: Sheet, row: Row) -> list[str]:
    cells = [sheet.at(case.name, row.name) for case in sheet.cases]
    return [_shown(cell.figures["psnr"] if cell else None, "{:.2f}") for cell in cells]


def _cells(sheet: Sheet, row: Row) -> list[Cell]:
    return [cell for cell in sheet.cells if cell.row == row.name]


def _gain(sheet: Sheet, row: Row, base: Row, case: str) -> float | None:
    one, other = sheet.at(case, row.name), sheet.at(case, base.name)
    if not one or not other or one.figures["psnr"] is None or other.figures["psnr"] is None:
        return None
    return one.figures["psnr"] - other.figures["psnr"]


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _shown(value: float | None, form: str) -> str:
    if value is None:
        return "–"
    return "exact" if value == math.inf else form.format(value)
