# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit comp`: a comp for Nuke or Fusion that lays a delivered patch, or fill, over its plate by the matte."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from maskedit.comps import fusion_comp, layers_of, nuke_script
from maskedit.errors import InputError, MaskEditError, OutputError
from maskedit.request import FrameRange

_WRITERS = {".nk": nuke_script, ".comp": fusion_comp}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the comp. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="maskedit comp", description=__doc__)
    parser.add_argument("--plate", required=True, metavar="CLIP", help="the clip that was edited")
    over = parser.add_mutually_exclusive_group(required=True)
    over.add_argument("--patch", metavar="PATH", help="the delivered patch: a movie, a sequence or its folder")
    over.add_argument("--fill", metavar="PATH", help="the delivered fill instead")
    parser.add_argument("--matte", required=True, metavar="PATH", help="the delivered matte")
    parser.add_argument("--frames", metavar="A-B", help="the clip's frames that were edited (default: all)")
    parser.add_argument("--out", required=True, metavar="PATH", help="the comp: .nk (Nuke) or .comp (Fusion)")
    options = parser.parse_args(arguments)
    try:
        print(_write(options))
    except MaskEditError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _write(options: argparse.Namespace) -> Path:
    out = Path(options.out).absolute()
    if out.suffix not in _WRITERS:
        raise InputError(f"The kind of comp {out.name} is not known: end its name in {' or '.join(_WRITERS)}.")
    frames = _range(options.frames) if options.frames else None
    layers = layers_of(options.plate, options.patch or options.fill, options.matte, frames=frames)
    try:
        out.write_text(_WRITERS[out.suffix](layers, folder=out.parent), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror}): choose another place.") from error
    return out


def _range(text: str) -> FrameRange:
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal()):
        raise InputError(f"The frames {text!r} are no range: give --frames FIRST-LAST.")
    return FrameRange(first=int(first), last=int(last))


if __name__ == "__main__":
    sys.exit(main())
