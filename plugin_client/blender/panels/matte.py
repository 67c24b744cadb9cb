# SPDX-License-Identifier: GPL-3.0-or-later
"""The region to edit."""

from __future__ import annotations

from typing import Any

import bpy

from plugin_client.blender import settings, versions
from plugin_client.blender.panels import parts
from plugin_client.blender.subject import subject


@parts.in_sidebar
class MASKEDIT_PT_matte(bpy.types.Panel):
    """Which matte, and how it is shown."""

    bl_label = "Matte"
    bl_order = 1

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip is active."""
        return subject(context) is not None

    def draw(self, context: Any) -> None:
        """The kind, its picker, and the overlay."""
        layout = self.layout
        strip = subject(context)
        edit = settings.edit_of(strip)
        layout.prop(edit, "matte_kind", text="")
        _picker(layout, context, strip)
        row = layout.row(align=True)
        row.prop(edit, "invert", toggle=True, icon="ARROW_LEFTRIGHT")
        shown = context.window_manager.maskedit
        overlay = row.row(align=True)
        # Other mattes are pictures that Blender makes when the edit is run.
        overlay.enabled = edit.matte_kind in ("mask", "mask_strip")
        overlay.prop(shown, "show_matte", text="", icon="OVERLAY", toggle=True)
        opacity = overlay.row(align=True)
        opacity.active = shown.show_matte
        opacity.prop(shown, "matte_opacity", text="", slider=True)


def _picker(layout: Any, context: Any, strip: Any) -> None:
    edit = settings.edit_of(strip)
    match edit.matte_kind:
        case "mask":
            row = layout.row(align=True)
            row.prop_search(edit, "matte_mask", bpy.data, "masks", text="")
            row.operator("maskedit.draw_mask", text="" if edit.matte_mask else "New", icon="GREASEPENCIL")
        case "file":
            layout.prop(edit, "matte_file", text="")
        case _:
            editor, collection = versions.strip_collection(versions.sequencer_scene(context))
            layout.prop_search(edit, "matte_strip", editor, collection, text="", icon="SEQUENCE")


CLASSES = (MASKEDIT_PT_matte,)
