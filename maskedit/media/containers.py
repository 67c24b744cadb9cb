# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening video files that others made: only container formats that cannot reach other files, only sane sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from maskedit.errors import InputError
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import layout_of
from maskedit.media.plate import PlateFrame

MAX_SIDE = 16384
MAX_PIXELS = 200_000_000
# Threads that take a frame each hold as many frames as a machine has cores: of larger ones they share one.
_LARGE_PX = 16_000_000

# Playlists (m3u8, ffconcat, dash) open other files and addresses; these do not.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mxf,mpegts,mpeg,yuv4mpegpipe,nut"


@contextmanager
def told_as_input_error(path: str | Path) -> Iterator[None]:
    """Turns whatever a demuxer or decoder raises on a damaged file, errors of every kind, into one sentence."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines() or ["it is damaged"]
        raise InputError(f"{Path(path).name} cannot be decoded ({reason[0]}): repair or convert it.") from error


@contextmanager
def open_clip(path: str | Path) -> Iterator[InputContainer]:
    """A container open for reading. Raises InputError when it is missing or no video file of a known kind."""
    file = Path(path).absolute()
    if not file.is_file():
        raise InputError(f"There is no file {file.name} at {file.parent}: check the path.")
    try:
        container = av.open(
            str(file),
            container_options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"},
            options={"max_pixels": str(MAX_PIXELS)},
        )
    except Exception as error:
        raise InputError(f"{file.name} cannot be read as video: give a mov, mp4, mkv, mxf or avi file.") from error
    with container:
        yield container


def video_stream(container: InputContainer) -> VideoStream:
    """The first moving picture, decoding in threads, other streams skipped. Raises InputError without one."""
    name = Path(container.name).name
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise InputError(f"{name} holds no video: give the clip itself.")
    if streams[0].codec_context is None:
        raise InputError(f"{name} is in a codec that cannot be decoded: convert it to FFV1 or ProRes.")
    for stream in container.streams:
        stream.discard = Discard.default if stream is streams[0] else Discard.all
    width, height = streams[0].codec_context.width, streams[0].codec_context.height
    check_size(width, height, name=name)
    streams[0].thread_type = "SLICE" if width * height > _LARGE_PX else "AUTO"
    return streams[0]


def check_size(width: int, height: int, *, name: str) -> None:
    """Raise InputError for sizes (pixels) that nobody films and that would only exhaust the memory."""
    if width < 1 or height < 1:
        raise InputError(f"{name} does not say how large its picture is: convert it to FFV1 or ProRes.")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputError(f"{name} is {width}x{height}, more than {MAX_SIDE} a side: scale it down.")


def plate_from_frame(
    frame: VideoFrame, number: int, *, colour: PlateColour, pts: int, time_base: Fraction
) -> PlateFrame:
    """The decoded frame's samples without padding; planar 8-bit and little-endian planes are views, not copies."""
    layout = layout_of(frame.format.name)
    samples = frame
    if frame.format.name != layout.name and not frame.format.name.startswith("yuvj"):
        samples = frame.reformat(format=layout.name)
    planes = tuple(
        view[:rows, :columns]
        for view, (rows, columns) in zip(
            _plane_views(samples, layout.dtype),
            (layout.plane_shape(n, width=frame.width, height=frame.height) for n in range(layout.plane_count)),
            strict=True,
        )
    )
    for plane in planes:
        plane.flags.writeable = False
    return PlateFrame(
        number=number,
        planes=planes,
        pixel_format=layout.name,
        colour=colour,
        pts=pts,
        duration=frame.duration or 0,
        time_base=time_base,
    )


def frame_from_plate(plate: PlateFrame, *, pixel_format: str) -> VideoFrame:
    """A frame for an encoder; `pixel_format` is the plate's or a packed equivalent of it."""
    frame = VideoFrame(plate.width, plate.height, plate.layout.name)
    for view, plane in zip(_plane_views(frame, plate.layout.dtype), plate.planes, strict=True):
        view[: plane.shape[0], : plane.shape[1]] = plane
    return frame if pixel_format == plate.layout.name else frame.reformat(format=pixel_format)


def _plane_views(frame: VideoFrame, dtype: np.dtype) -> Iterator[np.ndarray]:
    for plane in frame.planes:
        yield np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)  # pyright: ignore
