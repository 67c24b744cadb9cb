# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.finishing_benchmark [--write PAGE] [--picture PNG] [--only A,B]`: the finish in figures.

Exit 0; 1 where a goal is missed; 2 with one sentence for options that cannot be used.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import maskedit.finishing_benchmark as room
from maskedit.errors import InputError
from maskedit.finishing_benchmark import Row
from maskedit.pages import put_between_marks

_MARK = "finish"
_MARGIN_PX, _CAPTION_PX = 12, 22


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m maskedit.finishing_benchmark", description="The finish of a result, against known truth."
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="a page with finish-PART:begin and :end marks")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="where the before and after pictures go")
    parser.add_argument("--only", default="", metavar="A,B", help="the figures of these parts only")
    options = parser.parse_args(arguments)
    try:
        parts = _parts([name for name in options.only.split(",") if name])
        rows: list[Row] = []
        for part in parts:
            found = part.measure()
            text = as_markdown(found)
            print(text, flush=True)
            if options.write:  # at once, so that what took minutes is not lost to what comes after it
                put_between_marks(options.write, text, mark=f"{_MARK}-{_name(part)}")
            rows += found
        if options.picture:
            draw([pictures for part in parts if (pictures := getattr(part, "pictures", dict)())], options.picture)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(row.met for row in rows) else 1


def as_markdown(rows: Sequence[Row]) -> str:
    """The figures as a table in Markdown."""
    lines = ["| What | How | Figure | Goal | Met |", "| --- | --- | ---: | ---: | --- |"]
    for row in rows:
        unit, met = f" {row.unit}" if row.unit else "", "yes" if row.met else "**no**"
        lines.append(f"| {row.name} | {row.what} | {row.figure:.3g}{unit} | {row.goal}{unit} | {met} |")
    return "\n".join(lines) + "\n"


def draw(strips: Sequence[dict[str, NDArray[np.float32]]], path: Path) -> None:
    """Write one PNG: a strip per part, its captioned pictures (H, W, 3) in [0, 1] side by side."""
    if not strips:
        raise InputError("None of these parts has a picture: leave --picture out.")
    heights = [max(len(picture) for picture in strip.values()) + _CAPTION_PX + _MARGIN_PX for strip in strips]
    widths = [sum(picture.shape[1] + _MARGIN_PX for picture in strip.values()) for strip in strips]
    sheet = Image.new("RGB", (max(widths) + _MARGIN_PX, sum(heights) + _MARGIN_PX), "white")
    pen, top = ImageDraw.Draw(sheet), _MARGIN_PX
    for strip, height in zip(strips, heights, strict=True):
        left = _MARGIN_PX
        for caption, picture in strip.items():
            pen.text((left, top), caption, fill="black", font=ImageFont.load_default(13))
            codes = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
            sheet.paste(Image.fromarray(codes), (left, top + _CAPTION_PX))
            left += picture.shape[1] + _MARGIN_PX
        top += height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)


def _parts(wanted: Sequence[str]) -> list[ModuleType]:
    """The modules of this room that measure something, or those `wanted`, by name."""
    names = sorted(each.name for each in pkgutil.iter_modules(room.__path__) if not each.name.startswith("_"))
    modules = {name: import_module(f"{room.__name__}.{name}") for name in names}
    measuring = {name: module for name, module in modules.items() if hasattr(module, "measure")}
    unknown = [name for name in wanted if name not in measuring]
    if unknown:
        raise InputError(f"There is no part {unknown[0]!r}: choose from {', '.join(measuring)}.")
    return [module for name, module in measuring.items() if not wanted or name in wanted]


def _name(part: ModuleType) -> str:
    return part.__name__.rpartition(".")[2]


if __name__ == "__main__":
    sys.exit(main())
