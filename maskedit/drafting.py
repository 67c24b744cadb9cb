# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset "draft": an edit by optical flow alone, at source size, in seconds (torch-free).

The clip is read twice: once for small guides, on which the motion is found, and once to fetch the painted pixels, frame
by frame. No more than a few frames at source size are ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from maskedit.checking import CheckedEdit, check_edit
from maskedit.cleaning import clean_keyframes
from maskedit.colour import View, tell_colours, view_of
from maskedit.delivering import deliver
from maskedit.draft import Doubts, Draft, Guide, Painting, carry, doubts, guide, painting, tracks
from maskedit.geometry import CropPlan, CropTrack, Rect, bounds_of, placed, resized
from maskedit.locking import ParentTake, lineage_of, open_parent
from maskedit.mattes import reach_of, region_mattes
from maskedit.media import ClipReader, PlateFrame
from maskedit.painting import Picture, keyframe_picture
from maskedit.progress import Reporter, Stage
from maskedit.record import EditResult, StageClock, write_record
from maskedit.request import EditRequest
from maskedit.tracing import traced, traced_file

# How much of the region's longer side is looked at around it, so that motion into it and out of it is found.
_CONTEXT = 1 / 4
# And how much is drafted around what a frame shows of it, at least so many pixels: the finish looks at that too.
_AROUND, _LEAST_AROUND_PX = 1 / 8, 32


def run_draft(request: EditRequest, *, output: Path, reporter: Reporter) -> EditResult:
    """Carry the keyframes through the clip; the result and its record go to the folder `output`.

    Raises InputError or OutputError with one sentence for the user, or Cancelled.
    """
    clock = StageClock(reporter)
    asked, checked = request, check_edit(request)
    frames = checked.frames
    tell_colours(request, checked.facts, reporter=clock)
    request, mended = clean_keyframes(
        request,
        facts=checked.facts,
        frames=frames,
        bounds=checked.bounds,
        folder=output / "keyframes",
        reporter=clock,
    )
    request, checked = traced(request, checked, output=output, reporter=clock)
    asked = replace(asked, regions=request.regions)

    def tick(done: int) -> None:
        clock.report(Stage.PREPARE, done, total=len(frames))

    found: list[Doubts] = []

    def look(guides: Sequence[Guide]) -> None:
        found.append(doubts(guides, {keyframe.frame - frames.first for keyframe in request.keyframes}))

    with source_drafts(request, checked, tick=tick, look=look) as (rect, drafts):
        drafted = ((draft.picture, at) for at, draft in drafts)
        delivered = deliver(request, checked, generated=lambda _: next(drafted), output=output, reporter=clock)
    record = output / "result.maskedit.json"
    track = CropTrack.still(CropPlan(rect, rect.width, rect.height), frames=range(frames.first, frames.last + 1))
    write_record(
        record,
        request=asked,
        facts=checked.facts,
        track=track,
        stage_seconds=clock.seconds,
        delivered=delivered,
        mended=mended,
        lineage=lineage_of(request.rerender, frames),
        doubts=found[0],
    )
    return EditResult(delivered, record, clock.seconds, adapter_reused=False, traced=traced_file(output))


@contextmanager
def source_drafts(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    tick: Callable[[int], None],
    look: Callable[[Sequence[Guide]], None] = lambda guides: None,
) -> Iterator[tuple[Rect, Iterator[tuple[Rect, Draft]]]]:
    """What holds all drafts, and the draft of every frame to render in order, at source size, with where it lies.

    `tick` is called with the number of frames looked at so far, while the motion is found; it may raise Cancelled.
    `look` is then given the guides of all frames.
    """
    with (
        ClipReader(request.target.path, first_number=request.target.first_number or None) as clip,
        open_parent(request, facts=checked.facts, frames=checked.frames) as parent,
    ):
        region = _Region(request, checked, clip, parent, _rect_around(request, checked))
        guides: list[Guide] = []
        for plate, matte in region.frames():
            guides.append(guide(region.view.shown(plate, part=region.rect.slices), matte))
            tick(len(guides))
        look(guides)
        yield region.rect, _drafts(region, guides)


@dataclass(frozen=True)
class _Region:
    """The part `rect` of the clip's frames."""

    request: EditRequest
    checked: CheckedEdit
    clip: ClipReader
    parent: ParentTake
    rect: Rect

    @property
    def view(self) -> View:
        return view_of(self.checked.facts, self.request.working_colour)

    def frames(self) -> Iterator[tuple[PlateFrame, Picture]]:
        """Each plate, whole, and its edit matte (h, w), 0 or 1: 1 wherever the paste shows anything at all."""
        frames, facts, regions = self.checked.frames, self.checked.facts, self.request.regions
        reach = reach_of(regions, drawn=self.checked.bounds, facts=facts)
        mattes = region_mattes(regions, facts=facts, frames=frames, within=reach)
        for plate, (_, matte) in zip(self.clip.frames(frames.first, frames.last), mattes, strict=True):
            yield plate, placed((matte > 0).astype(np.float32), at=reach, within=self.rect)

    def around(self, matte: Picture) -> Rect:
        """What is drafted of a frame whose edit matte is `matte`, from the corner of `rect`."""
        bounds = bounds_of(matte) or Rect(0, 0, 1, 1)
        more = max(_LEAST_AROUND_PX, round(max(bounds.width, bounds.height) * _AROUND))
        return bounds.grown(more, frame_width=self.rect.width, frame_height=self.rect.height)

    def painting(self, frame: int, seen: Guide) -> Painting:
        """The keyframe of clip frame `frame`, whose guide is `seen`; a locked frame is as good as painted."""
        (source,) = self.clip.frames(frame, frame)
        if frame in self.parent.locked:
            edited = self.parent.picture(source, view=self.view, part=self.rect)
        else:
            (keyframe,) = (keyframe for keyframe in self.request.keyframes if keyframe.frame == frame)
            edited = np.clip(keyframe_picture(keyframe, source, view=self.view, part=self.rect), 0, 1)
        matte = resized(seen.edit_matte.astype(np.float32), self.rect.width, self.rect.height)
        return painting(self.view.shown(source, part=self.rect.slices), matte, edited=edited, guide=seen)


def _drafts(region: _Region, guides: list[Guide]) -> Iterator[tuple[Rect, Draft]]:
    first, locked = region.checked.frames.first, region.parent.locked
    keyframes = {frame - first for frame in (*locked, *(keyframe.frame for keyframe in region.request.keyframes))}

    # A frame lies between two keyframes at most.
    @lru_cache(maxsize=2)
    def painted(index: int) -> Painting:
        return region.painting(first + index, guides[index])

    found_by_frame = zip(region.frames(), tracks(guides, keyframes), strict=True)
    for frame, ((plate, matte), found) in enumerate(found_by_frame, start=first):
        if frame in locked:
            continue
        within = region.around(matte)
        at = replace(within, x=within.x + region.rect.x, y=within.y + region.rect.y)
        seen = [(track, painted(track.keyframe)) for track in found]
        yield at, carry(region.view.shown(plate, part=at.slices), matte[within.slices], seen=seen, at=within)


def _rect_around(request: EditRequest, checked: CheckedEdit) -> Rect:
    """What the paste can reach on any frame, with some of what is around it."""
    facts, bounds = checked.facts, checked.bounds
    context = round(max(bounds.width, bounds.height) * _CONTEXT)
    reach = reach_of(request.regions, drawn=bounds, facts=facts)
    return reach.grown(context, frame_width=facts.width, frame_height=facts.height)
