# SPDX-License-Identifier: GPL-3.0-or-later
"""From files to what a model sees: the crop around the region at model size, in [-1, 1], with its matte."""

from __future__ import annotations

from fractions import Fraction

import torch

from maskedit.checking import CheckedEdit
from maskedit.geometry import CropPlan, crop_to_model, matte_to_model, plan_crop
from maskedit.mattes import region_mattes
from maskedit.media import ClipReader
from maskedit.models import Limits
from maskedit.painting import keyframe_picture
from maskedit.presets import Edges
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest
from maskedit.shot import Shot, to_video


def prepare(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    limits: Limits,
    context: Fraction,
    edges: Edges,
    reporter: Reporter,
) -> Shot:
    """Read the range once, crop it around the region and scale it to the model's size.

    `context`: how much of the region's sides the crop shows around it; `edges`: of the paste matte.
    """
    frames = checked.frames
    plan = _plan(checked, limits=limits, context=context, edges=edges)
    keyframes = {keyframe.frame: keyframe for keyframe in request.keyframes}
    video, mattes, edited = [], [], {}
    with ClipReader(request.target.path, first_number=request.target.first_number or None) as clip:
        plates = clip.frames(frames.first, frames.last)
        for plate, (number, matte) in zip(
            plates, region_mattes(request.regions, facts=checked.facts, frames=frames), strict=True
        ):
            rgb = plate.rgb()
            video.append(to_video(crop_to_model(rgb, plan)))
            # Wherever the paste shows anything at all the model must have made it: any-pooled, soft edge included.
            mattes.append(torch.from_numpy(matte_to_model(matte, plan))[None, None, None])
            if number in keyframes:
                picture = keyframe_picture(keyframes[number], rgb)
                edited[number] = to_video(crop_to_model(rgb + matte[..., None] * (picture - rgb), plan))
            reporter.report(Stage.PREPARE, len(video), total=len(frames))
    return Shot(frames, plan, torch.cat(video, dim=2), torch.cat(mattes, dim=2), edited)


def _plan(checked: CheckedEdit, *, limits: Limits, context: Fraction, edges: Edges) -> CropPlan:
    size = {"frame_width": checked.facts.width, "frame_height": checked.facts.height}
    return plan_crop(
        checked.bounds.grown(edges.grow_px + edges.feather_px, **size),
        **size,
        grid=limits.grid_px,
        budget_px=limits.budget_px,
        context=context,
    )
