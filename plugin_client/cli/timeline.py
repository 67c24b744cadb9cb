# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit timeline`: a clip of a timeline that another editor exported, edited, and laid above itself there."""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from plugin_client.cli.comps import write_comps
from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.destination import SEQUENCES, suffix_of
from plugin_client.cli.edit import add_edit_options, describe, make, options_from
from plugin_client.cli.facts import clip_facts
from plugin_client.cli.following import summary
from plugin_client.cli.numbering import Numbering
from plugin_client.cli.parsing import add_priority_option
from plugin_client.cli.timeline_list import listed, print_list
from plugin_client.cli.timeline_shot import (
    ByTimeline,
    FromClip,
    TimelineShot,
    check_editable,
    mattes_from_clip,
    shot_of,
)
from plugin_client.cli.timeline_take import expected_take, finished_take
from plugin_client.core.errors import BadInput
from plugin_client.core.requests import EditOptions
from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.opening import open_timeline
from plugin_client.timelines.timeline import OpenTimeline, Take

_EXAMPLE = """\
example:
  maskedit timeline cut.otio --list
  maskedit timeline cut.otio --track 1 --clip A003 --from-clip --matte roto.json --keyframe 0=painted.png

Reads .otio, .fcpxml, .xml (Final Cut Pro 7: Premiere, Resolve), .mlt and .kdenlive. The frames that the clip shows are
edited; the timeline is written anew, with the result on a track of its own directly above the clip. Frames count from 0
at the first frame of the clip's media, as in `maskedit edit`, unless an option says otherwise."""
_NUMBERED = re.compile(r"(.*-maskedit)(?:-\d+)?")
# What a timeline can hold as the picture itself; a fill needs its matte laid over it by hand.
_PLACED = ("patch", "full")
_UNSAFE = re.compile(r"[^\w.-]+")


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "timeline",
        help="edit a clip of another editor's timeline",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the timeline: .otio, .fcpxml, .xml, .mlt or .kdenlive")
    parser.add_argument("--list", action="store_true", help="show its tracks and clips, and what media is missing")
    parser.add_argument("--sequence", default="", metavar="NAME", help="which of several timelines in the file")
    parser.add_argument("--track", type=int, metavar="N", help="the clip's video track, as --list numbers it")
    parser.add_argument("--clip", dest="clip_name", default="", metavar="NAME", help="the clip's name")
    parser.add_argument("--number", type=int, metavar="K", help="which of several clips of that name on the track")
    parser.add_argument(
        "--handles", type=int, default=0, metavar="FRAMES", help="edit so many more frames on each side"
    )
    parser.add_argument("--out", default="", metavar="FILE", help="the new timeline (default: NAME-maskedit beside it)")
    parser.add_argument("--result", default="", metavar="PATH", help="the result itself (default: beside the timeline)")
    parser.add_argument("--replace", action="store_true", help="take out earlier results that lie exactly there")
    counting = parser.add_mutually_exclusive_group()
    counting.add_argument(
        "--from-clip",
        action="store_true",
        help="N, A, B and the pictures of mattes count from 0 at the first frame that the clip shows",
    )
    counting.add_argument("--timeline-timecode", action="store_true", help="N, A and B are the timeline's timecode")
    add_edit_options(parser, out="--result", kind="patch")
    parser.add_argument(
        "--local", action="store_true", help="without a server, in a process that ends with the edit; Ctrl-C cancels it"
    )
    add_priority_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, list; or find the clip, edit it, place the result, write."""
    console = console_for(as_json=options.json)
    path = Path(options.file).expanduser()
    timeline = open_timeline(path, sequence=options.sequence)
    if options.list:
        if options.json:
            print_json(listed(timeline))
        else:
            print_list(timeline, console)
        return 0
    if not options.clip_name:
        raise BadInput(f"No clip is named: give --clip NAME, one of `maskedit timeline {options.file} --list`.")
    if options.handles < 0:
        raise BadInput("--handles counts frames and cannot be negative: give 0 or more.")
    clip = find_clip(timeline.clips(), options.clip_name, track=options.track, number=options.number)
    check_editable(clip)
    options.deliver = _kinds(options, timeline)
    written = _written_to(options.out, path)
    shot = shot_of(timeline, clip, clip_facts(clip.media), handles=options.handles)
    edit_options = _edit_options(options, timeline, shot, written)
    _rehearse(path, options, expected_take(edit_options, shot, out=Path(options.out)), shot)
    job, result = make(options, edit_options, console=console)
    comps = write_comps(options.comp, job, result, plate=shot.clip.media)
    take = finished_take(job, result, edit_options, shot)
    placed = timeline.place(take, shot.clip, replace=options.replace)
    timeline.save(written)
    if options.json:
        facts = summary(job, out=result) | {"comps": [str(comp) for comp in comps]}
        where = {"timeline": str(written), "track": placed.track, "clip": placed.name, "notes": list(placed.notes)}
        record = [round(at * timeline.rate) for at in (placed.record.start, placed.record.end)]
        print_json(facts | where | {"record_frames": [record[0], record[1] - 1]})
        return 0
    describe(job, result, console=console)
    for sentence in placed.notes:
        console.print(sentence)
    console.print(f"Wrote {written}: {placed.name} on track {placed.track}, above {clip.name}")
    return 0


def _kinds(options: argparse.Namespace, timeline: OpenTimeline) -> list[str]:
    """What to deliver, the first of it what the timeline gets. Raises BadInput for options that do not fit together."""
    if (options.from_clip or options.timeline_timecode) and (options.timecode or options.frame_base != "zero"):
        raise BadInput("Frames can be numbered in one way only: keep one of the options for that.")
    if options.format and options.format[0] == "cache":
        raise BadInput("A frame cache cannot lie on a timeline: choose another --format, for example mov.")
    kinds = options.deliver or ["patch" if timeline.composites_alpha else "full"]
    if kinds[0] not in _PLACED:
        raise BadInput(f"A {kinds[0]} alone cannot lie on a timeline: name --deliver patch or full before it.")
    return kinds


def _edit_options(
    options: argparse.Namespace, timeline: OpenTimeline, shot: TimelineShot, written: Path
) -> EditOptions:
    """The edit of the clip's media; `options.clip` and `options.out` become what `edit` has them for."""
    options.clip = shot.clip.media
    options.out = options.result or _result_beside(written, shot, (options.format or ["mov"])[0])
    numbering: Numbering | None = None
    if options.from_clip or options.timeline_timecode:
        numbering = FromClip(shot) if options.from_clip else ByTimeline(shot, timeline)
    edit = options_from(options, numbering)
    mattes = mattes_from_clip(edit.mattes, shot) if options.from_clip else edit.mattes
    return replace(edit, mattes=mattes, frames=edit.frames or shot.frames, name=shot.clip.name)


def _rehearse(path: Path, options: argparse.Namespace, take: Take, shot: TimelineShot) -> None:
    """Raise BadInput where the timeline could not take the result: before it is rendered, in a reading of its own."""
    timeline = open_timeline(path, sequence=options.sequence)
    timeline.clips()  # by which it knows the clip again
    timeline.place(take, shot.clip, replace=options.replace)


def _written_to(out: str, path: Path) -> Path:
    """Where the new timeline goes: never over the old one, and over no other unless the user says so."""
    ending = ".fcpxml" if path.suffix.lower() == ".fcpxmld" else path.suffix
    if out:
        chosen = Path(out).expanduser().absolute()
        if chosen.suffix.lower() != ending.lower():
            raise BadInput(f"--out {out} is a timeline of another kind than {path.name}: end it in {ending}.")
        if chosen.is_dir():
            raise BadInput(f"--out {out} is a folder: name a file in it.")
        if chosen.exists() and chosen.samefile(path):
            raise BadInput(f"--out {out} would overwrite the timeline itself: choose another name.")
        if not chosen.parent.is_dir():
            raise BadInput(f"The folder of --out {out} does not exist: make {chosen.parent} first.")
        return _writable(chosen)
    numbered = _NUMBERED.fullmatch(path.stem)
    return _writable(_free(path.absolute().with_name(numbered[1] if numbered else f"{path.stem}-maskedit"), ending))


def _writable(path: Path) -> Path:
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadInput(f"The folder {path.parent} may not be written to: choose another --out.")
    return path


def _result_beside(written: Path, shot: TimelineShot, format_name: str) -> str:
    """A name for the result that nothing has yet, beside the new timeline."""
    name = _UNSAFE.sub("_", Path(shot.clip.name).stem) or "clip"
    stem = written.with_name(f"{written.stem}-{name}")
    if format_name in SEQUENCES:
        return str(_free(stem, ""))
    return str(_free(stem, f".{suffix_of(format_name)}"))


def _free(stem: Path, ending: str) -> Path:
    """`stem` with `ending`, numbered from 2 on until it is free."""
    path, number = stem.with_name(stem.name + ending), 2
    while path.exists():
        path, number = stem.with_name(f"{stem.name}-{number}{ending}"), number + 1
    return path
