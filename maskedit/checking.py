# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of an edit's media that can be made before the model is loaded (torch-free).

`python -m maskedit.checking` does it in a process of its own: an EditRequest as JSON on stdin, one JSON object on
stdout, {"ok": true, …} or {"ok": false, "error": sentence}; the exit status is 0 either way.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from maskedit.changes import keyframe_changes
from maskedit.colour import check_deliverables, view_of
from maskedit.errors import InputError, OutputError, in_one_line
from maskedit.geometry import Rect, bounds_of, union
from maskedit.locking import check_parent
from maskedit.mattes import drawn_mattes, of_purpose, open_matte
from maskedit.media import probe
from maskedit.media.pictures import read_header, read_samples
from maskedit.media.writer import check_deliverable
from maskedit.refusals import refuse_unsupported
from maskedit.request import EditRequest, Extent, FrameRange, Keyframe, MattePurpose, MediaFacts, Region, from_json

_SAME_SHAPE = 0.01
MOST_EDGE_PX = 4096  # what covers the largest frames from their middle
MOST_SMOOTH_FRAMES = 24  # all of them are held in memory, before and after


@dataclass(frozen=True, kw_only=True)
class CheckedEdit:
    """What the check found out. `frames`: what the result will hold; `region_frames`: those of them whose matte is not
    empty, in order; `region_bounds`: what holds the drawn region on each of those, in source pixels, and `bounds` what
    holds it on all of them."""

    facts: MediaFacts
    frames: FrameRange
    region_frames: tuple[int, ...]
    region_bounds: tuple[Rect, ...]
    bounds: Rect


def check_edit(request: EditRequest) -> CheckedEdit:
    """Probe the clip, stream the mattes once and look at every keyframe.

    Odd sizes, variable rates, high bit depths and alpha are all fine; keyframes may lie anywhere in the range.
    Raises InputError, one sentence: what cannot be used and what to do.
    """
    refuse_unsupported(request)
    _check_settings(request)
    facts = probe(request.target.path, first_number=request.target.first_number or None)
    view_of(facts, request.working_colour)
    check_deliverables(facts, request.deliverables)
    for deliverable in request.deliverables:
        try:
            check_deliverable(facts, deliverable)
        except OutputError as error:
            raise InputError(str(error)) from error
    frames = _check_range(request, facts)
    for keyframe in request.keyframes:
        _check_keyframe(keyframe, frames=frames, facts=facts, fit=request.keyframe_care.fit)
    check_parent(request, facts=facts, frames=frames)
    shown = [_bounds(region, request, frames=frames, facts=facts) for region in request.regions]
    region_frames = tuple(sorted({number for bounds in shown for number in bounds}))
    for keyframe in request.keyframes:
        if keyframe.frame not in region_frames:
            raise InputError(
                f"The matte is empty on keyframe {keyframe.frame}, so its edit would not show: "
                f"choose a frame that shows the region, for instance {region_frames[0]}."
            )
    by_frame = (union(*(bounds.get(number) for bounds in shown)) for number in region_frames)
    region_bounds = tuple(bounds for bounds in by_frame if bounds is not None)
    bounds = union(*region_bounds)
    assert bounds is not None  # no region is empty on every frame
    return CheckedEdit(
        facts=facts, frames=frames, region_frames=region_frames, region_bounds=region_bounds, bounds=bounds
    )


def _check_settings(request: EditRequest) -> None:
    for name, strength in vars(request.finish).items():
        if not 0 <= strength <= 1:
            raise InputError(
                f"The finish {name.replace('_', ' ')} cannot have a strength of {strength}: give 0 (off) to 1 (full)."
            )
    for region in request.regions:
        for name, pixels in (("grow", region.grow_px), ("feather", region.feather_px)):
            if pixels is not None and not 0 <= pixels <= MOST_EDGE_PX:
                more = "0 or more" if pixels < 0 else f"at most {MOST_EDGE_PX}"
                raise InputError(f"A region cannot {name} by {pixels} pixels: give {more}.")
        if region.smooth_frames is not None and not 0 <= region.smooth_frames <= MOST_SMOOTH_FRAMES:
            raise InputError(
                f"A region cannot be smoothed over {region.smooth_frames} frames: give 0 to {MOST_SMOOTH_FRAMES}."
            )
        for purpose in MattePurpose:
            first = next(iter(of_purpose(region, purpose)), None)
            if first is not None and first.subtract:
                raise InputError(
                    f"The matte {first.media.path} is subtracted from nothing: name the matte of what is to change "
                    "before it."
                )


def _check_range(request: EditRequest, facts: MediaFacts) -> FrameRange:
    name = request.target.path
    if facts.frame_count < 2:
        raise InputError(f"The clip {name} has only one frame: an edit needs motion, so give a clip of two or more.")
    # By identity: how long an endless range is cannot be asked before it is known to end with the clip.
    frames = FrameRange(first=0, last=facts.frame_count - 1) if request.frames is None else request.frames
    if frames.last >= facts.frame_count:
        raise InputError(
            f"The frame range {frames.first}-{frames.last} goes beyond the clip {name}, whose last frame is "
            f"{facts.frame_count - 1}: shorten the range."
        )
    if len(frames) < 2:
        raise InputError(f"The frame range holds frame {frames.first} only: give a range of two frames or more.")
    return frames


def _check_keyframe(keyframe: Keyframe, *, frames: FrameRange, facts: MediaFacts, fit: bool) -> None:
    if not frames.first <= keyframe.frame <= frames.last:
        raise InputError(
            f"Keyframe {keyframe.frame} lies outside frames {frames.first}-{frames.last}: "
            "give it the number of a frame in the range (frames count from 0)."
        )
    path = keyframe.image.path
    header = read_header(path)
    width, height = header.width, header.height
    whole = Extent(x=0, y=0, width=facts.width, height=facts.height)
    extent = keyframe.extent or whole
    if extent.x < 0 or extent.y < 0 or extent.x + extent.width > whole.width or extent.y + extent.height > whole.height:
        raise InputError(
            f"Keyframe {keyframe.frame} is placed at {extent.x},{extent.y} with {extent.width}x{extent.height} pixels, "
            f"beyond the clip's {whole.width}x{whole.height}: move it inside the frame."
        )
    if (width, height) != (extent.width, extent.height):
        _check_shape(keyframe, (width, height), (extent.width, extent.height), fit=fit)
    read_samples(path)  # so that a file that is cut short is found out now; not before its size is known to be sane


def _check_shape(keyframe: Keyframe, size: tuple[int, int], wanted: tuple[int, int], *, fit: bool) -> None:
    """Raise InputError for a keyframe of `size` (width, height) that cannot be scaled to what is wanted."""
    (width, height), (wanted_width, wanted_height) = size, wanted
    whose = "the crop it is placed in" if keyframe.extent else "the clip"
    sizes = (
        f"The picture of keyframe {keyframe.frame} ({keyframe.image.path}) is {width}x{height} but {whose} is "
        f"{wanted_width}x{wanted_height}"
    )
    # Editors work in steps of 8 or 64 pixels, so that a shape comes back a little off.
    if abs(width * wanted_height - height * wanted_width) > _SAME_SHAPE * height * wanted_width:
        raise InputError(f"{sizes}, which is another shape: export it in that size, uncropped.")
    if not fit:
        raise InputError(f"{sizes}: export it in that size, or let it be scaled with --fit-keyframes.")


def _bounds(region: Region, request: EditRequest, *, frames: FrameRange, facts: MediaFacts) -> dict[int, Rect]:
    """The drawn region's bounds on every frame of the range that shows it, in order; on the keyframes alone where the
    region is what they change."""
    for matte in region.mattes:
        if matte.purpose is not MattePurpose.EDIT:
            open_matte(matte, facts=facts)
    mattes = of_purpose(region, MattePurpose.EDIT)
    drawn = drawn_mattes(region, facts=facts, frames=frames) if mattes else keyframe_changes(request, facts=facts)
    found = ((number, bounds_of(matte)) for number, matte in drawn)
    shown = {number: bounds for number, bounds in found if bounds is not None}
    if shown:
        return shown
    added = [matte.media.path for matte in mattes if not matte.subtract]
    what = f"The matte {added[0]} is" if len(added) == 1 else f"The mattes {', '.join(added)} are"
    when = f"on all frames {frames.first}-{frames.last}"
    if len(added) < len(mattes):
        raise InputError(f"{what} empty {when} once the others are subtracted: subtract less.")
    raise InputError(f"{what} empty {when}: make the region to edit white (or ask for the matte to be inverted).")


def report(text: str | bytes) -> dict[str, Any]:
    """Check the edit request in `text` (JSON) and say what came of it as plain data."""
    try:
        checked = check_edit(from_json(text))
    except InputError as error:
        return {"ok": False, "error": in_one_line(error)}
    return {"ok": True, **TypeAdapter(CheckedEdit).dump_python(checked, mode="json")}


if __name__ == "__main__":
    print(json.dumps(report(sys.stdin.buffer.read())))
