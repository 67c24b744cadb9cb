# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames a video file holds, at which times: one pass over its packets, without decoding them all.

Packet times are trusted only after the first and the last group of pictures have been decoded and gave exactly the
frames that the packets promise; otherwise the whole file is decoded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from maskedit.errors import InputError
from maskedit.media.colour import PlateColour, chroma_siting, colour_tags
from maskedit.media.containers import check_size, open_clip, told_as_input_error, video_stream
from maskedit.media.pixels import layout_of
from maskedit.request import AlphaMode, FieldOrder, MediaFacts

_FIELD_ORDERS = {1: FieldOrder.PROGRESSIVE, 2: FieldOrder.TOP_FIRST, 3: FieldOrder.BOTTOM_FIRST,
                 4: FieldOrder.TOP_FIRST, 5: FieldOrder.BOTTOM_FIRST}  # fmt: skip
_COMMON_RATES = tuple(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 120)) + tuple(
    Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)
)


@dataclass(frozen=True, eq=False)
class ClipIndex:
    """`times`: int64 pts of every frame, ascending, in `time_base` seconds. `entries`: pts of the frames at which
    decoding can start, ascending; empty where frames are found only by counting from the start."""

    facts: MediaFacts
    colour: PlateColour
    times: np.ndarray
    entries: np.ndarray
    time_base: Fraction


def index_clip(path: str | Path) -> ClipIndex:
    """The index of a video file, kept while the file's size and time stay the same. Raises InputError."""
    file = Path(path).absolute()
    try:
        stat = file.stat()
    except OSError as error:
        raise InputError(f"There is no file {file.name} at {file.parent}: check the path.") from error
    with told_as_input_error(file):
        return _index_file(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _index_file(file: Path, size: int, modified_ns: int) -> ClipIndex:
    times, entries = _packet_times(file)
    ticks_are_frames = False
    if not _ends_agree(file, times, entries):
        entries = np.empty(0, np.int64)
        times, ticks_are_frames = _decoded_times(file)
    if not len(times):
        raise InputError(f"No frames can be decoded from {file.name}: convert it to FFV1 or ProRes.")
    frame = next(decode_from(file, None))
    check_size(frame.width, frame.height, name=file.name)
    with open_clip(file) as container:
        stream = video_stream(container)
        time_base = stream.time_base or Fraction(1, 1000)
        if ticks_are_frames:
            time_base = 1 / (stream.average_rate or stream.guessed_rate or Fraction(24))
        rate, variable = _rate(stream, times, time_base)
        facts = _facts(container, stream, frame, frame_count=len(times), rate=rate, variable_rate=variable)
    siting = chroma_siting(stream.codec_context.name, matrix=facts.matrix.name, layout=layout_of(facts.pixel_format))
    colour = PlateColour(matrix=facts.matrix.name, range=facts.range.name, siting=siting)
    return ClipIndex(facts=facts, colour=colour, times=times, entries=entries, time_base=time_base)


def decode_from(file: str | Path, pts: int | None) -> Iterator[VideoFrame]:
    """Frames from the entry at `pts` on (None: from the start) in display order; packets that cannot be decoded are
    passed over, as every player does, and so leave a gap in the times. Raises InputError for interlaced frames."""
    with open_clip(file) as container:
        stream = video_stream(container)
        if pts is not None:
            container.seek(pts, stream=stream, backward=True)
        for packet in _packets(container, stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                if frame.interlaced_frame:
                    raise InputError(_INTERLACED.format(name=Path(file).name))
                yield frame


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    # A file that was cut short ends where it can no longer be read.
    with suppress(av.FFmpegError):
        yield from container.demux(stream)


def _packet_times(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """(frame times, entry times) by demuxing; empty where packets carry no time of their own."""
    with open_clip(file) as container:
        packets = [
            (packet.pts, packet.is_keyframe)
            for packet in _packets(container, video_stream(container))
            if packet.size and not packet.is_discard
        ]
    times = {pts: is_entry for pts, is_entry in packets if pts is not None}
    if len(times) < len(packets):
        times = {}
    return (
        np.array(sorted(times), np.int64),
        np.array(sorted(pts for pts, is_entry in times.items() if is_entry), np.int64),
    )


def _ends_agree(file: Path, times: np.ndarray, entries: np.ndarray) -> bool:
    """Whether decoding the first and the last group of pictures gives the times that the packets promise."""
    if not len(entries) or entries[0] != times[0]:
        return False
    until = int(entries[1]) if len(entries) > 1 else None
    head = (frame.pts for frame in decode_from(file, None))
    if not _same(_before(head, until), times if until is None else times[times < until]):
        return False
    if until is None:
        return True
    tail = (frame.pts for frame in decode_from(file, int(entries[-1])))
    return _same((pts for pts in tail if pts is None or pts >= entries[-1]), times[times >= entries[-1]])


def _before(times: Iterable[int | None], until: int | None) -> Iterator[int | None]:
    for pts in times:
        if until is not None and pts is not None and pts >= until:
            return
        yield pts


def _same(found: Iterable[int | None], promised: np.ndarray) -> bool:
    return list(found) == promised.tolist()


def _decoded_times(file: Path) -> tuple[np.ndarray, bool]:
    """(times of all frames by decoding them, whether they are mere counts, as for H.264 in AVI, which has no times)."""
    times = [frame.pts for frame in decode_from(file, None)]
    known = [pts for pts in times if pts is not None]
    counted = len(known) < len(times) or any(earlier >= later for earlier, later in pairwise(known))
    return np.array(range(len(times)) if counted else known, np.int64), counted


def _facts(
    container: InputContainer,
    stream: VideoStream,
    frame: VideoFrame,
    *,
    frame_count: int,
    rate: Fraction,
    variable_rate: bool,
) -> MediaFacts:
    order = _FIELD_ORDERS.get(stream.codec_context.field_order, FieldOrder.UNKNOWN)
    if order in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST):
        raise InputError(_INTERLACED.format(name=Path(container.name).name))
    layout = layout_of(frame.format.name)
    tags = colour_tags(
        layout,
        height=frame.height,
        matrix=int(frame.colorspace),
        # Some decoders say yuvj* instead of tagging the range.
        range=2 if frame.format.name.startswith("yuvj") else int(frame.color_range),
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
    )
    return MediaFacts(
        frame_count=frame_count,
        width=frame.width,
        height=frame.height,
        rate=rate,
        variable_rate=variable_rate,
        pixel_format=frame.format.name,
        bit_depth=layout.depth,
        pixel_aspect=_pixel_aspect(stream),
        field_order=order,
        rotation=-frame.rotation % 360,
        alpha_mode=AlphaMode.STRAIGHT if layout.has_alpha else AlphaMode.NONE,
        has_audio=bool(container.streams.audio),
        start_timecode=_metadata(container, "timecode"),
        reel=_metadata(container, "reel_name"),
        **tags,
    )


def _rate(stream: VideoStream, times: np.ndarray, time_base: Fraction) -> tuple[Fraction, bool]:
    """(frames per second, whether it varies): constant when one rate explains every time to within a tick."""
    told = [_exact(rate) for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate]
    if len(times) < 2:
        return (told or [Fraction(24)])[0], False
    mean = Fraction(len(times) - 1) / (int(times[-1] - times[0]) * time_base)
    near = [rate for rate in _COMMON_RATES if abs(rate / mean - 1) < Fraction(1, 100)]
    for rate in (*told, *sorted(near, key=lambda rate: abs(rate - mean)), mean.limit_denominator(1001)):
        # In integers: times in units of 1 / (rate numerator * time base denominator) seconds.
        steps = np.arange(len(times), dtype=np.float64) * float(1 / (rate * time_base))
        if np.abs(times - times[0] - steps).max() <= 1.01:
            return rate, False
    return (told or [mean.limit_denominator(1001)])[0], True


def _exact(rate: Fraction) -> Fraction:
    """What a container means that keeps the length of a frame in nanoseconds: 19001/317 is 60000/1001."""
    return next((common for common in _COMMON_RATES if abs(rate / common - 1) < Fraction(1, 1_000_000)), rate)


def _pixel_aspect(stream: VideoStream) -> Fraction:
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Fraction(aspect) if aspect else Fraction(1)


def _metadata(container: InputContainer, key: str) -> str:
    for metadata in (*(stream.metadata for stream in container.streams), container.metadata):
        for name, value in metadata.items():
            if name.lower() == key:
                return value
    return ""


_INTERLACED = "{name} is interlaced: deinterlace it first, for the method needs whole frames."
