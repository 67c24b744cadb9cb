# SPDX-License-Identifier: GPL-3.0-or-later
"""A plate in another pixel format, through full-size signals in float: no 8-bit step, no clipped highlights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskedit.media.colour import PlateColour, guessed_matrix
from maskedit.media.pixels import ColourModel, layout_of
from maskedit.media.plate import PlateFrame, codes_from_signal, reduce_chroma, rgb_from_signals, signals_from_rgb


def convert(plate: PlateFrame, pixel_format: str, *, matrix: str = "") -> PlateFrame:
    """`plate` as `pixel_format` (a planar format); the plate itself where it already is in it.

    YUV keeps its matrix and becomes limited range; RGB made into YUV takes `matrix`, or the one that
    `colour.guessed_matrix` names for its height. Alpha is carried, or made opaque where only the target has it.
    Composite after converting: then the samples outside the paste are those of the converted plate, bit for bit.
    """
    target = layout_of(pixel_format)
    colour = converted_colour(plate, pixel_format, matrix=matrix)
    if target.name == plate.layout.name and colour == plate.colour:
        return plate
    source = plate.layout
    signals = plate.signals()
    if target.model is not source.model:
        rgb = rgb_from_signals(signals, source, plate.colour)
        signals = signals_from_rgb(rgb, target, colour)
    planes = [
        codes_from_signal(
            reduce_chroma(signal, target, colour) if target.is_chroma(plane) else signal, target, plane, colour
        )
        for plane, signal in enumerate(signals)
    ]
    if target.has_alpha:
        alpha = plate.alpha()
        opaque = np.ones((plate.height, plate.width), np.float32)
        planes.append(codes_from_signal(opaque if alpha is None else alpha, target, len(planes), colour))
    return replace(plate, planes=tuple(planes), pixel_format=target.name, colour=colour)


def straight(plate: PlateFrame) -> PlateFrame:
    """`plate`, whose colours were multiplied by its alpha, with colours that are not: float32; 0 stays 0.

    Halves divided by a half and multiplied with it again in float32 come back exact.
    """
    alpha = plate.planes[-1].astype(np.float32)
    divisor = np.where(alpha > 0, alpha, np.float32(1))
    return replace(plate, planes=(*(plane.astype(np.float32) / divisor for plane in plate.planes[:-1]), alpha))


def converted_colour(plate: PlateFrame, pixel_format: str, *, matrix: str = "") -> PlateColour:
    """How the samples of `convert(plate, pixel_format, matrix=matrix)` are to be understood."""
    target = layout_of(pixel_format)
    if target.name == plate.layout.name:
        return plate.colour
    if target.model is not ColourModel.YUV:
        return PlateColour(matrix="gbr", range="pc", siting=plate.colour.siting)
    known = plate.layout.model is ColourModel.YUV
    matrix = plate.colour.matrix if known else matrix or guessed_matrix(target, height=plate.height)
    return PlateColour(matrix=matrix, range="tv", siting=plate.colour.siting)
