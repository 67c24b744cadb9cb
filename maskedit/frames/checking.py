# SPDX-License-Identifier: GPL-3.0-or-later
"""What a frame cache holds, and whether all of it is as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskedit.errors import InputError
from maskedit.media.frame_cache import CacheEntry, CacheHeader
from maskedit.media.frame_cache_reader import FrameCache


@dataclass(frozen=True, kw_only=True)
class CacheReport:
    """Numbers of the clip's frames: `published` are there, of which `empty` show nothing; `waiting` are still to come.

    `largest`: width and height in pixels of the largest rectangle; `data_bytes`: what all of them take. `damage`: a
    sentence for each frame that a host will not show although it should.
    """

    header: CacheHeader
    published: tuple[int, ...]
    waiting: tuple[int, ...]
    empty: tuple[int, ...]
    largest: tuple[int, int]
    data_bytes: int
    damage: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        header = self.header
        return {
            "width": header.width,
            "height": header.height,
            "rate": f"{header.rate.numerator}/{header.rate.denominator}",
            "pixel_aspect": f"{header.pixel_aspect.numerator}/{header.pixel_aspect.denominator}",
            "first_frame": header.first_frame,
            "frames": header.slot_count,
            "take": header.take,
            "timecode": header.timecode,
            "reel": header.reel,
            "primaries": header.primaries,
            "transfer": header.transfer,
            "published": ranges(self.published),
            "waiting": ranges(self.waiting),
            "empty": ranges(self.empty),
            "largest": list(self.largest),
            "data_bytes": self.data_bytes,
            "file_bytes": header.file_bytes,
            "damage": list(self.damage),
        }

    def words(self, name: str) -> str:
        """Some lines for people."""
        header = self.header
        last = header.first_frame + header.slot_count - 1
        lines = [
            f"{name}: {header.width}x{header.height}, {float(header.rate):.6g} frames a second, "
            f"frames {header.first_frame}-{last} of the clip",
            f"  published: {ranges(self.published) or 'none'}",
        ]
        if self.waiting:
            lines.append(f"  still to come: {ranges(self.waiting)}")
        if self.empty:
            lines.append(f"  show nothing: {ranges(self.empty)}")
        width, height = self.largest
        lines.append(f"  largest region: {width}x{height}; {self.data_bytes / 1e6:.1f} MB of pictures")
        return "\n".join(lines)


def check_cache(path: Path) -> CacheReport:
    """Read all of a frame cache. Raises InputError, one sentence, for a file of which nothing can be shown."""
    published, waiting, empty, damage = [], [], [], []
    width = height = data_bytes = 0
    with FrameCache(path) as cache:
        for slot in range(cache.header.slot_count):
            number = cache.header.first_frame + slot
            try:
                entry = cache.entry(slot)
                if entry is None:
                    waiting.append(number)
                    continue
                _look_at(cache, entry)
            except InputError as error:
                damage.append(str(error))
                continue
            published.append(number)
            if not entry.data_bytes:
                empty.append(number)
            width, height = max(width, entry.width), max(height, entry.height)
            data_bytes += entry.data_bytes
    return CacheReport(
        header=cache.header,
        published=tuple(published),
        waiting=tuple(waiting),
        empty=tuple(empty),
        largest=(width, height),
        data_bytes=data_bytes,
        damage=tuple(damage),
    )


def ranges(numbers: Iterable[int]) -> str:
    """Ascending frame numbers as people write them: "0-7, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _look_at(cache: FrameCache, entry: CacheEntry) -> None:
    samples = cache.samples(entry)
    alpha = samples[..., 3]
    if not np.isfinite(samples).all() or not ((alpha >= 0) & (alpha <= 1)).all():
        number = cache.header.first_frame + entry.slot
        raise InputError(f"Frame {number} of {cache.path.name} holds values that are no colours: make it again.")
