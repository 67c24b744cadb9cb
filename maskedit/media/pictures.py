# SPDX-License-Identifier: GPL-3.0-or-later
"""Single pictures through OpenImageIO: headers are checked before a pixel is decoded, alpha is never multiplied in."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from maskedit.errors import InputError, OutputError
from maskedit.media.colour import primaries_named
from maskedit.media.containers import MAX_PIXELS, MAX_SIDE, check_size, told_as_input_error
from maskedit.media.pixels import PixelLayout, layout_of
from maskedit.media.timecode import unpacked
from maskedit.request import ColourTag, Origin

PICTURE_SUFFIXES = frozenset({".png", ".exr", ".dpx", ".tif", ".tiff", ".jpg", ".jpeg", ".tga", ".bmp", ".webp"})
_MAX_CHANNELS = 1024
_TYPES = {"uint8": "uint8", "uint16": "uint16", "float16": "half"}
Attribute = float | str | Fraction | tuple[int, ...] | tuple[float, ...]
_NO_ATTRIBUTES: Mapping[str, Attribute] = {}


@dataclass(frozen=True)
class PictureHeader:
    """`layout`: the planar form of the picture's samples; `channels`: indices in the file, R G B (A) or Y (A)."""

    width: int
    height: int
    layout: PixelLayout
    channels: tuple[int, ...]
    pixel_aspect: Fraction
    rate: Fraction | None
    timecode: str
    reel: str
    primaries: ColourTag | None
    premultiplied: bool


def read_picture(path: str | Path, *, part: tuple[slice, slice] | None = None) -> np.ndarray:
    """float32 (H, W, 3), or (H, W, 4) with straight or file-given alpha, in [0, 1]; gray is repeated to RGB.

    `part`: these rows and columns alone. Reads 8/16-bit PNG, TIFF, JPEG, DPX, WebP and float EXR. Raises InputError.
    """
    header, samples = read_samples(path)
    picture = (samples if part is None else samples[part]).astype(np.float32)
    if not header.layout.is_float:
        picture /= (1 << header.layout.depth) - 1
    np.clip(picture, 0.0, 1.0, out=picture)
    if picture.shape[-1] in (1, 2):
        picture = np.concatenate([picture[..., :1].repeat(3, axis=-1), picture[..., 1:]], axis=-1)
    return picture


def write_picture(path: str | Path, rgb: np.ndarray, *, bit_depth: int = 8) -> None:
    """Write (H, W, 3 or 4) values in [0, 1] as a PNG, TIFF … of 8 or 16 bits a sample, or an EXR of half floats.

    Raises OutputError.
    """
    if bit_depth not in (8, 16):
        raise ValueError(f"bit_depth is 8 or 16, not {bit_depth}")
    if Path(path).suffix.lower() == ".exr":
        return write_samples(path, rgb.astype(np.float16))
    codes = np.empty(rgb.shape, np.uint8 if bit_depth == 8 else np.uint16)
    for row, values in enumerate(rgb):  # a large picture takes no more memory than its codes
        codes[row] = np.rint(np.clip(values, 0.0, 1.0) * ((1 << bit_depth) - 1))
    return write_samples(path, codes)


def write_samples(
    path: str | Path, samples: np.ndarray, *, attributes: Mapping[str, Attribute] = _NO_ATTRIBUTES
) -> None:
    """Write (H, W, C) uint8, uint16 or float16 samples unchanged, with header `attributes` by OpenImageIO's names.

    A tuple is an array, a fraction a rational, and what is called "smpte:TimeCode" a timecode's two words of 32 bits.

    Complete or not at all: the file appears under its name when it is whole. Raises OutputError.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem}.partial{target.suffix}")
    height, width, channels = samples.shape
    spec = oiio.ImageSpec(width, height, channels, _TYPES[samples.dtype.name])
    spec.attribute("oiio:UnassociatedAlpha", 1)  # write the colours as they are, multiply nothing
    for name, value in attributes.items():
        if isinstance(value, Fraction):
            spec.attribute(name, oiio.TypeRational, (value.numerator, value.denominator))
        elif name == "smpte:TimeCode":
            spec.attribute(name, oiio.TypeTimeCode, value)
        elif isinstance(value, tuple):
            kind = "int" if isinstance(value[0], int) else "float"
            spec.attribute(name, oiio.TypeDesc(f"{kind}[{len(value)}]"), value)
        else:
            spec.attribute(name, value)
    output = oiio.ImageOutput.create(str(temporary))
    if output is None:
        oiio.geterror()  # taken, or the library prints it when the process ends
        raise OutputError(f"{target.name} is no kind of picture that can be written: end its name in .png or .exr.")
    try:
        written = output.open(str(temporary), spec) and output.write_image(np.ascontiguousarray(samples))
        closed = output.close()
        # PNG's writer reports success on a full disk and only notes the error; TIFF's notes errors that do no harm.
        notes = output.geterror() or ""
        if not (written and closed) or "Write error" in notes:
            # What it says of a full disk is of positions and bytes.
            full = target.parent.is_dir() and shutil.disk_usage(target.parent).free < samples.nbytes
            cause = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else None
            reason = _first_line(notes) if cause is None else cause.strerror
            raise OutputError(
                f"{target.name} cannot be written ({reason}): make room or choose another place."
            ) from cause
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def read_header(path: str | Path) -> PictureHeader:
    """Size and kind of a picture, without decoding it. Raises InputError."""
    # Beside refusals of the reader's there is text in a header that is no text.
    with told_as_input_error(path), closing(_open(Path(path))) as source:
        return _header(source, Path(path))


def read_samples(path: str | Path) -> tuple[PictureHeader, np.ndarray]:
    """(header, samples (H, W, C) uint8, uint16 or float32) with the codes as the file has them. Raises InputError."""
    file = Path(path)
    with told_as_input_error(path), closing(_open(file)) as source:
        header = _header(source, file)
        spec = source.spec()
        first, last = min(header.channels), max(header.channels)
        kind = "float" if header.layout.is_float else str(spec.format)
        pixels = source.read_image(0, 0, first, last + 1, kind)
        if pixels is None:
            raise InputError(f"{file.name} cannot be decoded ({_first_line(source.geterror())}): save it anew.")
    samples = np.asarray(pixels).reshape(spec.height, spec.width, last + 1 - first)
    samples = samples[..., [channel - first for channel in header.channels]]
    shift = 8 * samples.dtype.itemsize - header.layout.depth
    if not header.layout.is_float and shift:
        samples = samples >> shift  # 10- and 12-bit codes come stretched to 16 bits
    if samples.shape[:2] != (header.height, header.width):
        samples = _in_display_window(samples, spec, header)
    return header, np.ascontiguousarray(samples)


def _open(file: Path) -> oiio.ImageInput:
    if file.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"{file.name} is no picture that can be read: give a PNG, TIFF, JPEG, DPX or EXR.")
    if not file.is_file():
        raise InputError(f"There is no file {file.name} at {file.parent.absolute()}: check the path.")
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # PNG's alpha is straight: leave its colours alone
    source = oiio.ImageInput.open(str(file.absolute()), config)
    if source is None:
        raise InputError(f"{file.name} cannot be read as a picture ({_first_line(oiio.geterror())}): save it anew.")
    return source


def _header(source: oiio.ImageInput, file: Path) -> PictureHeader:
    spec = source.spec()
    check_size(spec.full_width, spec.full_height, name=file.name)
    check_size(spec.width, spec.height, name=file.name)
    if spec.nchannels > _MAX_CHANNELS:
        raise InputError(f"{file.name} has {spec.nchannels} channels: save only its colour and alpha.")
    channels = _channels(spec, file)
    # Read from the first to the last that is wanted, a row of tiles at a time.
    held = (max(channels) + 1 - min(channels)) * spec.width * (spec.height + spec.tile_height)
    if spec.deep or held > 4 * MAX_PIXELS or max(spec.tile_width, spec.tile_height) > MAX_SIDE:
        raise InputError(f"{file.name} is laid out as no picture need be: save only its colour and alpha, flat.")
    return PictureHeader(
        width=spec.full_width,
        height=spec.full_height,
        layout=_layout(spec, file, channels),
        channels=channels,
        pixel_aspect=Fraction(spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0).limit_denominator(1000),
        rate=_rate(spec),
        timecode=_timecode(spec),
        reel=spec.get_string_attribute("reelName"),
        primaries=_primaries(spec),
        premultiplied=not spec.get_int_attribute("oiio:UnassociatedAlpha"),
    )


def _channels(spec: oiio.ImageSpec, file: Path) -> tuple[int, ...]:
    names = [name.upper() for name in spec.channelnames]
    for colour in (("R", "G", "B"), ("Y",), ("I",)):
        if all(name in names for name in colour):
            alpha = [names.index("A")] if "A" in names else []
            return tuple(names.index(name) for name in colour) + tuple(alpha)
    if len(names) == 1:
        return (0,)
    raise InputError(f"{file.name} has no R, G, B or Y channels: save its colour as R, G, B.")


def _layout(spec: oiio.ImageSpec, file: Path, channels: tuple[int, ...]) -> PixelLayout:
    kind = str(spec.format)
    if kind in ("half", "float"):
        return layout_of("gbrapf32le" if len(channels) in (2, 4) else "gbrpf32le")
    if kind not in ("uint8", "uint16"):
        raise InputError(f"{file.name} stores {kind} samples: save it with 8 or 16 bits, or as an EXR.")
    bits = spec.get_int_attribute("oiio:BitsPerSample", 8 * spec.format.size())
    depth = bits if bits in (10, 12) and len(channels) == 3 else 8 * spec.format.size()
    family = {1: "gray", 2: "gbrap", 3: "gbrp", 4: "gbrap"}[len(channels)]
    return layout_of(family + ("" if depth == 8 else f"{depth}le"))


def _rate(spec: oiio.ImageSpec) -> Fraction | None:
    for name in ("FramesPerSecond", "dpx:FrameRate", "dpx:TemporalFrameRate"):
        value = spec.getattribute(name)
        if isinstance(value, tuple) and len(value) == 2 and value[1]:
            return Fraction(int(value[0]), int(value[1]))
        if isinstance(value, (int, float)) and 1 <= value <= 1000:
            nearest = Fraction(round(value * 1001), 1001)
            return Fraction(round(value)) if abs(value - round(value)) < 1e-3 else nearest.limit_denominator(1001)
    return None


def _timecode(spec: oiio.ImageSpec) -> str:
    words = spec.getattribute("smpte:TimeCode")
    return unpacked(words[0]) if isinstance(words, tuple) else spec.get_string_attribute("timecode")


def _primaries(spec: oiio.ImageSpec) -> ColourTag | None:
    corners = spec.getattribute("chromaticities")
    if not isinstance(corners, tuple) or len(corners) != 8:
        return None
    return ColourTag(name=primaries_named(corners) or "unknown", origin=Origin.TAGGED)


def _first_line(notes: str) -> str:
    return (notes.splitlines() or ["no reason given"])[0].rstrip(".")


def _in_display_window(samples: np.ndarray, spec: oiio.ImageSpec, header: PictureHeader) -> np.ndarray:
    """An EXR's data window placed in its display window, black and transparent around it, overscan cut off."""
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    placed = np.zeros((header.height, header.width, samples.shape[-1]), samples.dtype)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + spec.width, header.width), min(top + spec.height, header.height)
    if x0 < x1 and y0 < y1:
        placed[y0:y1, x0:x1] = samples[y0 - top : y1 - top, x0 - left : x1 - left]
    return placed
