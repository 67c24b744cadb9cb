# SPDX-License-Identifier: GPL-3.0-or-later
"""`python round_trip_render.py -- BLEND FOLDER`: what Blender itself shows of a cut, 8-bit PNG by frame number, and its
strips in `strips.json`. The add-on is not loaded."""

import json
import os
import sys
from pathlib import Path

import bpy

blend, folder = sys.argv[sys.argv.index("--") + 1 :]
folder = Path(folder)
bpy.ops.wm.open_mainfile(filepath=blend)
scene = bpy.data.scenes["Cut"]
editor = scene.sequence_editor
seen = {}
for strip in editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all:
    seen[strip.name] = {
        "type": strip.type,
        "channel": strip.channel,
        "start": strip.frame_final_start,
        "length": strip.frame_final_duration,
        "mute": strip.mute,
        "blend": strip.blend_type,
        "alpha": getattr(strip, "alpha_mode", ""),
        "path": getattr(strip, "filepath", "") or getattr(strip, "directory", ""),
        "files": [element.filename for element in getattr(strip, "elements", ())],
        "job": strip.get("maskedit_job", ""),
    }
(folder / "strips.json").write_text(json.dumps(seen))

scene.view_settings.view_transform = "Standard"
scene.render.dither_intensity = 0
scene.render.image_settings.file_format = "PNG"
scene.render.image_settings.color_mode = "RGB"
scene.render.filepath = str(folder / "####.png")
bpy.ops.render.render(animation=True, scene=scene.name)
os._exit(0)
