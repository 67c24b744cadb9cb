# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips as clips: the frames they really show, and one sentence for everything that cannot be edited."""

from __future__ import annotations

from fractions import Fraction

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import SIZE, numbered_clip, numbered_sequence
from timelines import numbers_shown, select_only, sequencer_window

from plugin_client.blender import versions
from plugin_client.blender.orders import Spot, StripShot, spot_at
from plugin_client.blender.shots import frame_on_timeline, media_frame_at, selected_shot, shot_of
from plugin_client.blender.versions import set_timing, top_strips
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.timeline import FrameRange

FILM = Fraction(24000, 1001)
FRAMES = 12


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    return numbered_clip(tmp_path_factory.mktemp("plate") / "plate.mov", FRAMES)


def _movie(scene, path, *, channel=1, frame=10):
    return versions.new_movie(top_strips(scene), str(path), name="plate", channel=channel, frame=frame)


def _pictures(scene, paths, *, channel=1, frame=10):
    strip = versions.new_image(top_strips(scene), str(paths[0]), name="pictures", channel=channel, frame=frame)
    for path in paths[1:]:
        strip.elements.append(path.name)
    set_timing(strip, frame, length=len(paths))
    return strip


def _effect(scene, kind, strip=None, *, name="effect", channel=5):
    end = {"length": 20} if bpy.app.version >= (5, 0) else {"frame_end": 30}
    above = {} if strip is None else {"input1" if bpy.app.version >= (4, 5) else "seq1": strip}
    return top_strips(scene).new_effect(name=name, type=kind, channel=channel, frame_start=10, **end, **above)


def test_a_trimmed_movie(scene, plate):
    strip = _movie(scene, plate)
    set_timing(strip, 30, length=5, source_first=4)
    spot = Spot(scene="Scene", strip="plate", frame=30, length=5, channel=1)
    shot = shot_of(scene, strip)
    assert shot == StripShot(
        shot=Shot(media=str(plate), frames=FrameRange(4, 8), rate=FILM, record_frame=30, place=spot.place),
        spot=spot,
        size=SIZE,
    )
    assert numbers_shown(scene, 30, 34) == [4, 5, 6, 7, 8]
    assert [media_frame_at(shot, frame) for frame in range(29, 36)] == [None, 4, 5, 6, 7, 8, None]


@given(st.integers(0, 10**6), st.integers(1, 500), st.integers(-(10**5), 10**5), st.integers(-50, 600))
def test_frames_of_media_and_timeline_translate_both_ways(first, length, frame, offset):
    shot = StripShot(
        shot=Shot(media="x", frames=FrameRange(first, first + length - 1), rate=FILM, record_frame=frame, place="p"),
        spot=Spot(scene="s", strip="x", frame=frame, length=length, channel=1),
    )
    shown = media_frame_at(shot, frame + offset)
    assert (shown is not None) == (0 <= offset < length)
    if shown is not None:
        assert shown in shot.shot.frames
        assert frame_on_timeline(shot, shown) == frame + offset


@settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(lead=st.integers(0, 3), start=st.integers(0, 5), length=st.integers(1, 4))
def test_pictures_count_from_the_first_file_on_disk(scene, tmp_path, lead, start, length):
    for strip in list(top_strips(scene)):  # examples share the test's scene
        top_strips(scene).remove(strip)
    paths = numbered_sequence(tmp_path, range(98, 110), name="plate.{}.png")
    strip = _pictures(scene, paths[lead:])
    set_timing(strip, 20, length=length, source_first=start)
    shot = shot_of(scene, strip).shot
    assert (shot.media, shot.rate) == (str(tmp_path / "plate.%02d.png"), Fraction(24))
    assert numbers_shown(scene, 20, 19 + length) == [
        98 + frame for frame in range(shot.frames.first, shot.frames.last + 1)
    ]


def test_a_shot_outlives_undo_by_its_names(scene, plate):
    set_timing(_movie(scene, plate), 30, length=5, source_first=4)
    bpy.ops.ed.undo_push(message="as it was")
    before = shot_of(scene, versions.strip_named(scene, "plate"))
    set_timing(versions.strip_named(scene, "plate"), 50, length=3)
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    scene = bpy.data.scenes[before.spot.scene]
    assert shot_of(scene, versions.strip_named(scene, before.spot.strip)) == before
    bpy.ops.ed.redo()
    scene = bpy.data.scenes[before.spot.scene]
    assert shot_of(scene, versions.strip_named(scene, before.spot.strip)).spot.frame == 50


def test_a_strip_in_a_meta_strip_knows_its_level(scene, plate):
    meta = top_strips(scene).new_meta(name="Group", channel=2, frame_start=1)
    strip = versions.new_movie(top_strips(meta), str(plate), name="inner", channel=3, frame=10)
    set_timing(strip, 12, length=6, source_first=2)
    set_timing(meta, 12, length=6)
    shot = shot_of(scene, strip)
    assert shot.spot == Spot(scene="Scene", strip="inner", frame=12, length=6, channel=3, meta="Group")
    assert spot_at(shot.shot.place) == shot.spot
    whole = shot_of(scene, meta)
    assert (whole.is_rendered, whole.shot.media, whole.size) == (True, "", (1920, 1080))
    assert (whole.shot.frames, whole.spot.frame, whole.spot.meta) == (FrameRange(0, 5), 12, "")
    assert numbers_shown(scene, 12, 17) == [2, 3, 4, 5, 6, 7]


def test_a_scene_strip_is_rendered_at_the_rate_of_the_timeline(scene):
    scene.render.fps, scene.render.fps_base = 24, 1.001
    shown = bpy.data.scenes.new("Shown")
    shown.frame_end, shown.render.fps = 8, 60
    strip = versions.new_scene(top_strips(scene), shown, name="cg", channel=1, frame=40)
    shot = shot_of(scene, strip)
    assert shot.is_rendered
    assert (shot.shot.frames, shot.shot.rate, shot.shot.record_frame) == (FrameRange(0, 7), FILM, 40)


def test_the_folder_of_the_blend_file_is_found(scene, plate, tmp_path):
    strip = _movie(scene, plate)
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "near.mov").write_bytes(plate.read_bytes())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    strip.filepath = "//shots/../shots/near.mov"
    assert shot_of(scene, strip).shot.media == str(tmp_path / "shots" / "near.mov")


def _retimed(scene, plate):
    strip = _movie(scene, plate)
    select_only(scene, strip)
    with bpy.context.temp_override(**sequencer_window(scene)):
        bpy.ops.sequencer.retiming_segment_speed_set(speed=50.0)
    return versions.strip_named(scene, "plate")


def _sped_up(scene, plate):
    strip = _movie(scene, plate)
    _effect(scene, "SPEED", strip)
    return strip


def _set(**properties):
    def make(scene, plate):
        strip = _movie(scene, plate)
        for name, value in properties.items():
            setattr(strip, name, value)
        return strip

    return make


def _timed(**timing):
    def make(scene, plate):
        strip = _movie(scene, plate)
        set_timing(strip, 10, **timing)
        return strip

    return make


def _still(scene, plate):
    strip = _pictures(scene, numbered_sequence(plate.parent / "still", [7]))
    set_timing(strip, 10, length=50)
    return strip


def _held_pictures(scene, plate):
    strip = _pictures(scene, numbered_sequence(plate.parent / "held", range(4)))
    set_timing(strip, 10, length=6)
    return strip


def _gap(scene, plate):
    return _pictures(scene, numbered_sequence(plate.parent / "gap", [1, 2, 4]))


def _clip(scene, plate):
    clip = bpy.data.movieclips.load(str(plate))
    return top_strips(scene).new_clip(name="plate", clip=clip, channel=1, frame_start=1)


def _sound(scene, plate, *, channel=1):
    if not bpy.app.build_options.audaspace:
        pytest.skip("this Blender was built without sound")
    noisy = numbered_clip(plate.parent / "noisy.mov", 3, sound=True)
    return top_strips(scene).new_sound(name="plate", filepath=str(noisy), channel=channel, frame_start=1)


def _no_scene(scene, plate):
    shown = bpy.data.scenes.new("Shown")
    strip = versions.new_scene(top_strips(scene), shown, name="plate", channel=1, frame=1)
    bpy.data.scenes.remove(shown)
    return strip


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_retimed, "plate is retimed: reset its retiming"),
        (_sped_up, "has a Speed Control effect"),
        (_set(use_reverse_frames=True), "plays backwards"),
        (_set(strobe=3.0), "repeats frames"),
        (_set(filepath="/gone/plate.mov"), "no file /gone/plate.mov"),
        (_set(stream_index=1), "video stream 1"),
        (_timed(length=5, source_first=-2), "holds its first frame for 2 frames"),
        (_timed(length=FRAMES + 1), "holds its last frame for 1 frame:"),
        (_timed(length=6, source_first=FRAMES - 2), "holds its last frame for 4 frames"),
        (_held_pictures, "holds its last frame for 2 frames"),
        (_still, "is a still picture"),
        (_gap, "goes from picture 2 to 4"),
        (_clip, "shows a movie clip of the tracker"),
        (_sound, "plate is sound"),
        (_no_scene, "shows no scene"),
        (lambda scene, _: _effect(scene, "MULTICAM"), "made by Blender"),
        (lambda scene, _: _effect(scene, "TEXT"), "made by Blender"),
        (
            lambda scene, _: versions.new_mask(
                top_strips(scene), bpy.data.masks.new("Roto"), name="plate", channel=1, frame=1
            ),
            "choose the mask as its matte",
        ),
        (lambda scene, _: top_strips(scene).new_meta(name="plate", channel=1, frame_start=1), "is empty"),
    ],
)
def test_what_cannot_be_edited_says_why(scene, plate, make, sentence):
    strip = make(scene, plate)
    with pytest.raises(BadInput, match=sentence) as refused:
        shot_of(scene, strip)
    words = str(refused.value)
    assert words.endswith((".", "first."))
    assert ": " in words


def test_effects_that_leave_time_alone_do_not_matter(scene, plate):
    strip = _movie(scene, plate)
    _effect(scene, "GAUSSIAN_BLUR", strip, channel=4)
    _effect(scene, "SPEED", strip, channel=5).mute = True
    assert shot_of(scene, strip).shot.frames == FrameRange(0, FRAMES - 1)


def test_what_is_selected(scene, plate):
    with pytest.raises(BadInput, match="No strip is selected"):
        selected_shot(bpy.context)
    strip, other = _movie(scene, plate), _movie(scene, plate, channel=2)
    select_only(scene, strip, other)
    with pytest.raises(BadInput, match="2 strips are selected"):
        selected_shot(bpy.context)
    select_only(scene, strip)
    assert selected_shot(bpy.context) == shot_of(scene, strip)


def test_a_movies_sound_may_be_selected_with_it(scene, plate):
    strip, sound = _movie(scene, plate), _sound(scene, plate, channel=3)
    select_only(scene, strip, sound)
    assert selected_shot(bpy.context) == shot_of(scene, strip)
    select_only(scene, sound)
    with pytest.raises(BadInput, match="is sound"):
        selected_shot(bpy.context)


def test_a_sequencer_without_a_scene():
    if bpy.app.version < (5, 0):
        pytest.skip("every window has a scene to cut in")
    with pytest.raises(BadInput, match="choose one in its header"):
        selected_shot(bpy.context)


def _file_facts(scene):
    """All datablocks with how often each is used, and what is selected."""
    kinds = [each for each in dir(bpy.data) if isinstance(getattr(bpy.data, each), bpy.types.bpy_prop_collection)]
    used = {kind: [(block.name, block.users) for block in getattr(bpy.data, kind)] for kind in kinds}
    return used, bpy.data.is_dirty, [strip.select for strip in top_strips(scene)]


def test_reading_leaves_everything_as_it_was(scene, plate, tmp_path):
    scene.render.fps = 25  # a rate apart from the movie's: the scene is copied for a moment
    strip = _movie(scene, plate)
    strip.blend_alpha = 0.5
    strip.keyframe_insert("blend_alpha", frame=12)
    _pictures(scene, numbered_sequence(tmp_path, range(3)), channel=2)
    before, files = _file_facts(scene), sorted(plate.parent.iterdir())
    assert len(before[0]["actions"]) == 1
    for each in list(top_strips(scene)):
        shot_of(scene, each)
    assert _file_facts(scene) == before
    assert sorted(plate.parent.iterdir()) == files
    assert versions.strip_named(scene, "plate") == strip
