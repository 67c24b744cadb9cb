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

from maskedit.errors import InputError
from maskedit.geometry import Rect, bounds_of, union
from maskedit.mattes import drawn_mattes
from maskedit.media import probe, read_picture
from maskedit.refusals import refuse_unsupported
from maskedit.request import EditRequest, Extent, FrameRange, Keyframe, MediaFacts, Region, from_json

MOST_SMOOTH_FRAMES = 24  # all of them are held in memory, before and after


@dataclass(frozen=True, kw_only=True)
class CheckedEdit:
    """What the check found out. `frames`: what the result will hold; `region_frames`: those of them whose matte is not
    empty, in order; `bounds`: the smallest rectangle that holds the region of all of them, in source pixels."""

    facts: MediaFacts
    frames: FrameRange
    region_frames: tuple[int, ...]
    bounds: Rect


def check_edit(request: EditRequest) -> CheckedEdit:
    """Probe the clip, stream the mattes once and look at every keyframe.

    Odd sizes, variable rates, high bit depths and alpha are all fine; keyframes may lie anywhere in the range.
    Raises InputError, one sentence: what cannot be used and what to do.
    """
    refuse_unsupported(request)
    _check_settings(request)
    facts = probe(request.target.path, first_number=request.target.first_number or None)
    frames = _check_range(request, facts)
    for keyframe in request.keyframes:
        _check_keyframe(keyframe, frames=frames, facts=facts)
    shown = [_bounds(region, frames=frames, facts=facts) for region in request.regions]
    region_frames = tuple(sorted({number for bounds in shown for number in bounds}))
    for keyframe in request.keyframes:
        if keyframe.frame not in region_frames:
            raise InputError(
                f"The matte is empty on keyframe {keyframe.frame}, so its edit would not show: "
                f"choose a frame that shows the region, for instance {region_frames[0]}."
            )
    bounds = union(*(each for bounds in shown for each in bounds.values()))
    assert bounds is not None  # no region is empty on every frame
    return CheckedEdit(facts=facts, frames=frames, region_frames=region_frames, bounds=bounds)


def _check_settings(request: EditRequest) -> None:
    if not 0 <= request.finish.rim_colour <= 1:
        raise InputError(
            f"The rim's colour cannot be matched by {request.finish.rim_colour}: give 0 (off) to 1 (full)."
        )
    for region in request.regions:
        for name, pixels in (("grow", region.grow_px), ("feather", region.feather_px)):
            if pixels is not None and pixels < 0:
                raise InputError(f"A region cannot {name} by {pixels} pixels: give 0 or more.")
        if region.smooth_frames is not None and not 0 <= region.smooth_frames <= MOST_SMOOTH_FRAMES:
            raise InputError(
                f"A region cannot be smoothed over {region.smooth_frames} frames: give 0 to {MOST_SMOOTH_FRAMES}."
            )
        if region.mattes[0].subtract:
            raise InputError(
                f"The matte {region.mattes[0].media.path} is subtracted from nothing: name the matte of what is to "
                "change before it."
            )


def _check_range(request: EditRequest, facts: MediaFacts) -> FrameRange:
    name = request.target.path
    if facts.frame_count < 2:
        raise InputError(f"The clip {name} has only one frame: an edit needs motion, so give a clip of two or more.")
    frames = request.frames or FrameRange(first=0, last=facts.frame_count - 1)
    if frames.last >= facts.frame_count:
        raise InputError(
            f"The frame range {frames.first}-{frames.last} goes beyond the clip {name}, whose last frame is "
            f"{facts.frame_count - 1}: shorten the range."
        )
    if len(frames) < 2:
        raise InputError(f"The frame range holds frame {frames.first} only: give a range of two frames or more.")
    return frames


def _check_keyframe(keyframe: Keyframe, *, frames: FrameRange, facts: MediaFacts) -> None:
    if not frames.first <= keyframe.frame <= frames.last:
        raise InputError(
            f"Keyframe {keyframe.frame} lies outside frames {frames.first}-{frames.last}: "
            "give it the number of a frame in the range (frames count from 0)."
        )
    path = keyframe.image.path
    height, width = read_picture(path).shape[:2]
    whole = Extent(x=0, y=0, width=facts.width, height=facts.height)
    extent = keyframe.extent or whole
    if extent.x < 0 or extent.y < 0 or extent.x + extent.width > whole.width or extent.y + extent.height > whole.height:
        raise InputError(
            f"Keyframe {keyframe.frame} is placed at {extent.x},{extent.y} with {extent.width}x{extent.height} pixels, "
            f"beyond the clip's {whole.width}x{whole.height}: move it inside the frame."
        )
    if (width, height) != (extent.width, extent.height):
        whose = "the crop it is placed in" if keyframe.extent else "the clip"
        raise InputError(
            f"The picture of keyframe {keyframe.frame} ({path}) is {width}x{height} but {whose} is "
            f"{extent.width}x{extent.height}: export it in that size."
        )


def _bounds(region: Region, *, frames: FrameRange, facts: MediaFacts) -> dict[int, Rect]:
    """The drawn region's bounds on every frame of the range that shows it, in order."""
    found = ((number, bounds_of(matte)) for number, matte in drawn_mattes(region, facts=facts, frames=frames))
    shown = {number: bounds for number, bounds in found if bounds is not None}
    if shown:
        return shown
    added = [matte.media.path for matte in region.mattes if not matte.subtract]
    what = f"The matte {added[0]} is" if len(added) == 1 else f"The mattes {', '.join(added)} are"
    when = f"on all frames {frames.first}-{frames.last}"
    if len(added) < len(region.mattes):
        raise InputError(f"{what} empty {when} once the others are subtracted: subtract less.")
    raise InputError(f"{what} empty {when}: make the region to edit white (or ask for the matte to be inverted).")


def report(text: str | bytes) -> dict[str, Any]:
    """Check the edit request in `text` (JSON) and say what came of it as plain data."""
    try:
        checked = check_edit(from_json(text))
    except InputError as error:
        return {"ok": False, "error": " ".join(str(error).split())}
    return {"ok": True, **TypeAdapter(CheckedEdit).dump_python(checked, mode="json")}


if __name__ == "__main__":
    print(json.dumps(report(sys.stdin.buffer.read())))
