# SPDX-License-Identifier: GPL-3.0-or-later
"""`python render_matte.py FOLDER`: what the add-on renders for the server, told as one line of JSON.

A mask that moves right by 3 px a frame over frames 50000-50004 of a clip, and a meta strip as a clip.
"""

import json
import os
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import bpy
import making
import masking

from plugin_client.blender import versions
from plugin_client.blender.mattes import prepare_matte
from plugin_client.blender.orders import MatteChoice, Spot, StripShot
from plugin_client.blender.pictures import prepare_clip
from plugin_client.blender.shots import shot_of
from plugin_client.core.host import Shot
from plugin_client.core.timeline import FrameRange

SIZE = (96, 64)


def unwatched(done: int, total: int) -> None:
    """Nobody watches."""


folder = Path(sys.argv[1])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = SIZE
scene.render.fps, scene.render.fps_base = 24, 1.001
strips = versions.top_strips(scene)

boxes = {frame: [(x, 8), (x + 24, 8), (x + 24, 40), (x, 40)] for frame, x in ((100, 8), (110, 38))}
masking.keyed_mask("Mask", boxes, size=SIZE)
of_clip = Shot(media="", frames=FrameRange(50_000, 50_004), rate=Fraction(24), record_frame=102, place="")
strip_shot = StripShot(
    shot=of_clip, spot=Spot(scene=scene.name, strip="Plate", frame=102, length=5, channel=1), size=SIZE
)
matte = prepare_matte(scene, strip_shot, MatteChoice(kind="mask", name="Mask"), folder)(unwatched)

meta = strips.new_meta(name="Meta", channel=2, frame_start=1)
plate = making.numbered_clip(folder / "plate.mov", 8, first=300)
versions.new_movie(versions.top_strips(meta), str(plate), name="Plate", channel=1, frame=1)
versions.set_timing(meta, 3, length=6, source_first=2)
clip = prepare_clip(scene, shot_of(scene, meta), folder)(unwatched)

print(json.dumps({"matte": asdict(matte), "clip": clip}), flush=True)
os._exit(0)
