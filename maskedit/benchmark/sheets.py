# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures look like: per case a sheet of pictures, a line per row, a column per frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from maskedit.benchmark.cases import Case
from maskedit.benchmark.runner import Sheet
from maskedit.geometry import Rect, bounds_of, resized
from maskedit.media import ClipReader, write_picture

_COLUMNS = 4
_SIDE = 160
_CAPTION = 180


def draw_sheets(sheet: Sheet, folder: Path) -> None:
    """Write `folder`/CASE.png for every case: source and truth, then each row's result, close around the region.

    The takes are read from where `sheet.folder` has them. Raises InputError where one is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for case in sheet.cases:
        last = len(case.source) - 1
        frames = sorted({round(last * column / (_COLUMNS - 1)) for column in range(_COLUMNS)})
        close = _around(case)
        lines = [_line("source", [case.source[frame] / np.float32(255) for frame in frames], close)]
        lines.append(_line("truth", [case.truth[frame] / np.float32(255) for frame in frames], close))
        for row in sheet.rows:
            cell = sheet.at(case.name, row.name)
            if cell is not None:
                with ClipReader(sheet.folder / cell.result) as clip:
                    shown = [plate.rgb() for plate in clip.frames(0, last) if plate.number in frames]
                decibels = cell.figures["psnr"]
                label = row.label if decibels is None else f"{row.label}|{decibels:.2f} dB"
                lines.append(_line(label, shown, close))
        write_picture(folder / f"{case.name}.png", np.vstack(lines))


def _around(case: Case) -> Rect:
    """The region of all frames with a little air."""
    height, width = case.matte.shape[1:]
    bounds = bounds_of(case.matte.max(axis=0)) or Rect(0, 0, width, height)
    return bounds.grown(max(bounds.width, bounds.height) // 8, frame_width=width, frame_height=height)


def _line(label: str, pictures: list[np.ndarray], close: Rect) -> np.ndarray:
    """The label, then the pictures' cut-outs side by side, all of one height."""
    caption = np.zeros((_SIDE, _CAPTION, 3), np.uint8)
    for place, words in enumerate(label.split("|")):
        cv2.putText(
            caption, words, (4, 24 + 20 * place), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA
        )
    width = round(_SIDE * close.width / close.height)
    cuts = [resized(np.ascontiguousarray(picture[close.slices]), width, _SIDE) for picture in pictures]
    return np.hstack([caption / np.float32(255), *cuts])
