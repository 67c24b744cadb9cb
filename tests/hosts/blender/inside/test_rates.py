# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates out of Blender's floats, and movies that Blender stretches to the scene's rate."""

from __future__ import annotations

from fractions import Fraction

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import numbered_clip
from timelines import numbers_shown, sequencer_window

from plugin_client.blender import versions
from plugin_client.blender.rates import exact_rate, is_stretched, movie_rate, scene_rate
from plugin_client.blender.versions import timing_of, top_strips

FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


@given(st.integers(1, 480), st.sampled_from([Fraction(1), Fraction(1000, 1001), Fraction(1, 2)]))
def test_single_precision_is_seen_through(whole, part):
    rate = whole * part
    assert exact_rate(float(np.float32(float(rate)))) == rate


def test_a_rate_is_above_zero():
    with pytest.raises(ValueError, match=r"0\.0 frames"):
        exact_rate(0.0)


@pytest.mark.parametrize(
    ("fps", "base", "rate"),
    [
        (24, 1.0, Fraction(24)),
        (24, 1.001, FILM),
        (30, 1.001, NTSC),
        (3, 0.1001, NTSC),  # how Blender itself writes 29.97 after dropping a movie into an empty timeline
        (60, 1.001, Fraction(60000, 1001)),
        (25, 2.0, Fraction(25, 2)),
        (23976, 1000.0, FILM),
    ],
)
def test_a_scenes_rate(scene, fps, base, rate):
    scene.render.fps, scene.render.fps_base = fps, base
    assert scene_rate(scene) == rate


@pytest.mark.parametrize("rate", [FILM, NTSC, Fraction(25), Fraction(60000, 1001)])
@pytest.mark.parametrize("ending", [".mov", ".mp4"])
def test_a_movies_rate(scene, tmp_path, rate, ending):
    path = numbered_clip(tmp_path / f"plate{ending}", 6, rate=rate)
    strip = versions.new_movie(top_strips(scene), str(path), name="plate", channel=1, frame=1)
    assert movie_rate(strip) == rate
    path.unlink()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cut.blend"))
    assert movie_rate(versions.strip_named(bpy.context.scene, "plate")) in (None, rate)


@pytest.mark.parametrize("scene_fps", [(24, 1.0), (24, 1.001), (25, 1.0)])
@pytest.mark.parametrize("rate", [FILM, NTSC])
def test_movies_that_a_script_adds_are_not_stretched(scene, tmp_path, rate, scene_fps):
    scene.render.fps, scene.render.fps_base = scene_fps
    path = numbered_clip(tmp_path / "plate.mov", 6, rate=rate)
    strip = versions.new_movie(top_strips(scene), str(path), name="plate", channel=1, frame=1)
    assert not is_stretched(scene, strip)


@pytest.mark.skipif(bpy.app.version >= (5, 0), reason="5.0 crashes when movies are dropped without a window")
@pytest.mark.parametrize(
    ("rate", "scene_fps", "stretched"),
    [
        (NTSC, (24, 1.0), True),
        (FILM, (24, 1.0), True),  # as long as the file and yet not the same frames: the lengths tell nothing
        (FILM, (24, 1.001), False),
        (NTSC, (3, 0.1001), False),
    ],
)
def test_movies_that_are_dropped_into_the_sequencer_are_stretched(scene, tmp_path, rate, scene_fps, stretched):
    scene.render.fps, scene.render.fps_base = scene_fps
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    path = numbered_clip(tmp_path / "plate.mov", 560, rate=rate)
    with bpy.context.temp_override(**sequencer_window(scene)):
        bpy.ops.sequencer.movie_strip_add(
            filepath=str(path), frame_start=10, channel=1, use_framerate=False, sound=False
        )
    (strip,) = versions.all_strips(scene)
    before = (bpy.data.is_dirty, list(bpy.data.scenes), scene.render.fps, scene.render.fps_base, timing_of(strip))
    assert is_stretched(scene, strip) == stretched
    assert before == (
        bpy.data.is_dirty,
        list(bpy.data.scenes),
        scene.render.fps,
        scene.render.fps_base,
        timing_of(strip),
    )
    source = list(range(520, 530))
    assert (numbers_shown(scene, 530, 539) != source) == stretched
