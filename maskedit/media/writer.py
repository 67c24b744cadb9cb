# SPDX-License-Identifier: GPL-3.0-or-later
"""ClipWriter: plates into a deliverable, encoded in a thread of its own, whole under its name or not there at all."""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

from maskedit.errors import MaskEditError, OutputError
from maskedit.exhaustion import disk_ran_out, in_words
from maskedit.media.convert import convert
from maskedit.media.fidelity import CodecError
from maskedit.media.frame_cache import CacheHeader
from maskedit.media.frame_cache_writer import PackedCache
from maskedit.media.pixels import ColourModel, layout_of
from maskedit.media.plate import PlateFrame
from maskedit.media.sequence_sink import SequenceSink
from maskedit.media.sequences import first_number_of, is_sequence
from maskedit.media.video_sink import VideoSink, encoder_format
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts

_QUEUED_FRAMES = 4
# Of very large frames fewer wait, but always one.
_QUEUED_BYTES = 256 << 20


class _Sink(Protocol):
    @property
    def error(self) -> CodecError | None: ...
    @property
    def unfinished(self) -> Path: ...
    def write(self, plate: PlateFrame) -> None: ...
    def finish(self) -> None: ...
    def publish(self) -> None: ...
    def clean_up(self) -> None: ...


def delivered_pixel_format(facts: MediaFacts, deliverable: Deliverable) -> str:
    """The planar format that a deliverable keeps. Raises OutputError where the format cannot carry what is asked."""
    source, kind = layout_of(facts.pixel_format), deliverable.kind
    patch = kind is DeliverableKind.PATCH
    if not deliverable.format.holds(kind):
        if patch:
            raise OutputError(f"{deliverable.format} has no alpha for a patch: ask for mkv, mov, png or exr.")
        raise OutputError("A frame cache holds the region with alpha alone: ask for a patch, or another format.")
    alpha = patch or (kind is DeliverableKind.FULL and source.has_alpha)
    match deliverable.format:
        case DeliverableFormat.MKV if kind is DeliverableKind.FULL:
            return source.name
        case DeliverableFormat.MKV if kind is DeliverableKind.MATTE:
            return "gray16le"
        case DeliverableFormat.MOV:
            return "yuva444p10le" if alpha else "yuv444p10le"
        case DeliverableFormat.V210:
            if facts.width % 2:
                raise OutputError(f"v210 cannot hold a picture {facts.width} pixels wide, an odd number: ask for mov.")
            return "yuv422p10le"
        case DeliverableFormat.EXR | DeliverableFormat.CACHE:
            return "gbrapf32le" if alpha else "gbrpf32le"
        case DeliverableFormat.MP4:
            if facts.width % 2 or facts.height % 2:
                return "yuv444p"
            return "yuv422p" if source.chroma_shift == (1, 0) else "yuv420p"
        case _:
            return "gbrap16le" if alpha else "gbrp16le"


def check_deliverable(facts: MediaFacts, deliverable: Deliverable) -> None:
    """Raise OutputError, one sentence, for what no writer could write of a clip with these facts."""
    encoder_format(deliverable.format, delivered_pixel_format(facts, deliverable))
    if deliverable.format is DeliverableFormat.CACHE:
        CacheHeader.of(facts, FrameRange(first=0, last=facts.frame_count - 1)).pack()


class ClipWriter:
    """Writes frames `frames` of the clip `source` (whose probe is `facts`) to `path`, in order, one `write` each.

    `path` is a file, or for PNG and EXR a folder or a numbered name in one. Pictures, and the frames of a cache, are
    numbered as `source` is if that is a sequence, whose frame 0 is `first_number` (None: its lowest), and from 0
    otherwise. On leaving the block the result
    gets its name; after an error nothing is left. Several that belong together are opened by `open`, brought to their
    ends by `finish` and named by `publish` once all are whole. Raises OutputError, from the encoding thread too.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        facts: MediaFacts,
        deliverable: Deliverable,
        source: str,
        frames: FrameRange,
        first_number: int | None = None,
    ) -> None:
        self.pixel_format = delivered_pixel_format(facts, deliverable)
        layout = layout_of(facts.pixel_format)
        self._matrix = facts.matrix.name if layout.model is ColourModel.YUV else ""
        self._path = Path(path)
        self._next = frames.first
        self._frames = frames
        self._sink: _Sink
        if deliverable.format.is_sequence or deliverable.format is DeliverableFormat.CACHE:
            first = first_number
            if first is None:
                first = first_number_of(source) if is_sequence(source) else 0
        if deliverable.format.is_sequence:
            self._sink = SequenceSink(self._path, deliverable=deliverable, facts=facts, first_number=first)
        elif deliverable.format is DeliverableFormat.CACHE:
            self._sink = PackedCache(self._path, header=CacheHeader.of(facts, frames, first_number=first))
        else:
            encoder_format(deliverable.format, self.pixel_format)
            self._sink = VideoSink(self._path, facts=facts, deliverable=deliverable, source=source, frames=frames)
        target = layout_of(self.pixel_format)
        frame_bytes = facts.width * facts.height * target.plane_count * target.dtype.itemsize
        depth = min(_QUEUED_FRAMES, max(_QUEUED_BYTES // frame_bytes, 1))
        self._queue: queue.Queue[PlateFrame | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._encoded = 0
        self._thread = threading.Thread(target=self._encode, name="maskedit-encoder")

    @property
    def error(self) -> CodecError | None:
        """What the codec changed in the frames; None where it changes nothing, or is not measured."""
        return self._sink.error

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._error = self._error or error
        try:
            if kind is None:
                self.finish()
                self.publish()
        finally:
            self.close()

    def open(self) -> None:
        """Start the encoding thread: from here on `close` has to be called in the end."""
        self._thread.start()

    def write(self, plate: PlateFrame) -> None:
        """Queue the next frame. A plate in another form than `pixel_format` is converted (see `convert`)."""
        if plate.number != self._next:
            raise ValueError(f"expected frame {self._next} next, got {plate.number}")
        self._next += 1
        self._raise_from_thread()
        self._queue.put(plate)

    def finish(self) -> None:
        """Wait for the last frame and bring everything to the disk, still under a hidden name."""
        self._join()
        self._raise_from_thread()
        if self._next <= self._frames.last:
            raise OutputError(f"{self._path.name} got no frames from {self._next} on: render it again.")
        self._told(self._sink.finish)

    def publish(self) -> None:
        """Give what is finished its name."""
        self._told(self._sink.publish)

    def close(self) -> None:
        """End the thread, and remove what was not published."""
        self._error = self._error or OutputError(f"{self._path.name} was given up.")
        self._join()
        self._sink.clean_up()

    def _join(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _encode(self) -> None:
        """The thread: after an error it goes on emptying the queue, so that `write` never waits for ever."""
        while (plate := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._sink.write(convert(plate, self.pixel_format, matrix=self._matrix))
                    self._encoded += 1
                except Exception as error:
                    self._error = error

    def _raise_from_thread(self) -> None:
        if self._error is not None:
            raise self._output_error(self._error) from self._error

    def _told(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            raise self._output_error(error) from error

    def _output_error(self, error: BaseException) -> OutputError:
        if disk_ran_out(error):
            more = self._missing_bytes()
            reason = os.strerror(errno.ENOSPC) + (f", and about {in_words(more)} more are needed" if more else "")
        elif isinstance(error, MaskEditError):
            return OutputError(str(error))
        else:
            reason = (str(getattr(error, "strerror", None) or error).splitlines() or ["no reason given"])[0]
        return OutputError(f"{self._path.name} cannot be written ({reason}): make room or choose another place.")

    def _missing_bytes(self) -> int:
        """What the frames to come may take, by those that are there; 0 where there are none."""
        files = self._sink.unfinished.rglob("*") if self._sink.unfinished.is_dir() else [self._sink.unfinished]
        written = sum(file.stat().st_size for file in files if file.exists())
        missing = self._frames.last - self._frames.first + 1 - self._encoded
        return written * max(1, missing) // self._encoded if self._encoded else 0
