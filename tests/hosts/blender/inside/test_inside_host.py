# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender as a host: what core may ask of every host, asked of this Blender."""

from __future__ import annotations

import inspect
from pathlib import Path

import bpy
import making
import pytest
from masking import keyed_mask

from plugin_client.blender import versions
from plugin_client.blender.host import BlenderHost
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Host, Marks, PlacedResult
from plugin_client.core.timeline import FrameRange


def unheard(done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def strip(scene, tmp_path):
    """Six frames of a longer clip: 5 to 10, at 20 on the timeline of a 23.976 scene; selected."""
    scene.render.fps, scene.render.fps_base = 24, 1.001
    clip = making.numbered_clip(tmp_path / "plate.mov", 16)
    strip = versions.new_movie(versions.top_strips(scene), str(clip), name="Plate", channel=2, frame=1)
    versions.set_timing(strip, 20, length=6, source_first=5)
    strip.select = True
    return strip


def test_it_has_every_call_of_a_host_with_the_same_arguments():
    for name, asked in inspect.getmembers(Host):
        if not name.startswith("_") and callable(asked):
            assert inspect.signature(getattr(BlenderHost, name)) == inspect.signature(asked), name
    assert BlenderHost().name.startswith("Blender ")


def test_a_shot_stays_what_it_was_while_the_user_goes_on_cutting(scene, strip):
    host = BlenderHost()
    shot = host.selected_shot()
    assert (shot.frames, shot.rate, shot.record_frame) == (FrameRange(5, 10), making.NTSC_FILM, 20)
    versions.set_timing(strip, 50, length=2, source_first=9)
    assert host.prepare_clip(shot, None)(unheard) == shot.media
    assert host.may_place()
    placed = host.put_result(shot.media, shot, marks=Marks(job_id="j", name="take"), has_alpha=False)
    assert placed == PlacedResult(item=placed.item, record_frame=20, frames=6)


def test_matte_and_picture_are_those_of_the_shots_frames(scene, strip, tmp_path):
    corners = [(8, 24), (40, 24), (40, 48), (8, 48)]
    keyed_mask("Cap", {20: corners, 25: [(x + 5, y) for x, y in corners]}, size=making.SIZE)
    host = BlenderHost()
    shot = host.selected_shot()
    prepared = host.prepare_matte(shot, "mask:Cap", tmp_path), host.prepare_picture(shot, 7, tmp_path / "frame.png")
    bpy.data.masks.remove(bpy.data.masks["Cap"])
    matte, picture = (work(unheard) for work in prepared)
    assert making.drawn_number(making.read_picture(picture)) == 7
    for index in range(6):
        written = making.read_picture(Path(matte.path % (matte.first_frame + index)), "gray")
        # Blender softens a mask's edge by up to two pixels.
        assert (written[26:46, 10 + index : 38 + index] == 255).all()
        written[22:50, 6 + index : 42 + index] = 0
        assert not written.any()
    assert matte.first_frame == 5


@pytest.mark.parametrize("choice", ["mask:None", "shape:Cap", "luma:Nobody", ""])
def test_a_matte_that_is_not_there_is_said(strip, tmp_path, choice):
    host = BlenderHost()
    with pytest.raises(BadInput):
        host.prepare_matte(host.selected_shot(), choice, tmp_path)


def test_a_strip_or_scene_that_is_gone_is_said(scene, strip, tmp_path):
    host = BlenderHost()
    shot = host.selected_shot()
    versions.top_strips(scene).remove(strip)
    with pytest.raises(BadInput, match="strip Plate is no longer"):
        host.prepare_matte(shot, "mask:Cap", tmp_path)
    scene.name = "Renamed"
    with pytest.raises(BadInput, match="scene Scene is no longer"):
        host.prepare_picture(shot, 7, tmp_path / "a.png")
