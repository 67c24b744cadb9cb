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
        """One sentence and two buttons."""
        layout = self.layout
        words, icon = "", "UNLINKED"
        # It comes half a second after Blender, by the timer; drawing does not wait for it.
        if is_made():
            session = engine().session
            session.keep_alive()
            words, icon = session.state_words(), "LINKED" if session.is_connected else "UNLINKED"
        parts.paragraph(layout, context, words or "Looking for the server…", icon=icon)
        column = layout.column(align=True)
        column.operator("maskedit.open_panel", icon="WINDOW")
        column.operator("maskedit.preferences", icon="PREFERENCES")


CLASSES = (MASKEDIT_PT_server,)
