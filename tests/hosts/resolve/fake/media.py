# SPDX-License-Identifier: GPL-3.0-or-later
"""Real media behind the fake's clips, probed and decoded with PyAV: what it renders is the file's own picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from tests.hosts.resolve.fake.timecode import timecode_of

PICTURES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".dpx", ".exr", ".bmp")
_NUMBERED = re.compile(r"%0?(\d*)d")


@dataclass(frozen=True)
class Media:
    """A video file or numbered pictures. `first`: the number of the first picture, 0 for a file.

    `path` of a sequence is a pattern (`f_%04d.png`). `start_timecode` and `rate` are the media's own.
    """

    path: str
    rate: Fraction
    frames: int
    width: int
    height: int
    first: int = 0
    start_timecode: str = "00:00:00:00"
    has_audio: bool = False
    kind: str = field(default="Video")

    @property
    def shown_path(self) -> str:
        """As the media pool shows it: `f_[0001-0081].png` for a sequence."""
        if self.kind != "Image sequence":
            return self.path
        match = _NUMBERED.search(self.path)
        assert match
        width = int(match[1] or 1)
        span = f"[{self.first:0{width}}-{self.first + self.frames - 1:0{width}}]"
        return self.path[: match.start()] + span + self.path[match.end() :]

    def picture(self, frame: int) -> np.ndarray:
        """(H, W, 4) uint8, straight alpha; `frame` counts from 0 at the media's first frame."""
        if self.kind == "Image sequence":
            return _decoded(self.path % (self.first + frame))[0]
        return _decoded(self.path)[frame]


def open_file(path: str | Path) -> Media | None:
    """A video file, or one picture as a still. None for what PyAV cannot read, as Resolve refuses it: in silence."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = sum(1 for packet in container.demux(stream) if packet.size)
            still = Path(path).suffix.lower() in PICTURES
            tags = {**container.metadata, **stream.metadata}
            return Media(
                path=str(path),
                rate=Fraction(24) if still else Fraction(stream.average_rate or 24),
                frames=frames,
                width=stream.width,
                height=stream.height,
                start_timecode=tags.get("timecode", "00:00:00:00"),
                has_audio=bool(container.streams.audio),
                kind="Still" if still else "Video",
            )
    except (av.FFmpegError, IndexError, OSError):
        return None


def open_sequence(pattern: str, first: int, last: int, rate: Fraction) -> Media | None:
    """Pictures `first` to `last`, both there; they have no rate of their own and take the project's."""
    if not _NUMBERED.search(pattern) or not 0 <= first <= last:
        return None
    if any(not Path(pattern % number).is_file() for number in range(first, last + 1)):
        return None
    still = open_file(pattern % first)
    if still is None:
        return None
    start = timecode_of(first, rate)
    return Media(pattern, rate, last - first + 1, still.width, still.height, first, start, kind="Image sequence")


@lru_cache(maxsize=64)
def _read(path: str, _modified_ns: int) -> tuple[np.ndarray, ...]:
    with av.open(path) as container:
        return tuple(frame.to_ndarray(format="rgba") for frame in container.decode(video=0))


def _decoded(path: str) -> tuple[np.ndarray, ...]:
    return _read(path, Path(path).stat().st_mtime_ns)
