# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying what Blender keeps in properties within properties."""

from __future__ import annotations

from typing import Any

import bpy

_NOT_SETTINGS = frozenset({"rna_type", "is_active"})


def copy_properties(target: Any, source: Any, *, leave: frozenset[str] = frozenset()) -> None:
    """Set all that can be set in `target` to what `source`, of the same type, has; `leave` names what is left out."""
    for known in source.bl_rna.properties:
        name = known.identifier
        if name in leave or name in _NOT_SETTINGS:
            continue
        value = getattr(source, name)
        if isinstance(value, bpy.types.CurveMapping):
            _copy_curves(getattr(target, name), value)
        elif not known.is_readonly:
            setattr(target, name, value)
        elif known.type == "POINTER" and value is not None and not isinstance(value, bpy.types.ID):
            copy_properties(getattr(target, name), value)


def _copy_curves(target: bpy.types.CurveMapping, source: bpy.types.CurveMapping) -> None:
    copy_properties(target, source)
    for made, curve in zip(target.curves, source.curves, strict=True):
        while len(made.points) > max(len(curve.points), 2):
            made.points.remove(made.points[-2])
        while len(made.points) < len(curve.points):
            made.points.new(0.5, 0.5)
        for point, original in zip(made.points, curve.points, strict=True):
            point.location = original.location
            point.handle_type = original.handle_type
    target.update()
