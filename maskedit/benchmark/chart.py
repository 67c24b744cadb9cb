# SPDX-License-Identifier: GPL-3.0-or-later
"""A filled sheet as one picture: a bar per row with a dot per case, and decibels over the frames of a clip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from maskedit.benchmark.rows import Baseline, Row
from maskedit.benchmark.runner import Sheet
from maskedit.benchmark.tables import mean
from maskedit.request import Preset

_SCALE = 2  # drawn at twice the size and reduced, so that edges are smooth
_WIDTH, _LABELS, _LINE, _MARGIN = 960, 230, 30, 24
_PLOT = 200
_PAPER, _INK, _FAINT = "#ffffff", "#1d2430", "#c9ced6"
_GREY, _BLUE, _ORANGE, _GREEN = "#9aa3ad", "#3f74b5", "#d98328", "#4c9a5b"


@dataclass(frozen=True)
class _Scale:
    """Values low … high along pixels start … end."""

    low: float
    high: float
    start: int
    end: int

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def draw_chart(sheet: Sheet, path: Path) -> None:
    """Write a PNG: the rows' mean in-matte PSNR over the cases in which something changes, a dot per case."""
    shown = [(row, mean(sheet, row, "psnr")) for row in sheet.rows]
    bars = [(row, value) for row, value in shown if value is not None and math.isfinite(value)]
    curves = _second_keyframe(sheet)
    height = 2 * _MARGIN + 40 + _LINE * len(bars) + (_PLOT + 60 if curves else 0)
    picture = Image.new("RGB", (_WIDTH * _SCALE, height * _SCALE), _PAPER)
    pen = _Pen(picture)
    top = _bars(pen, sheet, bars, top=_MARGIN)
    if curves:
        _curves(
            pen,
            curves,
            top=top + 40,
            title="Model's edit of a look that changes, frame by frame: the second keyframe is the last frame",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize((_WIDTH, height), Image.Resampling.LANCZOS).save(path, optimize=True)


class _Pen:
    """Draws in pixels of the finished picture."""

    def __init__(self, picture: Image.Image) -> None:
        self._draw = ImageDraw.Draw(picture)

    def text(self, x: float, y: float, words: str, *, anchor: str = "lm", size: int = 14, colour: str = _INK) -> None:
        font = ImageFont.load_default(size * _SCALE)
        self._draw.text((x * _SCALE, y * _SCALE), words, fill=colour, font=font, anchor=anchor)

    def box(self, left: float, top: float, right: float, bottom: float, *, colour: str) -> None:
        self._draw.rectangle([each * _SCALE for each in (left, top, right, bottom)], fill=colour)

    def dot(self, x: float, y: float, *, colour: str, radius: float = 3) -> None:
        self._draw.ellipse(
            [each * _SCALE for each in (x - radius, y - radius, x + radius, y + radius)], fill=colour, outline=_PAPER
        )

    def line(self, points: Sequence[tuple[float, float]], *, colour: str, width: int = 1) -> None:
        self._draw.line([(x * _SCALE, y * _SCALE) for x, y in points], fill=colour, width=width * _SCALE, joint="curve")


def _bars(pen: _Pen, sheet: Sheet, bars: Sequence[tuple[Row, float]], *, top: int) -> int:
    """Returns where the drawing ends."""
    cases = {row.name: _finite(sheet, row) for row, _ in bars}
    values = [value for _, value in bars] + [value for dots in cases.values() for value in dots]
    low, high = math.floor(min(values, default=0) / 5) * 5, math.ceil(max(values, default=5) / 5 + 0.01) * 5
    scale = _Scale(low, high, _LABELS, _WIDTH - _MARGIN - 50)
    first, bottom = top + 40, top + 40 + _LINE * len(bars)
    pen.text(_MARGIN, top + 6, "In-matte PSNR against the perfect edit, dB: mean of the edits, a dot per clip", size=15)
    for tick in range(low, high + 1, 5):
        pen.line([(scale.at(tick), first), (scale.at(tick), bottom)], colour=_FAINT)
        pen.text(scale.at(tick), first - 10, str(tick), anchor="mm", size=12)
    for index, (row, value) in enumerate(bars):
        middle = first + _LINE * index + _LINE / 2
        pen.text(_LABELS - 10, middle, row.label, anchor="rm")
        pen.box(scale.start, middle - 8, scale.at(value), middle + 8, colour=_colour(row))
        for dot in cases[row.name]:
            pen.dot(scale.at(dot), middle, colour=_INK)
        pen.text(_WIDTH - _MARGIN, middle, f"{value:.1f}", anchor="rm")
    return bottom


def _curves(pen: _Pen, curves: Mapping[str, Mapping[int, float]], *, top: int, title: str) -> None:
    values = [value for curve in curves.values() for value in curve.values() if math.isfinite(value)]
    frames = [frame for curve in curves.values() for frame in curve]
    low, high = math.floor(min(values) / 5) * 5, math.ceil(max(values) / 5 + 0.01) * 5
    across = _Scale(min(frames), max(frames) + 1, _LABELS, _WIDTH - _MARGIN - 50)
    up = _Scale(low, high, top + _PLOT, top + 20)
    pen.text(_MARGIN, top - 6, title, size=15)
    for tick in range(low, high + 1, 5):
        pen.line([(across.start, up.at(tick)), (across.end, up.at(tick))], colour=_FAINT)
        pen.text(across.start - 10, up.at(tick), f"{tick} dB", anchor="rm", size=12)
    for frame in range(min(frames), max(frames) + 1, 4):
        pen.text(across.at(frame), up.start + 12, str(frame), anchor="mm", size=12)
    for index, (label, curve) in enumerate(curves.items()):
        colour = (_BLUE, _ORANGE)[index % 2]
        points = [(across.at(frame), up.at(value)) for frame, value in sorted(curve.items())]
        pen.line(points, colour=colour, width=2)
        pen.dot(_MARGIN + 6, top + 40 + 22 * index, colour=colour, radius=5)
        pen.text(_MARGIN + 18, top + 40 + 22 * index, label, size=13)


def _second_keyframe(sheet: Sheet) -> dict[str, Mapping[int, float]]:
    """One row's decibels on both of those cases, where the sheet has them."""
    edits = [row for row in sheet.rows if row.baseline is None and row.preset is Preset.STANDARD]
    for row in reversed(edits):
        one, two = (sheet.at(case, row.name) for case in ("change", "change-two"))
        if one and two:
            return {"one keyframe": one.frame_psnr, "two keyframes": two.frame_psnr}
    return {}


def _finite(sheet: Sheet, row: Row) -> list[float]:
    values = (cell.figures["psnr"] for cell in sheet.cells if cell.row == row.name)
    return [value for value in values if value is not None and math.isfinite(value)]


def _colour(row: Row) -> str:
    """Grey: no model; blue: from noise; orange: from the draft; green: the presets as they come."""
    if row.baseline is not None or row.preset is Preset.DRAFT:
        return _FAINT if row.baseline is Baseline.CODEC else _GREY
    if row.settings.draft_strength is None:
        return _GREEN
    return _BLUE if row.settings.draft_strength == 1 else _ORANGE
