# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit score`: the scorecard of a result as a table, or as JSON (torch-free).

`python -m maskedit.scorecard --source CLIP --result CLIP --matte MATTE [--truth CLIP] [--json]`
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from maskedit.errors import InputError, MaskEditError
from maskedit.media import probe
from maskedit.presets import Edges
from maskedit.request import (
    DeliverableKind,
    FrameRange,
    Loosening,
    Matte,
    MediaReference,
    Origin,
    Region,
    WorkingColour,
    from_json,
)
from maskedit.scoring import Scorecard, Subject, score


def subject_of(source: str, result: str, *, matte: str = "", truth: str = "", record: str = "") -> Subject:
    """What to score, with range, keyframes and regions from the take's record (`record`, or beside the result).

    `matte` stands for what the record's region was drawn with.
    Without a record it is needed, the result holds all frames and the paste matte is made as the presets make it.
    Raises InputError.
    """
    facts = probe(source)
    subject = Subject(
        source=source,
        result=result,
        regions=(Region(mattes=(_matte_at(matte),)),),
        truth=truth,
        frames=FrameRange(first=0, last=facts.frame_count - 1),
    )
    path = Path(record) if record else record_beside(result)
    if not path.is_file():
        if not matte:
            raise InputError(f"The result {result} has no record beside it: say with --matte what was to change.")
        return subject
    try:
        take = json.loads(path.read_text(encoding="utf-8"))
        request = from_json(json.dumps(take["request"]))
        # A cropped keyframe is part of a frame, so there is no whole picture to hold the result against.
        keyframes = {key.frame: key.image.path for key in request.keyframes if key.extent is None}
        edges = [Edges(**each | {"loosening": Loosening(each["loosening"])}) for each in take["paste_matte"]]
        regions = tuple(replace(region, **vars(own)) for region, own in zip(request.regions, edges, strict=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The record {path.name} cannot be read ({error}): move it away to score without.") from error
    if matte and len(regions) > 1:
        raise InputError(f"The record {path.name} holds {len(regions)} regions: leave --matte out to score them.")
    if matte:
        regions = tuple(replace(region, mattes=(_matte_at(matte),)) for region in regions)
    return replace(
        subject,
        frames=request.frames or subject.frames,
        keyframes=keyframes,
        regions=regions,
        patch=request.deliverables[0].kind is DeliverableKind.PATCH,
        first_number=request.target.first_number,
        working_colour=request.working_colour,
    )


def _matte_at(path: str) -> Matte:
    return Matte(media=MediaReference(locations=(path,)))


def record_beside(result: str) -> Path:
    """Where the take's record of a result lies: `NAME.maskedit.json` beside the file, or beside a sequence's folder."""
    path = Path(result)
    return path.parent.with_suffix(".maskedit.json") if "%" in path.name else path.with_suffix(".maskedit.json")


def _shown(value: float | int | None, unit: str) -> str:
    if value is None:
        return "-"
    if value == math.inf:
        return "identical"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}" if not unit else f"{value:.2f} {unit}"


def table(card: Scorecard) -> Table:
    """The card as a person reads it: the result beside what doing nothing would score."""
    scores = card.scores
    sheet = Table("Measure", "Result", "Unedited", "First frame frozen", title="Scorecard", title_justify="left")
    for column in sheet.columns[1:]:
        column.justify = "right"

    def row(label: str, *names: str, unit: str = "") -> None:
        sheet.add_row(label, *(_shown(scores[name], unit) for name in names))

    row("Outside: samples changed", "samples_changed_outside")
    row("Outside: PSNR to the source", "background_psnr", unit="dB")
    row("Outside: mean error", "background_mean_error", unit="/255")
    row("Paste edge: mean error", "seam_ring_error", unit="/255")
    sheet.add_section()
    row("Inside: PSNR to the truth", "result_psnr", "source_psnr", "frozen_psnr", unit="dB")
    row("Inside: SSIM to the truth", "result_ssim", "source_ssim", "frozen_ssim")
    row("Inside: FLIP to the truth", "result_flip", "source_flip", "frozen_flip")
    row("Inside: keyframe PSNR", "keyframe_psnr", unit="dB")
    row("Inside: flow-warp error", "result_warp_error", "source_warp_error", unit="/255")
    sheet.add_section()
    row("Finish: sharpness over the plate's", "sharpness_ratio")
    row("Finish: grain power over the plate's", "grain_ratio")
    row("Finish: halo along the paste edge", "halo_ring", unit="/255")
    row("Finish: flicker", "result_flicker", "source_flicker", unit="/255")
    row("Finish: drift in 50 frames", "drift", unit="/255")
    sheet.add_section()
    for name, equal in card.equal.items():
        sheet.add_row(f"Same {name.replace('_', ' ')}", "yes" if equal else "NO")
    return sheet


def _range(text: str) -> FrameRange:
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit()):
        raise InputError(f"The range {text!r} is not FIRST-LAST: give it like 12-48.")
    return FrameRange(first=int(first), last=int(last))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maskedit score", description="How good a result is, in numbers.")
    parser.add_argument("--source", required=True, metavar="CLIP")
    parser.add_argument("--result", required=True, metavar="CLIP")
    parser.add_argument("--matte", default="", metavar="MATTE", help="what was to change (default: the record's)")
    parser.add_argument("--truth", default="", metavar="CLIP", help="what a perfect result would be")
    parser.add_argument("--record", default="", metavar="FILE", help="the take's record (default: beside the result)")
    parser.add_argument("--frames", metavar="A-B", help="the source's frames that the result holds")
    parser.add_argument("--grow", type=int, metavar="PX", help="how far the matte was grown")
    parser.add_argument("--feather", type=int, metavar="PX", help="how wide the paste was feathered")
    parser.add_argument("--colour", metavar="NAME", help="the clips' colours (default: as the record or tags say)")
    parser.add_argument("--patch", action="store_true", help="the result is a patch to lay over the source")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns 0, or 2 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        subject = subject_of(
            options.source, options.result, matte=options.matte, truth=options.truth, record=options.record
        )
        chosen = {"grow_px": options.grow, "feather_px": options.feather}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        regions = tuple(replace(region, **chosen) for region in subject.regions)
        frames = _range(options.frames) if options.frames else subject.frames
        colour = WorkingColour(name=options.colour, origin=Origin.USER) if options.colour else subject.working_colour
        subject = replace(subject, regions=regions, frames=frames, working_colour=colour)
        card = score(replace(subject, patch=options.patch or subject.patch))
    except MaskEditError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(card.as_json()))
    else:
        Console().print(table(card))
    return 0


if __name__ == "__main__":
    sys.exit(main())
