# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit edit`: one region of a clip repainted from an edited frame or two."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from plugin_client.cli.apart import call_apart
from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.destination import check_out, format_of
from plugin_client.cli.following import follow, summary
from plugin_client.cli.numbering import FRAME_BASES, numbering_of
from plugin_client.cli.parsing import (
    add_server_options,
    add_setting_option,
    connect_from,
    given_adapter,
    picture_at,
    settings_from,
    split_keyframe,
)
from plugin_client.core.adapters import Adapters
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.job import Job
from plugin_client.core.jobs import Jobs
from plugin_client.core.progress import duration_words, stage_order, stage_words
from plugin_client.core.requests import (
    CHANNELS,
    FORMATS,
    KINDS,
    LOOSENINGS,
    PRESETS,
    EditOptions,
    MatteFile,
    build_edit,
    references_of,
)
from plugin_client.core.upload import make_available

_EXAMPLE = """\
example:
  maskedit edit shot.mov --matte roto.json --keyframe 0=painted.png --out edited.mkv

White in the matte is the region to edit. The keyframe is the edited picture of that frame, in the clip's size;
a crop is placed with N=IMAGE@X,Y,WIDTHxHEIGHT. Ctrl-C asks whether to cancel; closing the terminal does not stop
the job, `maskedit jobs watch` picks it up."""


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "edit",
        help="repaint one region of a clip",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clip", metavar="CLIP", help="a video file, or an image sequence such as shot.%%04d.exr")
    parser.add_argument(
        "--matte",
        dest="mattes",
        action="append",
        type=_added,
        required=True,
        help="video, image sequence or roto file (.json); white = edit (repeatable: all of them together)",
    )
    parser.add_argument(
        "--subtract",
        dest="mattes",
        action="append",
        type=_subtracted,
        metavar="MATTE",
        help="take what is white here away from the mattes named before it; it stays untouched (repeatable)",
    )
    parser.add_argument("--invert-matte", action="store_true", help="black, not white, is inside in all of them")
    parser.add_argument("--matte-channel", choices=CHANNELS, default="auto", help="where pictures hold their matte")
    parser.add_argument(
        "--keyframe",
        action="append",
        required=True,
        metavar="N=IMAGE",
        help="the edited picture of frame N (repeatable)",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="PATH",
        help=f"the result: .{', .'.join(FORMATS)} (sequences: a folder or %%04d)",
    )
    parser.add_argument("--frames", metavar="A-B", help="first and last frame to edit, both included")
    parser.add_argument(
        "--frame-base", choices=FRAME_BASES, default="zero", help="count from 0, or by an image sequence's own numbers"
    )
    parser.add_argument("--timecode", action="store_true", help="N, A and B are the clip's own timecode")
    parser.add_argument("--model", default="", metavar="NAME|DIR", help="default: the bundled model")
    parser.add_argument("--preset", choices=PRESETS, default="standard")
    parser.add_argument("--prompt", default="", help="what the region shows (models that read text)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--loosen", choices=LOOSENINGS, default="grown", help="the matte's own outline, its box or its convex hull"
    )
    parser.add_argument("--grow", type=int, metavar="PX", help="widen that in every direction (0 holds the drawn edge)")
    parser.add_argument("--smooth", type=int, metavar="FRAMES", help="cover what is covered so many frames away")
    parser.add_argument("--feather", type=int, metavar="PX", help="soft edge outside the widened matte")
    parser.add_argument("--format", choices=FORMATS, help="default: by the ending of --out")
    parser.add_argument(
        "--deliver", action="append", choices=KINDS, help="the whole frame (default), or a patch with transparency"
    )
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="ID[:start|beside][@STRENGTH]",
        help="an adapter of `maskedit adapters list`, to start from or to stay beside the edit's own (repeatable)",
    )
    add_setting_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, words on stderr")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, upload, submit, follow, fetch."""
    console = console_for(as_json=options.json)
    edit_options = options_from(options)
    mattes, pictures = edit_options.mattes, edit_options.keyframes
    sources = (edit_options.clip, *(matte.path for matte in mattes), *(picture.path for picture in pictures))
    out = check_out(options.out, edit_options.format, sources=sources)
    with connect_from(options) as connection:
        job = edit(connection, edit_options, out, console=console)
    if options.json:
        print_json(summary(job, out=out))
    else:
        describe(job, out, console=console)
    return 0


def options_from(options: argparse.Namespace) -> EditOptions:
    """The edit that the command line asks for. Raises BadInput, one sentence, before anything is computed."""
    numbering = numbering_of(options.clip, base=options.frame_base, timecode=options.timecode)
    pictures = []
    for label, image in map(split_keyframe, options.keyframe):
        pictures.append(picture_at(numbering.frame(label), image))
    if len({picture.frame for picture in pictures}) < len(pictures):
        raise BadInput("Two --keyframe options name the same frame: keep one of them.")
    for name, unit in (("grow", "pixels"), ("feather", "pixels"), ("smooth", "frames")):
        if (getattr(options, name) or 0) < 0:
            raise BadInput(f"--{name} counts {unit} and cannot be negative: give 0 or more.")
    return EditOptions(
        clip=options.clip,
        mattes=tuple(
            replace(matte, invert=options.invert_matte, channel=options.matte_channel) for matte in options.mattes
        ),
        keyframes=tuple(pictures),
        frames=numbering.range(options.frames) if options.frames else None,
        # A folder means the same from everywhere; a name is the server's to know.
        model=os.path.abspath(options.model) if os.sep in options.model else options.model,
        preset=options.preset,
        prompt=options.prompt,
        seed=options.seed,
        grow_px=options.grow,
        feather_px=options.feather,
        loosening=options.loosen,
        smooth_frames=options.smooth,
        format=format_of(options.out, options.format or ""),
        kinds=tuple(options.deliver or ("full",)),
        settings=settings_from(options),
        adapters=tuple(map(given_adapter, options.adapter)),
    )


def _added(path: str) -> MatteFile:
    return MatteFile(path=path)


def _subtracted(path: str) -> MatteFile:
    return MatteFile(path=path, subtract=True)


def edit(connection: Connection, options: EditOptions, out: Path, *, console: Console) -> Job:
    """Run one edit on the connected server and leave its result at `out`."""
    request, jobs = build_edit(options), Jobs(connection)
    connection.system()
    for use in request.adapters:  # people type the beginning of an id
        use.adapter_id = Adapters(connection).find(use.adapter_id).adapter_id
    files = references_of(request)
    next(call_apart(lambda: make_available(connection, files, on_bytes=lambda *sent: _say_upload(console, *sent))))
    submitting = call_apart(lambda: jobs.submit(request))
    try:
        job_id = next(submitting)
    except KeyboardInterrupt:  # the server may have queued it already
        jobs.cancel(next(submitting))
        raise
    console.print(f"Job {job_id}")
    return follow(connection, job_id, console=console, out=out)


def describe(job: Job, out: Path, *, console: Console) -> None:
    """Say what was made and how long each stage took."""
    result = job.result
    if result is None:
        return
    rate = f"{float(result.rate):.6g}"
    console.print(f"Wrote {out}: {len(result.frames)} frames, {result.width}×{result.height}, {rate} fps")
    for stage in sorted(result.stage_seconds, key=stage_order):
        console.print(f"  {stage_words(stage)}: {duration_words(result.stage_seconds[stage])}")
    if result.adapter_reused:
        console.print("  The shot's motion was known from an earlier edit.")


def _say_upload(console: Console, done: int, total: int) -> None:
    if console.is_terminal or done == total:
        console.print(f"Uploading: {100 * done // max(total, 1)} %", end="\n" if done == total else "\r")
