# SPDX-License-Identifier: GPL-3.0-or-later
# Blender wants plain sets for options.
# ruff: noqa: RUF012
"""Drawing a mask over the strip's own pictures."""

import contextlib
from typing import Any

import bpy

from plugin_client.blender import settings, versions
from plugin_client.blender.operators import asking
from plugin_client.blender.subject import picture_file
from plugin_client.core.errors import BadInput


class MASKEDIT_OT_draw_mask(bpy.types.Operator):
    """Open the clip in a window of its own, to draw the mask over it; a mask is made where none is chosen yet"""

    bl_idname = "maskedit.draw_mask"
    bl_label = "Draw Mask"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip can be edited."""
        return asking.has_strip(cls, context)

    def execute(self, context: Any) -> set[str]:
        """The mask, and in a Blender with a window the editor for it."""
        try:
            _, strip, shot = asking.shot_named(context)
            if shot.is_rendered:
                raise BadInput("A scene or meta strip has no clip to draw on: choose a mask strip as its matte.")
            if not bpy.app.background and not bpy.ops.wm.window_new.poll():
                raise BadInput("A maximised editor opens no window: go back first (Ctrl Space), or choose a mask.")
        except BadInput as error:
            return asking.refused(self, error)
        edit = settings.edit_of(strip)
        mask = bpy.data.masks.get(edit.matte_mask)
        if mask is None:
            mask = bpy.data.masks.new(strip.name)
            edit.matte_kind, edit.matte_mask = "mask", mask.name
        timing = versions.timing_of(strip)
        # The clip lies in its editor as on the timeline, so that the playhead and the mask's keys agree.
        clip = bpy.data.movieclips.load(
            picture_file(strip, 0) if versions.kind_of(strip) == "image" else shot.shot.media, check_existing=True
        )
        clip.frame_start = timing.start - timing.source_first
        mask.frame_start, mask.frame_end = timing.start, timing.start + timing.length - 1
        if not bpy.app.background:
            _open_editor(context, clip, mask)
        return {"FINISHED"}


def _open_editor(context: Any, clip: Any, mask: Any) -> None:
    bpy.ops.wm.window_new()
    window = context.window_manager.windows[-1]
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    area.type = "CLIP_EDITOR"
    space = area.spaces.active
    space.mode = "MASK"
    space.clip, space.mask = clip, mask
    region = next(region for region in area.regions if region.type == "WINDOW")
    with contextlib.suppress(RuntimeError), context.temp_override(window=window, area=area, region=region):
        bpy.ops.clip.view_all(fit_view=True)


CLASSES = (MASKEDIT_OT_draw_mask,)
