# SPDX-License-Identifier: GPL-3.0-or-later
"""The chosen matte, laid over the sequencer's preview."""

from __future__ import annotations

from typing import Any

import bpy

from plugin_client.blender import outlines, versions
from plugin_client.blender.subject import size_of, subject

_COLOUR = (1.0, 0.35, 0.1)
_LINE_PX = 2.0
_handle: Any = None


def register() -> None:
    """Begin to draw."""
    global _handle
    if not bpy.app.background:
        _handle = bpy.types.SpaceSequenceEditor.draw_handler_add(_draw, (), "PREVIEW", "POST_PIXEL")


def unregister() -> None:
    """Draw no more."""
    global _handle
    if _handle is not None:
        bpy.types.SpaceSequenceEditor.draw_handler_remove(_handle, "PREVIEW")
        _handle = None


def _draw() -> None:
    context = bpy.context
    shown = context.window_manager.maskedit
    scene = versions.sequencer_scene(context)
    if scene is None or not shown.show_matte or not context.space_data.show_overlays:
        return
    strip = subject(context)
    if strip is None:
        return
    timing = versions.timing_of(strip)
    size = size_of(strip)
    mask = outlines.mask_of(scene, strip, bpy.data.masks)
    is_here = timing.start <= scene.frame_current < timing.start + timing.length
    if mask is None or 0 in size or not is_here:
        return
    to_region = context.region.view2d.view_to_region
    aspect = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    for outline in outlines.mask_outlines(mask, size):
        placed = outlines.in_scene(outline, strip, size)
        _draw_outline(context, [to_region(x * aspect, y, clip=False) for x, y in placed], shown.matte_opacity)


def _draw_outline(context: Any, points: list[Any], opacity: float) -> None:
    # The GPU is there only while something is drawn.
    import gpu
    from gpu_extras.batch import batch_for_shader
    from mathutils import Vector
    from mathutils.geometry import tessellate_polygon

    flat = [Vector((x, y, 0.0)) for x, y in points]
    gpu.state.blend_set("ALPHA")
    fill = gpu.shader.from_builtin(versions.UNIFORM_COLOUR)
    fill.uniform_float("color", (*_COLOUR, opacity))
    batch_for_shader(fill, "TRIS", {"pos": flat}, indices=tessellate_polygon([flat])).draw(fill)
    line = gpu.shader.from_builtin(versions.POLYLINE_COLOUR)
    line.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    line.uniform_float("lineWidth", _LINE_PX * context.preferences.system.ui_scale)
    line.uniform_float("color", (*_COLOUR, 1.0))
    batch_for_shader(line, "LINE_STRIP", {"pos": [*flat, flat[0]]}).draw(line)
    gpu.state.blend_set("NONE")
