# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.demo matte|truth|keyframe|compare`: what can be made of the example, or of any clip and matte.

Without options the example's own files are read. Exit 2 with one sentence on stderr for files that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from maskedit.demo import KEYFRAME, ROTO, SOURCE
from maskedit.demo.clips import write_keyframe, write_matte, write_truth
from maskedit.demo.compare import write_comparison
from maskedit.errors import InputError, OutputError


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        match options.verb:
            case "matte":
                write_matte(options.source, options.matte, out=options.out)
            case "truth":
                write_truth(options.source, options.matte, out=options.out)
            case "keyframe":
                write_keyframe(options.source, options.matte, out=options.out)
            case "compare":
                write_comparison(
                    options.source, options.matte, result=options.result, keyframe=options.keyframe, out=options.out
                )
    except (InputError, OutputError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m maskedit.demo", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, help_text in (
        ("matte", "the matte of every frame as a lossless video"),
        ("truth", "the clip recoloured on every frame: what a perfect edit would give"),
        ("keyframe", "frame 0 recoloured: the edited frame of the example"),
        ("compare", "source, matte, keyframe and result on one sheet"),
    ):
        verb = verbs.add_parser(name, help=help_text)
        verb.add_argument("--source", type=Path, default=SOURCE)
        verb.add_argument("--matte", type=Path, default=ROTO)
        verb.add_argument("--out", type=Path, required=True)
        if name == "compare":
            verb.add_argument("--result", type=Path, required=True)
            verb.add_argument("--keyframe", type=Path, default=KEYFRAME)
    return parser


if __name__ == "__main__":
    sys.exit(main())
