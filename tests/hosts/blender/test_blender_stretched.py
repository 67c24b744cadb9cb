# SPDX-License-Identifier: GPL-3.0-or-later
"""A movie that was dropped into one Blender, and so stretched to the scene's rate, is refused by every other."""

from __future__ import annotations

import json

import pytest

from tests.hosts.blender.conftest import installed_blenders

_DROP = """
import os, sys
import bpy
from fractions import Fraction
from pathlib import Path
from making import numbered_clip
from timelines import sequencer_window
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.sequence_editor_create()
clip = numbered_clip(Path(sys.argv[1]), 40, rate=Fraction(30000, 1001))
with bpy.context.temp_override(**sequencer_window(scene)):
    bpy.ops.sequencer.movie_strip_add(filepath=str(clip), frame_start=10, channel=1, use_framerate=False, sound=False)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
sys.stdout.flush()
os._exit(0)
"""
_READ = """
import json, os, sys
import bpy
from plugin_client.blender.shots import shot_of
from plugin_client.blender.versions import all_strips, timing_of
from plugin_client.core.errors import BadInput
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
(strip,) = all_strips(scene)
facts = {"length": timing_of(strip).length}
for name, fps, base in (("apart", 24, 1.0), ("alike", 30, 1.001)):
    scene.render.fps, scene.render.fps_base = fps, base
    try:
        facts[name] = shot_of(scene, strip).spot.length
    except BadInput as error:
        facts[name] = str(error)
facts["heavy"] = sorted({"grpc", "google.protobuf"} & set(sys.modules))
print(json.dumps(facts))
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def dropped(tmp_path_factory):
    """The file of the oldest Blender, which lets movies be dropped without a window."""
    folder = tmp_path_factory.mktemp("dropped")
    oldest = next(iter(installed_blenders()), None)
    if oldest is None or not oldest.version.startswith("4."):
        pytest.skip("no Blender 4 is installed")
    ran = oldest.run("-c", _DROP, folder / "plate.mov", folder / "cut.blend")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder / "cut.blend"


def test_a_stretched_movie_is_refused_until_the_rates_agree(blender, dropped):
    ran = blender.run("-c", _READ, dropped)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    facts = json.loads(ran.stdout.splitlines()[-1])
    assert facts["length"] == 32
    assert facts["heavy"] == []  # reading the timeline must not wait for gRPC
    assert facts["apart"].startswith("plate.mov has 29.97 frames per second and the scene 24,")
    assert facts["alike"] in (39, 40)
