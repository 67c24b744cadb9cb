# SPDX-License-Identifier: GPL-3.0-or-later
"""What a render has to look like, in NumPy: whole planes and whole matrices, nothing clever.

Where plate and image have the same pixels the arithmetic is float32 in the plugin's order, so that results are equal to
the bit; resampled, it is float64, and results differ by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tests.hosts.ofx.driving import DEPTHS, Request

CODES = {"short": 65535, "byte": 255}


@dataclass(frozen=True)
class Plate:
    """A cache's frame: float16 (h, w, 4) straight at (x, y) from the top left of width x height pixels."""

    width: int
    height: int
    samples: np.ndarray
    x: int = 0
    y: int = 0
    pixel_aspect: Fraction = Fraction(1)

    def premultiplied(self) -> np.ndarray:
        """(height, width, 4) float32, bottom row first."""
        whole = np.zeros((self.height, self.width, 4), np.float32)
        h, w = self.samples.shape[:2]
        patch = self.samples.astype(np.float32)
        alpha = np.clip(np.nan_to_num(patch[..., 3:], nan=0), 0, 1)
        whole[self.y : self.y + h, self.x : self.x + w] = np.concatenate([patch[..., :3] * alpha, alpha], axis=-1)
        return whole[::-1]


def expected(plate: Plate, request: Request, *, mix: float = 1.0, matte: bool = False) -> tuple[np.ndarray, bool]:
    """The window's pixels, bottom row first, and whether they must be equal to the bit."""
    x1, y1, x2, y2 = request.window
    shape = (y2 - y1, x2 - x1)
    rows, columns = _areas(plate, request)
    is_exact = all(_is_shift(areas) for areas in (rows, columns))
    shown = plate.premultiplied()
    if is_exact:
        shown = _shifted(_shifted(shown, rows).transpose(1, 0, 2), columns).transpose(1, 0, 2)
    else:
        across = np.matmul(columns, shown.astype(np.float64))  # plate rows, window columns
        shown = np.tensordot(rows, across, axes=1).astype(np.float32)
    if matte:
        result = np.concatenate([np.repeat(shown[..., 3:], 3, axis=-1), np.ones((*shape, 1), np.float32)], axis=-1)
        return _encode(result, request.depth), is_exact
    source = _windowed_source(request)
    mixed = _laid_over(shown, _decode(source, request.depth), request.alpha, np.float32(mix))
    untouched = shown[..., 3:] * np.float32(mix) == 0
    return np.where(untouched, source, _encode(mixed, request.depth)), is_exact


def _areas(plate: Plate, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """For rows (from the bottom) and columns: how much of each plate pixel (second axis) is in each window pixel."""
    region, aspect = request.region, request.aspect
    if region is None:
        bounds = request.source_at.bounds
        region = (bounds[0] * aspect, bounds[1], bounds[2] * aspect, bounds[3])
    left, bottom = region[0] / aspect, region[1]
    width, height = region[2] / aspect - left, region[3] - bottom
    wide = high = 1.0
    if abs(width - plate.width) > 0.5 or abs(height - plate.height) > 0.5:
        shown_width = plate.width * float(plate.pixel_aspect) / aspect
        fit = min(width / shown_width, height / plate.height)
        wide = width / plate.width if abs(shown_width * fit / width - 1) < 0.01 else shown_width * fit / plate.width
        high = height / plate.height if abs(plate.height * fit / height - 1) < 0.01 else fit
    left += (width - wide * plate.width) / 2
    bottom += (height - high * plate.height) / 2
    x1, y1, x2, y2 = request.window
    columns = _overlaps(range(x1, x2), request.scale[0], left, wide, plate.width)
    return _overlaps(range(y1, y2), request.scale[1], bottom, high, plate.height), columns


def _overlaps(pixels: range, scale: float, start: float, size: float, count: int) -> np.ndarray:
    centre = ((np.array(pixels) + 0.5) / scale - start) / size
    half = max(1.0, 1 / (scale * size)) / 2
    low, high = np.maximum(centre - half, 0)[:, None], np.minimum(centre + half, count)[:, None]
    edges = np.arange(count)
    overlap = np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0, None)
    overlap[overlap < 1e-5] = 0
    total = overlap.sum(axis=1, keepdims=True)
    return np.divide(overlap, total, out=np.zeros_like(overlap), where=total > 0)


def _is_shift(areas: np.ndarray) -> bool:
    used = areas[areas > 0]
    return bool(np.all(np.abs(used - 1) < 1e-4)) and bool(np.all(np.count_nonzero(areas, axis=0) <= 1))


def _shifted(picture: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """The picture's rows that `areas` chooses; one that chooses none is transparent."""
    shifted = picture[areas.argmax(axis=1)]
    shifted[~np.any(areas, axis=1)] = 0
    return shifted


def _laid_over(patch: np.ndarray, source: np.ndarray, alpha: str, mix: np.float32) -> np.ndarray:
    one = np.float32(1)
    shown = patch[..., 3:] * mix
    keep, gain = one - shown, np.full_like(shown, mix)
    keeps, gains = np.repeat(keep, 4, axis=-1), np.repeat(gain, 4, axis=-1)
    if alpha == "opaque":
        keeps[..., 3] = 1
    if alpha == "unpremultiplied":
        kept = source[..., 3:] * keep
        whole = np.where(shown > 0, kept + shown, one)
        keeps[..., :3], gains[..., :3] = np.where(shown > 0, kept / whole, one), mix / whole
    with np.errstate(invalid="ignore"):
        mixed = source * keeps + patch * gains
    return np.where(keeps < 1, np.where(keeps > 0, mixed, patch * gains), source).astype(np.float32)


def _windowed_source(request: Request) -> np.ndarray:
    x1, y1, x2, y2 = request.window
    result = np.zeros((y2 - y1, x2 - x1, 4), DEPTHS[request.depth][1])
    if request.source is not None:
        sx1, sy1, sx2, sy2 = request.source_at.bounds
        left, right, bottom, top = max(x1, sx1), min(x2, sx2), max(y1, sy1), min(y2, sy2)
        if left < right and bottom < top:
            part = request.source[bottom - sy1 : top - sy1, left - sx1 : right - sx1]
            result[bottom - y1 : top - y1, left - x1 : right - x1] = part
    return result


def _decode(pixels: np.ndarray, depth: str) -> np.ndarray:
    if depth not in CODES:
        return pixels.astype(np.float32)
    return pixels.astype(np.float32) * (np.float32(1) / np.float32(CODES[depth]))


def _encode(pixels: np.ndarray, depth: str) -> np.ndarray:
    dtype = DEPTHS[depth][1]
    if depth not in CODES:
        with np.errstate(over="ignore"):
            return pixels.astype(dtype)
    most = np.float32(CODES[depth])
    scaled = np.nan_to_num(pixels * most + np.float32(0.5), nan=0)
    return np.clip(scaled, 0, most).astype(dtype)
