# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways out of the sidebar: MaskEdit's own panel, and the preferences."""

from typing import Any

import bpy

from plugin_client.blender import watching
from plugin_client.blender.operators import asking
from plugin_client.blender.preferences import MaskEditPreferences, preferences
from plugin_client.core.errors import BadInput


class MASKEDIT_OT_open_panel(bpy.types.Operator):
    """Open the clip in MaskEdit's own panel, with its drawing and comparing"""

    bl_idname = "maskedit.open_panel"
    bl_label = "Open in the Panel"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip with a file is selected."""
        return asking.has_strip(cls, context)

    def execute(self, context: Any) -> set[str]:
        """Start it, beside Blender."""
        import subprocess

        from plugin_client.blender import installed

        try:
            _, _, shot = asking.shot_named(context)
            if shot.is_rendered:
                raise BadInput("A scene or meta strip has no clip of its own: select the movie that it shows.")
            command = installed.find_command(preferences(context).command)
            if not command:
                raise BadInput(installed.NOT_FOUND)
            subprocess.Popen(
                [*command, "panel", shot.shot.media], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except BadInput as error:
            return asking.refused(self, error)
        except OSError as error:
            return asking.refused(self, BadInput(f"The panel does not start ({error.strerror}): see the preferences."))
        return {"FINISHED"}


class MASKEDIT_OT_preferences(bpy.types.Operator):
    """Server, results and image editor"""

    bl_idname = "maskedit.preferences"
    bl_label = "Preferences…"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where Blender holds preferences of the add-on."""
        if MaskEditPreferences.bl_idname not in context.preferences.addons:
            cls.poll_message_set("MaskEdit was registered by a script, which sets its preferences")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Show them."""
        bpy.ops.preferences.addon_show(module=MaskEditPreferences.bl_idname)
        return {"FINISHED"}


class MASKEDIT_OT_hide_notice(bpy.types.Operator):
    """Take this message away"""

    bl_idname = "maskedit.hide_notice"
    bl_label = "Dismiss"

    def execute(self, context: Any) -> set[str]:
        """Say nothing any more."""
        watching.tell("")
        return {"FINISHED"}


CLASSES = (MASKEDIT_OT_open_panel, MASKEDIT_OT_preferences, MASKEDIT_OT_hide_notice)
