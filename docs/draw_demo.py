# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/images/demo.png from what `./run demo` left: `./run exec python docs/draw_demo.py`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
WIDTH = 1300


def main() -> None:
    with Image.open(ROOT / "demo" / "compare.png") as sheet:
        height = round(sheet.height * WIDTH / sheet.width)
        small = sheet.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    # A palette is enough for a page and a quarter of the size.
    small.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(ROOT / "docs" / "images" / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
