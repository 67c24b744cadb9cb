# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated picture blended into the plate, in the plate's own planes.

What the paste matte leaves at 0 is copied bit for bit. Going through RGB and back would move 10-bit YUV codes by up to
13, so the generated RGB is brought to the plate's matrix, range and chroma siting instead, and only samples that are
touched are rounded.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskedit.errors import ModelError
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import PixelLayout, layout_of
from maskedit.media.plate import PlateFrame, code_span, reduce_chroma, serves, signals_from_rgb


def composite(plate: PlateFrame, generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray) -> PlateFrame:
    """`plate` with `generated` at (x, y) where `paste_matte` says so.

    generated: float32 (h, w, 3) R'G'B' in [0, 1]. paste_matte: float32 (H, W) in [0, 1], 0 outside the rectangle of
    `generated`. Each sample becomes `(1 - matte) * plate + matte * generated`, rounded to nearest. A subsampled
    chroma sample changes only where every pixel that takes colour from it has a matte above 0. Alpha is the plate's.
    Raises ValueError for sizes that do not fit together, ModelError for generated values that are not finite.
    """
    _check(plate, generated, x=x, y=y, paste_matte=paste_matte)
    layout, colour = plate.layout, plate.colour
    rows, columns = _window(plate, generated, x=x, y=y)
    matte = paste_matte[rows, columns]
    top, left = y - rows.start, x - columns.start
    below, right = len(matte) - top - len(generated), matte.shape[1] - left - generated.shape[1]
    # The matte is 0 around the rectangle; the held rim only keeps black out of the chroma low-pass.
    picture = np.pad(generated, ((top, below), (left, right), (0, 0)), mode="edge")
    signals = signals_from_rgb(np.clip(picture, 0.0, 1.0).astype(np.float32, copy=False), layout, colour)
    planes = [plane.copy() for plane in plate.planes]
    for plane, signal in enumerate(signals):
        zero, span = code_span(layout, plane, colour)
        across, down = layout.chroma_shift if layout.is_chroma(plane) else (0, 0)
        weight = matte
        if layout.is_chroma(plane):
            signal = reduce_chroma(signal, layout, colour)
            weight = reduce_chroma(matte, layout, colour) * _wholly_inside(matte > 0, layout, colour)
        part = planes[plane][rows.start >> down :, columns.start >> across :][: len(weight), : weight.shape[1]]
        mixed = part + weight * (signal * np.float32(span) + np.float32(zero) - part)
        np.copyto(part, (mixed if layout.is_float else np.rint(mixed)).astype(part.dtype), where=weight > 0)
    for plane in planes:
        plane.flags.writeable = False
    return replace(plate, planes=tuple(planes))


def patch_frame(plate: PlateFrame, generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray) -> PlateFrame:
    """`generated` alone, as 16-bit RGBA of the plate's size with straight alpha = `paste_matte`.

    Arguments and errors as in `composite`. Where the matte is 0, all four samples are 0.
    """
    _check(plate, generated, x=x, y=y, paste_matte=paste_matte)
    target = layout_of("gbrap16le")
    codes = np.zeros((4, plate.height, plate.width), target.dtype)
    rows, columns = slice(y, y + generated.shape[0]), slice(x, x + generated.shape[1])
    matte = paste_matte[rows, columns]
    inside = matte > 0
    for plane, values in enumerate((*(generated[..., channel] for channel in (1, 2, 0)), matte)):
        codes[plane, rows, columns] = np.rint(np.clip(values, 0.0, 1.0) * 65535) * inside
    codes.flags.writeable = False
    return replace(plate, planes=tuple(codes), pixel_format=target.name, colour=PlateColour(matrix="gbr", range="pc"))


def _check(plate: PlateFrame, generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray) -> None:
    height, width = generated.shape[:2]
    if paste_matte.shape != (plate.height, plate.width):
        raise ValueError(f"the paste matte is {paste_matte.shape}, the plate {plate.height, plate.width}")
    if not (x >= 0 and x + width <= plate.width and y >= 0 and y + height <= plate.height):
        raise ValueError(f"a {width}x{height} picture at ({x}, {y}) leaves the {plate.width}x{plate.height} plate")
    if np.count_nonzero(paste_matte) > np.count_nonzero(paste_matte[y : y + height, x : x + width]):
        raise ValueError("the paste matte reaches beyond the generated picture")
    if not np.isfinite(generated).all():
        raise ModelError("The generated picture holds values that are not finite: render again in float32.")


def _window(plate: PlateFrame, generated: np.ndarray, *, x: int, y: int) -> tuple[slice, slice]:
    """(rows, columns) of the rectangle grown to whole chroma samples, with one more around it inside the frame."""
    across, down = (1 << shift for shift in plate.layout.chroma_shift)
    return (
        _grown(y, generated.shape[0], step=down, end=plate.height),
        _grown(x, generated.shape[1], step=across, end=plate.width),
    )


def _grown(start: int, length: int, *, step: int, end: int) -> slice:
    return slice(max(start // step - 1, 0) * step, min((-(-(start + length) // step) + 1) * step, end))


def _wholly_inside(inside: np.ndarray, layout: PixelLayout, colour: PlateColour) -> np.ndarray:
    """bool per chroma sample: True where all luma samples that interpolate from it are inside."""
    for axis in (0, 1):
        factor = 1 << layout.chroma_shift[1 - axis]
        first = np.arange(-(-inside.shape[axis] // factor)) * factor
        served = [
            inside.take(np.clip(first + offset, 0, inside.shape[axis] - 1), axis=axis)
            for offset in serves(factor, colour.siting[1 - axis])
        ]
        inside = np.logical_and.reduce(served)
    return inside
