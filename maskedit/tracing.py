# SPDX-License-Identifier: GPL-3.0-or-later
"""The matte of an edit for which nobody drew one: what the keyframes change, followed through the clip (torch-free).

It is written as a clip beside the result, so that the user can look at it, mend it and give it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskedit.changes import is_untraced, keyframe_changes
from maskedit.checking import CheckedEdit, check_edit
from maskedit.colour import view_of
from maskedit.compositing import matte_frame
from maskedit.deliverable import Deliverable, DeliverableKind
from maskedit.draft import Guide, follow, guide, to_codes
from maskedit.geometry import resized
from maskedit.media import ClipReader, ClipWriter, PlateFrame
from maskedit.painting import Picture
from maskedit.progress import Reporter, Stage
from maskedit.request import ColourTag, EditRequest, FrameRange, Matte, MediaReference, Origin

TRACED = "result-traced.mkv"
# Nobody drew its edge, so it gets more room than a drawn one: this share of the frame's height.
_ROOM = 1 / 40


def traced(
    request: EditRequest, checked: CheckedEdit, *, output: Path, reporter: Reporter
) -> tuple[EditRequest, CheckedEdit]:
    """The request with a matte for the region that has no edit matte, checked anew; as it is where each has one.

    The matte is written into the folder `output` as `TRACED`. Raises InputError as `check_edit`, or OutputError.
    """
    if not any(map(is_untraced, request.regions)):
        return request, checked
    output.mkdir(parents=True, exist_ok=True)
    facts, path = checked.facts, output / TRACED
    whole = FrameRange(first=0, last=facts.frame_count - 1)
    # Written by its frames' numbers alone, in full range whatever the clip's is.
    plain = replace(facts, variable_rate=False, range=ColourTag(name="pc", origin=Origin.TAGGED))
    wanted = Deliverable(kind=DeliverableKind.MATTE)
    mattes = traced_mattes(request, checked, reporter=reporter)
    empty = np.zeros((facts.height, facts.width), np.float32)
    with ClipWriter(path, facts=plain, deliverable=wanted, source=request.target.path, frames=whole) as writer:
        for number in range(facts.frame_count):
            inside = checked.frames.first <= number <= checked.frames.last
            writer.write(_numbered(number, next(mattes) if inside else empty))
    found = Matte(media=MediaReference(locations=(str(path),), display_name=TRACED))
    room = max(4, round(facts.height * _ROOM))
    regions = tuple(
        replace(region, mattes=(found, *region.mattes), grow_px=room if region.grow_px is None else region.grow_px)
        if is_untraced(region)
        else region
        for region in request.regions
    )
    request = replace(request, regions=regions)
    return request, check_edit(request)


def traced_file(output: Path) -> Path | None:
    """The matte that `traced` has written into the folder `output`, None if it had none to write."""
    return path if (path := output / TRACED).exists() else None


def traced_mattes(request: EditRequest, checked: CheckedEdit, *, reporter: Reporter) -> Iterator[Picture]:
    """The matte of every frame in the range, (H, W) float32 in [0, 1]; a keyframe's is what it changes and what the
    others' changes have become by then. Only small guides of the frames are held."""
    facts, frames = checked.facts, checked.frames
    guides = _guides(request, checked, reporter=reporter)
    changes = {}
    for number, change in keyframe_changes(request, facts=facts):
        place = number - frames.first
        height, width = guides[place].search.shape
        changes[place] = resized(change, width, height)
        guides[place] = replace(guides[place], edit_matte=to_codes(changes[place]))
    for small in follow(guides, sorted(changes)):
        yield resized(small, facts.width, facts.height)


def _guides(request: EditRequest, checked: CheckedEdit, *, reporter: Reporter) -> list[Guide]:
    """Of the frames in the range, whose mattes nobody knows yet."""
    facts, frames = checked.facts, checked.frames
    view, unknown = view_of(facts, request.working_colour), np.zeros((facts.height, facts.width), np.float32)
    guides = []
    with ClipReader(request.target.path, first_number=request.target.first_number or None) as clip:
        for plate in clip.frames(frames.first, frames.last):
            guides.append(guide(view.shown(plate), unknown))
            reporter.report(Stage.PREPARE, 0, total=len(frames), message="Following what the keyframes change.")
    return guides


def _numbered(number: int, matte: Picture) -> PlateFrame:
    return matte_frame(PlateFrame(number=number, planes=(matte,), pixel_format="gray16le"), matte)
