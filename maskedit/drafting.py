# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset "draft": an edit by optical flow alone, at source size, in seconds (torch-free).

The clip is read twice: once for small guides, on which the motion is found, and once to fetch the painted pixels, frame
by frame. No more than a few frames at source size are ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from maskedit.checking import CheckedEdit, check_edit
from maskedit.delivering import deliver
from maskedit.draft import Draft, Guide, Painting, carry, guide, painting, tracks
from maskedit.geometry import CropPlan, CropTrack, Rect, resized
from maskedit.mattes import region_mattes
from maskedit.media import ClipReader
from maskedit.painting import Picture, keyframe_picture
from maskedit.presets import edges_for
from maskedit.progress import Reporter, Stage
from maskedit.record import EditResult, StageClock, write_record
from maskedit.request import EditRequest

# How much of the region's longer side is looked at around it, so that motion into it and out of it is found.
_CONTEXT = 1 / 4


def run_draft(request: EditRequest, *, output: Path, reporter: Reporter) -> EditResult:
    """Carry the keyframes through the clip; the result and its record go to the folder `output`.

    Raises InputError or OutputError with one sentence for the user, or Cancelled.
    """
    clock = StageClock(reporter)
    checked = check_edit(request)
    frames = checked.frames

    def tick(done: int) -> None:
        clock.report(Stage.PREPARE, done, total=len(frames))

    with source_drafts(request, checked, tick=tick) as (rect, drafts):
        result = deliver(
            request, checked, generated=lambda _: (next(drafts).picture, rect), output=output, reporter=clock
        )
    record = output / "result.maskedit.json"
    track = CropTrack.still(CropPlan(rect, rect.width, rect.height), frames=range(frames.first, frames.last + 1))
    write_record(record, request=request, facts=checked.facts, track=track, stage_seconds=clock.seconds)
    return EditResult(result, record, clock.seconds, adapter_reused=False)


@contextmanager
def source_drafts(
    request: EditRequest, checked: CheckedEdit, *, tick: Callable[[int], None]
) -> Iterator[tuple[Rect, Iterator[Draft]]]:
    """Where the drafts lie in the frame, and the draft of every frame in order, at source size.

    `tick` is called with the number of frames looked at so far, while the motion is found; it may raise Cancelled.
    """
    with ClipReader(request.target.path, first_number=request.target.first_number or None) as clip:
        region = _Region(request, checked, clip, _rect_around(request, checked))
        guides: list[Guide] = []
        for plate, matte in region.pictures():
            guides.append(guide(plate, matte))
            tick(len(guides))
        yield region.rect, _drafts(region, guides)


@dataclass(frozen=True)
class _Region:
    """The part `rect` of the clip's frames."""

    request: EditRequest
    checked: CheckedEdit
    clip: ClipReader
    rect: Rect

    def pictures(self) -> Iterator[tuple[Picture, Picture]]:
        """Plate (h, w, 3) and edit matte (h, w), 0 or 1, of each frame: 1 wherever the paste shows anything at all."""
        frames, rows_columns = self.checked.frames, self.rect.slices
        mattes = region_mattes(self.request.regions, facts=self.checked.facts, frames=frames)
        for plate, (_, matte) in zip(self.clip.frames(frames.first, frames.last), mattes, strict=True):
            yield np.ascontiguousarray(plate.rgb()[rows_columns]), (matte[rows_columns] > 0).astype(np.float32)

    def painting(self, frame: int, seen: Guide) -> Painting:
        """The keyframe of clip frame `frame`, whose guide is `seen`."""
        (whole,) = (plate.rgb() for plate in self.clip.frames(frame, frame))
        (keyframe,) = (keyframe for keyframe in self.request.keyframes if keyframe.frame == frame)
        plate, edited = (
            np.ascontiguousarray(picture[self.rect.slices]) for picture in (whole, keyframe_picture(keyframe, whole))
        )
        matte = resized(seen.edit_matte.astype(np.float32), self.rect.width, self.rect.height)
        return painting(plate, matte, edited=edited, guide=seen)


def _drafts(region: _Region, guides: list[Guide]) -> Iterator[Draft]:
    first = region.checked.frames.first
    keyframes = [keyframe.frame - first for keyframe in region.request.keyframes]

    # A frame lies between two keyframes at most.
    @lru_cache(maxsize=2)
    def painted(index: int) -> Painting:
        return region.painting(first + index, guides[index])

    for (plate, matte), found in zip(region.pictures(), tracks(guides, keyframes), strict=True):
        yield carry(plate, matte, seen=[(track, painted(track.keyframe)) for track in found])


def _rect_around(request: EditRequest, checked: CheckedEdit) -> Rect:
    """What the paste can reach on any frame, with some of what is around it."""
    facts, bounds = checked.facts, checked.bounds
    edges = [edges_for(region, frame_height=facts.height) for region in request.regions]
    # A box or a hull lies within the bounds of what it is drawn around.
    reach = max(each.grow_px + each.feather_px for each in edges)
    context = round(max(bounds.width, bounds.height) * _CONTEXT)
    return bounds.grown(reach + context, frame_width=facts.width, frame_height=facts.height)
