# SPDX-License-Identifier: GPL-3.0-or-later
"""What each deliverable's file loses of the frames that were made for it, inside and outside the matte.

The plates are 10-bit 4:2:2: slow ramps through all legal codes, on which banding shows, and the same under coarse
grain, of which codecs keep least. Every error is the largest of any sample of any plane, in codes of 10 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from maskedit.colour import View, view_of
from maskedit.compositing import composite, fill_frame, matte_frame, patch_frame
from maskedit.deliverable import Deliverable, DeliverableFormat, DeliverableKind
from maskedit.finishing_benchmark import Row
from maskedit.geometry import Rect
from maskedit.media import ClipReader, PlateFrame, convert
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import layout_of
from maskedit.media.sequences import sequence_in
from maskedit.outlets import Delivered, Outlets
from maskedit.request import AlphaMode, ColourTag, FrameRange, MediaFacts, Origin, WorkingColour

KIND, FORMAT = DeliverableKind, DeliverableFormat
_WIDTH, _HEIGHT, _FRAMES = 256, 144, 2
_RECT = Rect(64, 32, 128, 80)
_TOP = 1023.0
_CONTENTS = ("ramps", "grain")
_GRAIN_CODES = 16
# The most that may be lost, (on ramps, under grain). Half floats have steps of half a code below white, one above.
_MOST = {
    FORMAT.MKV: (0.0, 0.0),
    FORMAT.V210: (0.0, 0.0),
    FORMAT.PNG: (0.0, 0.0),
    FORMAT.EXR: (0.5, 0.5),
    FORMAT.CACHE: (0.5, 0.5),
    FORMAT.MOV: (4.0, 4.0),
    FORMAT.MP4: (32.0, 64.0),
}
_SAID = {FORMAT.MKV: "FFV1", FORMAT.MOV: "ProRes 4444", FORMAT.MP4: "H.264", FORMAT.PNG: "PNG", FORMAT.EXR: "EXR",
         FORMAT.CACHE: "Frame cache"}  # fmt: skip


def measure() -> list[Row]:
    """The whole frame in every format, outside and inside the matte, and the worst of the other kinds."""
    rows: list[Row] = []
    worst: dict[tuple[DeliverableFormat, str], float] = {}
    stated = 0.0
    for place, content in enumerate(_CONTENTS):
        for delivered, outside, inside in _errors(content):
            kind, form = delivered.deliverable.kind, delivered.deliverable.format
            if kind is not KIND.FULL:
                worst[form, content] = max(worst.get((form, content), 0.0), outside, inside)
                continue
            for where, error in (("outside", outside), ("inside", inside)):
                name, how = f"{_SAID.get(form, form)}, {where} the matte", f"whole frame, {content}, 10-bit codes"
                rows.append(Row(name=name, what=how, figure=error, most=_MOST[form][place]))
            if delivered.error is not None:
                stated = max(stated, abs(max(delivered.error.max.values()) - max(outside, inside)))
    for (form, content), error in worst.items():
        how = f"worst of patch, fill and matte, {content}, 10-bit codes"
        rows.append(Row(name=_SAID.get(form, form), what=how, figure=error, most=_MOST[form][_CONTENTS.index(content)]))
    how = "what the record states beside what a reader finds, 10-bit codes"
    return [*rows, Row(name="Stated error", what=how, figure=stated, least=0, most=0)]


def _errors(content: str) -> Iterator[tuple[Delivered, float, float]]:
    """Every deliverable of an edit on that content with its largest errors, outside and inside the matte."""
    facts = _facts()
    view = view_of(facts, WorkingColour())
    frames = FrameRange(first=0, last=_FRAMES - 1)
    wanted = [
        Deliverable(kind=kind, format=form)
        for kind in KIND
        for form in FORMAT
        if form.holds(kind) and (kind is KIND.FULL or form is not FORMAT.MP4)
    ]
    plates = [_plate(number, content) for number in range(_FRAMES)]
    with TemporaryDirectory() as folder:
        # A sequence's name as source: there is no sound to copy.
        how = {"facts": facts, "view": view, "source": "made.%04d.png", "frames": frames, "first_number": 0}
        with Outlets(Path(folder), wanted, **how) as outlets:
            for plate in plates:
                outlets.write(plate, _picture(plate.number, content), rect=_RECT, paste_matte=_matte(plate.number))
        for delivered in outlets.delivered:
            found = [
                _error(delivered, exact, shown)
                for exact, shown in zip(
                    (_exact(delivered, plate, content, view=view) for plate in plates), _read(delivered), strict=True
                )
            ]
            yield delivered, max(each[0] for each in found), max(each[1] for each in found)


def _error(delivered: Delivered, exact: PlateFrame, shown: PlateFrame) -> tuple[float, float]:
    """(outside, inside): a subsampled chroma sample is inside where every pixel of it is."""
    inside = _matte(exact.number) > 0
    errors = {True: 0.0, False: 0.0}
    multiplied = delivered.deliverable.kind is KIND.PATCH and delivered.deliverable.format is FORMAT.EXR
    for plane, (before, after) in enumerate(zip(exact.planes, shown.planes, strict=True)):
        before = _ten_bits(before, exact)
        if multiplied and plane < exact.layout.colour_planes:
            before = before * _ten_bits(exact.planes[-1], exact) / _TOP
        error = np.abs(before - _ten_bits(after, shown))
        across, down = exact.layout.chroma_shift if exact.layout.is_chroma(plane) else (0, 0)
        blocks = inside.reshape(_HEIGHT >> down, 1 << down, _WIDTH >> across, 1 << across)
        within = blocks.all(axis=(1, 3))
        for where in (True, False):
            errors[where] = max(errors[where], float(error[within == where].max()))
    return errors[False], errors[True]


def _ten_bits(samples: NDArray[np.generic], frame: PlateFrame) -> NDArray[np.float64]:
    """Samples in codes of 10 bits; signals from 0 to 1 have their full range."""
    if frame.layout.is_float:
        return samples.astype(np.float64) * _TOP
    if frame.layout.depth == 16 or frame.colour.range == "pc":
        return samples.astype(np.float64) * (_TOP / ((1 << frame.layout.depth) - 1))
    return samples.astype(np.float64) * 2.0 ** (10 - frame.layout.depth)


def _exact(delivered: Delivered, plate: PlateFrame, content: str, *, view: View) -> PlateFrame:
    """The frame as it goes to the encoder."""
    picture, matte = _picture(plate.number, content), _matte(plate.number)
    how = {"x": _RECT.x, "y": _RECT.y, "paste_matte": matte, "view": view}
    match delivered.deliverable.kind:
        case KIND.FULL:
            return composite(convert(plate, delivered.pixel_format), picture, **how)
        case KIND.PATCH:
            made = patch_frame(plate, picture, **how)
        case KIND.FILL:
            made = fill_frame(plate, picture, **how)
        case KIND.MATTE:
            made = matte_frame(plate, matte)
    return convert(made, delivered.pixel_format, matrix="bt709")


def _read(delivered: Delivered) -> list[PlateFrame]:
    path = sequence_in(delivered.path) if delivered.path.is_dir() else delivered.path
    with ClipReader(path) as clip:
        return list(clip.frames(0, _FRAMES - 1))


def _plate(number: int, content: str) -> PlateFrame:
    """Ramps through all legal codes of luma, and through some of chroma."""
    layout, planes = layout_of("yuv422p10le"), []
    random = np.random.default_rng(number)
    for plane in range(3):
        rows, columns = layout.plane_shape(plane, width=_WIDTH, height=_HEIGHT)
        # Luma across, one chroma down, the other up.
        along = np.linspace(0, 1, rows)[:, None] if plane else np.linspace(0, 1, columns)[None]
        low, high = ((64, 940), (448, 576), (576, 448))[plane]
        codes = np.broadcast_to(low + (high - low) * along, (rows, columns))
        if content == "grain":
            codes = np.clip(codes + random.normal(0, _GRAIN_CODES, codes.shape), 64, 940)
        planes.append(np.rint(codes).astype("<u2"))
    time_base = Fraction(1, 24)
    return PlateFrame(
        number=number, planes=tuple(planes), pixel_format=layout.name, colour=PlateColour(), pts=number,
        duration=1, time_base=time_base,
    )  # fmt: skip


def _picture(number: int, content: str) -> NDArray[np.float32]:
    down, across = np.mgrid[: _RECT.height, : _RECT.width].astype(np.float32)
    picture = np.stack([across / _RECT.width, down / _RECT.height, 1 - across / _RECT.width], axis=-1)
    if content == "grain":
        grain = np.random.default_rng(7 + number).normal(0, _GRAIN_CODES / _TOP, picture.shape)
        picture = np.clip(picture + grain, 0, 1).astype(np.float32)
    return picture


def _matte(number: int) -> NDArray[np.float32]:
    """A box with a soft rim of eight pixels, on the move."""
    down, across = np.mgrid[:_HEIGHT, :_WIDTH]
    from_edge = np.minimum.reduce(
        [across - 72 - number, 180 + number - across, down - 36 - number, 104 + number - down]
    )
    return np.clip(from_edge / 8, 0, 1).astype(np.float32)


def _facts() -> MediaFacts:
    tag = ColourTag(name="bt709", origin=Origin.TAGGED)
    return MediaFacts(
        frame_count=_FRAMES, width=_WIDTH, height=_HEIGHT, rate=Fraction(24), pixel_format="yuv422p10le", bit_depth=10,
        primaries=tag, transfer=tag, matrix=tag, range=ColourTag(name="tv", origin=Origin.TAGGED),
        alpha_mode=AlphaMode.NONE,
    )  # fmt: skip
