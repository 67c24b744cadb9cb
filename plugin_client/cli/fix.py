# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit fix`: a corrected frame given back to a finished take, which renders only what lies around it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.destination import check_out, suffix_of
from plugin_client.cli.edit import describe, send
from plugin_client.cli.following import summary
from plugin_client.cli.numbering import FRAME_BASES, Numbering, numbering_of
from plugin_client.cli.parsing import add_priority_option, add_server_options, connect_from, picture_at, split_keyframe
from plugin_client.core.connection import Connection
from plugin_client.core.download import read_record
from plugin_client.core.errors import BadInput
from plugin_client.core.fixing import fixed_edit, format_names, ranges_around
from plugin_client.core.job import Job
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import Picture, WireEdit
from plugin_client.core.timeline import FrameRange

_EXAMPLE = """\
example:
  maskedit fix JOB --keyframe 17=corrected.png --out edited-2.mkv

Take a frame of the result, correct it, give it back. The frames around it are rendered anew, up to the nearest
keyframes or to where what it shows can no longer be followed; all others stay as they are, sample for sample.
`maskedit jobs list` shows the jobs."""


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "fix",
        help="correct a frame of a finished take",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("job_id", metavar="JOB", help="the job whose take is to be corrected")
    parser.add_argument(
        "--keyframe",
        action="append",
        required=True,
        metavar="N=IMAGE",
        help="the corrected picture of frame N (repeatable)",
    )
    parser.add_argument(
        "--frames",
        action="append",
        default=[],
        metavar="A-B",
        help="render just these frames anew, both included (repeatable; default: what the corrections reach)",
    )
    parser.add_argument("--out", required=True, metavar="PATH", help="the whole result, in the format of the take's")
    parser.add_argument(
        "--frame-base", choices=FRAME_BASES, default="zero", help="count from 0, or by an image sequence's own numbers"
    )
    parser.add_argument("--timecode", action="store_true", help="N, A and B are the clip's own timecode")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, words on stderr")
    add_priority_option(parser)
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the take, choose the frames, render them, fetch the whole."""
    console = console_for(as_json=options.json)
    with connect_from(options) as connection:
        jobs = Jobs(connection)
        parent, given = jobs.get(options.job_id), jobs.edit_of(options.job_id)
        numbering = _numbering(options, given)
        pictures = [picture_at(numbering.frame(label), image) for label, image in map(split_keyframe, options.keyframe)]
        frames = [numbering.range(text) for text in options.frames] or _reached(connection, parent, given, pictures)
        edit = fixed_edit(given, parent.job_id, pictures=pictures, frames=frames)
        out = _out(options.out, given, pictures)
        console.print(f"Rendering anew: frames {', '.join(f'{each.first}-{each.last}' for each in frames)}")
        job = send(connection, edit, out, console=console, priority=options.priority)
    if options.json:
        rendered = [[each.first, each.last] for each in frames]
        print_json(summary(job, out=out) | {"parent": parent.job_id, "rendered": rendered})
    else:
        describe(job, out, console=console)
    return 0


def _reached(connection: Connection, parent: Job, given: WireEdit, pictures: list[Picture]) -> list[FrameRange]:
    if parent.result is None:
        raise BadInput(f"The job {parent.job_id} is {parent.state}: only a finished take can be corrected.")
    return ranges_around(
        [picture.frame for picture in pictures],
        frames=parent.result.frames,
        keyframes=[keyframe.frame for keyframe in given.keyframes],
        record=read_record(connection, parent),
    )


def _numbering(options: argparse.Namespace, given: WireEdit) -> Numbering:
    # A clip that was uploaded has no path here, and needs none as long as frames are counted from 0.
    clip = next(iter(given.target.locations), given.target.display_name)
    return numbering_of(clip, base=options.frame_base, timecode=options.timecode)


def _out(out: str, given: WireEdit, pictures: list[Picture]) -> Path:
    """Where the result goes. Raises BadInput where it would end otherwise than the take's did."""
    first, *_ = format_names(given)
    if Path(out).suffix.removeprefix(".") not in ("", suffix_of(first)):
        raise BadInput(f"The take was delivered as {first}: end --out in .{suffix_of(first)}.")
    sources = [*given.target.locations, *(picture.path for picture in pictures)]
    return check_out(out, first, sources=sources)
