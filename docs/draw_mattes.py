# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of docs/mattes.md and prints its figures: `./run exec python docs/draw_mattes.py`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from maskedit.demo import ROTO, SOURCE
from maskedit.finishing_benchmark.mattes import pictures
from maskedit.mattes import drawn_mattes, parse_roto, paste_mattes, region_mattes
from maskedit.mattes.rasterise import rasterise
from maskedit.media import ClipReader
from maskedit.presets import Edges
from maskedit.request import FrameRange, Loosening, Matte, MediaFacts, MediaReference, Region

SHOWN = slice(0, 240), slice(100, 420)
FRAME = FrameRange(first=0, last=0)
CAPTION = 22
KAPPA = 0.5522847498  # the handle length that makes four curves a circle
PAPER = np.full((240, 320, 3), 0.5, np.float32)


def main() -> None:
    with ClipReader(SOURCE) as clip:
        plate, facts = next(clip.frames(0, 0)).rgb(), clip.facts
    with TemporaryDirectory() as folder:
        tiles = [*_loosened(plate, facts, Path(folder)), *_drawn()]
    _write_sheet("mattes.png", tiles, across=4)
    _write_sheet("purposes.png", [*pictures().items()][1:], across=3)
    _print_flicker()


def _write_sheet(name: str, tiles: Sequence[tuple[str, np.ndarray]], *, across: int) -> None:
    """Captioned pictures of one size, so many beside one another."""
    rows, columns = tiles[0][1].shape[:2]
    sheet = Image.new("RGB", (across * columns, -(-len(tiles) // across) * (rows + CAPTION)), "white")
    for number, (title, picture) in enumerate(tiles):
        left, top = number % across * columns, number // across * (rows + CAPTION)
        sheet.paste(Image.fromarray((picture * 255).round().astype(np.uint8)), (left, top + CAPTION))
        ImageDraw.Draw(sheet).text((left + 6, top + 4), title, fill="black", font_size=13)
    sheet.quantize(256, dither=Image.Dither.NONE).save(Path(__file__).parent / "images" / name, optimize=True)


def _loosened(plate: np.ndarray, facts: MediaFacts, folder: Path) -> list[tuple[str, np.ndarray]]:
    """The example's matte, tinted over its first frame, loosened in each way."""
    mouth = folder / "mouth.json"
    mouth.write_text(json.dumps(_roto(_circle(238, 82, 12), size=(facts.width, facts.height))))
    drawn, taken = (Matte(media=MediaReference(locations=(str(path),))) for path in (ROTO, mouth))
    grown = Region(mattes=(drawn,), grow_px=8, feather_px=10)
    without = (drawn, replace(taken, subtract=True))
    _, matte = next(drawn_mattes(grown, facts=facts, frames=FRAME))
    tiles = [("drawn", _tinted(plate, matte)[SHOWN])]
    for title, region in (
        ("--loosen grown --grow 8", grown),
        ("--loosen hull --grow 8", replace(grown, loosening=Loosening.HULL)),
        ("--loosen box --grow 8 --subtract mouth.json", replace(grown, mattes=without, loosening=Loosening.BOX)),
    ):
        _, matte = next(region_mattes([region], facts=facts, frames=FRAME))
        tiles.append((title, _tinted(plate, matte)[SHOWN]))
    return tiles


def _drawn() -> list[tuple[str, np.ndarray]]:
    """What a roto file can say of one shape."""
    egg = [point | {"feather": feather} for point, feather in zip(_circle(150, 120, 60), (80, 30, 0, 30), strict=True)]
    moving = {"keys": [{"frame": n, "points": _circle(60 + 100 * n, 120, 45)} for n in (0, 2)], "shutter": 0.5}
    path = [(30 + 2 * n, 120 + 60 * math.sin(n / 20), 0.3 + 0.7 * n / 130) for n in range(131)]
    stroke = {"width": 70, "hardness": 0.6, "keys": [{"frame": 0, "points": path}]}
    eraser = {"blend": "subtract", "width": 14, "keys": [{"frame": 0, "points": [[20, 60, 1], [300, 200, 1]]}]}
    files = {
        "a shape": _roto(_circle(160, 120, 60)),
        "point feather: 0 to 80 pixels": _roto(egg),
        "shutter: 0.5": _roto([], shapes=[moving]),
        "a stroke with pressure, and an eraser": _roto([], shapes=[], strokes=[stroke, eraser]),
    }
    # Frame 1, which lies between the keys of the moving shape.
    return [
        (title, _tinted(PAPER, rasterise(parse_roto(json.dumps(fields)), 1, width=320, height=240)))
        for title, fields in files.items()
    ]


def _roto(points: list[dict], *, size: Sequence[int] = (320, 240), shapes: list | None = None, **fields) -> dict:
    shapes = [{"keys": [{"frame": 0, "points": points}]}] if shapes is None else shapes
    return {"format": "maskedit-roto", "version": 1, "size": list(size), "shapes": shapes, **fields}


def _circle(x: float, y: float, radius: float) -> list[dict]:
    handle = KAPPA * radius
    return [
        {"co": [x + radius, y], "in": [0, -handle], "out": [0, handle]},
        {"co": [x, y + radius], "in": [handle, 0], "out": [-handle, 0]},
        {"co": [x - radius, y], "in": [0, handle], "out": [0, -handle]},
        {"co": [x, y - radius], "in": [-handle, 0], "out": [handle, 0]},
    ]


def _tinted(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    return picture + 0.65 * matte[..., None] * (np.array([1, 0.25, 0.1], np.float32) - picture)


def _print_flicker() -> None:
    """How much of a matte changes from frame to frame when nothing moves but its points, by a pixel and a half."""
    generator = np.random.default_rng(0)
    fields = json.loads(ROTO.read_text())
    drawn = []
    for _ in range(24):
        for shape in fields["shapes"]:
            key = json.loads(json.dumps(shape["keys"][0]))
            for point in key["points"]:
                point["co"] = (generator.normal(0, 1.5, 2) + point["co"]).tolist()
            shape["jittered"] = [key]
        shapes = [shape | {"keys": shape["jittered"]} for shape in fields["shapes"]]
        drawn.append(rasterise(parse_roto(json.dumps(fields | {"shapes": shapes})), 0, width=640, height=360))
    print("share of the paste matte that changes from frame to frame, by frames smoothed")
    print("loosening", *(f"{frames:>6}" for frames in range(5)))
    for how in Loosening:
        shares = []
        for frames in range(5):
            edges = Edges(grow_px=4, feather_px=0, smooth_frames=frames, loosening=how)
            mattes = np.stack(list(paste_mattes(drawn, edges)))
            shares.append(np.abs(np.diff(mattes, axis=0)).sum(axis=(1, 2)).mean() / mattes.sum(axis=(1, 2)).mean())
        print(f"{how:<9}", *(f"{share:6.1%}" for share in shares))


if __name__ == "__main__":
    main()
