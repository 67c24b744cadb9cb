# SPDX-License-Identifier: GPL-3.0-or-later
"""Plates into a video file: FFV1 in mkv, ProRes 4444 or v210 in mov, H.264 in mp4, with the source's sound and tags."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.codec import Codec
from av.container import OutputContainer
from av.video.stream import VideoStream

from maskedit.errors import OutputError
from maskedit.faults import Point, reach
from maskedit.media.audio import AudioCopy
from maskedit.media.colour import MATRICES, PRIMARIES, RANGES, TRANSFERS, code_point
from maskedit.media.containers import frame_from_plate, open_clip, video_stream
from maskedit.media.fidelity import CodecError, Fidelity
from maskedit.media.frame_cache import is_frame_cache
from maskedit.media.matroska import write_pixel_aspect
from maskedit.media.pixels import ColourModel, layout_of
from maskedit.media.plate import PlateFrame
from maskedit.media.sequences import is_sequence
from maskedit.media.timecode import shifted
from maskedit.request import ColourTag, Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts, Origin

# FFV1 keeps 8-bit RGB packed; every other planar format goes in as it is.
_FFV1_PACKED = {"gbrp": "bgr0", "gbrap": "bgra"}
_MUXERS = {
    DeliverableFormat.MKV: "matroska",
    DeliverableFormat.MOV: "mov",
    DeliverableFormat.MP4: "mp4",
    DeliverableFormat.V210: "mov",
}
_CODECS = {
    # Level 3 has slices, so that threads share a frame, and a checksum per slice.
    DeliverableFormat.MKV: ("ffv1", {"level": "3", "slicecrc": "1", "g": "1"}),
    # As fine as the codec goes: coarse grain then moves by 3 codes of 10 bits at most instead of 18.
    DeliverableFormat.MOV: (
        "prores_ks",
        {"profile": "4444", "vendor": "apl0", "alpha_bits": "16", "bits_per_mb": "8192"},
    ),
    DeliverableFormat.MP4: ("libx264", {"crf": "12", "preset": "medium"}),
    DeliverableFormat.V210: ("v210", {}),
}
# What writes each frame by itself and does not keep it to the bit: (decoder, the tag by which it knows its kind).
_MEASURED = {DeliverableFormat.MOV: ("prores", "ap4h"), DeliverableFormat.V210: ("v210", "v210")}
# Encoders hold a frame for each thread.
_THREADS = 8


class VideoSink:
    """Writes one video file under a hidden name beside `path`, which it takes when it is whole.

    The file opens with the first plate: only that tells the time at which the sound has to begin.
    """

    def __init__(
        self, path: Path, *, facts: MediaFacts, deliverable: Deliverable, source: str, frames: FrameRange
    ) -> None:
        self._path = path
        self.unfinished = path.with_name(f".{path.stem}.partial{path.suffix}")
        self._facts = facts
        self._deliverable = deliverable
        self._source = source
        self._frames = frames
        self._open = ExitStack()
        self._audio: AudioCopy | None = None
        self._container: OutputContainer | None = None
        self._stream: VideoStream
        self._start = Fraction(0)
        self._end = Fraction(0)
        self._fidelity: Fidelity | None = None

    @property
    def error(self) -> CodecError | None:
        """What the codec changed in the frames written so far; None for codecs whose error is not measured."""
        return self._fidelity.error if self._fidelity else None

    def write(self, plate: PlateFrame) -> None:
        if self._container is None:
            self._container = self._open_for(plate)
        frame = frame_from_plate(plate, pixel_format=self._stream.pix_fmt or plate.layout.name)
        context = self._stream.codec_context
        frame.time_base = context.time_base
        # ProRes writes the frames' tags into its own headers, not the stream's.
        frame.colorspace, frame.color_range = context.colorspace, context.color_range
        frame.color_primaries, frame.color_trc = context.color_primaries, context.color_trc
        if self._facts.variable_rate:
            frame.pts = round((plate.pts * plate.time_base - self._start) / frame.time_base)
            frame.duration = round(plate.duration * plate.time_base / frame.time_base)
        else:
            frame.pts = plate.number - self._frames.first
            frame.duration = 1
        if self._fidelity:
            self._fidelity.expect(plate)
        begin = frame.pts * frame.time_base
        self._end = begin + (frame.duration * frame.time_base or 1 / self._facts.rate)
        for packet in self._stream.encode(frame):
            self._mux(packet)

    def finish(self) -> None:
        """Flush encoder and sound, write the trailer and bring the file to the disk, still under its hidden name."""
        assert self._container is not None
        for packet in self._stream.encode(None):
            self._mux(packet)
        if self._audio:
            to_the_end = self._frames.last == self._facts.frame_count - 1
            self._audio.up_to(None if to_the_end else self._end)
        self._open.close()
        facts = self._facts
        if self._deliverable.format is DeliverableFormat.MKV and facts.pixel_aspect != 1:
            write_pixel_aspect(self.unfinished, facts.pixel_aspect, width=facts.width, height=facts.height)
        with open(self.unfinished, "rb+") as file:
            reach(Point.RESULT_SYNC)
            os.fsync(file.fileno())

    def publish(self) -> None:
        """Give the finished file its name."""
        reach(Point.RESULT_RENAME)
        os.replace(self.unfinished, self._path)
        reach(Point.RESULT_RENAMED)

    def clean_up(self) -> None:
        """Close and remove a file that was not published; after `publish` there is nothing left to remove."""
        with suppress(av.FFmpegError, OSError):  # what cannot be written any more is thrown away anyhow
            self._open.close()
        self.unfinished.unlink(missing_ok=True)

    def _mux(self, packet: av.Packet) -> None:
        assert self._container is not None
        if self._audio and packet.dts is not None:
            self._audio.up_to(min(packet.dts * packet.time_base, self._end))
        if self._fidelity:
            self._fidelity.compare(packet)
        self._container.mux_one(packet)

    def _open_for(self, plate: PlateFrame) -> OutputContainer:
        kind = self._deliverable.format
        container = self._open.enter_context(
            av.open(str(self.unfinished), "w", format=_MUXERS[kind], container_options=_muxer_options(kind))
        )
        codec, options = _CODECS[kind]
        stream = container.add_stream(codec, rate=self._facts.rate, options=options)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        stream.width, stream.height = plate.width, plate.height
        stream.pix_fmt = encoder_format(kind, plate.layout.name)
        stream.thread_count = min(os.cpu_count() or 1, _THREADS)
        stream.codec_context.sample_aspect_ratio = self._facts.pixel_aspect
        stream.codec_context.time_base = 1 / self._facts.rate
        self._tag(stream, plate)
        if kind in _MEASURED:
            decoder, tag = _MEASURED[kind]
            self._fidelity = Fidelity(decoder, tag=tag, width=plate.width, height=plate.height)
        self._start = plate.pts * plate.time_base
        clip = None
        if not (is_sequence(self._source) or is_frame_cache(self._source)):
            clip = self._open.enter_context(open_clip(self._source))
            time_base = video_stream(clip).time_base
            if self._facts.variable_rate and time_base:
                stream.codec_context.time_base = time_base
        if self._facts.rotation:
            stream.set_display_rotation(-self._facts.rotation)
        if self._facts.start_timecode:
            timecode = shifted(self._facts.start_timecode, self._frames.first, self._facts.rate)
            stream.metadata["timecode"] = timecode
        if self._facts.reel:
            stream.metadata["reel_name"] = self._facts.reel
        if clip is not None and self._deliverable.kind is DeliverableKind.FULL:
            self._audio = AudioCopy(clip, container, start=self._start)
        return container

    def _tag(self, stream: VideoStream, plate: PlateFrame) -> None:
        """Colour tags as the source had them, none invented; what a conversion changed is said as it is now."""
        facts, context = self._facts, stream.codec_context
        source, target = layout_of(facts.pixel_format).model, plate.layout.model
        made = self._deliverable.kind is not DeliverableKind.FULL
        made = made or (target is ColourModel.YUV and source is not ColourModel.YUV)
        matrix, range = (
            ColourTag(name=name, origin=Origin.TAGGED if made else tag.origin)
            for name, tag in ((plate.colour.matrix, facts.matrix), (plate.colour.range, facts.range))
        )
        context.colorspace = code_point(MATRICES, matrix)
        context.color_range = code_point(RANGES, range, unspecified=0)
        if self._deliverable.kind is not DeliverableKind.MATTE:  # a matte is no colour
            context.color_primaries = code_point(PRIMARIES, facts.primaries)
            context.color_trc = code_point(TRANSFERS, facts.transfer)


def encoder_format(kind: DeliverableFormat, pixel_format: str) -> str:
    """The encoder's own name for a planar format. Raises OutputError where FFV1 has none."""
    if kind is not DeliverableFormat.MKV:
        return pixel_format
    name = _FFV1_PACKED.get(pixel_format, pixel_format)
    if name not in {known.name for known in Codec("ffv1", "w").video_formats or ()}:
        raise OutputError(f"FFV1 cannot keep {pixel_format} samples exactly: ask for an EXR or PNG sequence.")
    return name


def _muxer_options(kind: DeliverableFormat) -> dict[str, str]:
    if kind is DeliverableFormat.MKV:
        return {}
    return {"movflags": "+faststart", "write_tmcd": "1"}
