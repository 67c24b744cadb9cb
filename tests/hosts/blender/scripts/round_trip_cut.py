# SPDX-License-Identifier: GPL-3.0-or-later
"""`python round_trip_cut.py -- ZIP CLIP BLEND FACTS`: installs the add-on and cuts a strip, as a user would by hand.

The scene runs at 23.976, the strip's source is trimmed at both ends, the channel above it is taken for a while, a mask
that follows the picture is keyed on the timeline, and one frame is exported to be painted. FACTS is JSON.
"""

import json
import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parents[1] / "inside"))
from masking import keyed_mask

archive, clip, blend, facts = sys.argv[sys.argv.index("--") + 1 :]
facts = json.loads(facts)
bpy.ops.wm.read_factory_settings(use_empty=True)
if bpy.app.version >= (4, 2):
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
else:
    bpy.ops.preferences.addon_install(filepath=archive)
    bpy.ops.preferences.addon_enable(module=facts["legacy"])
bpy.ops.wm.save_userpref()

scene = bpy.context.scene
scene.name = "Cut"
scene.render.fps, scene.render.fps_base = 24, 1.001
scene.render.resolution_x, scene.render.resolution_y = facts["size"]
scene.frame_start, scene.frame_end = facts["at"], facts["at"] + facts["frames"] - 1
editor = scene.sequence_editor_create()
if hasattr(bpy.context.workspace, "sequencer_scene"):
    bpy.context.workspace.sequencer_scene = scene
strips = editor.strips if hasattr(editor, "strips") else editor.sequences

plate = strips.new_movie("Plate", clip, 2, facts["at"] - facts["first"])
# Blender 5.2 warns of these names, and still knows them.
plate.frame_final_start = facts["at"]
plate.frame_final_duration = facts["frames"]
title_end = {"length": 5} if bpy.app.version >= (5, 0) else {"frame_end": facts["at"] + 7}
strips.new_effect(name="Title", type="COLOR", channel=3, frame_start=facts["at"] + 2, **title_end).mute = True

keyed_mask("Cap", {int(frame): corners for frame, corners in facts["mask"].items()}, size=facts["size"])
bpy.ops.wm.save_as_mainfile(filepath=blend)

plate.select = True
editor.active_strip = plate
scene.frame_set(facts["paint_at"])
bpy.ops.maskedit.export_frame(open_editor=False)
bpy.ops.wm.save_mainfile()
os._exit(0)  # the module hangs or crashes in some versions while it ends
