# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer over Blender's versions: what is read is what Blender shows, and nothing is accepted in silence."""

from __future__ import annotations

import warnings
from fractions import Fraction

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import numbered_clip, numbered_sequence
from timelines import numbers_shown, select_only, sequencer_window

from plugin_client.blender import versions
from plugin_client.blender.versions import Timing, set_timing, timing_of, top_strips
from plugin_client.core.errors import BadInput

FRAMES = 12
FILM, NTSC, PAL = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)
few = settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return {rate: numbered_clip(folder / f"{float(rate):.3f}.mov", FRAMES, rate=rate) for rate in (FILM, NTSC, PAL)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return numbered_sequence(tmp_path_factory.mktemp("pictures"), range(FRAMES))


def _movie(scene, path, *, name="plate", channel=1, frame=10):
    return versions.new_movie(top_strips(scene), str(path), name=name, channel=channel, frame=frame)


def _image(scene, paths, *, channel=1, frame=10):
    strip = versions.new_image(top_strips(scene), str(paths[0]), name="pictures", channel=channel, frame=frame)
    for path in paths[1:]:
        strip.elements.append(path.name)
    set_timing(strip, frame, length=len(paths))
    return strip


def _clear(scene):
    """Examples share a test's scene."""
    for strip in list(top_strips(scene)):
        top_strips(scene).remove(strip)


def _trim(strip, start: int, end: int) -> None:
    """Trim the content itself, not the handles."""
    new = hasattr(strip, "content_trim_start")
    setattr(strip, "content_trim_start" if new else "animation_offset_start", start)
    setattr(strip, "content_trim_end" if new else "animation_offset_end", end)


def _assert_shown(scene, strip):
    """Blender shows exactly the frames that `timing_of` says, the nearest one beyond the media's ends, else nothing."""
    timing = timing_of(strip)
    first, last = max(timing.start - 2, 0), timing.start + timing.length + 1
    said = [
        min(max(timing.source_first + frame - timing.start, 0), FRAMES - 1)
        if timing.start <= frame < timing.start + timing.length
        else None
        for frame in range(first, last + 1)
    ]
    assert numbers_shown(scene, first, last) == said


@few
@given(
    rate=st.sampled_from([FILM, NTSC, PAL]),
    scene_fps=st.sampled_from([(24, 1.0), (24, 1.001), (25, 1.0), (60, 1.0)]),
    start=st.integers(3, 40),
    source_first=st.integers(0, FRAMES - 1),
    length=st.integers(1, FRAMES),
)
def test_a_trimmed_movie_shows_what_its_timing_says_at_any_rate(
    clips, scene, rate, scene_fps, start, source_first, length
):
    scene.render.fps, scene.render.fps_base = scene_fps
    _clear(scene)
    strip = _movie(scene, clips[rate])
    set_timing(strip, start, length=length, source_first=source_first)
    assert timing_of(strip) == Timing(
        start=start, length=length, source_first=source_first, content_length=FRAMES, is_retimed=False
    )
    _assert_shown(scene, strip)


@few
@given(
    trim=st.integers(0, 4),
    trim_end=st.integers(0, 3),
    offset=st.integers(0, 16).map(lambda half: half / 4),
    data=st.data(),
)
def test_trimmed_content_and_handles_between_frames_are_read_as_shown(
    clips, pictures, scene, trim, trim_end, offset, data
):
    _clear(scene)
    strip = _movie(scene, clips[FILM]) if data.draw(st.booleans(), label="movie") else _image(scene, pictures)
    _trim(strip, trim, trim_end)
    handle = "left_handle_offset" if hasattr(strip, "left_handle_offset") else "frame_offset_start"
    setattr(strip, handle, offset)
    assert timing_of(strip).content_length == FRAMES
    assert timing_of(strip).source_first == trim + int(offset)
    _assert_shown(scene, strip)


@few
@given(source_first=st.integers(-4, FRAMES - 1), length=st.integers(1, 24))
def test_beyond_the_media_the_nearest_frame_is_held(clips, scene, source_first, length):
    _clear(scene)
    strip = _movie(scene, clips[FILM])
    set_timing(strip, 8, length=length, source_first=source_first)
    assert (timing_of(strip).start, timing_of(strip).length, timing_of(strip).source_first) == (8, length, source_first)
    _assert_shown(scene, strip)


@pytest.mark.parametrize("rate", [FILM, NTSC, PAL, Fraction(60000, 1001)])
def test_frames_of_compressed_movies_are_counted_alike(scene, tmp_path, rate):
    path = numbered_clip(tmp_path / "plate.mp4", 40, rate=rate)
    assert timing_of(_movie(scene, path)).length == 40
    assert numbers_shown(scene, 10, 49) == list(range(40))


def test_trimming_the_content_moves_the_strip_since_5_2_and_only_there(clips, scene):
    strip = _movie(scene, clips[FILM])
    _trim(strip, 3, 0)
    moved = 3 if bpy.app.version >= (5, 2) else 0
    assert timing_of(strip) == Timing(
        start=10 + moved, length=FRAMES - 3, source_first=3, content_length=FRAMES, is_retimed=False
    )
    set_timing(strip, 10, length=4, source_first=5)
    assert (timing_of(strip).start, timing_of(strip).length, timing_of(strip).source_first) == (10, 4, 5)
    _assert_shown(scene, strip)


def test_new_movie_never_changes_a_movies_speed(clips, scene):
    scene.render.fps, scene.render.fps_base = 24, 1.0
    assert timing_of(_movie(scene, clips[NTSC])).length == FRAMES


@pytest.mark.parametrize("speed", [50.0, 200.0])
def test_a_retimed_strip_says_so(clips, scene, speed):
    strip = _movie(scene, clips[FILM])
    select_only(scene, strip)
    with bpy.context.temp_override(**sequencer_window(scene)):
        bpy.ops.sequencer.retiming_segment_speed_set(speed=speed)
    strip = versions.strip_named(scene, "plate")
    assert timing_of(strip).is_retimed
    assert timing_of(strip).length != FRAMES
    with bpy.context.temp_override(**sequencer_window(scene)):
        bpy.ops.sequencer.retiming_reset()
    assert not timing_of(versions.strip_named(scene, "plate")).is_retimed


def test_what_blender_accepts_in_silence_is_refused(clips, scene, tmp_path):
    strips = top_strips(scene)
    _movie(scene, clips[FILM])
    words = tmp_path / "words.mov"
    words.write_text("no movie")
    silent = strips.new_movie(name="silent", filepath=str(tmp_path / "gone.mov"), channel=129, frame_start=1)
    assert (silent.channel, timing_of(silent).length) == (versions.max_channel(), 1)
    strips.remove(silent)
    for path, channel, sentence in (
        (tmp_path / "gone.mov", 2, "There is no file"),
        (tmp_path, 2, "There is no file"),
        (words, 2, "cannot read"),
        (clips[FILM], 1, "Channel 1 is taken at frame 15"),
        (clips[FILM], 129, "no channel 129"),
        (clips[FILM], 0, "no channel 0"),
    ):
        with pytest.raises(BadInput, match=sentence):
            _movie(scene, path, channel=channel, frame=15)
    assert [strip.name for strip in strips] == ["plate"]
    assert versions.is_free(strips, 1, start=10 + FRAMES, length=5)
    assert _movie(scene, clips[FILM], name="next", frame=10 + FRAMES).channel == 1
    assert _movie(scene, clips[FILM], name="top", channel=versions.max_channel()).channel == versions.max_channel()


def test_all_kinds_of_strips_are_made_and_known(clips, pictures, scene):
    strips = top_strips(scene)
    shown, mask = bpy.data.scenes.new("Shown"), bpy.data.masks.new("Roto")
    made = {
        "movie": _movie(scene, clips[FILM], channel=1),
        "image": _image(scene, pictures, channel=2),
        "scene": versions.new_scene(strips, shown, name="scene", channel=3, frame=1),
        "mask": versions.new_mask(strips, mask, name="mask", channel=4, frame=1),
        "meta": strips.new_meta(name="meta", channel=5, frame_start=1),
        "effect": strips.new_effect(name="text", type="ADJUSTMENT", channel=6, frame_start=1, **_to_frame_20()),
    }
    assert {versions.kind_of(strip): strip.name for strip in made.values()} == {
        kind: strip.name for kind, strip in made.items()
    }
    assert all(isinstance(strip, versions.StripType) for strip in made.values())
    assert timing_of(made["effect"]) == Timing(
        start=1, length=timing_of(made["effect"]).length, source_first=0, content_length=1, is_retimed=False
    )
    for make in (versions.new_scene, versions.new_mask):
        with pytest.raises(BadInput, match="Channel 1 is taken"):
            make(strips, shown if make is versions.new_scene else mask, name="x", channel=1, frame=12)


def test_strips_in_meta_strips_are_found_by_name_and_level(clips, scene):
    strips = top_strips(scene)
    meta = strips.new_meta(name="Group", channel=2, frame_start=1)
    inside = versions.new_movie(top_strips(meta), str(clips[FILM]), name="plate", channel=1, frame=10)
    outside = _movie(scene, clips[FILM])
    assert inside.name != outside.name
    assert (versions.meta_of(scene, inside), versions.meta_of(scene, outside)) == ("Group", "")
    assert {strip.name for strip in versions.all_strips(scene)} == {"Group", inside.name, outside.name}
    assert versions.strip_named(scene, inside.name) == inside
    assert versions.strip_named(scene, inside.name, "Group") == inside
    assert versions.strip_named(scene, outside.name, "Group") is None
    assert versions.strip_named(scene, "nobody") is None
    for strip in versions.all_strips(scene):
        strip.select = True
    assert {strip.name for strip in versions.selected_strips(scene)} == {"Group", outside.name}
    select_only(scene, inside, meta)
    with bpy.context.temp_override(**sequencer_window(scene)):
        bpy.ops.sequencer.meta_toggle()
    inside.select = True
    assert [strip.name for strip in versions.selected_strips(scene)] == [inside.name]


def test_the_sequencers_scene_is_the_one_that_the_window_shows():
    context = bpy.context
    if bpy.app.version < (5, 0):
        assert versions.sequencer_scene(context) == context.scene
        return
    assert versions.sequencer_scene(context) is None
    other = bpy.data.scenes.new("Cut")
    context.workspace.sequencer_scene = other
    assert versions.sequencer_scene(context) == other != context.scene


def test_a_scene_that_was_never_cut_in_has_no_strips():
    scene = bpy.data.scenes.new("Empty")
    assert versions.all_strips(scene) == versions.selected_strips(scene) == []
    assert versions.active_strip(scene) is versions.strip_named(scene, "plate") is None
    assert scene.sequence_editor is None
    assert len(top_strips(scene)) == 0


def test_no_name_that_blender_means_to_remove_is_used(clips, pictures, scene, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        strip = _movie(scene, clips[FILM])
        set_timing(strip, 20, length=4, source_first=2)
        for each in (
            strip,
            _image(scene, pictures, channel=2),
            top_strips(scene).new_meta(name="m", channel=3, frame_start=1),
        ):
            timing_of(each)
        versions.is_free(top_strips(scene), 1, start=1, length=100)
        versions.strip_named(scene, "plate", "m")
        versions.sequencer_scene(bpy.context)
        versions.active_strip(scene)
        versions.selected_strips(scene)
    printed = capfd.readouterr()
    assert "deprecat" not in (printed.out + printed.err).lower()


def _to_frame_20() -> dict[str, int]:
    return {"length": 19} if bpy.app.version >= (5, 0) else {"frame_end": 20}
