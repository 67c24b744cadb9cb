# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files with known samples: every test of maskedit.media makes its clips with these."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from maskedit.media.pixels import layout_of


@dataclass(frozen=True)
class MadeClip:
    """A file and the samples that went into it: per frame, one array per plane of the planar format."""

    path: str
    planes: list[list[np.ndarray]]


MakeClip = Callable[..., MadeClip]


def fill(frame: av.VideoFrame, planes: Sequence[np.ndarray]) -> None:
    for plane, samples in zip(frame.planes, planes, strict=True):
        view = np.frombuffer(plane, samples.dtype).reshape(plane.height, -1)
        view[:, : samples.shape[1]] = samples


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """make_clip(name, pixel_format, …): noise in every plane, or luma 20 + 5 * number with `numbered=True`.

    `packed`: the encoder's own format where it takes no planar one. `sound`: an audio codec, one packet per few ms.
    """

    def make(
        name: str,
        pixel_format: str = "yuv420p",
        *,
        codec: str = "ffv1",
        packed: str | None = None,
        size: tuple[int, int] = (48, 32),
        frames: int = 4,
        rate: Fraction = Fraction(25),
        time_base: Fraction | None = None,
        pts: Sequence[int] | None = None,
        numbered: bool = False,
        sound: str | None = None,
        options: dict[str, str] | None = None,
        metadata: dict[str, str] | None = None,
        rotation: int = 0,
        context: dict[str, object] | None = None,
    ) -> MadeClip:
        layout = layout_of(pixel_format)
        random = np.random.default_rng(7)
        width, height = size
        path = tmp_path / name
        written = []
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.width, stream.height, stream.pix_fmt = width, height, packed or pixel_format
            stream.codec_context.time_base = time_base or 1 / rate
            for attribute, value in (context or {}).items():
                setattr(stream.codec_context, attribute, value)
            stream.metadata.update(metadata or {})
            if rotation:
                stream.set_display_rotation(rotation)
            audio = container.add_stream(sound, rate=48000) if sound else None
            for number in range(frames):
                shapes = [layout.plane_shape(n, width=width, height=height) for n in range(layout.plane_count)]
                if layout.is_float:
                    planes = [random.random(shape, np.float32) for shape in shapes]
                else:
                    # SDI's own codes at either end (v210) cannot be stored.
                    ends = 4 if codec == "v210" else 0
                    top = (1 << layout.depth) - ends
                    planes = [random.integers(ends, top, shape).astype(layout.dtype) for shape in shapes]
                if numbered:
                    planes = [np.full_like(plane, 20 + 5 * number) for plane in planes]
                frame = av.VideoFrame(width, height, pixel_format)
                fill(frame, planes)
                if packed:
                    frame = frame.reformat(format=packed)
                frame.pts = pts[number] if pts else number
                frame.time_base = stream.codec_context.time_base
                container.mux(stream.encode(frame))
                written.append(planes)
            container.mux(stream.encode(None))
            if audio:
                for start in range(0, int(frames / rate * 48000), 480):
                    block = av.AudioFrame(format="s16", layout="stereo", samples=480)
                    block.planes[0].update(random.integers(-9000, 9000, 960).astype("<i2").tobytes())
                    block.sample_rate, block.pts, block.time_base = 48000, start, Fraction(1, 48000)
                    resampler = av.AudioResampler(format=audio.codec_context.format.name)
                    for resampled in resampler.resample(block):
                        container.mux(audio.encode(resampled))
                container.mux(audio.encode(None))
        return MadeClip(str(path), written)

    return make


def decoded_planes(path: str | Path, pixel_format: str) -> list[list[np.ndarray]]:
    """All frames of a file as planes of `pixel_format`, by PyAV alone."""
    layout = layout_of(pixel_format)
    decoded = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            width, height = frame.width, frame.height
            if frame.format.name.replace("yuvj", "yuv") != pixel_format:
                frame = frame.reformat(format=pixel_format)
            decoded.append(
                [
                    np.frombuffer(bytes(plane), layout.dtype).reshape(plane.height, -1)[:rows, :columns]
                    for plane, (rows, columns) in zip(
                        frame.planes,
                        (layout.plane_shape(n, width=width, height=height) for n in range(layout.plane_count)),
                        strict=True,
                    )
                ]
            )
    return decoded


@pytest.fixture
def decode_planes() -> Callable[[str | Path, str], list[list[np.ndarray]]]:
    return decoded_planes


@pytest.fixture
def huge_png() -> Callable[..., bytes]:
    """huge_png(side, bits=8, kind=0): under 200 bytes that claim to be a picture of side x side pixels; `kind` as in
    PNG: 0 gray, 2 RGB, 6 RGBA."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def build(side: int, *, bits: int = 8, kind: int = 0) -> bytes:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, kind, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")

    return build
