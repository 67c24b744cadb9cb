# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit's keyframes held against their plates, and given on as they should have come back (torch-free).

A keyframe that needs nothing stays the very file that was given; a mended one is written as a picture of 16 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskedit.colour import View, view_of
from maskedit.findings import Finding, Severity
from maskedit.geometry import Rect, placed, resized
from maskedit.hygiene import Inspected, inspect
from maskedit.mattes import of_purpose, reach_of, region_mattes
from maskedit.media import ClipReader, write_picture
from maskedit.presets import edges_for
from maskedit.progress import Reporter, Stage
from maskedit.request import (
    EditRequest,
    FrameRange,
    Keyframe,
    MattePurpose,
    MediaFacts,
    MediaReference,
)

Picture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Look:
    """A keyframe and what came of it. `plate` and `inspected.picture` (h, w, 3) cover the keyframe's part of the frame.

    `matte` (h, w): where the paste may show; `taken`: what was changed elsewhere becomes a region of its own;
    `given_size`: width and height of the file.
    """

    keyframe: Keyframe
    plate: Picture
    matte: Picture
    taken: bool
    given: Picture
    given_size: tuple[int, int]
    inspected: Inspected

    @property
    def fitted(self) -> bool:
        """Whether the picture was scaled to the clip's size."""
        return self.given_size != self.plate.shape[1::-1]


def looks(request: EditRequest, *, facts: MediaFacts, frames: FrameRange, bounds: Rect) -> Iterator[Look]:
    """Every keyframe held against its plate, one at a time; `bounds` hold the drawn region on all frames.

    Raises InputError for media that cannot be read.
    """
    view = view_of(facts, request.working_colour)
    with ClipReader(request.target.path, first_number=request.target.first_number or None) as clip:
        for keyframe in request.keyframes:
            (plate,) = clip.frames(keyframe.frame, keyframe.frame)
            matte = _matte_at(keyframe.frame, request, facts=facts, frames=frames, bounds=bounds)
            yield _look(keyframe, view.shown(plate), matte, view=view, request=request)


def clean_keyframes(
    request: EditRequest, *, facts: MediaFacts, frames: FrameRange, bounds: Rect, folder: Path, reporter: Reporter
) -> tuple[EditRequest, dict[int, dict[str, Any]]]:
    """The request with mended keyframes in place of those that needed it, and what the record says of each.

    `bounds`: see `looks`. What was done is reported in words. Mended pictures go to `folder`, which is made only for
    them.
    """
    keyframes, said = [], {}
    for done, look in enumerate(looks(request, facts=facts, frames=frames, bounds=bounds), start=1):
        keyframe = look.keyframe
        for finding in findings_of(look):
            reporter.report(Stage.PREPARE, 1, total=1, message=finding.sentence)
        if record := look.inspected.record() | ({"fitted_from": list(look.given_size)} if look.fitted else {}):
            said[keyframe.frame] = record
        if look.inspected.mended or look.fitted:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"keyframe.{keyframe.frame:04d}.png"
            write_picture(path, look.inspected.picture, bit_depth=16)
            keyframe = replace(keyframe, image=MediaReference(locations=(str(path),)))
        keyframes.append(keyframe)
        reporter.report(Stage.PREPARE, done, total=len(request.keyframes))
    return replace(request, keyframes=tuple(keyframes)), said


def findings_of(look: Look) -> Iterator[Finding]:
    """What an editor should know of a keyframe, in words."""
    found, name = look.inspected, f"Keyframe {look.keyframe.frame}"
    at = FrameRange(first=look.keyframe.frame, last=look.keyframe.frame)
    if look.fitted:
        (across, down), (height, width) = look.given_size, look.plate.shape[:2]
        what = f"{name} is {across}x{down} and is scaled to {width}x{height}"
        yield Finding(severity=Severity.NOTE, what=what, remedy="export it in that size for full sharpness", frames=at)
    if found.another:
        yield Finding(
            severity=Severity.WARNING,
            what=f"{name} is unlike frame {at.first} nearly everywhere outside the matte",
            remedy="check its frame number, and that it is the whole frame",
            frames=at,
        )
        return
    if found.registration is not None:
        yield Finding(
            severity=Severity.NOTE,
            what=f"{name} does not lie on its plate ({found.registration.words}) and is laid back",
            remedy="--keyframes-as-given leaves it where it is",
            flag="--keyframes-as-given",
            frames=at,
        )
    if found.drift is not None:
        yield Finding(
            severity=Severity.NOTE,
            what=f"{name} is {found.drift.words} outside the matte and is matched to its plate",
            remedy="--keyframes-as-given leaves its colours alone",
            flag="--keyframes-as-given",
            frames=at,
        )
    if found.refused_drift is not None:
        yield Finding(
            severity=Severity.NOTE,
            what=f"{name} is {found.refused_drift.words} outside the matte, too much for a slip, and is taken as it is",
            remedy="repaint it over the plate if that was not meant",
            frames=at,
        )
    elif found.change is not None and not look.taken:
        yield Finding(
            severity=Severity.WARNING,
            what=f"{name} was changed outside the matte as well ({found.change.words}), and that will not show",
            remedy="widen the matte, or let the region take what was changed with --take-changes",
            flag="--take-changes",
            frames=at,
        )


def _look(keyframe: Keyframe, plate: Picture, matte: Picture, *, view: View, request: EditRequest) -> Look:
    if keyframe.extent is not None:
        extent = keyframe.extent
        part = slice(extent.y, extent.y + extent.height), slice(extent.x, extent.x + extent.width)
        plate, matte = np.ascontiguousarray(plate[part]), matte[part]
    given = view.painted(keyframe.image.path)
    height, width = plate.shape[:2]
    picture = given if given.shape == plate.shape else resized(given, width, height)
    if picture.min() < 0 or picture.max() > 1:
        picture = np.clip(picture, 0, 1)  # as its plate is, which an EXR may go beyond
    inspected = inspect(picture, plate, outside=matte == 0, care=request.keyframe_care)
    taken = any(not of_purpose(region, MattePurpose.EDIT) for region in request.regions)
    return Look(keyframe, plate, matte, taken, picture, (given.shape[1], given.shape[0]), inspected)


def _matte_at(frame: int, request: EditRequest, *, facts: MediaFacts, frames: FrameRange, bounds: Rect) -> Picture:
    """Where the paste may show on one frame; nowhere for regions that are yet to be found from their keyframes."""
    whole = Rect(0, 0, facts.width, facts.height)
    drawn = [region for region in request.regions if of_purpose(region, MattePurpose.EDIT)]
    if not drawn:
        return np.zeros((facts.height, facts.width), np.float32)
    # Frames so near that a matte covers what theirs cover.
    reach = max(edges_for(region, frame_height=facts.height).smooth_frames for region in drawn)
    near = FrameRange(first=max(frames.first, frame - reach), last=min(frames.last, frame + reach))
    within = reach_of(drawn, drawn=bounds, facts=facts)
    mattes = region_mattes(drawn, facts=facts, frames=near, within=within)
    return next(placed(matte, at=within, within=whole) for number, matte in mattes if number == frame)
