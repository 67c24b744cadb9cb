# SPDX-License-Identifier: GPL-3.0-or-later
"""What an editor and a colourist have done to a clip, done to its result: transform, cropping, composite and grade.

Scripts see values without their keyframes, and neither effects nor stabilisation nor dynamic zoom: nobody can tell
whether there are any.
"""

from __future__ import annotations

from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import has, insist, properties, set_properties

# The gang comes first: with it, one zoom sets the other.
_LIKE = (
    *("TransformEnabled", "ZoomGang", "ZoomX", "ZoomY", "Pan", "Tilt", "RotationAngle", "AnchorPointX", "AnchorPointY"),
    *("Pitch", "Yaw", "FlipX", "FlipY"),
    *("CroppingEnabled", "CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness", "CropRetain"),
    *("CompositeEnabled", "CompositeMode", "Opacity", "Distortion", "Scaling", "ResizeFilter"),
)
_OPAQUE = {"CompositeMode": 0, "Opacity": 100}


def make_alike(source: Any, result: Any, *, name: str) -> tuple[str, ...]:
    """Give the timeline item `result` the looks of `source`, both showing pictures of one size.

    `name`: of the source, for sentences. Returns what could not be copied, as sentences; nothing is raised for that.
    """
    return (*_copy_properties(source, result, name), *_copy_grade(source, result, name), *_comps(source, name))


def _copy_properties(source: Any, result: Any, name: str) -> tuple[str, ...]:
    try:
        shown = properties(source)
        wanted = {key: shown[key] for key in _LIKE if key in shown}
        before = properties(result)
        changed = {key: value for key, value in wanted.items() if before.get(key) != value}
        if not changed:
            return ()
        set_properties(result, changed)
        after = properties(result)
    except BadInput:
        return (f"The transform of {name} could not be read: compare its Inspector with that of the result.",)
    notes: tuple[str, ...] = ()
    refused = [f"{key} {wanted[key]}" for key in changed if after.get(key) != wanted[key]]
    if refused:
        notes += (f"Resolve did not take {', '.join(refused)} of {name} for the result: set it in the Inspector.",)
    if any(wanted.get(key, plain) != plain for key, plain in _OPAQUE.items()):
        notes += (
            f"{name} has an opacity or a composite mode of its own, and so has the result on top of it: see that both "
            "together look right.",
        )
    return notes


def _copy_grade(source: Any, result: Any, name: str) -> tuple[str, ...]:
    copied = insist(source, "CopyGrades", [result])
    # What a colour group adds before and after the clip's own grade goes with membership.
    group = (source.GetColorGroup() or source.GetColorGroup()) if has(source, "GetColorGroup") else None
    joined = group is None or insist(result, "AssignToColorGroup", group)
    if copied and joined:
        return ()
    what = "grade" if not copied else "colour group"
    return (f"The {what} of {name} could not be copied: give it to the result on the Color page.",)


def _comps(source: Any, name: str) -> tuple[str, ...]:
    if not source.GetFusionCompCount():
        return ()
    return (f"{name} has a Fusion composition, which was not copied: the result is its file, edited.",)
