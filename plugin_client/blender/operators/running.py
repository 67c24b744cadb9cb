# SPDX-License-Identifier: GPL-3.0-or-later
# Blender wants plain sets for options.
# ruff: noqa: RUF012
# Blender reads properties from annotations that are calls.
# pyright: reportInvalidTypeForm=false
"""Running an edit: submitted, checked, cancelled."""

from typing import Any

import bpy

from plugin_client.blender import settings, versions
from plugin_client.blender.operators import asking
from plugin_client.blender.subject import subject
from plugin_client.blender.underway import unfinished_runs
from plugin_client.core.errors import BadInput, ClientError

_WAIT_SECONDS = 24 * 3600.0


class MASKEDIT_OT_submit(bpy.types.Operator):
    """Make the edit; its result lands on the track above when it is done, and you can go on cutting meanwhile"""

    bl_idname = "maskedit.submit"
    bl_label = "Run"

    # fmt: off
    strip: bpy.props.StringProperty(
        name="Strip", description="Its name. Empty: the active one", options={"SKIP_SAVE"}
    )
    matte: bpy.props.StringProperty(
        name="Matte", options={"SKIP_SAVE"},
        description="KIND:NAME; kinds are mask, mask_strip, luma, alpha and file, a ! before it inverts. "
        "Empty: what is set on the strip",
    )
    keyframes: bpy.props.StringProperty(
        name="Painted Frames", options={"SKIP_SAVE"},
        description="FRAME=PICTURE;FRAME=PICTURE with frames of the clip, from 0. Empty: what is set on the strip",
    )
    prompt: bpy.props.StringProperty(name="Prompt", options={"SKIP_SAVE"})
    preset: bpy.props.EnumProperty(name="Preset", items=settings.PRESETS, default="standard", options={"SKIP_SAVE"})
    seed: bpy.props.IntProperty(name="Seed", min=0, max=settings.LARGEST_SEED, options={"SKIP_SAVE"})
    deliver: bpy.props.EnumProperty(name="Result", items=settings.DELIVERIES, options={"SKIP_SAVE"})
    model: bpy.props.StringProperty(name="Model", options={"SKIP_SAVE"})
    priority: bpy.props.EnumProperty(
        name="Priority", items=settings.PRIORITIES, default="normal", options={"SKIP_SAVE"}
    )
    settings: bpy.props.StringProperty(
        name="Settings", description="NAME=VALUE;NAME=VALUE, such as motion_steps=2", options={"SKIP_SAVE"}
    )
    wait: bpy.props.BoolProperty(
        name="Wait", description="Return when the result is on the timeline", options={"SKIP_SAVE"}
    )
    # fmt: on

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Anywhere: a script names its strip."""
        return bpy.context.scene is not None

    def execute(self, context: Any) -> set[str]:
        """Hand it to the engine; what is not given is taken from the strip."""
        from plugin_client.blender import ordering
        from plugin_client.blender.engine import engine

        try:
            scene, strip, shot = asking.shot_named(context, self.strip)
            order = ordering.order_of(context, scene, strip, shot, **self._given())
            run_id = engine().submit(order, ordering.prepares_of(scene, order))
            if self.wait:
                run = engine().wait(run_id, _WAIT_SECONDS)
                if run.error:
                    raise ClientError(run.error)
        except ClientError as error:
            return asking.refused(self, error)
        return {"FINISHED"}

    def _given(self) -> dict[str, Any]:
        from plugin_client.blender import written

        plain = ("prompt", "preset", "seed", "deliver", "model", "priority")
        given: dict[str, Any] = {name: getattr(self, name) for name in plain if self.properties.is_property_set(name)}
        if self.matte:
            given["matte"] = written.parse_matte(self.matte)
        if self.keyframes:
            given["keyframes"] = written.parse_keyframes(self.keyframes)
        if self.settings:
            given["settings"] = written.parse_settings(self.settings)
        return given


class MASKEDIT_OT_check(bpy.types.Operator):
    """Ask the server what speaks against the edit, and how long each preset would take"""

    bl_idname = "maskedit.check"
    bl_label = "Check and Estimate"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip can be edited."""
        from plugin_client.blender import advice

        if not asking.has_strip(cls, context):
            return False
        if advice.is_busy(subject(context)):
            cls.poll_message_set("The server is being asked")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Ask; the answer appears in the sidebar."""
        from plugin_client.blender import advice, ordering
        from plugin_client.blender.engine import engine

        try:
            scene, strip, shot = asking.shot_named(context)
            order = ordering.order_of(context, scene, strip, shot)
            prepares = ordering.prepares_of(scene, order)
        except BadInput as error:
            return asking.refused(self, error)
        asked = advice.begin(strip)
        engine().check(order, prepares, lambda check, problem: advice.take(asked, check, problem))
        return {"FINISHED"}


class MASKEDIT_OT_draw_seed(bpy.types.Operator):
    """Draw another seed"""

    bl_idname = "maskedit.draw_seed"
    bl_label = "New Seed"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip can be edited."""
        return asking.has_strip(cls, context)

    def execute(self, context: Any) -> set[str]:
        """Set it."""
        settings.edit_of(subject(context)).seed = settings.draw_seed()
        return {"FINISHED"}


class MASKEDIT_OT_cancel(bpy.types.Operator):
    """Stop this run; what it has learned so far serves the next one"""

    bl_idname = "maskedit.cancel"
    bl_label = "Cancel the Run"

    run: bpy.props.StringProperty(name="Run", description="Empty: the one that was begun last", options={"SKIP_SAVE"})
    ask: bpy.props.BoolProperty(name="Ask", description="Ask before", options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where something runs; Esc first ends the playback."""
        if not unfinished_runs():
            cls.poll_message_set("Nothing runs")
            return False
        return True

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask, where it was a key."""
        if not self.ask:
            return self.execute(context)
        if context.screen is None or context.screen.is_animation_playing:
            return {"PASS_THROUGH"}
        return versions.confirm(self, context, event, title="Cancel the run?", button="Cancel the Run")

    def execute(self, context: Any) -> set[str]:
        """Cancel it; the server is told in the background."""
        from plugin_client.blender.engine import engine

        runs = [run for run in unfinished_runs() if self.run in ("", run.run_id)]
        if not runs:
            return asking.refused(self, BadInput("This run is over already."))
        engine().cancel(runs[0].run_id)
        return {"FINISHED"}


class MASKEDIT_OT_retry(bpy.types.Operator):
    """Go on from where it failed"""

    bl_idname = "maskedit.retry"
    bl_label = "Try Again"

    run: bpy.props.StringProperty(name="Run")

    def execute(self, context: Any) -> set[str]:
        """Have the engine go on."""
        from plugin_client.blender.engine import engine

        try:
            engine().retry(self.run)
        except ClientError as error:
            return asking.refused(self, error)
        return {"FINISHED"}


class MASKEDIT_OT_dismiss(bpy.types.Operator):
    """Take this run off the list"""

    bl_idname = "maskedit.dismiss"
    bl_label = "Dismiss"

    run: bpy.props.StringProperty(name="Run")

    def execute(self, context: Any) -> set[str]:
        """Have the engine forget it."""
        from plugin_client.blender.engine import engine

        engine().forget(self.run)
        return {"FINISHED"}


CLASSES = (
    MASKEDIT_OT_submit,
    MASKEDIT_OT_check,
    MASKEDIT_OT_draw_seed,
    MASKEDIT_OT_cancel,
    MASKEDIT_OT_retry,
    MASKEDIT_OT_dismiss,
)
