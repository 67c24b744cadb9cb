# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes of the strip: what was made, with what, and which one is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import thumbnails, watching
from plugin_client.blender.panels import parts
from plugin_client.blender.subject import subject

if TYPE_CHECKING:
    from plugin_client.blender.takes import TakeStrip

_PICTURE_SCALE = 3.0


@parts.in_sidebar
class MASKEDIT_PT_takes(bpy.types.Panel):
    """The newest first."""

    bl_label = "Takes"
    bl_order = 4

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip is active."""
        return subject(context) is not None

    def draw(self, context: Any) -> None:
        """Compare, then a card for each."""
        layout = self.layout
        shown = watching.shown(context)
        if not shown.takes:
            parts.paragraph(layout, context, "Results land on the track above, and are listed here.", icon="INFO")
            return
        layout.operator("maskedit.compare", icon="UV_SYNC_SELECT")
        for take in reversed(shown.takes):
            job = take.marks.job_id
            picture, problem = shown.pictures.get(job, ""), shown.problems.get(job, "")
            _card(layout.box(), context, take, picture=picture, problem=problem)


def _card(box: Any, context: Any, take: TakeStrip, *, picture: str, problem: str) -> None:
    marks = take.marks
    head = box.row(align=True)
    show = head.operator(
        "maskedit.show_take", text="", icon="HIDE_OFF" if take.is_shown else "HIDE_ON", depress=take.is_shown
    )
    show.job = marks.job_id
    head.label(text=marks.name)
    head.operator("maskedit.select_take", text="", icon="RESTRICT_SELECT_OFF", emboss=False).job = marks.job_id
    if problem:
        parts.paragraph(box, context, problem, icon="ERROR", boxed=True)
    row = box.column() if parts.is_narrow(context) else box.row()
    if picture and not problem:
        row.template_icon(icon_value=thumbnails.icon_of(picture), scale=_PICTURE_SCALE)
    column = row.column(align=True)
    for fact in filter(None, (marks.prompt, f"Seed {marks.seed}", _preset(marks))):
        line = column.row()
        line.active = False
        line.label(text=fact)
    tools = box.row(align=True)
    tools.operator("maskedit.redo", text="Redo", icon="LOOP_BACK").job = marks.job_id
    again = tools.operator("maskedit.redo", text="New Seed", icon="FILE_REFRESH")
    again.job, again.draw = marks.job_id, True
    tools.operator("maskedit.take_settings", text="", icon="PASTEDOWN").job = marks.job_id


def _preset(marks: Any) -> str:
    return str(marks.settings.get("preset", "")).capitalize()


CLASSES = (MASKEDIT_PT_takes,)
