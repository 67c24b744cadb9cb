# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines for the tests inside Blender: what they show frame by frame, and a window for operators that want one."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bpy
from making import drawn_number, read_picture
from shown import canvas

from plugin_client.blender.versions import all_strips


def numbers_shown(scene: Any, first: int, last: int) -> list[int | None]:
    """The numbers in the pictures that `scene`'s sequencer makes of its frames `first` to `last`, None for nothing."""
    canvas(scene)
    scene.frame_start, scene.frame_end = max(first, 0), last
    with TemporaryDirectory() as folder:
        scene.render.filepath = f"{folder}/######"
        bpy.ops.render.render(animation=True, scene=scene.name)
        return [_number_in(Path(folder, f"{frame:06d}.png")) for frame in range(first, last + 1)]


def sequencer_window(scene: Any) -> dict[str, Any]:
    """What `bpy.context.temp_override` wants for the sequencer's operators: a window that cuts in `scene`."""
    window = bpy.context.window_manager.windows[0]
    window.scene = scene
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = scene
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    area.spaces[0].view_type = "SEQUENCER"
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "screen": window.screen, "area": area, "region": region}


def select_only(scene: Any, *strips: Any) -> None:
    """Select `strips`, the last of them active."""
    for strip in all_strips(scene):
        strip.select = strip in strips
    scene.sequence_editor.active_strip = strips[-1] if strips else None


def _number_in(path: Path) -> int | None:
    picture = read_picture(path)[..., :3]
    return drawn_number(picture) if picture.any() else None
