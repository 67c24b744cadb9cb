# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit edit`: one region of a clip repainted from an edited frame or two."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from plugin_client.cli.alone import edit_alone
from plugin_client.cli.apart import call_apart
from plugin_client.cli.care import add_care_options, care_from
from plugin_client.cli.comps import COMPS, write_comps
from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.destination import check_beside, check_out, deliverables_of
from plugin_client.cli.following import follow, next_keyframe_words, summary
from plugin_client.cli.mattes import add_matte_options, mattes_from
from plugin_client.cli.numbering import FRAME_BASES, Numbering, numbering_of
from plugin_client.cli.parsing import (
    add_priority_option,
    add_server_options,
    add_setting_option,
    connect_from,
    given_adapter,
    picture_at,
    settings_from,
    split_keyframe,
)
from plugin_client.cli.progress import TransferDisplay
from plugin_client.core.adapters import Adapters
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.job import Job
from plugin_client.core.jobs import Jobs
from plugin_client.core.progress import duration_words, stage_order, stage_words
from plugin_client.core.requests import (
    COMPOSITES,
    FORMATS,
    KINDS,
    LOOSENINGS,
    PRESETS,
    EditOptions,
    WireEdit,
    build_edit,
    references_of,
)
from plugin_client.core.results import delivered_at
from plugin_client.core.upload import make_available

_EXAMPLE = """\
example:
  maskedit edit shot.mov --matte roto.json --keyframe 0=painted.png --out edited.mkv

White in the matte is the region to edit; without one it is what the keyframes change. The keyframe is the edited
picture of that frame, in the clip's size; a crop is placed with N=IMAGE@X,Y,WIDTHxHEIGHT. Ctrl-C asks whether to
cancel; closing the terminal does not stop the job, `maskedit jobs watch` picks it up."""
_FINISHES = {
    "grain": "grain like the plate's where it is missing (default 1)",
    "sharpness": "as sharp as the plate (default 1)",
    "rim_colour": "colours along the rim run into the plate's (default 1)",
    "shutter": "motion blur like the plate's (default 0)",
    "steady": "no more flicker than the plate has (default 1)",
}


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "edit",
        help="repaint one region of a clip",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_clip(parser)
    add_edit_options(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="PATH",
        help=f"the result: .{', .'.join(FORMATS)} (sequences: a folder or %%04d)",
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="without a server, in a process that ends with the edit: for render farms and scripts; Ctrl-C cancels it",
    )
    add_priority_option(parser)
    parser.set_defaults(run=run)


def add_clip(parser: argparse.ArgumentParser) -> None:
    """What is edited, where it is a file of its own."""
    parser.add_argument("clip", metavar="CLIP", help="a video file, or an image sequence such as shot.%%04d.exr")


def add_edit_options(parser: argparse.ArgumentParser, *, out: str = "--out", kind: str = "full") -> None:
    """Everything that says how to edit a clip, but neither which nor where the result goes.

    `out`: the option that does; `kind`: what is delivered unless the user says; both are for the words of the help.
    """
    add_matte_options(parser)
    parser.add_argument(
        "--keyframe",
        action="append",
        default=[],
        metavar="N=IMAGE",
        help="the edited picture of frame N (repeatable; one at least)",
    )
    add_care_options(parser)
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
    for name, what in _FINISHES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=_strength, metavar="0..1", help=what)
    parser.add_argument(
        "--deliver",
        action="append",
        default=[],
        choices=KINDS,
        help="the whole frame, a patch with transparency, or the region's fill with its matte "
        f"(default: {kind}; repeatable: the first goes to {out}, the others beside it)",
    )
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        choices=FORMATS,
        help=f"default: by the ending of {out} (repeatable: one for each --deliver)",
    )
    parser.add_argument(
        "--comp",
        action="append",
        default=[],
        choices=COMPS,
        help="a comp beside the result that lays the patch over the plate; delivers patch and matte too (repeatable)",
    )
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="ID[:start|beside][@STRENGTH]",
        help="an adapter of `maskedit adapters list`, to start from or to stay beside the edit's own (repeatable)",
    )
    parser.add_argument(
        "--colour",
        default="",
        metavar="NAME",
        help="what the clip's colours are, if its tags do not say: rec709, srgb, logc3, logc4, slog3, vlog, clog2, "
        "acescg, linear, pq, hlg … (docs/colour.md), or ocio:SPACE; :full or :legal behind it sets the range",
    )
    add_setting_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, words on stderr")
    add_server_options(parser)


def run(options: argparse.Namespace) -> int:
    """Check, upload, submit, follow, fetch."""
    console = console_for(as_json=options.json)
    job, out = make(options, options_from(options), console=console)
    comps = write_comps(options.comp, job, out, plate=options.clip)
    if options.json:
        print_json(summary(job, out=out) | ({"comps": [str(comp) for comp in comps]} if comps else {}))
    else:
        describe(job, out, console=console)
        for comp in comps:
            console.print(f"Wrote {comp}")
    return 0


def make(options: argparse.Namespace, edit_options: EditOptions, *, console: Console) -> tuple[Job, Path]:
    """The finished job and where its result lies: `options.out`, which is checked first. Raises ClientError."""
    out = checked_out(options.out, edit_options)
    if options.local:
        job = edit_alone(options, edit_options, out, console=console)
    else:
        request = build_edit(edit_options)
        with connect_from(options) as connection:
            job = edit(connection, request, out, console=console, priority=options.priority)
    return job, out


def checked_out(out: str, options: EditOptions) -> Path:
    """Where the result goes, which overwrites nothing that the edit reads. Raises BadInput."""
    sources = (options.clip, *(matte.path for matte in options.mattes), *(each.path for each in options.keyframes))
    path = check_out(out, options.deliverables[0].format, sources=sources)
    check_beside(path, options.deliverables, sources=sources)
    return path


def options_from(options: argparse.Namespace, numbering: Numbering | None = None) -> EditOptions:
    """The edit that the command line asks for; `numbering` stands in for its own options of that.

    Raises BadInput, one sentence, before anything is computed.
    """
    numbering = numbering or numbering_of(options.clip, base=options.frame_base, timecode=options.timecode)
    if not options.keyframe:
        raise BadInput("There is no edited picture: give at least one --keyframe N=IMAGE.")
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
        mattes=mattes_from(options),
        composite=options.composite if options.composite in COMPOSITES else COMPOSITES[0],
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
        deliverables=deliverables_of(
            options.out, options.deliver, options.format, comp_of=options.clip if options.comp else ""
        ),
        finish={name: value for name in _FINISHES if (value := getattr(options, name)) is not None},
        settings=settings_from(options),
        colour=options.colour,
        adapters=tuple(map(given_adapter, options.adapter)),
        care=care_from(options),
    )


def _strength(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no strength: give 0 (off) to 1 (full)")
    return value


def edit(connection: Connection, request: WireEdit, out: Path, *, console: Console, priority: str = "normal") -> Job:
    """Run one edit on the connected server and leave its result at `out`."""
    return send(connection, with_known_names(connection, request), out, console=console, priority=priority)


def with_known_names(connection: Connection, request: WireEdit) -> WireEdit:
    """The edit with the names that the connected server knows models and adapters by. Raises BadInput.

    What the server would refuse by its name alone is refused here: before an hour of uploading, not after it.
    """
    if request.model and os.sep not in request.model:
        names = [model.name for model in connection.system().models]
        if request.model not in names:
            raise BadInput(f"There is no model {request.model!r} on the server: choose {', '.join(names)}.")
    for use in request.adapters:  # people type the beginning of an id
        use.adapter_id = Adapters(connection).find(use.adapter_id).adapter_id
    return request


def offer(connection: Connection, request: WireEdit, *, console: Console) -> None:
    """Give the server the files of an edit that it does not have."""
    files = references_of(request)
    next(call_apart(lambda: make_available(connection, files, on_bytes=TransferDisplay(console, "Uploading"))))


def send(connection: Connection, request: WireEdit, out: Path, *, console: Console, priority: str = "normal") -> Job:
    """Run an edit whose files have been looked at, and leave its result at `out`."""
    offer(connection, request, console=console)
    jobs = Jobs(connection)
    submitting = call_apart(lambda: jobs.submit(request, priority=priority))
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
    for beside in delivered_at(out)[1:]:
        console.print(f"Wrote {beside['path']}: its {beside['kind']}")
    for stage in sorted(result.stage_seconds, key=stage_order):
        console.print(f"  {stage_words(stage)}: {duration_words(result.stage_seconds[stage])}")
    if result.adapter_reused:
        console.print("  The shot's motion was known from an earlier edit.")
    if hint := next_keyframe_words(job, out):
        console.print(hint)
