# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves one strip, moving another too."""

from __future__ import annotations

from typing import Any

from plugin_client.blender import versions
from plugin_client.blender.properties import copy_properties

# The handles follow from `co` unless they are free, so they come last.
_KEY_PARTS = (
    "co", "interpolation", "easing", "back", "amplitude", "period", "type", "handle_left_type", "handle_right_type",
    "handle_left", "handle_right",
)  # fmt: skip


def copy_animation(scene: Any, target: Any, source: Any, *, below: tuple[str, ...]) -> None:
    """Key `target` as `source` is keyed; both are strips of `scene`.

    `below`: how the paths of what is copied go on after the strip's own, for example ".transform.".
    """
    curves = versions.fcurves_of(scene)
    if curves is None:
        return
    root = source.path_from_id()
    for curve in list(curves):
        rest = curve.data_path.removeprefix(root)
        if rest == curve.data_path or not rest.startswith(below):
            continue
        path = target.path_from_id() + rest
        left_over = curves.find(path, index=curve.array_index)
        if left_over is not None:  # of a strip of that name that a script has removed
            curves.remove(left_over)
        made = curves.new(path, index=curve.array_index)
        made.extrapolation, made.mute = curve.extrapolation, curve.mute
        made.keyframe_points.add(len(curve.keyframe_points))
        for point, original in zip(made.keyframe_points, curve.keyframe_points, strict=True):
            for part in _KEY_PARTS:
                setattr(point, part, getattr(original, part))
        for modifier in curve.modifiers:
            copy_properties(made.modifiers.new(modifier.type), modifier)
        made.update()
