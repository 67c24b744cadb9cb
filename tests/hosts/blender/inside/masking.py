# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks as people draw and key them by hand. Needs nothing but Blender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy

Corners = Sequence[tuple[float, float]]


def keyed_mask(name: str, keys: Mapping[int, Corners], *, size: tuple[int, int]):
    """A mask of one polygon with sharp corners, keyed at the given frames of the scene.

    Corners are in px from the upper left of a picture of `size`; every key has as many of them.
    """
    scene = bpy.context.scene
    was_at = scene.frame_current
    mask = bpy.data.masks.new(name)
    spline = mask.layers.new(name="Layer").splines.new()
    spline.use_cyclic = True
    spline.points.add(len(next(iter(keys.values()))) - 1)
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area_was = area.type
    area.type = "IMAGE_EDITOR"
    area.spaces.active.mode = "MASK"
    area.spaces.active.mask = mask
    for frame, corners in keys.items():
        scene.frame_set(frame)
        for point, corner in zip(spline.points, corners, strict=True):
            point.handle_left_type = point.handle_right_type = "VECTOR"
            point.co = point.handle_left = point.handle_right = _in_mask(corner, size)
            point.select = True
        with bpy.context.temp_override(window=window, area=area, region=area.regions[-1]):
            bpy.ops.mask.shape_key_insert()
    area.type = area_was
    scene.frame_set(was_at)
    return mask


def _in_mask(corner: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
    """Blender counts in lengths of the longer side from the lower left, the shorter side centred."""
    (x, y), (width, height), longer = corner, size, max(size)
    return (x + (longer - width) / 2) / longer, (height - y + (longer - height) / 2) / longer
