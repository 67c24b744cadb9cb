# SPDX-License-Identifier: GPL-3.0-or-later
"""ClipWriter: plates into a deliverable, encoded in a thread of its own, whole under its name or not there at all."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Protocol, Self

from maskedit.errors import MaskEditError, OutputError
from maskedit.media.convert import convert
from maskedit.media.pixels import layout_of
from maskedit.media.plate import PlateFrame
from maskedit.media.sequence_sink import SequenceSink
from maskedit.media.video_sink import VideoSink, encoder_format
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts

_QUEUED_FRAMES = 4
_SEQUENCES = (DeliverableFormat.PNG, DeliverableFormat.EXR)


class _Sink(Protocol):
    def write(self, plate: PlateFrame) -> None: ...
    def finish(self) -> None: ...
    def clean_up(self) -> None: ...


def delivered_pixel_format(facts: MediaFacts, deliverable: Deliverable) -> str:
    """The planar format that a deliverable keeps. Raises OutputError where the format cannot carry what is asked."""
    source = layout_of(facts.pixel_format)
    patch = deliverable.kind is DeliverableKind.PATCH
    alpha = patch or source.has_alpha
    match deliverable.format:
        case DeliverableFormat.MKV:
            return "gbrap16le" if patch else source.name
        case DeliverableFormat.MOV:
            return "yuva444p10le" if alpha else "yuv444p10le"
        case DeliverableFormat.PNG:
            return "gbrap16le" if alpha else "gbrp16le"
        case DeliverableFormat.EXR:
            return "gbrapf32le" if alpha else "gbrpf32le"
        case DeliverableFormat.MP4:
            if patch:
                raise OutputError("An mp4 has no alpha for a patch: ask for mkv, mov, png or exr.")
            if facts.width % 2 or facts.height % 2:
                return "yuv444p"
            return "yuv422p" if source.chroma_shift == (1, 0) else "yuv420p"


class ClipWriter:
    """Writes frames `frames` of the clip `source` (whose probe is `facts`) to `path`, in order, one `write` each.

    `path` is a file, or for PNG and EXR a folder or a numbered name in one. On leaving the block the result gets its
    name; after an error nothing is left. Raises OutputError, from the encoding thread too.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        facts: MediaFacts,
        deliverable: Deliverable,
        source: str,
        frames: FrameRange,
    ) -> None:
        self.pixel_format = delivered_pixel_format(facts, deliverable)
        self._path = Path(path)
        self._next = frames.first
        self._frames = frames
        self._sink: _Sink
        if deliverable.format in _SEQUENCES:
            self._sink = SequenceSink(self._path, deliverable=deliverable, facts=facts)
        else:
            encoder_format(deliverable.format, self.pixel_format)
            self._sink = VideoSink(self._path, facts=facts, deliverable=deliverable, source=source, frames=frames)
        self._queue: queue.Queue[PlateFrame | None] = queue.Queue(_QUEUED_FRAMES)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._encode, name="maskedit-encoder")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def write(self, plate: PlateFrame) -> None:
        """Queue the next frame. A plate in another form than `pixel_format` is converted (see `convert`)."""
        if plate.number != self._next:
            raise ValueError(f"expected frame {self._next} next, got {plate.number}")
        self._next += 1
        self._raise_from_thread()
        self._queue.put(plate)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._error = self._error or error
        self._queue.put(None)
        self._thread.join()
        try:
            if kind is None:
                self._raise_from_thread()
                self._finish()
        finally:
            self._sink.clean_up()

    def _finish(self) -> None:
        if self._next <= self._frames.last:
            raise OutputError(f"{self._path.name} got no frames from {self._next} on: render it again.")
        try:
            self._sink.finish()
        except Exception as error:
            raise self._output_error(error) from error

    def _encode(self) -> None:
        """The thread: after an error it goes on emptying the queue, so that `write` never waits for ever."""
        while (plate := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._sink.write(convert(plate, self.pixel_format))
                except Exception as error:
                    self._error = error

    def _raise_from_thread(self) -> None:
        if self._error is not None:
            raise self._output_error(self._error) from self._error

    def _output_error(self, error: BaseException) -> OutputError:
        if isinstance(error, MaskEditError):
            return OutputError(str(error))
        reason = (str(getattr(error, "strerror", None) or error).splitlines() or ["no reason given"])[0]
        return OutputError(f"{self._path.name} cannot be written ({reason}): make room or choose another place.")
