# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny clips whose every frame says which one it is, for the tests inside Blender and those outside.

The top quarter of a picture is a row of gray bars, the bits of its number, above a row of their opposites; what was
decoded, rendered, scaled or compressed still reads as that number, or as none. Below lies a still texture, with a
square that moves one pixel per frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 12
NTSC_FILM = Fraction(24000, 1001)
SIZE = (96, 64)
DARK, BRIGHT = 32, 224
SQUARE_COLOUR = (200, 60, 40)


def square_at(number: int, size: tuple[int, int] = SIZE) -> tuple[int, int, int]:
    """Where the square lies in picture `number`: left, top and side in px, from the upper left corner."""
    width, height = size
    return width // 8 + number % (width // 2), height * 3 // 8, height // 4


def numbered_picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The (H, W, 3) uint8 picture that says `number`, 0 to 4095; `size` is width and height, at least 48×16."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    red, green, blue = 110 + 60 * np.sin(x / 7 + y / 11), 100 + 50 * np.cos(y / 5), 90 + 60 * np.sin((x + 2 * y) / 13)
    picture = np.stack([red, green, blue], axis=-1).astype(np.uint8)
    left, top, side = square_at(number, size)
    picture[top : top + side, left : left + side] = SQUARE_COLOUR
    bits = (number >> (np.arange(width) * BITS // width)) & 1
    row = height // 8
    picture[:row] = np.where(bits, BRIGHT, DARK)[None, :, None]
    picture[row : 2 * row] = np.where(bits, DARK, BRIGHT)[None, :, None]
    return picture


def drawn_number(picture: np.ndarray) -> int:
    """The number that a picture says, (H, W, 3 or 4) of any size and number type. ValueError where it says none."""
    luma = picture[..., :3].astype(np.float64).mean(axis=-1)
    height, width = luma.shape
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    above, below = luma[height // 16, centres], luma[height * 3 // 16, centres]
    bright, dark = np.maximum(above, below), np.minimum(above, below)
    if bright.min() - dark.max() <= (bright.max() - dark.min()) / 2:
        raise ValueError(f"the bars say no number: {above} over {below}")
    return int(((above > below).astype(int) << np.arange(BITS)).sum())


def write_clip(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    rate: Fraction = NTSC_FILM,
    codec: str = "",
    pixel_format: str = "",
    sound: bool = False,
) -> Path:
    """(H, W, 3 or 4) uint8 pictures as a video of exactly `rate`, by the ending of `path` and lossless in RGB but for
    `.mp4`: PNG in `.mov`, FFV1 in `.mkv` (which keeps times in ms), H.264 in `.mp4`. `sound`: a track of silence."""
    codecs = {".mov": ("png", "rgb24"), ".mkv": ("ffv1", "bgr0"), ".mp4": ("libx264", "yuv420p")}
    usual_codec, usual_format = codecs[path.suffix]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec or usual_codec, rate=rate)
        track = container.add_stream("pcm_s16le", rate=48000, layout="mono") if sound else None
        stream.pix_fmt = pixel_format or usual_format
        stream.time_base = stream.codec_context.time_base = 1 / rate
        if usual_codec == "libx264" and not codec:
            stream.options = {"crf": "12"}
        for number, samples in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = samples.shape[:2]
            picture = av.VideoFrame.from_ndarray(samples, format="rgba" if samples.shape[-1] == 4 else "rgb24")
            frame = picture.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None:
            _silence(container, track, seconds=(number + 1) / rate)
    return path


def numbered_clip(
    path: Path, frames: int, *, rate: Fraction = NTSC_FILM, first: int = 0, size: tuple[int, int] = SIZE, **how
) -> Path:
    """A clip of `frames` pictures that say `first`, `first + 1`, …; `how`: see `write_clip`."""
    numbers = range(first, first + frames)
    return write_clip(path, (numbered_picture(number, size) for number in numbers), rate=rate, **how)


def numbered_sequence(
    folder: Path, numbers: Sequence[int], *, name: str = "plate.{:04d}.png", size: tuple[int, int] = SIZE
) -> list[Path]:
    """PNG files whose names and pictures say `numbers`."""
    return [
        write_picture(folder / name.format(number), numbered_picture(number, size)) for number in numbers
    ]  # fmt: skip


def write_picture(path: Path, picture: np.ndarray) -> Path:
    """A PNG file of (H, W) or (H, W, 3 or 4) samples, uint8 or uint16."""
    channels = 1 if picture.ndim == 2 else picture.shape[-1]
    layouts = {1: ("gray", "gray16be"), 3: ("rgb24", "rgb48be"), 4: ("rgba", "rgba64be")}
    layout = layouts[channels][picture.dtype != np.uint8]
    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width = picture.shape[:2]
    encoder.pix_fmt, encoder.time_base = layout, Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=layout)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None))))
    return path


def read_pictures(path: Path, layout: str = "") -> list[np.ndarray]:
    """All pictures of a video or picture file: uint8 RGB, RGBA where it has alpha, or by `layout`, a pixel format of
    FFmpeg's such as "gray16le"."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        has_alpha = any(component.is_alpha for component in stream.format.components)
        return [
            frame.to_ndarray(format=layout or ("rgba" if has_alpha else "rgb24")) for frame in container.decode(stream)
        ]


def read_picture(path: Path, layout: str = "") -> np.ndarray:
    """The one picture of a file, see `read_pictures`."""
    (picture,) = read_pictures(path, layout)
    return picture


def numbers_of(path: Path) -> list[int]:
    """What each frame of a clip says."""
    return [drawn_number(picture) for picture in read_pictures(path)]


def rate_of(path: Path) -> Fraction:
    """The rate that a clip's file states."""
    with av.open(str(path)) as container:
        return Fraction(container.streams.video[0].average_rate)


def _silence(container, track, *, seconds: Fraction) -> None:
    total, block = int(seconds * 48000), 1024
    for start in range(0, total, block):
        samples = np.zeros((1, min(block, total - start)), np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(track.encode(frame))
    container.mux(track.encode(None))
