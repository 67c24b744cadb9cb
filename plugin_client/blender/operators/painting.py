# SPDX-License-Identifier: GPL-3.0-or-later
# Blender wants plain sets for options.
# ruff: noqa: RUF012
# Blender reads properties from annotations that are calls.
# pyright: reportInvalidTypeForm=false
"""Painted frames: out to the image editor, and into the list."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import settings, versions, watching
from plugin_client.blender.operators import asking
from plugin_client.blender.preferences import preferences
from plugin_client.blender.subject import picture_file, subject
from plugin_client.core.errors import BadInput

if TYPE_CHECKING:
    from plugin_client.blender.orders import StripShot

_PICTURES = frozenset({".png", ".tif", ".tiff", ".exr", ".jpg", ".jpeg", ".webp", ".bmp", ".dpx"})


class MASKEDIT_OT_export_frame(bpy.types.Operator):
    """Write the frame under the playhead to a picture and open it in the image editor; each save is picked up"""

    bl_idname = "maskedit.export_frame"
    bl_label = "Paint This Frame"
    bl_options = {"REGISTER"}

    open_editor: bpy.props.BoolProperty(name="Open", description="Open it in the image editor", default=True)

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip can be edited."""
        return asking.has_strip(cls, context)

    def execute(self, context: Any) -> set[str]:
        """At once; the picture follows when Blender has made it."""
        from plugin_client.blender.folders import results_folder
        from plugin_client.blender.pictures import prepare_picture

        try:
            scene, strip, shot = asking.shot_named(context)
            frame = _frame_here(shot, scene)
            known = _keyframe_at(strip, frame)
            if known is not None and watching.stamp_of(bpy.path.abspath(known.path)):
                _open(bpy.path.abspath(known.path), wanted=self.open_editor)
                return {"FINISHED"}
            folder = Path(results_folder(preferences(context).folder)) / "painted"
            target = _free_path(folder, f"{strip.name} {frame:06}")
            wait = prepare_picture(scene, shot, frame, target)
        except BadInput as error:
            return asking.refused(self, error)
        where, wanted = (scene.name, strip.name), self.open_editor

        def made(path: Path) -> None:
            add_keyframe(*where, frame, str(path), written=watching.stamp_of(str(path)))
            _open(str(path), wanted=wanted)

        if bpy.app.background:  # no timer ever fires there
            try:
                made(wait(_no_progress))
            except BadInput as error:
                return asking.refused(self, error)
            return {"FINISHED"}
        watching.background.start(lambda: wait(_no_progress), made, failed=_tell)
        self.report({"INFO"}, f"Frame {frame} is being written")
        return {"FINISHED"}


class MASKEDIT_OT_paint(bpy.types.Operator):
    """Open this picture in the image editor"""

    bl_idname = "maskedit.paint"
    bl_label = "Open in Image Editor"

    index: bpy.props.IntProperty(options={"HIDDEN"})

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip is selected."""
        return asking.has_strip(cls, context)

    def execute(self, context: Any) -> set[str]:
        """Open it."""
        keyframes = settings.edit_of(subject(context)).keyframes
        if not 0 <= self.index < len(keyframes):
            return asking.refused(self, BadInput("There is no such painted frame: choose one of the list."))
        path = bpy.path.abspath(keyframes[self.index].path)
        if not os.path.isfile(path):
            return asking.refused(self, BadInput(f"There is no file {path}: paint the frame again."))
        _open(path)
        return {"FINISHED"}


class MASKEDIT_OT_use_image_strip(bpy.types.Operator):
    """Take the image strip under the playhead as the painted picture of this frame"""

    bl_idname = "maskedit.use_image_strip"
    bl_label = "Use Image Strip"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where an image strip lies under the playhead."""
        if not asking.has_strip(cls, context):
            return False
        scene = asking.scene_here(context)
        if image_strip_at(scene, scene.frame_current, beside=subject(context)) is None:
            cls.poll_message_set("No other image strip lies under the playhead")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Add its picture."""
        try:
            scene, strip, shot = asking.shot_named(context)
            now = scene.frame_current
            image = image_strip_at(scene, now, beside=strip)
            if image is None:
                raise BadInput("No other image strip lies under the playhead: move the playhead onto one.")
            add_keyframe(scene.name, strip.name, _frame_here(shot, scene), _picture_at(image, now))
        except BadInput as error:
            return asking.refused(self, error)
        return {"FINISHED"}


class MASKEDIT_OT_open_picture(bpy.types.Operator):
    """Choose a picture file that shows how the frame under the playhead shall look"""

    bl_idname = "maskedit.open_picture"
    bl_label = "Open Picture…"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip can be edited."""
        return asking.has_strip(cls, context)

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Add it at the playhead."""
        try:
            scene, strip, shot = asking.shot_named(context)
            path = bpy.path.abspath(self.filepath)
            if not os.path.isfile(path) or os.path.splitext(path)[1].lower() not in _PICTURES:
                raise BadInput(f"{path or 'Nothing'} is no picture that can be read: choose a PNG, TIFF or EXR file.")
            add_keyframe(scene.name, strip.name, _frame_here(shot, scene), path)
        except BadInput as error:
            return asking.refused(self, error)
        return {"FINISHED"}


class MASKEDIT_OT_remove_keyframe(bpy.types.Operator):
    """Take the chosen picture off the list; its file stays"""

    bl_idname = "maskedit.remove_keyframe"
    bl_label = "Remove"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where there is one."""
        strip = subject(context)
        return strip is not None and len(settings.edit_of(strip).keyframes) > 0

    def execute(self, context: Any) -> set[str]:
        """Take it off."""
        edit = settings.edit_of(subject(context))
        edit.keyframes.remove(min(edit.keyframe_index, len(edit.keyframes) - 1))
        edit.keyframe_index = max(0, min(edit.keyframe_index, len(edit.keyframes) - 1))
        return {"FINISHED"}


def add_keyframe(scene_name: str, strip_name: str, frame: int, path: str, *, written: str = "") -> None:
    """Put a picture onto the strip's list, in place of the one of that frame. A strip that is gone is left alone."""
    scene = bpy.data.scenes.get(scene_name)
    strip = versions.strip_named(scene, strip_name) if scene is not None else None
    if strip is None:
        return
    edit = settings.edit_of(strip)
    item = _keyframe_at(strip, frame) or edit.keyframes.add()
    item.name, item.frame, item.path, item.written = f"Frame {frame}", frame, path, written
    # The list is in the order of time.
    at = len(edit.keyframes) - 1
    while at > 0 and edit.keyframes[at - 1].frame > edit.keyframes[at].frame:
        edit.keyframes.move(at, at - 1)
        at -= 1
    edit.keyframe_index = next(index for index, each in enumerate(edit.keyframes) if each.frame == frame)


def image_strip_at(scene: Any, frame: int, *, beside: Any) -> Any | None:
    """The uppermost image strip at timeline frame `frame` that is neither a take nor `beside`."""
    from plugin_client.blender.marks import read_marks

    there = [
        strip
        for strip in versions.all_strips(scene)
        if versions.kind_of(strip) == "image"
        and strip.name != beside.name
        and _covers(strip, frame)
        and read_marks(strip) is None
    ]
    return max(there, key=lambda strip: strip.channel, default=None)


def _frame_here(shot: "StripShot", scene: Any) -> int:
    from plugin_client.blender.shots import media_frame_at

    frame = media_frame_at(shot, scene.frame_current)
    if frame is None:
        raise BadInput(f"The playhead is not on {shot.spot.strip}: move it to the frame to paint.")
    return frame


def _covers(strip: Any, frame: int) -> bool:
    timing = versions.timing_of(strip)
    return timing.start <= frame < timing.start + timing.length


def _picture_at(image: Any, frame: int) -> str:
    timing = versions.timing_of(image)
    return picture_file(image, timing.source_first + frame - timing.start)


def _keyframe_at(strip: Any, frame: int) -> Any | None:
    return next((each for each in settings.edit_of(strip).keyframes if each.frame == frame), None)


def _free_path(folder: Path, name: str) -> Path:
    """A path for a picture at which nothing lies yet: what someone has painted is never written over."""
    import re

    plain = re.sub(r"[^\w .-]+", "_", name).strip(" .")
    folder.mkdir(parents=True, exist_ok=True)
    candidate, number = folder / f"{plain}.png", 1
    while candidate.exists():
        number += 1
        candidate = folder / f"{plain} ({number}).png"
    return candidate


def _open(path: str, *, wanted: bool = True) -> None:
    """Open a picture in Blender's image editor of the preferences, or in the system's own."""
    import subprocess

    editor = bpy.context.preferences.filepaths.image_editor
    if not wanted:
        return
    try:
        if editor:
            subprocess.Popen([editor, path])
        elif sys.platform == "win32":
            os.startfile(path)
        else:
            subprocess.Popen(["open" if sys.platform == "darwin" else "xdg-open", path])
    except OSError:
        _tell(BadInput(f"The image editor does not start: choose one under Preferences › File Paths, or open {path}."))


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


def _tell(error: Exception) -> None:
    watching.tell(str(error))


CLASSES = (
    MASKEDIT_OT_export_frame,
    MASKEDIT_OT_paint,
    MASKEDIT_OT_use_image_strip,
    MASKEDIT_OT_open_picture,
    MASKEDIT_OT_remove_keyframe,
)
