# SPDX-License-Identifier: GPL-3.0-or-later
"""A result on the timeline: in its place, saying what it is, gone by one undo, and nothing else touched."""

import json
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from making import drawn_number, numbered_clip, numbered_picture, write_picture
from shown import canvas, shown

from plugin_client.blender import busy, placing, versions
from plugin_client.blender.orders import Spot
from plugin_client.blender.takes import marks_of
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks

FRAMES = 6
MARKS = Marks(
    job_id="job-1", name="shot take 1", prompt="a red coat", seed=7, settings={"preset": "best", "keys": [1, 2]}
)


@pytest.fixture
def clip(tmp_path):
    """A clip that says 0 to 11."""
    return numbered_clip(tmp_path / "clip.mov", 12)


@pytest.fixture
def full(tmp_path):
    """A result that says 100 to 105."""
    return str(numbered_clip(tmp_path / "result" / "full.mkv", FRAMES, first=100))


@pytest.fixture
def patch(tmp_path):
    """Pictures that say 203 to 208, numbered so too, seen in their left half only."""
    for number in range(203, 203 + FRAMES):
        picture = numbered_picture(number)
        alpha = np.zeros((*picture.shape[:2], 1), np.uint8)
        alpha[:, : picture.shape[1] // 2] = 255
        write_picture(tmp_path / "result" / f"patch.{number:04d}.png", np.concatenate([picture, alpha], axis=-1))
    return str(tmp_path / "result" / "patch.%04d.png")


@pytest.fixture
def source(scene, clip):
    """Six frames of the clip, from its frame 3 on, at frame 20 of channel 2."""
    strip = versions.new_movie(versions.top_strips(scene), str(clip), name="source", channel=2, frame=1)
    versions.set_timing(strip, 20, length=FRAMES, source_first=3)
    return strip


def spot_of(scene, strip, /, **other):
    timing = versions.timing_of(strip)
    spot = Spot(
        scene=scene.name, strip=strip.name, frame=timing.start, length=timing.length, channel=strip.channel
    )  # fmt: skip
    return replace(spot, **other)


def timeline(scene):
    """All that is on it, as plain values."""
    return {
        strip.name: (versions.timing_of(strip), strip.channel, strip.mute, strip.select, strip.blend_type)
        for strip in versions.all_strips(scene)
    }


def put(media, spot, *, has_alpha=False, marks=MARKS):
    placed = placing.put_result(media, spot, marks=marks, has_alpha=has_alpha)
    return placed, versions.strip_named(bpy.data.scenes[spot.scene], placed.item)


def test_a_movie_lies_above_its_source_frame_for_frame(scene, source, full):
    canvas(scene)
    before = timeline(scene)
    placed, strip = put(full, spot_of(scene, source))
    timing = versions.timing_of(strip)
    assert (timing.start, timing.length, timing.source_first, strip.channel) == (20, FRAMES, 0, 3)
    assert (placed.record_frame, placed.frames) == (20, FRAMES)
    assert [drawn_number(shown(scene, frame)) for frame in (20, 22, 25)] == [100, 102, 105]
    assert {name: is_so for name, is_so in timeline(scene).items() if name != strip.name} == before
    assert not strip.select


def test_pictures_lie_above_their_source_and_show_it_where_they_are_clear(scene, source, patch):
    canvas(scene)
    _, strip = put(patch, spot_of(scene, source), has_alpha=True)
    timing = versions.timing_of(strip)
    assert (timing.start, timing.length, strip.blend_type, strip.alpha_mode) == (20, FRAMES, "ALPHA_OVER", "STRAIGHT")
    for frame in (20, 25):
        picture, half = shown(scene, frame), 48
        expected = np.where(
            (np.arange(96) < half)[None, :, None], numbered_picture(183 + frame), numbered_picture(frame - 17)
        )
        assert np.abs(picture[..., :3].astype(int) - expected).max() <= 1


def test_a_shorter_file_holds_its_last_frame_and_a_longer_one_is_cut(scene, source, full):
    for length in (FRAMES + 4, FRAMES - 2):
        _, strip = put(full, spot_of(scene, source, length=length))
        assert versions.timing_of(strip).length == length


def test_neighbours_above_are_left_alone(scene, source, full, clip):
    strips = versions.top_strips(scene)
    for name, channel, start in (("before", 3, 20 - 5), ("after", 4, 20 + FRAMES - 1)):
        neighbour = versions.new_movie(strips, str(clip), name=name, channel=channel, frame=100)
        versions.set_timing(neighbour, start, length=6)
    before = timeline(scene)
    _, strip = put(full, spot_of(scene, source))
    assert strip.channel == 5
    assert {name: is_so for name, is_so in timeline(scene).items() if name != strip.name} == before


def test_without_room_nothing_is_placed_and_the_file_is_named(scene, source, full):
    before = timeline(scene)
    with pytest.raises(BadInput, match="No channel above 128 is free") as caught:
        put(full, spot_of(scene, source, channel=versions.max_channel()))
    assert full in str(caught.value) and str(caught.value).count(".") == full.count(".") + 1
    assert timeline(scene) == before and Path(full).exists()


def test_inside_a_meta_strip(scene, source, full):
    canvas(scene)
    spot = spot_of(scene, source, meta="meta")
    meta = versions.top_strips(scene).new_meta(name="meta", channel=1, frame_start=20)
    source.move_to_meta(meta)
    versions.set_timing(meta, 20, length=FRAMES)
    _, strip = put(full, spot)
    assert versions.meta_of(scene, strip) == "meta"
    assert versions.timing_of(strip).start == 20 and strip.channel == 3
    assert (versions.timing_of(meta).start, versions.timing_of(meta).length) == (20, FRAMES)
    assert drawn_number(shown(scene, 21)) == 101


def test_a_meta_strip_that_was_taken_apart(scene, source, full):
    _, strip = put(full, spot_of(scene, source, meta="gone"))
    assert versions.meta_of(scene, strip) == "" and strip.channel == 3


def rename_scene(scene):
    scene.name = "Renamed"


def remove_scene(scene):
    bpy.data.scenes.new("other")
    bpy.data.scenes.remove(scene)


def remove_all_strips(scene):
    for strip in list(versions.top_strips(scene)):
        versions.top_strips(scene).remove(strip)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (rename_scene, "The scene Scene was"),
        (remove_scene, "The scene Scene was"),
        (remove_all_strips, "The meta strip gone was"),
    ],
)
def test_a_place_that_is_gone_loses_nothing(scene, source, full, change, sentence):
    spot = spot_of(scene, source, meta="gone")
    change(scene)
    before = [timeline(each) for each in bpy.data.scenes]
    with pytest.raises(BadInput, match=f"{sentence} renamed or removed") as caught:
        put(full, spot)
    assert full in str(caught.value) and Path(full).exists()
    assert [timeline(each) for each in bpy.data.scenes] == before


@pytest.mark.parametrize("media", ["missing.mkv", "missing.%04d.png"])
def test_a_file_that_is_missing_is_said(scene, source, tmp_path, media):
    before = timeline(scene)
    with pytest.raises(BadInput, match="missing"):
        put(str(tmp_path / media), spot_of(scene, source))
    assert timeline(scene) == before


def test_a_file_that_is_no_picture_is_said(scene, source, tmp_path):
    (tmp_path / "broken.mkv").write_bytes(b"not a movie")
    before = timeline(scene)
    with pytest.raises(BadInput, match="Blender cannot read"):
        put(str(tmp_path / "broken.mkv"), spot_of(scene, source))
    assert timeline(scene) == before


def test_the_source_may_be_gone_or_moved(scene, source, full):
    spot = spot_of(scene, source)
    versions.set_timing(source, 200, length=FRAMES)
    assert versions.timing_of(put(full, spot)[1]).start == 20
    versions.top_strips(scene).remove(source)
    _, strip = put(full, spot)
    assert (versions.timing_of(strip).start, strip.channel) == (20, 4)


def test_a_scene_that_is_not_the_one_at_work(scene, source, full):
    spot = spot_of(scene, source)
    other = bpy.data.scenes.new("other")
    bpy.context.window.scene = other
    put(full, spot)
    assert len(versions.all_strips(scene)) == 2 and not versions.all_strips(other)


@pytest.mark.parametrize("start", ["as it is", "with a gap"])
def test_one_undo_takes_exactly_the_result_away_and_one_redo_brings_it_back(scene, source, full, patch, start):
    if start == "with a gap":
        source.transform.keyframe_insert("offset_x", frame=20)
    bpy.ops.ed.undo_push(message="the user's last step")
    before, name = timeline(scene), scene.name
    placed, _ = put(full, spot_of(scene, source))
    after = timeline(bpy.data.scenes[name])
    put(patch, spot_of(scene, source), has_alpha=True, marks=Marks(job_id="job-2"))
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert timeline(bpy.data.scenes[name]) == after
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert timeline(bpy.data.scenes[name]) == before
    assert bpy.ops.ed.redo() == {"FINISHED"}
    assert timeline(bpy.data.scenes[name]) == after
    assert marks_of(versions.strip_named(bpy.data.scenes[name], placed.item)) == MARKS


def test_save_and_reload_keep_what_it_is(scene, source, patch, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    placed, strip = put(patch, spot_of(scene, source), has_alpha=True)
    assert strip.directory == "//result/" and strip.elements[0].filename == "patch.0203.png"
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cut.blend"))
    strip = versions.strip_named(bpy.context.scene, placed.item)
    assert marks_of(strip) == MARKS
    assert (strip.blend_type, versions.timing_of(strip).length, len(strip.elements)) == ("ALPHA_OVER", FRAMES, FRAMES)


def test_a_movie_beside_the_blend_moves_with_it(scene, source, full, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    assert put(full, spot_of(scene, source))[1].filepath == "//result/full.mkv"


def test_in_an_unsaved_file_the_path_is_whole(scene, source, full):
    assert put(full, spot_of(scene, source))[1].filepath == full


@pytest.mark.parametrize(
    ("name", "prompt", "expected"),
    [
        ("shot take 2", "a red coat", "shot take 2 a red coat seed 7"),
        ("shot take 2", "", "shot take 2 seed 7"),
        ("", "  a\nred  coat ", "a red coat seed 7"),
        ("", "", "seed 7"),
        ("take 2", "x" * 90, "take 2 " + "x" * 39 + "… seed 7"),
        ("t" * 90, "coat", "t" * 46 + "… seed 7"),
        ("", "日本" * 30, "日本" * 7 + "日" + "… seed 7"),
    ],
)
def test_its_name_says_take_prompt_and_seed(scene, source, full, name, prompt, expected):
    marks = Marks(job_id="job", name=name, prompt=prompt, seed=7)
    first, second = (put(full, spot_of(scene, source), marks=marks)[0].item for _ in range(2))
    assert (first, second) == (expected, f"{expected}.001")
    assert marks_of(versions.strip_named(scene, second)).prompt == prompt


def test_nothing_is_placed_while_blender_renders_or_saves(scene, source, tmp_path):
    seen = {}
    note = {
        event: lambda *_, event=event: seen.setdefault(event, placing.may_place())
        for event in ("render_pre", "render_post", "save_pre", "save_post")
    }
    canvas(scene)
    busy.watch()
    try:
        for event, handler in note.items():
            getattr(bpy.app.handlers, event).append(handler)
        assert placing.may_place()
        shown(scene, 20)
        assert placing.may_place()
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
        assert placing.may_place()
        with pytest.raises(RuntimeError):
            bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "no folder" / "cut.blend"))
        assert placing.may_place()
    finally:
        for event, handler in note.items():
            getattr(bpy.app.handlers, event).remove(handler)
        busy.unwatch()
    # This handler of `save_post` comes after the add-on's.
    assert seen == {"render_pre": False, "render_post": False, "save_pre": False, "save_post": True}


@pytest.mark.parametrize(
    ("mode", "is_at_work"), [("EDIT", True), ("SCULPT", True), ("VERTEX_PAINT", True), ("OBJECT", False)]
)
def test_a_user_who_edits_an_object_is_at_work(scene, mode, is_at_work):
    """Undo in edit mode knows the mesh alone."""
    scene.collection.objects.link(cube := bpy.data.objects.new("cube", bpy.data.meshes.new("cube")))
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode=mode)
    assert busy.is_at_work() == is_at_work
    # Without a window nobody is there: a file that was saved in edit mode opens in it.
    assert bpy.app.background and placing.may_place()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert not busy.is_at_work()


def test_watching_leaves_no_handler_behind():
    def count():
        handlers = ((name, getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers))
        return {name: len(each) for name, each in handlers if isinstance(each, list)}

    before = count()
    busy.watch()
    assert count() != before
    busy.unwatch()
    busy.unwatch()
    assert count() == before


def test_marks_are_plain_json(scene, source, full):
    _, strip = put(full, spot_of(scene, source))
    assert strip["maskedit_job"] == "job-1"
    assert json.loads(strip["maskedit"])["settings"] == {"preset": "best", "keys": [1, 2]}
