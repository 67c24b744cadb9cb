# SPDX-License-Identifier: GPL-3.0-or-later
"""From files to what a model sees: the crop around the region at model size, in [-1, 1], with its matte."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch

from maskedit.checking import CheckedEdit
from maskedit.colour import view_of
from maskedit.geometry import MAX_ENLARGEMENT, CropTrack, bounds_of, crop_to_model, matte_to_model, plan_track
from maskedit.locking import open_parent
from maskedit.mattes import purpose_mattes, region_mattes
from maskedit.media import ClipReader
from maskedit.models import Limits
from maskedit.painting import keyframe_picture
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest
from maskedit.shot import Shot, to_video


def prepare(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    limits: Limits,
    context: Fraction,
    enlargement: float = MAX_ENLARGEMENT,
    budget_px: int = 0,
    reporter: Reporter,
) -> Shot:
    """Decode the range once, crop it around the region and scale it to the model's size.

    `context`: how much of the region's sides the crop shows around it; `enlargement`: how far the crop may be enlarged
    to fill what the model can hold (1: a model pixel is never less than a source pixel, so a small region costs less);
    `budget_px`: a lower limit than the model's own on the pixels of a frame, 0 for none.
    """
    frames, view = checked.frames, view_of(checked.facts, request.working_colour)
    limits = replace(limits, budget_px=min(limits.budget_px, budget_px or limits.budget_px))
    track = _track(request, checked, limits=limits, context=context, enlargement=enlargement, reporter=reporter)
    keyframes = {keyframe.frame: keyframe for keyframe in request.keyframes}
    video, mattes, ignored, edited, locked = [], [], [], {}, {}
    with (
        ClipReader(request.target.path, first_number=request.target.first_number or None) as clip,
        open_parent(request, facts=checked.facts, frames=frames) as parent,
    ):
        plates = clip.frames(frames.first, frames.last)
        found = purpose_mattes(request.regions, facts=checked.facts, frames=frames)
        for plate, (number, of_frame) in zip(plates, found, strict=True):
            matte = of_frame.edit
            plan = track.at(number)
            rect = plan.rect
            rgb = view.shown(plate, part=rect.slices)
            video.append(to_video(crop_to_model(rgb, plan)))
            # Wherever the paste shows anything at all the model must have made it: any-pooled, soft edge included.
            mattes.append(torch.from_numpy(matte_to_model(matte, plan))[None, None, None])
            if of_frame.ignore is not None:
                ignored.append(torch.from_numpy(matte_to_model(of_frame.ignore, plan))[None, None, None])
            if number in keyframes:
                picture = np.clip(keyframe_picture(keyframes[number], plate, view=view, part=rect), 0, 1)
                laid = rgb + matte[rect.slices][..., None] * (picture - rgb)
                edited[number] = to_video(crop_to_model(laid, plan))
            if number in parent.locked:
                locked[number] = to_video(crop_to_model(parent.picture(plate, view=view, part=rect), plan))
            reporter.report(Stage.PREPARE, len(video), total=len(frames))
    return Shot(
        frames,
        track,
        torch.cat(video, dim=2),
        torch.cat(mattes, dim=2),
        edited,
        locked=locked,
        ignore=torch.cat(ignored, dim=2) if ignored else None,
    )


def _track(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    limits: Limits,
    context: Fraction,
    enlargement: float,
    reporter: Reporter,
) -> CropTrack:
    """The crop's way, planned on the paste mattes themselves: whatever loosened them, it holds what will be pasted."""
    frames, found = checked.frames, {}
    for number, matte in region_mattes(request.regions, facts=checked.facts, frames=frames):
        reporter.report(Stage.PREPARE, 0, total=len(frames))
        if (bounds := bounds_of(matte)) is not None:
            found[number] = bounds
    wide, high = (
        max((getattr(bounds, side) for bounds in found.values()), default=1) * (1 + 2 * context)
        for side in ("width", "height")
    )
    # Room for a cell more on either side, because the crop ends on whole cells.
    enough = (int(wide * enlargement) + 2 * limits.grid_px) * (int(high * enlargement) + 2 * limits.grid_px)
    return plan_track(
        found,
        frames=range(frames.first, frames.last + 1),
        frame_width=checked.facts.width,
        frame_height=checked.facts.height,
        grid=limits.grid_px,
        budget_px=min(limits.budget_px, enough),
        context=context,
    )
