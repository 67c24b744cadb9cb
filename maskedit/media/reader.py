# SPDX-License-Identifier: GPL-3.0-or-later
"""ClipReader: the frames of a video file or image sequence, exact by number."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol, Self
from weakref import WeakSet

from av.video.frame import VideoFrame

from maskedit.errors import InputError
from maskedit.media.containers import plate_from_frame, told_as_input_error
from maskedit.media.frame_cache import is_frame_cache
from maskedit.media.frame_cache_reader import FrameCacheClip
from maskedit.media.index import decode_from, index_clip
from maskedit.media.pixels import layout_of
from maskedit.media.plate import PlateFrame
from maskedit.media.sequences import ImageSequence, is_sequence
from maskedit.request import MediaFacts


class _Source(Protocol):
    facts: MediaFacts

    def frames(self, first: int, last: int) -> Iterator[PlateFrame]: ...


class ClipReader:
    """Reads `path`: a video file, a frame cache, or a sequence `shot.%04d.exr`.

    `first_number`: what the sequence's frame 0 is called; None = the lowest number that is there.

    Every call of `frames` opens the file for itself, so that several may run side by side; leaving the block ends them.
    Raises InputError, one sentence, for whatever is wrong with the file.
    """

    def __init__(self, path: str | Path, *, first_number: int | None = None) -> None:
        self._path = str(path)
        self._name = Path(path).name
        self._running: WeakSet[Generator[PlateFrame]] = WeakSet()
        self._source: _Source
        if is_sequence(path):
            self._source = ImageSequence(self._path, first_number=first_number)
        else:
            self._source = FrameCacheClip(self._path) if is_frame_cache(path) else _VideoFile(self._path)

    @property
    def facts(self) -> MediaFacts:
        """What `probe` finds."""
        return self._source.facts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for frames in tuple(self._running):
            frames.close()

    def frames(self, first: int, last: int) -> Iterator[PlateFrame]:
        """Frames `first` to `last`, both included, in order. Raises InputError beyond the clip or for lost frames."""
        if not 0 <= first <= last < self.facts.frame_count:
            raise InputError(
                f"{self._name} has frames 0-{self.facts.frame_count - 1}: the range {first}-{last} lies outside."
            )
        frames = self._checked(self._source.frames(first, last))
        self._running.add(frames)
        return frames

    def _checked(self, plates: Iterator[PlateFrame]) -> Generator[PlateFrame]:
        facts = self.facts
        with told_as_input_error(self._path):
            for plate in plates:
                shape = (plate.width, plate.height, plate.layout)
                if shape != (facts.width, facts.height, layout_of(facts.pixel_format)):
                    raise InputError(
                        f"Frame {plate.number} of {self._name} is {plate.width}x{plate.height} {plate.pixel_format}, "
                        f"unlike the first ({facts.width}x{facts.height} {facts.pixel_format}): make them alike."
                    )
                yield plate


class _VideoFile:
    def __init__(self, path: str) -> None:
        self._path = path
        self._index = index_clip(path)
        self.facts = self._index.facts

    def frames(self, first: int, last: int) -> Iterator[PlateFrame]:
        index = self._index
        wanted = first
        for number, frame in self._numbered(first, last):
            if number > wanted:
                break
            if number == wanted:
                pts = int(index.times[number])
                yield plate_from_frame(frame, number, colour=index.colour, pts=pts, time_base=index.time_base)
                wanted += 1
            if wanted > last:
                return
        raise InputError(
            f"Frame {wanted} of {Path(self._path).name} is damaged: repair the clip or choose a range without it."
        )

    def _numbered(self, first: int, last: int) -> Iterator[tuple[int, VideoFrame]]:
        """The frames with their numbers, from the nearest entry from which frame `first` is really reached; by
        counting from the start where the index has no entries."""
        times, entries = self._index.times, self._index.entries
        if not len(entries):
            yield from enumerate(decode_from(self._path, None))
            return
        numbers = {int(times[number]): number for number in range(first, last + 1)}
        for entry in (*entries[entries <= times[first]][::-1][:4].tolist(), None):
            frames = decode_from(self._path, entry)
            start = next(frames, None)
            if entry is None or (start is not None and start.pts is not None and start.pts <= times[first]):
                reached = chain([start] if start else [], frames)
                yield from ((numbers[frame.pts], frame) for frame in reached if frame.pts in numbers)
                return
