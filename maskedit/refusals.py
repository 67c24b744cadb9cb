# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request can say and this version does not do yet, refused in words (torch-free)."""

from __future__ import annotations

from maskedit.errors import InputError
from maskedit.request import EditRequest, KeyframeRole, MattePurpose, RegionRole


def refuse_unsupported(request: EditRequest) -> None:
    """Raise InputError, one sentence, for what this version does not do yet."""
    refusals = (
        (
            not request.regions,
            "An edit needs a region: give its matte, or one without a matte for what the keyframes change.",
        ),
        (
            any(region.role is not RegionRole.OBJECT for region in request.regions),
            "Shadow and reflection regions are not supported yet: give the object's matte only.",
        ),
        (
            [MattePurpose.EDIT in {matte.purpose for matte in region.mattes} for region in request.regions].count(False)
            > 1,
            "Several regions have no matte, and only one can be what the keyframes change: give the others a matte.",
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
            request.rerender is not None and not request.rerender.frames,
            "A re-render needs the frames that shall change: name at least one range.",
        ),
        (not request.deliverables, "An edit has to deliver something: ask for at least one deliverable."),
        (
            len({*request.deliverables}) < len(request.deliverables),
            "Two deliverables are of the same kind and format: ask for each once.",
        ),
    )
    for refused, sentence in refusals:
        if refused:
            raise InputError(sentence)
