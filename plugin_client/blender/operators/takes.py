# SPDX-License-Identifier: GPL-3.0-or-later
# Blender wants plain sets for options.
# ruff: noqa: RUF012
# Blender reads properties from annotations that are calls.
# pyright: reportInvalidTypeForm=false
"""What is done with takes: shown, compared, selected, made again."""

from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import settings, versions, watching
from plugin_client.blender.operators import asking
from plugin_client.core.errors import BadInput, ClientError

if TYPE_CHECKING:
    # Imported where they are used: Blender's start-up does not wait for them.
    from plugin_client.blender.takes import TakeStrip


class MASKEDIT_OT_show_take(bpy.types.Operator):
    """Show this take; the others are muted"""

    bl_idname = "maskedit.show_take"
    bl_label = "Show This Take"
    bl_options = {"REGISTER", "UNDO"}

    job: bpy.props.StringProperty(name="Job", description="The take's job id")

    def execute(self, context: Any) -> set[str]:
        """Mute the others."""
        from plugin_client.blender import takes

        try:
            scene = asking.scene_here(context)
            takes.show_only(scene, _take(scene, self.job).marks.job_id)
        except BadInput as error:
            return asking.refused(self, error)
        watching.look_again()
        return {"FINISHED"}


class MASKEDIT_OT_compare(bpy.types.Operator):
    """Mute the take that is shown, or show it again: source and take by turns"""

    bl_idname = "maskedit.compare"
    bl_label = "Source / Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip can be edited."""
        return asking.has_strip(cls, context)

    def execute(self, context: Any) -> set[str]:
        """The other one."""
        from plugin_client.blender import takes

        try:
            scene, _, shot = asking.shot_named(context)
            takes.toggle(scene, shot.spot)
        except BadInput as error:
            return asking.refused(self, error)
        watching.look_again()
        return {"FINISHED"}


class MASKEDIT_OT_select_take(bpy.types.Operator):
    """Select the take's strips on the timeline"""

    bl_idname = "maskedit.select_take"
    bl_label = "Select"
    bl_options = {"REGISTER", "UNDO"}

    job: bpy.props.StringProperty(name="Job", description="The take's job id")

    def execute(self, context: Any) -> set[str]:
        """Select them alone; the sidebar goes on showing their source."""
        try:
            scene = asking.scene_here(context)
            names = _take(scene, self.job).strips
        except BadInput as error:
            return asking.refused(self, error)
        for strip in versions.all_strips(scene):
            strip.select = strip.name in names
        scene.sequence_editor.active_strip = versions.strip_named(scene, names[0])
        return {"FINISHED"}


class MASKEDIT_OT_redo(bpy.types.Operator):
    """Make this take again with the settings it was made with, as strip, matte and pictures are now"""

    bl_idname = "maskedit.redo"
    bl_label = "Redo"

    job: bpy.props.StringProperty(name="Job", description="The take's job id")
    seed: bpy.props.IntProperty(
        name="Seed", description="-1: the take's own", min=-1, max=settings.LARGEST_SEED, default=-1,
        options={"SKIP_SAVE"},
    )  # fmt: skip
    draw: bpy.props.BoolProperty(name="New Seed", description="With a seed drawn anew", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        """Two buttons share this operator."""
        return "Make another version: the same settings, another seed" if properties.draw else cls.__doc__ or ""

    def execute(self, context: Any) -> set[str]:
        """Submit what the take says of itself."""
        from plugin_client.blender import ordering
        from plugin_client.blender.engine import engine

        try:
            scene = asking.scene_here(context)
            take = _take(scene, self.job)
            _, strip, shot = asking.shot_named(context, take.source)
            kept = ordering.kept_order(take.marks)
            seed = settings.draw_seed() if self.draw else (kept["seed"] if self.seed < 0 else self.seed)
            order = ordering.order_of(context, scene, strip, shot, **kept | {"seed": seed, "parent": self.job})
            engine().submit(order, ordering.prepares_of(scene, order))
        except ClientError as error:
            return asking.refused(self, error)
        return {"FINISHED"}


class MASKEDIT_OT_take_settings(bpy.types.Operator):
    """Set the strip as it was when this take was made"""

    bl_idname = "maskedit.take_settings"
    bl_label = "Use Its Settings"
    bl_options = {"REGISTER", "UNDO"}

    job: bpy.props.StringProperty(name="Job", description="The take's job id")

    def execute(self, context: Any) -> set[str]:
        """Set them."""
        from plugin_client.blender import ordering

        try:
            scene = asking.scene_here(context)
            take = _take(scene, self.job)
            _, strip, _ = asking.shot_named(context, take.source)
            settings.restore(settings.edit_of(strip), ordering.kept_order(take.marks))
        except ClientError as error:
            return asking.refused(self, error)
        return {"FINISHED"}


def _take(scene: Any, job: str) -> "TakeStrip":
    from plugin_client.blender.takes import takes_of

    found = next((take for take in takes_of(scene) if take.marks.job_id == job), None)
    if found is None:
        raise BadInput("This take is no longer on the timeline: choose another.")
    return found


CLASSES = (
    MASKEDIT_OT_show_take,
    MASKEDIT_OT_compare,
    MASKEDIT_OT_select_take,
    MASKEDIT_OT_redo,
    MASKEDIT_OT_take_settings,
)
