# SPDX-License-Identifier: GPL-3.0-or-later
"""Source, matte, keyframe and result on one sheet (torch-free)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from maskedit.demo.clips import plates_with_mattes
from maskedit.geometry import Rect, bounds_of, resized, union
from maskedit.media import ClipReader, read_picture, write_picture

ROWS = 4  # frames spread evenly over the clip, the first and the last among them
GAP = 8
CAPTION = 30
PAPER = 0.09
INK = 0.92


def write_comparison(source: Path, matte: Path, *, result: Path, keyframe: Path, out: Path) -> None:
    """A row per shown frame: source, matte, result and the result's region enlarged; the first row, frame 0, shows
    the given keyframe in the result's place. Raises InputError for files that do not fit, OutputError."""
    with ClipReader(result) as clip:
        last = clip.facts.frame_count - 1
        shown = sorted({round(Fraction(last * row, ROWS - 1)) for row in range(ROWS)})
        edited = {plate.number: plate.rgb() for plate in clip.frames(0, last) if plate.number in shown}
    edited[0] = read_picture(keyframe)[..., :3]
    pairs = plates_with_mattes(source, matte)
    frames = {plate.number: (plate.rgb(), drawn) for plate, drawn in pairs if plate.number in shown}
    close = _around(union(*(bounds_of(frames[number][1]) for number in shown)), *edited[0].shape[:2])
    rows = []
    for number in shown:
        rgb, drawn = frames[number]
        name = f"result {number}" if number else "keyframe 0 (given)"
        enlarged = resized(np.ascontiguousarray(edited[number][close.slices]), rgb.shape[1], rgb.shape[0])
        panels = (
            _panel(rgb, f"source {number}"),
            _panel(_matte_over(rgb, drawn), f"matte {number}"),
            _panel(edited[number], name),
            _panel(enlarged, f"{name}, enlarged"),
        )
        rows.append(np.hstack(panels))
    write_picture(out, np.pad(np.vstack(rows), ((GAP, 0), (GAP, 0), (0, 0)), constant_values=PAPER))


def _around(region: Rect | None, height: int, width: int) -> Rect:
    """A cut-out of the frame's aspect around the region with some air, or the whole frame if there is none."""
    region = region or Rect(0, 0, width, height)
    share = min(max(Fraction(region.width, width), Fraction(region.height, height)) * Fraction(5, 4), Fraction(1))
    cut_width, cut_height = round(width * share), round(height * share)
    x = region.x + (region.width - cut_width) // 2
    y = region.y + (region.height - cut_height) // 2
    return Rect(min(max(x, 0), width - cut_width), min(max(y, 0), height - cut_height), cut_width, cut_height)


def _panel(picture: np.ndarray, caption: str) -> np.ndarray:
    """The picture with its caption above and the sheet's gap to the right and below."""
    lettering = np.zeros((CAPTION, picture.shape[1]), np.uint8)
    cv2.putText(lettering, caption, (2, CAPTION - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)
    band = PAPER + (INK - PAPER) * lettering[..., None].repeat(3, axis=2).astype(np.float32) / 255
    return np.pad(np.vstack([band, picture]), ((0, GAP), (0, GAP), (0, 0)), constant_values=PAPER)


def _matte_over(rgb: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The picture darkened outside the matte and whitened inside."""
    inside = drawn[..., None]
    return rgb * (0.35 + 0.15 * inside) + 0.5 * inside
