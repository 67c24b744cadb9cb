# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit frame CLIP N --out PICTURE`: one frame as the model sees it, to paint on.

A 16-bit PNG or TIFF holds the display-referred view; an EXR holds the plate's own values. What is painted on either
comes back through the same view. Exit 0; 2 with one sentence for what cannot be used; 4 if it cannot be written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from maskedit.colour import NAMES, view_of
from maskedit.errors import InputError, MaskEditError
from maskedit.media import ClipReader, write_picture
from maskedit.media.colour import CHROMATICITIES
from maskedit.media.pictures import write_samples
from maskedit.request import Origin, WorkingColour


def export_frame(clip: str, number: int, *, out: Path, colour: str = "", first_number: int | None = None) -> str:
    """Write frame `number` (from 0) of `clip` to `out`; returns the name of the view it was taken through.

    `colour`: as in `WorkingColour.name`. Raises InputError or OutputError.
    """
    with ClipReader(clip, first_number=first_number) as reader:
        facts = reader.facts
        if not 0 <= number < facts.frame_count:
            raise InputError(f"The clip has frames 0 to {facts.frame_count - 1}: there is no frame {number}.")
        view = view_of(facts, WorkingColour(name=colour, origin=Origin.USER if colour else Origin.TAGGED))
        (plate,) = reader.frames(number, number)
    if out.suffix.lower() == ".exr":
        corners = CHROMATICITIES.get(facts.primaries.name)
        attributes = {"chromaticities": corners} if corners and plate.layout.is_float else {}
        encoded = view.understood(plate).encoded_rgb()
        write_samples(out, np.clip(encoded, -65504, 65504).astype(np.float16), attributes=attributes)
    else:
        write_picture(out, view.shown(plate), bit_depth=16)
    return view.words


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="maskedit frame", description="Write one frame of a clip as the model sees it, to paint the edit on."
    )
    parser.add_argument("clip", metavar="CLIP", help="a video file, or an image sequence such as shot.%%04d.exr")
    parser.add_argument("number", metavar="N", type=int, help="the frame, counted from 0")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="PICTURE", help=".png or .tif: the view, 16 bits; .exr: the plate"
    )
    parser.add_argument("--colour", default="", metavar="NAME", help=f"{', '.join(NAMES)}, or ocio:SPACE")
    parser.add_argument("--first-number", type=int, metavar="N", help="the number of an image sequence's frame 0")
    options = parser.parse_args(arguments)
    try:
        words = export_frame(
            options.clip, options.number, out=options.out, colour=options.colour, first_number=options.first_number
        )
    except MaskEditError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 4
    print(f"Wrote {options.out}: frame {options.number}, seen as {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
