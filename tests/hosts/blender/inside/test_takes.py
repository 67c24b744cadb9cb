# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on the timeline: whose they are, through all that users do to strips."""

import json
import time

import bpy
import pytest
from making import numbered_clip
from timelines import select_only, sequencer_window

from plugin_client.blender import placing, versions
from plugin_client.blender.folders import PREVIEW
from plugin_client.blender.orders import Spot
from plugin_client.blender.takes import is_placed, marks_of, show_only, source_of, takes_of, toggle
from plugin_client.core.host import Marks

FRAMES = 8


@pytest.fixture
def clip(tmp_path):
    return str(numbered_clip(tmp_path / "clip.mov", FRAMES))


@pytest.fixture
def result(tmp_path):
    return str(numbered_clip(tmp_path / "result.mkv", FRAMES))


def add_source(scene, clip, *, name="source", frame=1, channel=1):
    return versions.new_movie(versions.top_strips(scene), clip, name=name, channel=channel, frame=frame)


def spot_of(scene, strip):
    timing = versions.timing_of(strip)
    return Spot(
        scene=scene.name, strip=strip.name, frame=timing.start, length=timing.length, channel=strip.channel,
        meta=versions.meta_of(scene, strip),
    )  # fmt: skip


def add_take(scene, source, media, job_id, **marks):
    marks = Marks(job_id=job_id, name=f"take {job_id}", seed=3, settings={"matte": "mask:Mask"}, **marks)
    placed = placing.put_result(media, spot_of(scene, source), marks=marks, has_alpha=False)
    return versions.strip_named(scene, placed.item)


def jobs(scene, source=""):
    return [take.marks.job_id for take in takes_of(scene, source)]


def shown_jobs(scene):
    return [take.marks.job_id for take in takes_of(scene) if take.is_shown]


def test_the_takes_of_a_strip_newest_last(scene, clip, result):
    first, second = add_source(scene, clip), add_source(scene, clip, name="second", frame=50)
    # The clock decides, not the place on the timeline.
    for source, job_id in ((second, "b"), (first, "a"), (second, "c")):
        add_take(scene, source, result, job_id, prompt="p")
    assert jobs(scene) == ["b", "a", "c"]
    assert jobs(scene, "source") == ["a"]
    assert jobs(scene, "second") == ["b", "c"]
    assert jobs(scene, "no such strip") == []
    take = takes_of(scene, "second")[0]
    assert (take.frame, take.length, take.source, take.files) == (50, FRAMES, "second", (result,))
    assert take.marks.prompt == "p" and take.marks.settings == {"matte": "mask:Mask"}
    assert take.problem() == ""


def test_a_new_take_is_the_one_that_shows(scene, clip, result):
    first, second = add_source(scene, clip), add_source(scene, clip, name="second", frame=50)
    for source, job_id in ((first, "a"), (second, "b"), (first, "c")):
        add_take(scene, source, result, job_id)
    assert shown_jobs(scene) == ["b", "c"] and not first.mute
    show_only(scene, "a")
    assert shown_jobs(scene) == ["a", "b"]


def test_the_picture_of_a_take(scene, clip, result, tmp_path):
    """What was seen of it, else what was painted, else its own first picture."""
    painted = tmp_path / "painted.png"
    source = add_source(scene, clip)
    marks = Marks(job_id="a", settings={"keyframes": [{"frame": 0, "path": str(painted)}]})
    placing.put_result(result, spot_of(scene, source), marks=marks, has_alpha=True)
    (take,) = takes_of(scene)
    assert take.picture() == result
    painted.touch()
    assert take.picture() == str(painted)
    (tmp_path / PREVIEW).touch()
    assert take.picture() == str(tmp_path / PREVIEW)


def test_a_timeline_without_takes(scene, clip):
    source = add_source(scene, clip)
    assert takes_of(scene) == [] and marks_of(source) is None and source_of(scene, source) == ""
    assert not toggle(scene, spot_of(scene, source))
    show_only(scene, "job")
    assert not source.mute and not is_placed("job")


def test_a_split_take_is_one_take(scene, clip, result):
    source = add_source(scene, clip)
    strip = add_take(scene, source, result, "a")
    other = strip.split(frame=4, split_method="SOFT")
    assert marks_of(other) == marks_of(strip) != None  # noqa: E711
    (take,) = takes_of(scene, "source")
    assert (take.strips, take.frame, take.length) == ((strip.name, other.name), 1, FRAMES)
    show_only(scene, "a")
    toggle(scene, spot_of(scene, source))
    assert strip.mute and other.mute
    assert toggle(scene, spot_of(scene, source))
    assert not strip.mute and not other.mute


def test_a_source_split_with_its_take_keeps_it_on_both_sides(scene, clip, result):
    source = add_source(scene, clip)
    strip = add_take(scene, source, result, "a")
    right_of_source = source.split(frame=4, split_method="SOFT")
    right = strip.split(frame=4, split_method="SOFT")
    assert (source_of(scene, strip), source_of(scene, right)) == (source.name, right_of_source.name)
    assert jobs(scene, source.name) == jobs(scene, right_of_source.name) == ["a"]
    toggle(scene, spot_of(scene, right_of_source))
    assert (strip.mute, right.mute) == (False, True)


def test_a_copy_of_source_and_take_is_apart_from_the_original(scene, clip, result):
    source = add_source(scene, clip)
    strip = add_take(scene, source, result, "a")
    select_only(scene, source, strip)
    names = {each.name for each in versions.all_strips(scene)}
    with bpy.context.temp_override(**sequencer_window(scene)):
        bpy.ops.sequencer.duplicate()
    copies = {each.channel: each for each in versions.all_strips(scene) if each.name not in names}
    for copy in copies.values():
        versions.set_timing(copy, 100, length=FRAMES)
    copied_source, copied_take = (copies[channel] for channel in sorted(copies))
    assert source_of(scene, copied_take) == copied_source.name
    assert marks_of(copied_take) == marks_of(strip)
    assert takes_of(scene, copied_source.name)[0].strips == (copied_take.name,)
    toggle(scene, spot_of(scene, copied_source))
    assert (strip.mute, copied_take.mute) == (False, True)


@pytest.mark.parametrize("change", ["name", "place"])
def test_a_source_is_known_by_its_file_or_its_name(scene, clip, result, change):
    source = add_source(scene, clip)
    add_take(scene, source, result, "a")
    if change == "name":
        source.name = "renamed"
    else:
        versions.set_timing(source, 300, length=FRAMES)
    assert jobs(scene, source.name) == ["a"]


def test_a_take_whose_source_is_gone_is_still_one(scene, clip, result):
    source = add_source(scene, clip)
    strip = add_take(scene, source, result, "a")
    versions.top_strips(scene).remove(source)
    assert source_of(scene, strip) == "source" and jobs(scene, "source") == ["a"]


def test_another_strip_that_the_take_lies_above_is_not_its_source(scene, clip, result, tmp_path):
    source = add_source(scene, clip)
    other = add_source(scene, str(numbered_clip(tmp_path / "other.mov", FRAMES)), name="other", channel=2)
    add_take(scene, source, result, "a")
    assert jobs(scene, other.name) == []


def test_inside_a_meta_strip(scene, clip, result):
    outside = add_source(scene, clip, channel=5)
    source = add_source(scene, clip, name="inside")
    meta = versions.top_strips(scene).new_meta(name="meta", channel=2, frame_start=1)
    source.move_to_meta(meta)
    add_take(scene, source, result, "a")
    assert jobs(scene, "inside") == ["a"] and jobs(scene, outside.name) == []


def test_one_take_at_a_time(scene, clip, result):
    source = add_source(scene, clip)
    elsewhere = add_take(scene, add_source(scene, clip, name="elsewhere", frame=50), result, "x")
    for job_id in "abc":
        add_take(scene, source, result, job_id)
    show_only(scene, "b")
    assert shown_jobs(scene) == ["x", "b"] and not elsewhere.mute and not source.mute
    show_only(scene, "no such job")
    assert shown_jobs(scene) == ["x", "b"]


def test_a_and_b(scene, clip, result):
    source = add_source(scene, clip)
    for job_id in "abc":
        add_take(scene, source, result, job_id)
    show_only(scene, "b")
    spot = spot_of(scene, source)
    seen = []
    for _ in range(4):
        seen.append((toggle(scene, spot), shown_jobs(scene)))
    assert seen == [(False, []), (True, ["b"])] * 2
    assert not source.mute


def test_b_is_the_newest_where_none_was_shown_before(scene, clip, result):
    source = add_source(scene, clip)
    for job_id in "ab":
        add_take(scene, source, result, job_id).mute = True
    assert toggle(scene, spot_of(scene, source)) and shown_jobs(scene) == ["b"]


def test_takes_survive_the_file_and_say_what_is_missing(scene, clip, result, tmp_path):
    source = add_source(scene, clip)
    add_take(scene, source, result, "a")
    before = takes_of(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    (tmp_path / "result.mkv").unlink()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cut.blend"))
    assert takes_of(bpy.context.scene) == before
    assert before[0].problem() == (
        f"The file of {before[0].strips[0]} is missing: bring it back to its place, or run the edit again."
    )


def test_what_is_placed_is_known_in_every_scene(scene, clip, result):
    other = bpy.data.scenes.new("other")
    add_take(other, add_source(other, clip), result, "a")
    assert is_placed("a") and not is_placed("b")


@pytest.mark.parametrize("spoilt", ["", "no json", "[]", "5", json.dumps({"seed": "x", "settings": [], "name": None})])
def test_spoilt_marks_leave_the_job_known(scene, clip, result, spoilt):
    source = add_source(scene, clip)
    strip = add_take(scene, source, result, "a")
    strip["maskedit"] = spoilt
    assert marks_of(strip) == Marks(job_id="a")
    assert jobs(scene) == ["a"]
    strip["maskedit"] = 7
    assert marks_of(strip) == Marks(job_id="a")
    strip["maskedit_job"] = 7
    assert marks_of(strip) is None


def test_many_takes_are_listed_quickly(scene, clip, result):
    """A panel asks while it draws."""
    source = add_source(scene, clip)
    for number in range(20):
        add_take(scene, source, result, f"job-{number}")
    for number in range(150):
        add_source(scene, clip, name=f"other {number}", frame=1000 + number * FRAMES, channel=3)
    begin = time.perf_counter()
    for _ in range(10):
        takes_of(scene, "source")
    assert (time.perf_counter() - begin) / 10 < 0.05
