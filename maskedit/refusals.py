# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request can say and this version does not do yet, refused in words (torch-free)."""

from __future__ import annotations

from dataclasses import replace

from maskedit.errors import InputError
from maskedit.request import EditRequest, Finish, KeyframeRole, MattePurpose, RegionRole


def refuse_unsupported(request: EditRequest) -> None:
    """Raise InputError, one sentence, for what this version does not do yet."""
    refusals = (
        (
            not request.regions or any(not region.mattes for region in request.regions),
            "An edit needs a region, and each region a matte: give one.",
        ),
        (
            any(region.role is not RegionRole.OBJECT for region in request.regions),
            "Shadow and reflection regions are not supported yet: give the object's matte only.",
        ),
        (
            any(matte.purpose is not MattePurpose.EDIT for region in request.regions for matte in region.mattes),
            "Composite, holdout and ignore mattes are not supported yet: give edit mattes, added or subtracted.",
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
            replace(request.finish, rim_colour=Finish().rim_colour) != Finish(),
            "Grain, sharpness and shutter matching are not supported yet: leave them 0.",
        ),
        (
            len(request.deliverables) != 1,
            "This version delivers one result per edit: ask for one deliverable.",
        ),
    )
    for refused, sentence in refusals:
        if refused:
            raise InputError(sentence)
