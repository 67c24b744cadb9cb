# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the work is done, and the way to the panel and the preferences."""

from __future__ import annotations

from typing import Any

import bpy

from plugin_client.blender.engine import engine, is_made
from plugin_client.blender.panels import parts


@parts.in_sidebar
class MASKEDIT_PT_server(bpy.types.Panel):
    """How the server stands."""

    bl_label = "Server"
    bl_order = 5

    def draw(self, context: Any) -> None:
        """One sentence and what can be done."""
        layout = self.layout
        words, is_connected, is_paused = "", False, False
        # It comes half a second after Blender, by the timer; drawing does not wait for it.
        if is_made():
            session = engine().session
            session.keep_alive()
            words, is_connected, is_paused = session.state_words(), session.is_connected, session.is_paused
        icon = "LINKED" if is_connected else "UNLINKED"
        parts.paragraph(layout, context, words or "Looking for the server…", icon=icon)
        column = layout.column(align=True)
        if is_connected:
            text, icon = ("Resume the Queue", "PLAY") if is_paused else ("Pause the Queue", "PAUSE")
            column.operator("maskedit.pause_queue", text=text, icon=icon).paused = not is_paused
        column.operator("maskedit.open_panel", icon="WINDOW")
        column.operator("maskedit.preferences", icon="PREFERENCES")


CLASSES = (MASKEDIT_PT_server,)
