# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say where an edit may show, and by which mattes."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial

from plugin_client.core.errors import BadInput
from plugin_client.core.requests import CHANNELS, COMPOSITES, MatteFile


def add_matte_options(parser: argparse.ArgumentParser) -> None:
    """--matte, --subtract and how they are read; --holdout, --ignore and --composite."""
    parser.add_argument(
        "--matte",
        dest="mattes",
        action="append",
        type=MatteFile,
        help="video, image sequence or roto file (.json); white = edit (repeatable: all of them together; left out: "
        "what the keyframes change, followed through the clip)",
    )
    parser.add_argument(
        "--subtract",
        dest="mattes",
        action="append",
        type=partial(MatteFile, subtract=True),
        metavar="MATTE",
        help="take what is white here away from the mattes named before it; it stays untouched (repeatable)",
    )
    parser.add_argument(
        "--invert-matte", action="store_true", help="black, not white, is inside in every --matte and --subtract"
    )
    parser.add_argument("--matte-channel", choices=CHANNELS, default="auto", help="where pictures hold their matte")
    parser.add_argument(
        "--holdout",
        dest="held_out",
        action="append",
        default=[],
        metavar="MATTE",
        help="white = what passes in front: the clip shows there, on top of the result (repeatable)",
    )
    parser.add_argument(
        "--ignore",
        dest="ignored",
        action="append",
        default=[],
        metavar="MATTE",
        help="white = what is no example of anything, a flash or a logo: not learnt from (repeatable)",
    )
    parser.add_argument(
        "--composite",
        default=COMPOSITES[0],
        metavar=f"{'|'.join(COMPOSITES)}|MATTE",
        help="what the paste shows: what came out different (found, the default), all of the loosened matte (drawn), "
        "or what is white in a matte of its own",
    )


def mattes_from(options: argparse.Namespace) -> tuple[MatteFile, ...]:
    """The mattes that the command line names, each with its purpose. Raises BadInput for a --subtract on its own."""
    drawn = [replace(matte, invert=options.invert_matte) for matte in options.mattes or ()]
    if drawn and drawn[0].subtract:
        raise BadInput(f"--subtract {drawn[0].path} has nothing to take away from: name a --matte before it.")
    given = [MatteFile(options.composite, purpose="composite")] if options.composite not in COMPOSITES else []
    held_out = [MatteFile(path, purpose="holdout") for path in options.held_out]
    ignored = [MatteFile(path, purpose="ignore") for path in options.ignored]
    return tuple(replace(matte, channel=options.matte_channel) for matte in (*drawn, *held_out, *ignored, *given))
