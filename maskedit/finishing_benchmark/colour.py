# SPDX-License-Identifier: GPL-3.0-or-later
"""Ramps through the whole short way: exported as a picture, given back as a keyframe, drafted, delivered, compared.

Every code that a format has lies in the plate's ramps, those beyond black and white too; nothing was painted, so that
the delivered samples must be the plate's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from maskedit.colour import view_of
from maskedit.colour.__main__ import export_frame
from maskedit.drafting import run_draft
from maskedit.finishing_benchmark import Row
from maskedit.media import ClipReader, ClipWriter, PlateFrame, read_picture, write_picture
from maskedit.media.colour import PlateColour, guessed_matrix
from maskedit.media.pictures import write_samples
from maskedit.media.pixels import ColourModel, layout_of
from maskedit.progress import SilentReporter
from maskedit.request import (
    CompositeMatte,
    Deliverable,
    DeliverableFormat,
    EditRequest,
    FrameRange,
    Keyframe,
    Matte,
    MediaFacts,
    MediaReference,
    Origin,
    Preset,
    Region,
    WorkingColour,
)

WIDTH, HEIGHT, FRAMES = 1024, 64, 2
DRAWN = slice(8, -8), slice(16, -16)
_DATA = PlateColour(matrix="gbr", range="pc")
# One step of 8 bits in so many pixels.
_SKY_STEP_PX = 32


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of plate: what it is called, its samples, its colour by name, and the light that its ramps span."""

    words: str
    pixel_format: str
    colour: str
    linear: bool = False


FORMATS = (
    Format(words="8-bit Rec.709, 4:2:0 legal", pixel_format="yuv420p", colour="rec709"),
    Format(words="10-bit Rec.709, 4:2:2 legal", pixel_format="yuv422p10le", colour="rec709"),
    Format(words="10-bit Rec.709, 4:2:2 full", pixel_format="yuv422p10le", colour="rec709:full"),
    Format(words="10-bit S-Log3, 4:2:2", pixel_format="yuv422p10le", colour="slog3"),
    Format(words="10-bit LogC3, 4:4:4", pixel_format="yuv444p10le", colour="logc3"),
    Format(words="12-bit LogC4, RGB", pixel_format="gbrp12le", colour="logc4"),
    Format(words="10-bit V-Log, 4:2:2", pixel_format="yuv422p10le", colour="vlog"),
    Format(words="10-bit Canon Log 2, 4:2:2", pixel_format="yuv422p10le", colour="clog2"),
    Format(words="10-bit Canon Log 3, 4:2:2", pixel_format="yuv422p10le", colour="clog3"),
    Format(words="10-bit PQ, 4:2:0", pixel_format="yuv420p10le", colour="pq"),
    Format(words="10-bit HLG, 4:2:0", pixel_format="yuv420p10le", colour="hlg"),
    Format(words="linear Rec.709, half floats from -2 to 2000", pixel_format="gbrpf32le", colour="linear", linear=True),
    Format(words="ACEScg, half floats from -2 to 2000", pixel_format="gbrpf32le", colour="acescg", linear=True),
)


def ramp_plates(kind: Format) -> list[PlateFrame]:
    """Frames that stand still and hold every code of the luma or RGB planes: (HEIGHT, WIDTH), greys above colours."""
    layout = layout_of(kind.pixel_format)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    if kind.linear:
        place = (columns * 8 + rows % 8) / (8 * WIDTH)
        light = np.where(place < 0.2, 20 * place - 2, 0.002 * 10.0 ** (6 * (place - 0.2) / 0.8))
        tints = [np.where(rows < HEIGHT // 2, 1, tint) for tint in (1.0, 0.6, 1.3)]
        planes = [(light * tint).astype(np.float16).astype(np.float32) for tint in tints]
    else:
        count = 1 << layout.depth
        codes = columns * count // WIDTH + rows % max(count // WIDTH, 1)
        planes = []
        for number in range(layout.colour_planes):
            high, wide = layout.plane_shape(number, width=WIDTH, height=HEIGHT)
            neutral = layout.is_chroma(number)
            tint = np.where(rows < HEIGHT // 2, 0, count // 16 * (number + 1))
            plane = count // 2 + tint if neutral else np.minimum(codes + tint, count - 1)
            planes.append(plane[:: HEIGHT // high, :: WIDTH // wide].astype(layout.dtype))
    # Studios' range, which leaves codes below black and above white.
    matrix = guessed_matrix(layout, height=HEIGHT)
    colour = PlateColour(matrix=matrix, range="tv") if layout.model is ColourModel.YUV else _DATA
    return [
        PlateFrame(
            number=number, planes=tuple(planes), pixel_format=layout.name, colour=colour, pts=number, duration=1,
        )
        for number in range(FRAMES)
    ]  # fmt: skip


def written(plates: list[PlateFrame], folder: Path, name: str) -> str:
    """The plates as a clip, sample for sample: FFV1, or an EXR sequence for floats. Returns its path."""
    first = plates[0]
    if first.layout.is_float:
        for plate in plates:
            green, blue, red = plate.planes
            write_samples(
                folder / f"{name}.{plate.number:04d}.exr", np.stack([red, green, blue], axis=-1).astype(np.float16)
            )
        return str(folder / f"{name}.%04d.exr")
    facts = MediaFacts(
        frame_count=len(plates),
        width=first.width,
        height=first.height,
        rate=Fraction(24),
        pixel_format=first.pixel_format,
    )
    path = folder / f"{name}.mkv"
    frames = FrameRange(first=0, last=len(plates) - 1)
    with ClipWriter(
        path, facts=facts, deliverable=Deliverable(), source=str(_nothing(folder)), frames=frames
    ) as writer:
        for plate in plates:
            writer.write(plate)
    return str(path)


def _nothing(folder: Path) -> Path:
    """A sequence without sound or timecode, for a writer that asks its source for them."""
    write_picture(folder / "nothing.0.png", np.zeros((8, 8, 3)))
    return folder / "nothing.%d.png"


def request_for(clip: str, keyframe: Path, folder: Path, *, colour: str, exr: bool) -> EditRequest:
    """A draft of all that lies inside a narrow border, pasted whether it differs from the plate or not."""
    drawn = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    drawn[DRAWN] = 1
    for number in range(FRAMES):
        write_picture(folder / f"matte.{number}.png", drawn)
    matte = Matte(media=MediaReference(locations=(str(folder / "matte.%d.png"),)))
    return EditRequest(
        target=MediaReference(locations=(clip,)),
        regions=(Region(mattes=(matte,), grow_px=0, feather_px=0, composite=CompositeMatte.DRAWN),),
        keyframes=(Keyframe(frame=0, image=MediaReference(locations=(str(keyframe),))),),
        preset=Preset.DRAFT,
        working_colour=WorkingColour(name=colour, origin=Origin.USER),
        deliverables=(Deliverable(format=DeliverableFormat.EXR if exr else DeliverableFormat.MKV),),
    )


def drafted(
    kind: Format, folder: Path, *, paint: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
) -> list[PlateFrame]:
    """The ramps' draft: frame 0 goes out as a 16-bit PNG, maybe through `paint`, and comes back as the keyframe.

    `paint`: what is done to the drawn part, (h, w, 3) display values in [0, 1].
    """
    clip = written(ramp_plates(kind), folder, "plate")
    picture = folder / "frame.png"
    export_frame(clip, 0, out=picture, colour=kind.colour)
    if paint is not None:
        painted = read_picture(picture)
        painted[DRAWN] = paint(painted[DRAWN])
        write_picture(picture, painted, bit_depth=16)
    request = request_for(clip, picture, folder, colour=kind.colour, exr=kind.linear)
    result = run_draft(request, output=folder / "out", reporter=SilentReporter()).result
    path = str(result / f"{result.name}.%04d.exr") if kind.linear else str(result)
    with ClipReader(path) as clip_reader:
        return list(clip_reader.frames(0, FRAMES - 1))


def errors_of(kind: Format, found: PlateFrame, plate: PlateFrame) -> list[NDArray[np.int64]]:
    """The difference of every sample, plane by plane: in codes, or for floats in steps of half floats."""
    pairs = zip(found.planes, plate.planes, strict=True)
    return [np.abs(_steps(found, kind) - _steps(plate, kind)) for found, plate in pairs]


def _steps(samples: NDArray[np.generic], kind: Format) -> NDArray[np.int64]:
    """Samples as whole numbers that count the values a format has, in their order."""
    if not kind.linear:
        return samples.astype(np.int64)
    bits = samples.astype(np.float16).view(np.int16).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)


def measure() -> list[Row]:
    """The largest error of each format's ramps, and of an 8-bit sky laid over a 10-bit one."""
    rows = []
    for kind in FORMATS:
        with TemporaryDirectory() as folder:
            pairs = zip(drafted(kind, Path(folder)), ramp_plates(kind), strict=True)
            given, carried = (errors_of(kind, found, plate) for found, plate in pairs)
        rows.append(
            Row(
                name=f"Colour: {kind.words}",
                what="all codes out as a 16-bit picture and back as a keyframe, delivered: largest error",
                figure=float(max(plane.max() for plane in given)),
                unit="half-float steps" if kind.linear else "codes",
                most=0,
            )
        )
        # Away from the edge between greys and tints, across which a draft interpolates.
        greys = np.concatenate([plane[: len(plane) * 3 // 8].ravel() for plane in carried])
        rows.append(
            Row(
                name=f"Colour, drafted: {kind.words}",
                what="share of the next frame's grey samples that are off by more than one code or step",
                figure=float((greys > 1).mean() * 100),
                unit="%",
                most=1,
            )
        )
    before, after = sky_steps()
    rows.append(
        Row(
            name="Banding: an 8-bit sky over a 10-bit plate",
            what=f"largest step between means of 8 rows (as it was given: {before:.1f})",
            figure=after,
            unit="10-bit codes",
            most=1,
        )
    )
    return rows


def sky_steps() -> tuple[float, float]:
    """The largest step along an 8-bit gradient over a 10-bit plate, in codes, as given and as delivered."""
    kind = Format(words="sky", pixel_format="gbrp10le", colour="srgb")
    ramp = 0.5 + np.arange(WIDTH) / _SKY_STEP_PX / 255
    sky = np.broadcast_to(ramp[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.float32)
    given = np.rint(sky * 255) / 255
    with TemporaryDirectory() as name:
        folder = Path(name)
        clip = written(ramp_plates(kind), folder, "plate")
        write_picture(folder / "sky.png", given)
        request = request_for(clip, folder / "sky.png", folder, colour=kind.colour, exr=False)
        result = run_draft(request, output=folder / "out", reporter=SilentReporter()).result
        with ClipReader(str(result)) as reader:
            view = view_of(reader.facts, request.working_colour)
            (frame,) = (view.shown(plate) for plate in reader.frames(0, 0))
    inner = (slice(16, -16), slice(40, -40))
    return _largest_step(given[inner]), _largest_step(frame[inner])


def _largest_step(picture: NDArray[np.floating]) -> float:
    means = picture.reshape(-1, 8, *picture.shape[1:]).mean(axis=1)
    return float(np.abs(np.diff(means, axis=1)).max() * 1023)
