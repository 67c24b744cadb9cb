# SPDX-License-Identifier: GPL-3.0-or-later
"""Caches and random renders, small and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import numpy as np

from maskedit.media.frame_cache import CacheHeader
from maskedit.media.frame_cache_writer import PackedCache, Region
from tests.hosts.ofx.driving import DEPTHS, Layout, Request
from tests.hosts.ofx.twin import CODES, Plate


def write_cache(path: Path, plates: Sequence[Plate], *, first_frame: int = 0) -> Path:
    """A packed cache with a slot for each of `plates`, which are of one size."""
    first = plates[0]
    header = CacheHeader(
        width=first.width,
        height=first.height,
        slot_count=len(plates),
        rate=Fraction(25),
        first_frame=first_frame,
        pixel_aspect=first.pixel_aspect,
    )
    cache = PackedCache(path, header=header)
    for plate in plates:
        cache.add(Region(plate.samples, plate.x, plate.y))
    cache.finish()
    cache.publish()
    return path


def random_plate(rng: np.random.Generator, width: int, height: int, *, pixel_aspect: Fraction = Fraction(1)) -> Plate:
    """Somewhere in the plate a patch, in it whole, half and no alpha, and values beyond white and below black."""
    w, h = int(rng.integers(1, width + 1)), int(rng.integers(1, height + 1))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    samples = rng.uniform(-0.25, 1.5, (h, w, 4))
    kind = rng.integers(0, 3, (h, w))
    samples[..., 3] = np.where(kind == 0, 0, np.where(kind == 1, 1, rng.random((h, w))))
    return Plate(width, height, samples.astype(np.float16), x, y, pixel_aspect)


def random_source(rng: np.random.Generator, shape: tuple[int, int], depth: str) -> np.ndarray:
    """Pixels of a depth, beyond white and below black where it can hold them; alphas of 0 and 1 among them."""
    dtype = DEPTHS[depth][1]
    if depth in CODES:
        pixels = rng.integers(0, CODES[depth] + 1, (*shape, 4)).astype(dtype)
        most = CODES[depth]
    else:
        pixels, most = rng.uniform(-0.5, 2, (*shape, 4)).astype(dtype), 1
        pixels[..., 3] = rng.random(shape)
    kind = rng.integers(0, 3, shape)
    pixels[..., 3] = np.where(kind == 0, 0, np.where(kind == 1, most, pixels[..., 3]))
    return pixels


def random_request(rng: np.random.Generator, plate: Plate) -> Request:
    """A render over `plate`: proxies, tiles, sources of the plate's size and others, any layout of rows."""
    depth = str(rng.choice([*DEPTHS]))
    width, height = plate.width, plate.height
    if rng.random() < 0.3:  # a timeline of another size or shape than the plate
        width, height = (max(1, round(side * rng.uniform(0.4, 2.2))) for side in (width, height))
    aspect = float(rng.choice([1, 1, 1, 2, 1.0940170940170941]))
    scale = [(1.0, 1.0), (1.0, 1.0), (0.5, 0.5), (0.25, 0.25), (1 / 3, 1 / 3), (1.0, 0.5)][rng.integers(0, 6)]
    x0, y0 = int(rng.integers(-9, 10)), int(rng.integers(-9, 10))
    region = (x0 * aspect, float(y0), (x0 + width) * aspect, float(y0 + height))
    whole = (floor(x0 * scale[0]), floor(y0 * scale[1]), ceil((x0 + width) * scale[0]), ceil((y0 + height) * scale[1]))
    tile = _around(rng, whole)
    at, to = (_layout(rng, _around(rng, tile) if rng.random() < 0.5 else tile, depth) for _ in range(2))
    return Request(
        source=random_source(rng, at.size, depth),
        source_at=at,
        output_at=to,
        window=_within(rng, to.bounds),
        depth=depth,
        alpha=str(rng.choice(["opaque", "premultiplied", "unpremultiplied"])),
        scale=scale,
        aspect=aspect,
        region=region,
        field=str(rng.choice(["OfxFieldNone", "OfxFieldBoth", "OfxFieldLower"])),
    )


def _layout(rng: np.random.Generator, bounds: tuple[int, int, int, int], depth: str) -> Layout:
    padding = int(rng.integers(0, 3)) * 4 * DEPTHS[depth][1].itemsize
    return Layout(bounds, padding, bool(rng.random() < 0.5))


def _around(rng: np.random.Generator, rect: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = rect
    x1, y1, x2, y2 = (edge + int(rng.integers(-2, 3)) for edge in (x1, y1, x2, y2))
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def _within(rng: np.random.Generator, rect: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = rect
    if rng.random() < 0.3:
        return rect
    left, bottom = int(rng.integers(x1, x2)), int(rng.integers(y1, y2))
    return left, bottom, int(rng.integers(left + 1, x2 + 1)), int(rng.integers(bottom + 1, y2 + 1))
