# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit frames`: make a frame cache of a take, and check one.

Exit 0; 2 with one sentence for what cannot be used or is damaged; 4 if it cannot be written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from maskedit.errors import InputError, MaskEditError
from maskedit.frames import check_cache, make_cache


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="maskedit frames", description="Frame caches (.mefc), which the OpenFX plugin shows in its host."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    make = verbs.add_parser("make", help="a frame cache of a take's patch")
    make.add_argument("take", metavar="TAKE", help="a movie or sequence (shot.%%04d.exr, or its folder) with alpha")
    make.add_argument("--out", required=True, type=Path, metavar="CACHE", help="the frame cache: NAME.mefc")
    make.add_argument(
        "--first-frame",
        type=int,
        metavar="N",
        help="the clip's frame that the take's first one shows (default: its pictures' own number, or by its record)",
    )
    make.add_argument("--live", action="store_true", help="the file appears at once, and its frames one by one")
    make.set_defaults(run=_make)
    check = verbs.add_parser("check", help="what a frame cache holds, and whether it is damaged")
    check.add_argument("cache", type=Path, metavar="CACHE")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(run=_check)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except MaskEditError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 4


def _make(options: argparse.Namespace) -> int:
    count = make_cache(options.take, options.out, first_frame=options.first_frame, live=options.live)
    print(f"Wrote {options.out}: {count} frames")
    return 0


def _check(options: argparse.Namespace) -> int:
    report = check_cache(options.cache)
    print(json.dumps(report.as_json()) if options.json else report.words(options.cache.name))
    for sentence in report.damage:
        print(sentence, file=sys.stderr)
    return 2 if report.damage else 0


if __name__ == "__main__":
    sys.exit(main())
