# SPDX-License-Identifier: GPL-3.0-or-later
"""`python round_trip_kinds.py -- ZIP BLEND FACTS`: the kinds of strips that are no movie, each trimmed and each edited.

FACTS is JSON: `clip` (a file), `pictures` (files), `size`, `mask` (corners), `length` of each strip, and `painted`: the
picture of each strip's frame, as the operator takes them. Pictures lies at 10, Meta at 30 and Nested at 50.
"""

import json
import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parents[1] / "inside"))
from masking import keyed_mask

archive, blend, facts = sys.argv[sys.argv.index("--") + 1 :]
facts = json.loads(facts)
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)


def strips_of(owner):
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def trim(strip, start, *, skipped):
    """Blender 5.2 warns of these names, and still knows them."""
    strip.frame_start = start - skipped
    strip.frame_final_start = start
    strip.frame_final_duration = facts["length"]


def set_up(scene):
    scene.render.fps, scene.render.fps_base = 24, 1.001
    scene.render.resolution_x, scene.render.resolution_y = facts["size"]
    return strips_of(scene.sequence_editor_create())


scene = bpy.context.scene
scene.name = "Cut"
if hasattr(bpy.context.workspace, "sequencer_scene"):
    bpy.context.workspace.sequencer_scene = scene
strips = set_up(scene)

first, *others = facts["pictures"]
pictures = strips.new_image("Pictures", first, 1, 1)
for other in others:
    pictures.elements.append(os.path.basename(other))
trim(pictures, 10, skipped=2)

meta = strips.new_meta("Meta", 1, 30)
strips_of(meta).new_movie("Inside", facts["clip"], 1, 27)
trim(meta, 30, skipped=3)

nested = bpy.data.scenes.new("Nested")
set_up(nested).new_movie("Inside", facts["clip"], 1, 1)
nested.frame_start, nested.frame_end = 1, 12
nested_strip = strips.new_scene("Nested", nested, 1, 50)
nested_strip.scene_input = "SEQUENCER"
trim(nested_strip, 50, skipped=4)

scene.frame_start, scene.frame_end = 10, 50 + facts["length"] - 1
keyed_mask("Cap", {1: facts["mask"]}, size=facts["size"])
bpy.ops.wm.save_as_mainfile(filepath=blend)

for strip, painted in facts["painted"].items():
    bpy.ops.maskedit.submit(
        strip=strip, matte="mask:Cap", keyframes=painted, preset="draft", deliver="full", wait=True
    )  # fmt: skip
bpy.ops.wm.save_mainfile()
os._exit(0)  # the module hangs or crashes in some versions while it ends
