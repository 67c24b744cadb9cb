# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake's viewer shows, from the real media, and files of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.hosts.resolve.fake.model import Cut, Item


@dataclass(frozen=True)
class Encoder:
    """`codec` and pixel formats of FFmpeg; `alpha` is "" where the codec has none."""

    codec: str
    opaque: str
    alpha: str = ""
    options: tuple[tuple[str, str], ...] = ()


FORMATS: dict[str, tuple[str, dict[str, tuple[str, Encoder]]]] = {
    "mov": (
        "QuickTime",
        {
            "ProRes422HQ": ("Apple ProRes 422 HQ", Encoder("prores_ks", "yuv422p10le")),
            "ProRes4444": ("Apple ProRes 4444", Encoder("prores_ks", "yuv444p10le", "yuva444p10le")),
        },
    ),
    "mp4": ("MP4", {"H264": ("H.264", Encoder("libx264", "yuv420p", options=(("crf", "12"), ("g", "12"))))}),
    "tif": (
        "TIFF",
        {
            "RGB8": ("RGB 8 bits", Encoder("tiff", "rgb24", "rgba")),
            "RGB16": ("RGB 16 bits", Encoder("tiff", "rgb48le", "rgba64le")),
        },
    ),
    "exr": ("EXR", {"RGBFloat": ("RGB float", Encoder("exr", "gbrpf32le", "gbrapf32le"))}),
}
"""Render format → its name and its codecs: id → (label, encoder)."""
SEQUENCES = ("tif", "exr")
_STILLS = {".png": ("png", "rgb24"), ".tif": ("tiff", "rgb24"), ".jpg": ("mjpeg", "yuvj444p"), ".dpx": ("dpx", "rgb24")}


def shown_at(cut: Cut, frame: int, size: tuple[int, int], *, only: Item | None = None) -> np.ndarray:
    """(H, W, 4) uint8 of the timeline's `frame`, upper tracks over lower ones; `only` leaves the others out."""
    width, height = size
    canvas = np.zeros((height, width, 4), np.float64)
    for track in cut.tracks["video"]:
        for item in track.items:
            if not (track.is_enabled and item.is_enabled and item.start <= frame < item.end):
                continue
            if only is None or item is only:
                layer = _fitted(item_picture(item, frame, cut), width, height).astype(np.float64)
                alpha = layer[..., 3:] / 255
                canvas[..., :3] = layer[..., :3] * alpha + canvas[..., :3] * (1 - alpha)
                canvas[..., 3:] = layer[..., 3:] + canvas[..., 3:] * (1 - alpha)
    return np.rint(canvas).astype(np.uint8)


def item_picture(item: Item, frame: int, cut: Cut) -> np.ndarray:
    """(H, W, 4) uint8: what `item` alone shows at the timeline's `frame`, at its source's size."""
    clip, number = item.clip, item.source_frame(frame, cut)
    if clip is None:
        return np.full((cut.height, cut.width, 4), item.colour, np.uint8)
    if clip.media is not None:
        return clip.media.picture(0 if clip.media.kind == "Still" else clip.first + number)
    assert clip.nested is not None
    return shown_at(clip.nested, clip.nested.start + clip.first + number, (clip.nested.width, clip.nested.height))


def _fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scaled to fit, the rest empty: the default "scale entire image to fit"."""
    if picture.shape[:2] == (height, width):
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    scaled = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(*inner).to_ndarray(format="rgba")
    canvas = np.zeros((height, width, 4), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas


def write_video(path: Path, frames: Iterable[np.ndarray], rate: Fraction, encoder: Encoder, *, alpha: bool) -> None:
    """Encode (H, W, 4) frames as one file."""
    with av.open(str(path), "w") as container:
        stream = None
        for number, samples in enumerate(frames):
            if stream is None:
                stream = container.add_stream(encoder.codec, rate=rate, options=dict(encoder.options))
                stream.height, stream.width = samples.shape[:2]
                stream.pix_fmt = encoder.alpha if alpha else encoder.opaque
            frame = av.VideoFrame.from_ndarray(samples, format="rgba").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def write_picture(path: Path, samples: np.ndarray, encoder: Encoder, *, alpha: bool) -> None:
    """Encode one (H, W, 4) frame as one picture file."""
    context = av.CodecContext.create(encoder.codec, "w")
    context.height, context.width = samples.shape[:2]
    context.pix_fmt = encoder.alpha if alpha else encoder.opaque
    context.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(samples, format="rgba").reformat(format=context.pix_fmt)
    frame.pts = 0
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))


def write_still(path: Path, samples: np.ndarray) -> bool:
    """A still in the format that the file's name asks for; False for a format that Resolve does not write."""
    chosen = _STILLS.get(path.suffix.lower())
    if chosen is None or not path.parent.is_dir():
        return False
    write_picture(path, samples, Encoder(*chosen), alpha=False)
    return True
