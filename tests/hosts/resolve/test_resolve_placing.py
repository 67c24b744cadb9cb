# SPDX-License-Identifier: GPL-3.0-or-later
"""Results on the timeline: where they belong, with their marks, or nowhere and nothing changed."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.placing import put_result
from plugin_client.resolve.reading import read_item
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.pictures import shown_at, write_still
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.scene import MARKS, Scene
from tests.hosts.resolve.stage import grey_of


@pytest.fixture
def scene(numbered_clip) -> Scene:
    return Scene(numbered_clip)


@pytest.mark.parametrize("version", ["18.5", "19.0", "21.0.4"])
@pytest.mark.parametrize("rate", ["23.976", "25", "29.97 DF", "59.94"])
def test_the_result_lies_over_its_source_frame_for_frame(numbered_clip, rate, version):
    scene = Scene(numbered_clip, rate=rate, version=version)
    placed = scene.put()
    assert (placed.track, placed.result.record_frame, placed.result.frames) == (2, scene.stage.start + 40, 20)
    assert scene.span(2) == [(40, 20)] and placed.notes == ()
    assert scene.stage.timeline.GetTrackName("video", 2) == "MaskEdit"
    cut = bare(scene.stage.timeline).cut
    for frame in (0, 7, 19):
        shown = shown_at(cut, scene.stage.start + 40 + frame, (32, 16))[8, 16, 0]
        assert shown == grey_of(frame), "the result's own frames, from its first on"
    assert scene.stage.fake.misuses == []


def test_the_item_says_which_job_it_is_from(scene):
    placed = scene.put()
    (item,) = scene.stage.items(2)
    assert item.GetUniqueId() == placed.result.item
    (mark,) = item.GetMarkers().values()
    assert mark["name"] == "MaskEdit red car" and json.loads(mark["customData"])["job_id"] == "job-7"


def test_everything_else_is_as_it_was(scene):
    scene.stage.resolve.OpenPage("color")
    scene.stage.pool.AddSubFolder(scene.stage.pool.GetRootFolder(), "Rushes")
    other = scene.stage.pool.CreateEmptyTimeline("Other")
    before = snapshot(scene.stage.fake)
    scene.put()
    after = snapshot(scene.stage.fake)
    assert {key: after[key] for key in ("page", "current", "folder", "render")} == {
        "page": "color",
        "current": "Other",
        "folder": "Rushes",
        "render": before["render"],
    }
    assert after["timelines"][0]["tracks"]["video 1"] == before["timelines"][0]["tracks"]["video 1"]
    assert other.GetTrackCount("video") == 1


def test_a_free_track_of_ours_is_used_again_and_never_written_over(scene, numbered_clip):
    scene.put()
    scene.result = numbered_clip("second.mov", 30)
    assert scene.put(again="new").track == 3
    by_hand.delete(scene.stage.timeline, bare(scene.stage.items(2)[0]).item)
    scene.result = numbered_clip("third.mov", 30)
    assert scene.put(again="new").track == 2
    scene.stage.timeline.SetTrackLock("video", 3, True)
    scene.result = numbered_clip("fourth.mov", 30)
    by_hand.delete(scene.stage.timeline, bare(scene.stage.items(3)[0]).item)
    assert scene.put(again="new").track == 4, "a locked track takes nothing"


def test_the_track_of_mattes_is_not_one_for_results(scene):
    for name, track in [("MaskEdit matte", 3), ("MaskEdit 2", 2)]:
        scene.stage.timeline.AddTrack("video")
        scene.stage.timeline.SetTrackName("video", 2, name)
        assert scene.put(again="new").track == track
        for number in range(scene.stage.timeline.GetTrackCount("video"), 1, -1):
            scene.stage.timeline.DeleteTrack("video", number)


def test_a_track_of_ours_below_the_source_is_left_alone(scene):
    scene.stage.timeline.SetTrackName("video", 1, "MaskEdit")
    assert scene.put().track == 2


@pytest.mark.parametrize(("version", "track"), [("21.0", 2), ("19.0", 4)])
def test_a_new_track_goes_right_above_the_source_where_resolve_inserts_one(numbered_clip, version, track):
    scene = Scene(numbered_clip, version=version)
    clip = scene.stage.items()[0].GetMediaPoolItem()
    for _ in range(2):
        scene.stage.timeline.AddTrack("video")
    title = by_hand.place(scene.stage.timeline, clip, track=3, start=scene.stage.start + 45, source=(0, 4))
    placed = scene.put()
    assert placed.track == track and scene.span(track) == [(40, 20)]
    assert scene.stage.timeline.GetTrackName("video", track) == "MaskEdit"
    assert [note for note in placed.notes if "lies over other clips" in note] == list(placed.notes)
    assert len(placed.notes) == (1 if track == 4 else 0)
    assert scene.stage.fake.misuses == []
    if track == 4:
        by_hand.move(title, 100)
        scene.result = scene.result.with_name("again.mov").hardlink_to(scene.result) or scene.result
        assert scene.put(again="new").notes == ()


def test_further_tracks_go_above_earlier_results(scene):
    clip = scene.stage.items()[0].GetMediaPoolItem()
    scene.stage.timeline.AddTrack("video")
    by_hand.place(scene.stage.timeline, clip, track=2, start=scene.stage.start + 45, source=(0, 4))
    assert [scene.put(again="new").track for _ in range(2)] == [2, 3]
    assert scene.span(4) == [(45, 4)]


def test_a_track_that_gets_no_name_is_taken_and_spoken_of(scene):
    scene.stage.fake.fail("Timeline.SetTrackName", 1)
    scene.stage.fake.fail("Timeline.SetTrackName", 2)
    placed = scene.put()
    assert "did not name video track 2" in placed.notes[0] and scene.span(2) == [(40, 20)]


def test_a_source_that_moved_or_went_is_spoken_of_and_the_result_stays_put(scene):
    by_hand.move(scene.source, 5)
    placed = scene.put(again="new")
    assert placed.result.record_frame == scene.stage.start + 40 and "moved or trimmed" in placed.notes[0]
    by_hand.move(scene.source, -5)
    scene.source.source_in += 1
    assert "was slipped, retimed or replaced" in scene.put(again="new").notes[0]
    by_hand.delete(scene.stage.timeline, scene.source)
    assert "not on the timeline any more" in scene.put(again="new").notes[0]


def test_what_is_not_open_any_more_is_a_sentence(scene):
    before = snapshot(scene.stage.fake)
    scene.stage.resolve.GetProjectManager().CreateProject("Next job")
    with pytest.raises(BadInput, match=r"open Night shoot, then bring .*; the result is kept in .*\.mov\.$"):
        scene.put()
    scene.stage.resolve.GetProjectManager().LoadProject("Night shoot")
    assert snapshot(scene.stage.fake) == before
    scene.stage.pool.DeleteTimelines([scene.stage.timeline])
    with pytest.raises(BadInput, match="timeline Cut 3 is not in the project"):
        scene.put()


def test_pictures_get_the_rate_of_the_shot(numbered_clip, tmp_path):
    scene = Scene(numbered_clip, rate="25")
    for number in range(1, 23):
        write_still(tmp_path / f"r_{number:04}.png", np.full((16, 32, 4), number, np.uint8))
    bare(scene.stage.project).file.settings["timelineFrameRate"] = "24"
    scene.result = tmp_path / "r_%04d.png"
    assert scene.put().result.frames == 20
    (item,) = scene.stage.items(2)
    properties = item.GetMediaPoolItem().GetClipProperty()
    assert (properties["FPS"], properties["Frames"], item.GetLeftOffset()) == (25.0, "20", 0)


@pytest.mark.parametrize(("rate", "media_rate", "length"), [("25", "50", 10), ("50", "25", 40), ("24", "23.976", 20)])
def test_at_mixed_rates_it_never_reaches_past_its_source(numbered_clip, rate, media_rate, length):
    scene = Scene(numbered_clip, rate=rate, media_rate=media_rate)
    placed = scene.put()
    assert placed.result.frames == length == scene.source.duration
    scene.source.duration -= 1
    (item,) = scene.stage.items()
    scene.shot = read_item(scene.stage.project, scene.stage.timeline, item).shot
    placed = scene.put()
    assert placed.result.frames in (length - 1, length - 2)
    assert ("ends 1 frame before" in " ".join(placed.notes)) is (placed.result.frames == length - 2)


def test_a_file_that_is_in_the_pool_is_not_imported_again_and_not_deleted_when_something_fails(scene):
    scene.put()
    scene.stage.fake.fail("TimelineItem.AddMarker")
    before = snapshot(scene.stage.fake)
    with pytest.raises(BadInput, match="AddMarker"):
        scene.put(again="new")
    assert snapshot(scene.stage.fake) == before
    assert scene.put(again="new").track == 3 and scene.stage.fake.calls.count("MediaPool.ImportMedia") == 2


def test_a_file_that_resolve_does_not_read_changes_nothing(scene, tmp_path):
    (tmp_path / "broken.mov").write_bytes(b"no movie")
    scene.result = tmp_path / "broken.mov"
    before = snapshot(scene.stage.fake)
    with pytest.raises(BadInput, match=r"does not read broken\.mov"):
        scene.put()
    assert snapshot(scene.stage.fake) == before


@pytest.mark.parametrize("place", ["", "{}", '{"rate": "25"}', "[1]"])
def test_a_shot_from_elsewhere_is_refused(scene, place):
    shot = Shot(media="a", frames=scene.shot.frames, rate=Fraction(24), record_frame=0, place=place)
    with pytest.raises(BadInput, match="does not say where it lies"):
        put_result(scene.stage.resolve, "a.mov", shot, marks=MARKS)


@pytest.mark.parametrize(("version", "case"), [("20.0", ""), ("20.0", "away"), ("18.5", "title"), ("21.1", "title")])
def test_each_call_that_fails_leaves_the_project_as_it_was(numbered_clip, version, case):
    def fresh() -> Scene:
        made = Scene(numbered_clip, version=version)
        if case == "away":
            made.stage.pool.CreateEmptyTimeline("Other")
            made.stage.resolve.OpenPage("color")
        if case == "title":
            clip = made.stage.items()[0].GetMediaPoolItem()
            for name in ("Titles", "Grain"):
                made.stage.timeline.AddTrack("video")
                made.stage.timeline.SetTrackName("video", made.stage.timeline.GetTrackCount("video"), name)
            by_hand.place(made.stage.timeline, clip, track=3, start=made.stage.start + 45, source=(0, 4))
        return made

    scene = fresh()
    done = len(scene.stage.fake.calls)
    scene.put()
    calls = scene.stage.fake.calls[done:]
    assert len(calls) >= 40
    refused = 0
    for call, nth in each_failure(calls):
        scene = fresh()
        before = snapshot(scene.stage.fake)
        scene.stage.fake.fail(call, nth)
        try:
            placed = scene.put()
        except BadInput as error:
            refused += 1
            assert str(error).endswith(f"; the result is kept in {scene.result}.") and "None" not in str(error)
            assert snapshot(scene.stage.fake) == before, (call, nth)
        else:
            assert scene.span(placed.track) == [(40, 20)], (call, nth)
            after = snapshot(scene.stage.fake)
            assert [after[key] == before[key] for key in ("page", "current", "folder", "settings")] == [True] * 4
            names = [track.name for track in bare(scene.stage.timeline).cut.tracks["video"]]
            assert names.pop(placed.track - 1) == "MaskEdit", (call, nth)
            assert names == (["Video 1", "Titles", "Grain"] if case == "title" else ["Video 1"]), (call, nth)
    assert refused > 20


def test_a_part_of_the_shot_goes_to_its_own_frames(scene):
    scene.shot = replace(scene.shot, frames=FrameRange(14, 22))
    placed = scene.put()
    assert scene.span(2) == [(44, 9)] and placed.notes == ()


@pytest.mark.parametrize("frames", [FrameRange(9, 29), FrameRange(30, 40)])
def test_frames_that_the_source_does_not_show_are_not_placed(scene, frames):
    before = snapshot(scene.stage.fake)
    scene.shot = replace(scene.shot, frames=frames)
    with pytest.raises(BadInput, match=r"other frames than .*result is kept in"):
        scene.put()
    assert snapshot(scene.stage.fake) == before
