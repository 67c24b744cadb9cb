# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated picture blended into the plate, in the plate's own planes.

What the paste matte leaves at 0 is copied bit for bit. Going through RGB and back would move 10-bit YUV codes by up to
13, so the generated RGB is brought to the plate's matrix, range and chroma siting instead, and only samples that are
touched are rounded.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from maskedit.colour import View, closeness, scatter
from maskedit.errors import ModelError
from maskedit.geometry import Rect, bounds_of
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import PixelLayout, layout_of
from maskedit.media.plate import (
    PlateFrame,
    code_span,
    reduce_chroma,
    rgb_from_signals,
    serves,
    signal_from_codes,
    signals_from_rgb,
)

# Further away than this no pixel takes part in a chroma sample.
_CHROMA_REACH_PX = 8


def composite(
    plate: PlateFrame, generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray, view: View | None = None
) -> PlateFrame:
    """`plate` with `generated` at (x, y) where `paste_matte` says so.

    generated: float32 (h, w, 3), R'G'B' of the plate's own encoding in [0, 1], or display values of `view`, which then
    brings them back. paste_matte: float32 (H, W) in [0, 1], 0 outside the rectangle of `generated`. Each sample becomes
    `(1 - matte) * plate + matte * generated`, rounded to nearest; with a view the rounding of more than 8 bits is
    scattered, and where the picture shows the plate its chroma is the plate's own. A subsampled chroma sample changes
    only where every pixel that takes colour from it has a matte above 0. Alpha is the plate's.
    Raises ValueError for sizes that do not fit together, ModelError for generated values that are not finite.
    """
    _check(plate, generated, x=x, y=y, paste_matte=paste_matte)
    generated, x, y = _pasted(generated, x=x, y=y, paste_matte=paste_matte)
    layout, colour = plate.layout, plate.colour
    rows, columns = plate.window(slice(y, y + generated.shape[0]), slice(x, x + generated.shape[1]))
    matte = paste_matte[rows, columns]
    top, left = y - rows.start, x - columns.start
    below, right = len(matte) - top - len(generated), matte.shape[1] - left - generated.shape[1]
    # The matte is 0 around the rectangle; the held rim only keeps black out of the chroma low-pass.
    picture = np.pad(generated, ((top, below), (left, right), (0, 0)), mode="edge")
    signals = _signals(plate.part(rows, columns), picture, view=view)
    planes = [plane.copy() for plane in plate.planes]
    for plane, signal in enumerate(signals):
        zero, span = code_span(layout, plane, colour)
        across, down = layout.chroma_shift if layout.is_chroma(plane) else (0, 0)
        weight = matte
        if layout.is_chroma(plane):
            weight = reduce_chroma(matte, layout, colour) * _wholly_inside(matte > 0, layout, colour)
        part = planes[plane][rows.start >> down :, columns.start >> across :][: len(weight), : weight.shape[1]]
        code = signal * np.float32(span) + np.float32(zero)
        if layout.is_float:
            # A plate's infinities and errors end where something else is pasted in full.
            mixed = np.where(weight == 1, code, part + weight * (code - part))
        else:
            mixed = part + weight * (code - part)
            if view is not None and layout.depth > 8:
                mixed += scatter(*weight.shape, frame=plate.number, x=columns.start + 17 * plane, y=rows.start)
            mixed = np.clip(np.rint(mixed), 0, (1 << layout.depth) - 1)
        np.copyto(part, mixed.astype(part.dtype), where=weight > 0)
    for plane in planes:
        plane.flags.writeable = False
    return replace(plate, planes=tuple(planes))


def patch_frame(
    plate: PlateFrame, generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray, view: View | None = None
) -> PlateFrame:
    """`generated` alone, as RGBA of the plate's size with straight alpha = `paste_matte`, in the plate's encoding.

    16-bit codes, or floats if the plate's samples are. Arguments and errors as in `composite`. Where the matte is 0,
    all four samples are 0.
    """
    _check(plate, generated, x=x, y=y, paste_matte=paste_matte)
    target = layout_of("gbrapf32le" if plate.layout.is_float else "gbrap16le")
    samples = np.zeros((4, plate.height, plate.width), target.dtype)
    rows, columns = slice(y, y + generated.shape[0]), slice(x, x + generated.shape[1])
    matte = paste_matte[rows, columns]
    inside = matte > 0
    window = plate.window(rows, columns)
    within = (
        slice(y - window[0].start, y - window[0].start + len(matte)),
        slice(x - window[1].start, x - window[1].start + matte.shape[1]),
    )
    colours = generated
    if view is not None:
        colours = view.back(generated, plate.part(*window).encoded_rgb()[within])
    for plane, values in enumerate((*(colours[..., channel] for channel in (1, 2, 0)), matte)):
        if not target.is_float:
            values = np.rint(np.clip(values, 0.0, 1.0) * 65535)
        samples[plane, rows, columns] = np.where(inside, values, 0)
    samples.flags.writeable = False
    return replace(plate, planes=tuple(samples), pixel_format=target.name, colour=PlateColour(matrix="gbr", range="pc"))


def fill_frame(
    plate: PlateFrame, generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray, view: View | None = None
) -> PlateFrame:
    """`generated` where the matte shows any of it, as RGB of the plate's size, held on to the frame's borders.

    Samples, arguments and errors as in `patch_frame`. Every pixel outside takes the colour of the nearest one inside,
    so that the matte may be grown, softened or divided by later; where the matte is 0 all over, all is 0.
    """
    patch = patch_frame(plate, generated, x=x, y=y, paste_matte=paste_matte, view=view)
    codes = np.stack(patch.planes[:3])
    outside = paste_matte == 0
    if outside.any() and not outside.all():
        # Every pixel inside has a label of its own, and those outside the label of the one nearest to them.
        _, labels = cv2.distanceTransformWithLabels(
            outside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        inside = np.flatnonzero(~outside)
        place = np.zeros(len(inside) + 1, np.int32)
        place[labels.ravel()[inside]] = inside
        codes = codes.reshape(3, -1)[:, place[labels]]
    codes.flags.writeable = False
    return replace(patch, planes=tuple(codes), pixel_format="gbrpf32le" if patch.layout.is_float else "gbrp16le")


def matte_frame(plate: PlateFrame, paste_matte: np.ndarray) -> PlateFrame:
    """The paste matte, float32 (H, W) in [0, 1], as 16-bit gray in full range."""
    codes = np.rint(paste_matte * np.float32(65535)).astype(np.uint16)
    codes.flags.writeable = False
    return replace(plate, planes=(codes,), pixel_format="gray16le", colour=PlateColour(range="pc"))


def _pasted(generated: np.ndarray, *, x: int, y: int, paste_matte: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The part of `generated` that shows anywhere, with what its chroma is made of around it, and where it lies."""
    whole = Rect(x, y, generated.shape[1], generated.shape[0])
    shown = bounds_of(paste_matte[whole.slices]) or Rect(0, 0, 1, 1)
    part = shown.grown(_CHROMA_REACH_PX, frame_width=whole.width, frame_height=whole.height)
    return generated[part.slices], x + part.x, y + part.y


def _signals(plate: PlateFrame, picture: np.ndarray, *, view: View | None) -> tuple[np.ndarray, ...]:
    """The signals of `picture` (H, W, 3), which covers `plate`, each in the size of its plane."""
    layout, colour = plate.layout, plate.colour
    if view is None:
        rgb = np.clip(picture, 0.0, 1.0).astype(np.float32, copy=False)
        own, same = None, picture
    else:
        own = plate.signals()
        before = rgb_from_signals(own, layout, colour)
        rgb = view.back(picture, before)
        same = closeness(np.abs(rgb - before).max(axis=-1))
    signals = []
    for plane, signal in enumerate(signals_from_rgb(rgb, layout, colour)):
        if layout.is_chroma(plane):
            signal = reduce_chroma(signal, layout, colour)
            if own is not None:
                # What the low-pass takes from the plate's chroma is given back where the picture shows the plate.
                kept = signal_from_codes(plate.planes[plane], layout, plane, colour)
                signal += reduce_chroma(same, layout, colour) * (kept - reduce_chroma(own[plane], layout, colour))
        signals.append(signal)
    return tuple(signals)


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
