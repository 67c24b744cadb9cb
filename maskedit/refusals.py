# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request can say and this version does not do yet, refused in words (torch-free)."""

from __future__ import annotations

from maskedit.errors import InputError
from maskedit.request import EditRequest, Finish, KeyframeRole, Loosening, MattePurpose, RegionRole


def refuse_unsupported(request: EditRequest) -> None:
    """Raise InputError, one sentence, for what this version does not do yet."""
    refusals = (
        (bool(request.adapters), "Adapters made elsewhere are not supported yet: leave them out."),
        (
            any(
                matte.subtract or region.loosening is not Loosening.GROWN or region.smooth_frames is not None
                for region in request.regions
                for matte in region.mattes
            ),
            "Boxes, hulls and subtracted mattes are not supported yet: give one matte as it is.",
        ),
        (not request.regions, "An edit needs a region: give a matte."),
        (len(request.regions) > 1, "This version edits one region at a time: run one edit per region."),
        (
            any(region.role is not RegionRole.OBJECT for region in request.regions),
            "Shadow and reflection regions are not supported yet: give the object's matte only.",
        ),
        (
            any([matte.purpose for matte in region.mattes] != [MattePurpose.EDIT] for region in request.regions),
            "A region takes exactly one edit matte for now: leave out composite, holdout and ignore mattes.",
        ),
        (not request.keyframes, "An edit needs a keyframe: give the edited picture of at least one frame."),
        (
            any(keyframe.role is not KeyframeRole.EDITED for keyframe in request.keyframes),
            "Only edited keyframes are supported yet: leave out unchanged and reference pictures.",
        ),
        (
            len({keyframe.frame for keyframe in request.keyframes}) < len(request.keyframes),
            "Two keyframes name the same frame: keep one of them.",
        ),
        (bool(request.training_sources), "Further training sources are not supported yet: leave them out."),
        (request.handles != (0, 0), "Handles are not supported yet: widen the frame range instead."),
        (
            request.rerender is not None,
            "Re-rendering of ranges is not supported yet: render the whole range.",
        ),
        (
            bool(request.working_colour.name),
            "A chosen working colour is not supported yet: tag the clip instead.",
        ),
        (
            request.finish != Finish(),
            "Grain, sharpness, rim and shutter matching are not supported yet: leave them 0.",
        ),
        (
            len(request.deliverables) != 1,
            "This version delivers one result per edit: ask for one deliverable.",
        ),
    )
    for refused, sentence in refusals:
        if refused:
            raise InputError(sentence)
