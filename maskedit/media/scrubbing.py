# SPDX-License-Identifier: GPL-3.0-or-later
"""One clip kept open for looking at single frames in any order, as fast as a player's scrubbing needs it.

`ClipReader.frames` opens the file for each range and decodes with frame threads, which is best for long runs; for one
frame the opening and the threads' delay cost more than the frame. Here the file stays open, decoding starts at the
nearest entry, and frames that no other refers to are passed over on the way.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from maskedit.media.containers import open_clip, plate_from_frame, told_as_input_error, video_stream
from maskedit.media.index import ClipIndex, index_clip
from maskedit.media.plate import PlateFrame
from maskedit.media.reader import ClipReader
from maskedit.media.sequences import is_sequence
from maskedit.request import MediaFacts


class Scrubber:
    """Gives any frame of `path`, a video file or image sequence. For one thread; leaving the block closes the file.

    Raises InputError, one sentence, for whatever is wrong with the file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._reader = ClipReader(path)
        self._index: ClipIndex | None = None if is_sequence(path) else index_clip(path)
        self._open: tuple[InputContainer, VideoStream] | None = None
        self._closing = ExitStack()

    @property
    def facts(self) -> MediaFacts:
        """What `probe` finds."""
        return self._reader.facts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
        self._open = None

    def entry_before(self, number: int) -> int:
        """The nearest frame up to `number` at which decoding can start: itself in a sequence, 0 where none is known."""
        if self._index is None:
            return number
        entries = self._index.entries
        at = int(np.searchsorted(entries, self._index.times[number], side="right")) - 1
        return int(np.searchsorted(self._index.times, entries[at])) if at >= 0 else 0

    def plate(self, number: int) -> PlateFrame:
        """Frame `number`, the samples that `ClipReader` gives. Raises InputError beyond the clip, or if it is lost."""
        if self._index is not None and len(self._index.entries) and 0 <= number < len(self._index.times):
            with told_as_input_error(self._path):
                frame = self._sought(self._index, number)
            if frame is not None:
                return plate_from_frame(
                    frame,
                    number,
                    colour=self._index.colour,
                    pts=int(self._index.times[number]),
                    time_base=self._index.time_base,
                )
        # A damaged file, one without times, an entry that does not reach back far enough: the reader knows them all.
        return next(iter(self._reader.frames(number, number)))

    def _sought(self, index: ClipIndex, number: int) -> VideoFrame | None:
        """The frame from the nearest entry on, None where decoding from there does not meet it."""
        container, stream = self._opened()
        wanted = int(index.times[number])
        container.seek(int(index.times[self.entry_before(number)]), stream=stream, backward=True)
        for packet in container.demux(stream):
            needed = packet.pts is None or packet.pts >= wanted
            stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            try:
                frames = packet.decode()
            except av.FFmpegError:
                return None
            for frame in frames:
                if frame.pts is None or frame.pts >= wanted:
                    return frame if frame.pts == wanted else None
        return None

    def _opened(self) -> tuple[InputContainer, VideoStream]:
        if self._open is None:
            container = self._closing.enter_context(open_clip(self._path))
            stream = video_stream(container)
            # Frame threads give the first frame only after as many more have been read.
            stream.thread_type = "SLICE"
            self._open = container, stream
        return self._open
