# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected strip, as it will be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import thumbnails, watching
from plugin_client.blender.panels import parts
from plugin_client.blender.subject import subject

if TYPE_CHECKING:
    # It needs what Blender's start-up does not wait for.
    from plugin_client.blender.orders import StripShot

_PICTURE_SCALE = 3.5


@parts.in_sidebar
class MASKEDIT_PT_strip(bpy.types.Panel):
    """What is selected; or what to do where nothing is."""

    bl_label = "Strip"
    bl_order = 0

    def draw(self, context: Any) -> None:
        """Only what the timer has looked up."""
        shown = watching.shown(context)
        layout = self.layout
        if watching.notice():
            box = layout.box()
            parts.paragraph(box, context, watching.notice(), icon="ERROR", boxed=True)
            box.operator("maskedit.hide_notice", text="OK")
        if not shown.scene:
            parts.paragraph(layout, context, "Add a strip, or choose a scene for the sequencer.", icon="INFO")
        elif shown.problem:
            parts.paragraph(layout, context, shown.problem, icon="ERROR")
        elif shown.shot is None:
            hint = "Select the strip to edit." if subject(context) is None else "Looking…"
            parts.paragraph(layout, context, hint, icon="INFO")
        else:
            _card(layout, context, shown.shot, picture=shown.picture)


def _card(layout: Any, context: Any, shot: StripShot, *, picture: str) -> None:
    facts = _facts(context, shot)
    row = layout.column() if parts.is_narrow(context) else layout.row()
    if picture:
        row.template_icon(icon_value=thumbnails.icon_of(picture), scale=_PICTURE_SCALE)
    column = row.column(align=True)
    column.label(text=shot.spot.strip, icon="SEQUENCE")
    for fact in facts:
        line = column.row()
        line.active = False
        line.label(text=fact)


def _facts(context: Any, shot: StripShot) -> tuple[str, ...]:
    frames = shot.shot.frames
    width, height = shot.size
    rate = f"{float(shot.shot.rate):.5g} fps"
    count = f"{len(frames)} frame" + ("s" if len(frames) != 1 else "")
    kind = "Rendered by Blender" if shot.is_rendered else ""
    size = f"{width} × {height}, {rate}" if width else rate
    part = count if frames.first == 0 else f"{count}, from {frames.first}"
    return tuple(filter(None, (size, part, kind)))


CLASSES = (MASKEDIT_PT_strip,)
