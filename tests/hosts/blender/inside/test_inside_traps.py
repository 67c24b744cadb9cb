# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender does that one would not expect, where nothing but its being so is behind a choice of ours.

If one of these fails, Blender has changed, and what was built around it can go.
"""

from __future__ import annotations

from fractions import Fraction

import bpy
import making
import numpy as np
import pytest
from shown import canvas, shown
from timelines import numbers_shown, select_only, sequencer_window

from plugin_client.blender import versions

FACTORY_LOOK = "AgX" if bpy.app.version >= (4, 0) else "Filmic"


def white_movie(scene, tmp_path):
    white = np.full((64, 96, 3), 255, np.uint8)
    clip = making.write_clip(tmp_path / "white.mov", [white] * 2)
    return versions.new_movie(versions.top_strips(scene), str(clip), name="White", channel=1, frame=1)


@pytest.mark.parametrize(("look", "white"), [(FACTORY_LOOK, 197), ("Filmic", 206), ("Standard", 255)])
def test_only_the_standard_view_leaves_white_white(scene, tmp_path, look, white):
    """So mattes and pictures are rendered with it, whatever the user's scene looks like."""
    white_movie(scene, tmp_path)
    canvas(scene)
    scene.view_settings.view_transform = look
    np.testing.assert_allclose(shown(scene, 1)[..., :3].astype(int), white, atol=2)


def test_a_registered_property_is_no_key_of_its_strip_since_5_0_and_a_plain_one_is(scene, tmp_path):
    """So marks are plain custom properties, which every version keeps and shows."""
    strip = white_movie(scene, tmp_path)
    versions.StripType.trap = bpy.props.StringProperty()
    try:
        strip.trap = "registered"
        strip["plain"] = "plain"
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
        strip = versions.strip_named(bpy.context.scene, "White")
        assert (strip.trap, strip.get("plain")) == ("registered", "plain")
        assert strip.get("trap") == (None if bpy.app.version >= (5, 0) else "registered")
    finally:
        del versions.StripType.trap


def test_splitting_a_strip_copies_its_plain_properties(scene, tmp_path):
    """So strips that carry one job's id are one take."""
    clip = making.numbered_clip(tmp_path / "plate.mov", 10)
    strip = versions.new_movie(versions.top_strips(scene), str(clip), name="Plate", channel=1, frame=1)
    strip["plain"] = "kept"
    with bpy.context.temp_override(**sequencer_window(scene)):
        select_only(scene, strip)
        bpy.ops.sequencer.split(frame=5, channel=1, type="SOFT", side="RIGHT")
    assert [each["plain"] for each in versions.all_strips(scene)] == ["kept", "kept"]


def test_a_timer_is_gone_after_a_file_was_opened_unless_it_is_persistent(tmp_path):
    """So the one that places results is."""

    def passing() -> float:
        return 60.0

    def staying() -> float:
        return 60.0

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.app.timers.register(passing, first_interval=60)
    bpy.app.timers.register(staying, first_interval=60, persistent=True)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
        assert [bpy.app.timers.is_registered(each) for each in (passing, staying)] == [False, True]
    finally:
        bpy.app.timers.unregister(staying)


def test_what_is_beside_an_unsaved_file_is_wherever_one_works(monkeypatch, tmp_path):
    """So results of unsaved files go to the data folder."""
    monkeypatch.chdir(tmp_path)
    assert not bpy.data.filepath
    assert bpy.path.abspath("//maskedit/") in ("maskedit/", f"{tmp_path}/maskedit/")


@pytest.mark.parametrize("rate", [making.NTSC_FILM, Fraction(30000, 1001)])
def test_a_long_movie_keeps_step_though_matroska_rounds_its_times(scene, tmp_path, rate):
    """So a full frame may come in Matroska, which counts in milliseconds."""
    scene.render.fps, scene.render.fps_base = round(rate), 1.001
    clip = making.numbered_clip(tmp_path / "long.mkv", 1200, rate=rate, size=(48, 32))
    strip = versions.new_movie(versions.top_strips(scene), str(clip), name="Long", channel=1, frame=1)
    strip.transform.scale_x = strip.transform.scale_y = 2
    for first in (1, 598, 1195):
        assert numbers_shown(scene, first, first + 4) == list(range(first - 1, first + 4))
