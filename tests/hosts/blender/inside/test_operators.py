# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators as scripts call them: what they take up, what they hand on, and what they say."""

from __future__ import annotations

import os
import re

import bpy
import making
import pytest
from making import numbered_clip, numbered_picture, write_picture
from timelines import select_only

from plugin_client.blender import addon, placing, settings, takes, versions, watching
from plugin_client.blender.engine import engine
from plugin_client.blender.operators import painting
from plugin_client.blender.orders import MatteChoice, PaintedFrame
from plugin_client.blender.orders_json import order_to_json
from plugin_client.blender.shots import shot_of
from plugin_client.core.host import Marks

FRAMES = 8


@pytest.fixture(autouse=True)
def add_on(monkeypatch):
    """Switched on, and no server anywhere."""
    monkeypatch.setenv("MASKEDIT_COMMAND", "/there/is/no/maskedit")
    monkeypatch.delenv("MASKEDIT_SERVER", raising=False)
    addon.register("maskedit")
    yield
    addon.unregister()


@pytest.fixture
def plate(scene, tmp_path):
    """A selected strip that shows frames 2 to 7 from timeline frame 10 on."""
    clip = numbered_clip(tmp_path / "plate.mov", FRAMES)
    strip = versions.new_movie(versions.top_strips(scene), str(clip), name="plate", channel=1, frame=10)
    versions.set_timing(strip, 10, length=6, source_first=2)
    select_only(scene, strip)
    scene.frame_set(12)
    return strip


@pytest.fixture
def ready(plate, tmp_path):
    """With a matte and a painted frame."""
    bpy.data.masks.new("Hat")
    edit = settings.edit_of(plate)
    edit.matte_mask = "Hat"
    path = write_picture(tmp_path / "painted.png", numbered_picture(4))
    painting.add_keyframe("Scene", "plate", 4, str(path))
    return edit


def submitted(**arguments):
    """The order of a run that is called off at once."""
    assert bpy.ops.maskedit.submit(**arguments) == {"FINISHED"}
    run = engine().runs[0]
    engine().cancel(run.run_id)
    return run.order


def refusal(call, **arguments):
    with pytest.raises(RuntimeError) as caught:
        call(**arguments)
    return re.sub(r"\s+", " ", str(caught.value)).removeprefix("Error: ").strip()


def test_submit_takes_the_strip_as_it_is_set(ready):
    ready.prompt, ready.preset, ready.seed, ready.feather_px = "a red hat", "fast", 5, 3
    order = submitted()
    assert order.matte == MatteChoice(kind="mask", name="Hat")
    assert [each.frame for each in order.keyframes] == [4]
    assert (order.prompt, order.preset, order.seed, order.deliver) == ("a red hat", "fast", 5, "patch")
    assert order.settings == {"feather_px": 3}
    assert (order.strip_shot.spot.frame, order.strip_shot.spot.length) == (10, 6)
    assert (order.strip_shot.shot.frames.first, order.strip_shot.shot.frames.last) == (2, 7)
    assert order.name == "Take 1"


def test_submit_takes_arguments_instead(ready, tmp_path, scene):
    select_only(scene)
    other = write_picture(tmp_path / "other.png", numbered_picture(6))
    order = submitted(
        strip="plate",
        matte="!mask:Hat",
        keyframes=f"6={other}",
        prompt="blue",
        preset="best",
        seed=9,
        deliver="full",
        settings="motion_steps=2;grow_px=4",
    )
    assert order.matte == MatteChoice(kind="mask", name="Hat", invert=True)
    assert order.keyframes == (PaintedFrame(frame=6, path=str(other)),)
    assert (order.prompt, order.preset, order.seed, order.deliver) == ("blue", "best", 9, "full")
    assert order.settings == {"motion_steps": 2, "grow_px": 4}


def test_an_argument_of_one_call_is_not_kept_for_the_next(ready):
    assert submitted(prompt="blue", seed=9).seed == 9
    order = submitted()
    assert (order.prompt, order.seed) == ("", 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strip": "gone"}, "There is no strip 'gone'"),
        ({"matte": "Hat"}, "The matte 'Hat' cannot be read: give it as one of mask:NAME"),
        ({"matte": "mask:Cap"}, "There is no mask Cap"),
        ({"keyframes": "one=/a.png"}, "The keyframe 'one=/a.png' cannot be read"),
        ({"keyframes": "1=/not/there.png"}, "There is no file /not/there.png"),
        ({"settings": "motion_steps"}, "The setting 'motion_steps' cannot be read"),
    ],
)
def test_submit_says_what_is_wrong(ready, arguments, sentence):
    assert sentence in refusal(bpy.ops.maskedit.submit, **arguments)
    assert engine().runs == ()


def test_submit_asks_for_matte_and_painted_frame(plate):
    assert "There is no matte yet" in refusal(bpy.ops.maskedit.submit)
    bpy.data.masks.new("Hat")
    assert "There is no painted frame yet" in refusal(bpy.ops.maskedit.submit, matte="mask:Hat")


def test_waiting_says_why_a_run_has_failed(ready):
    assert "/there/is/no/maskedit" in refusal(bpy.ops.maskedit.submit, wait=True)


def test_nothing_selected(scene):
    assert "No strip is selected" in refusal(bpy.ops.maskedit.submit)
    assert not bpy.ops.maskedit.export_frame.poll() and not bpy.ops.maskedit.cancel.poll()
    assert "Select a strip in the sequencer" in refusal(bpy.ops.maskedit.export_frame)


def test_a_frame_is_exported_painted_and_then_taken(plate, scene, tmp_path):
    bpy.data.masks.new("Hat")
    settings.edit_of(plate).matte_mask = "Hat"
    assert bpy.ops.maskedit.export_frame(open_editor=False) == {"FINISHED"}
    (item,) = settings.edit_of(plate).keyframes
    assert item.frame == 4  # the playhead is two frames into the strip, which begins with its media's frame 2
    assert making.drawn_number(making.read_picture(item.path)) == 4
    assert "Frame 4 is not painted yet" in refusal(bpy.ops.maskedit.submit)
    # As the image editor saves it.
    write_picture(tmp_path / "saved.png", numbered_picture(100))
    os.replace(tmp_path / "saved.png", item.path)
    assert submitted().keyframes == (PaintedFrame(frame=4, path=item.path),)


def test_a_frame_that_is_painted_is_not_exported_over(plate):
    bpy.ops.maskedit.export_frame(open_editor=False)
    path = settings.edit_of(plate).keyframes[0].path
    stamp = watching.stamp_of(path)
    bpy.ops.maskedit.export_frame(open_editor=False)
    assert len(settings.edit_of(plate).keyframes) == 1 and watching.stamp_of(path) == stamp
    bpy.ops.maskedit.remove_keyframe()
    bpy.ops.maskedit.export_frame(open_editor=False)
    assert settings.edit_of(plate).keyframes[0].path != path and watching.stamp_of(path) == stamp


def test_the_playhead_must_be_on_the_strip(plate, scene):
    scene.frame_set(40)
    assert "The playhead is not on plate" in refusal(bpy.ops.maskedit.export_frame, open_editor=False)


def test_the_image_strip_under_the_playhead_is_the_painted_frame(plate, scene, tmp_path):
    assert "No other image strip" in refusal(bpy.ops.maskedit.use_image_strip)
    paths = making.numbered_sequence(tmp_path / "painted", [7, 8, 9])
    image = versions.new_image(versions.top_strips(scene), str(paths[0]), name="paint", channel=2, frame=11)
    for path in paths[1:]:
        image.elements.append(path.name)
    versions.set_timing(image, 11, length=3)
    select_only(scene, plate)
    assert bpy.ops.maskedit.use_image_strip() == {"FINISHED"}
    (item,) = settings.edit_of(plate).keyframes
    assert (item.frame, item.path) == (4, str(paths[1]))


def test_pictures_are_listed_in_time_and_one_per_frame(plate, scene, tmp_path):
    for frame, number in ((15, 1), (11, 2), (13, 3), (11, 4)):
        scene.frame_set(frame)
        path = write_picture(tmp_path / f"{number}.png", numbered_picture(number))
        assert bpy.ops.maskedit.open_picture(filepath=str(path)) == {"FINISHED"}
    listed = [(item.frame, os.path.basename(item.path)) for item in settings.edit_of(plate).keyframes]
    assert listed == [(3, "4.png"), (5, "3.png"), (7, "1.png")]
    settings.edit_of(plate).keyframe_index = 1
    bpy.ops.maskedit.remove_keyframe()
    assert [item.frame for item in settings.edit_of(plate).keyframes] == [3, 7]
    assert "is no picture" in refusal(bpy.ops.maskedit.open_picture, filepath=str(tmp_path / "gone.png"))


def test_drawing_a_mask_lays_the_clip_as_on_the_timeline(plate):
    assert bpy.ops.maskedit.draw_mask() == {"FINISHED"}
    edit = settings.edit_of(plate)
    mask, (clip,) = bpy.data.masks[edit.matte_mask], bpy.data.movieclips
    assert (mask.frame_start, mask.frame_end) == (10, 15)
    assert clip.frame_start == 8  # there its frame 0 lies, and so frame 2 at 10
    bpy.ops.maskedit.draw_mask()
    assert len(bpy.data.masks) == len(bpy.data.movieclips) == 1


def test_a_drawn_seed_is_another(plate):
    seeds = set()
    for _ in range(3):
        bpy.ops.maskedit.draw_seed()
        seeds.add(settings.edit_of(plate).seed)
    assert len(seeds) == 3


@pytest.fixture
def take(ready, plate, scene, tmp_path):
    """A result on the track above, made with settings of its own."""
    ready.prompt, ready.seed, ready.preset = "a red hat", 5, "fast"
    order = submitted()
    ready.prompt, ready.seed, ready.preset = "later", 6, "best"
    result = numbered_clip(tmp_path / "result.mkv", 6)
    marks = Marks(job_id="j1", name=order.name, prompt=order.prompt, seed=5, settings=order_to_json(order))
    placing.put_result(str(result), shot_of(scene, plate).spot, marks=marks, has_alpha=False)
    select_only(scene, plate)
    return versions.strip_named(scene, takes.takes_of(scene)[0].strips[0])


def test_redo_submits_what_the_take_says(take):
    bpy.ops.maskedit.redo(job="j1")
    order = engine().runs[0].order
    assert (order.prompt, order.seed, order.preset, order.parent) == ("a red hat", 5, "fast", "j1")
    assert order.name == "Take 2"
    bpy.ops.maskedit.redo(job="j1", seed=77)
    assert engine().runs[0].order.seed == 77
    bpy.ops.maskedit.redo(job="j1", draw=True)
    assert engine().runs[0].order.seed not in (5, 77)
    assert "no longer on the timeline" in refusal(bpy.ops.maskedit.redo, job="j2")


def test_its_settings_come_back_to_the_strip(take, ready):
    bpy.ops.maskedit.take_settings(job="j1")
    assert (ready.prompt, ready.seed, ready.preset) == ("a red hat", 5, "fast")


def test_one_take_is_shown_at_a_time(take, scene, plate, tmp_path):
    other = Marks(job_id="j2", name="Take 2")
    clip = numbered_clip(tmp_path / "other.mkv", 6)
    placing.put_result(str(clip), shot_of(scene, plate).spot, marks=other, has_alpha=False)
    bpy.ops.maskedit.show_take(job="j2")
    assert {each.marks.job_id: each.is_shown for each in takes.takes_of(scene)} == {"j1": False, "j2": True}
    bpy.ops.maskedit.show_take(job="j1")
    assert {each.marks.job_id: each.is_shown for each in takes.takes_of(scene)} == {"j1": True, "j2": False}
    assert "no longer on the timeline" in refusal(bpy.ops.maskedit.show_take, job="j3")
    assert "no longer on the timeline" in refusal(bpy.ops.maskedit.select_take, job="j3")


def test_source_and_take_by_turns(take, scene):
    assert not take.mute
    bpy.ops.maskedit.compare()
    assert take.mute
    bpy.ops.maskedit.compare()
    assert not take.mute


def test_a_selected_take_still_shows_its_source(take, scene, plate):
    from plugin_client.blender.subject import forget_sources, subject

    forget_sources()
    bpy.ops.maskedit.select_take(job="j1")
    assert versions.active_strip(scene).name == take.name
    assert subject(bpy.context).name == "plate"


def test_cancel_needs_a_run(ready):
    assert not bpy.ops.maskedit.cancel.poll()
    bpy.ops.maskedit.submit()
    assert bpy.ops.maskedit.cancel.poll()
    bpy.ops.maskedit.cancel()
    assert engine().runs[0].state.value in ("cancelling", "cancelled")
    bpy.ops.maskedit.dismiss(run=engine().runs[0].run_id)
    assert engine().runs == ()
