# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted frames: at least one, from which the edit is learned."""

from __future__ import annotations

from typing import Any

import bpy

from plugin_client.blender import settings, thumbnails, watching
from plugin_client.blender.panels import parts
from plugin_client.blender.subject import subject


class MASKEDIT_UL_painted(bpy.types.UIList):
    """One line for each painted frame: its picture, its frame, and how it stands."""

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """One line."""
        stamps = watching.shown(context).stamps
        path = bpy.path.abspath(item.path)
        stamp = stamps.get(path)
        row = layout.row(align=True)
        row.label(text="", icon_value=thumbnails.icon_of(path, stamp=stamp) if stamp else 0)
        row.prop(item, "frame", text="" if parts.is_narrow(context) else "Frame", emboss=False)
        if stamp == "":
            row.label(text="Missing", icon="ERROR")
        elif stamp is not None and stamp == item.written:
            row.label(text="To paint", icon="TIME")
        edit = row.operator("maskedit.paint", text="", icon="GREASEPENCIL", emboss=False)
        edit.index = index


@parts.in_sidebar
class MASKEDIT_PT_painted(bpy.types.Panel):
    """The list, and the ways to add to it."""

    bl_label = "Painted Frames"
    bl_order = 2

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip is active."""
        return subject(context) is not None

    def draw(self, context: Any) -> None:
        """The list only where there is one."""
        layout = self.layout
        edit = settings.edit_of(subject(context))
        if edit.keyframes:
            row = layout.row()
            rows = min(4, max(2, len(edit.keyframes)))
            row.template_list(
                "MASKEDIT_UL_painted", "", edit, "keyframes", edit, "keyframe_index", rows=rows, sort_lock=True
            )
            row.column(align=True).operator("maskedit.remove_keyframe", text="", icon="REMOVE")
        else:
            parts.paragraph(layout, context, "Paint one frame as it shall look; the clip follows it.", icon="INFO")
        if watching.background.is_busy:
            parts.paragraph(layout, context, "Writing the frame…", icon="TIME")
        column = layout.column(align=True)
        column.operator("maskedit.export_frame", icon="IMAGE")
        column.operator("maskedit.use_image_strip", icon="IMAGE_REFERENCE")
        column.operator("maskedit.open_picture", icon="FILE_FOLDER")


CLASSES = (MASKEDIT_UL_painted, MASKEDIT_PT_painted)
