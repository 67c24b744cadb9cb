# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks, markers, pages and appending, with everything that goes wrong there without a word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.stage import Stage


@pytest.fixture
def clip(stage, numbered_clip):
    return stage.clip(numbered_clip("a.mov", 48))


def test_an_empty_track_has_no_list(stage, clip):
    assert stage.timeline.GetItemListInTrack("video", 1) is None
    stage.append(clip)
    assert len(stage.timeline.GetItemListInTrack("video", 1)) == 1
    assert stage.timeline.GetItemListInTrack("video", 2) is None


def test_the_last_frame_of_a_clip_info_is_not_included(stage, clip):
    item = stage.append(clip, startFrame=10, endFrame=20, recordFrame=stage.start)
    assert (item.GetStart(), item.GetDuration(), item.GetEnd()) == (86400, 10, 86410)
    assert (item.GetSourceStartFrame(), item.GetSourceEndFrame()) == (10, 20)


def test_a_record_frame_counts_from_midnight(stage, clip):
    assert stage.append(clip, startFrame=0, endFrame=5, recordFrame=0).GetStart() == 0
    assert stage.append(clip, startFrame=0, endFrame=5, recordFrame=stage.start + 7).GetStart() == 86407


def test_without_a_record_frame_it_follows_the_last_clip(stage, clip):
    stage.append(clip, startFrame=0, endFrame=5)
    assert stage.append(clip, startFrame=5, endFrame=9).GetStart() == stage.start + 5


def test_only_the_current_timeline_is_appended_to(stage, clip):
    other = stage.pool.CreateEmptyTimeline("Other")
    stage.append(clip, recordFrame=stage.start)
    assert stage.items() == [] and len(other.GetItemListInTrack("video", 1)) == 1
    stage.pool.DeleteTimelines([other])
    assert stage.project.SetCurrentTimeline(other) is False


@pytest.mark.parametrize(("overlap", "start"), [("drop", None), ("slide", 86420)])
def test_over_another_clip_it_is_dropped_or_slid(numbered_clip, overlap, start):
    stage = Stage(FakeResolve(overlap=overlap))
    clip = stage.clip(numbered_clip("a.mov", 48))
    under = stage.append(clip, startFrame=0, endFrame=20, recordFrame=stage.start)
    item = stage.append(clip, startFrame=0, endFrame=20, recordFrame=stage.start + 10)
    assert (item and item.GetStart()) == start
    assert (under.GetStart(), under.GetDuration()) == (86400, 20), "never overwritten"
    assert len(stage.items()) == (1 if start is None else 2)


def test_a_locked_track_says_that_all_went_well(stage, clip):
    stage.timeline.SetTrackLock("video", 1, True)
    item = stage.append(clip, recordFrame=stage.start)
    assert item is not None and item.GetStart() is None
    assert stage.timeline.GetItemListInTrack("video", 1) is None


def test_what_cannot_be_placed_is_none_in_the_list(stage, clip):
    nowhere = stage.append(clip, trackIndex=4)
    backwards = stage.append(clip, startFrame=20, endFrame=20)
    nothing = stage.pool.AppendToTimeline([{"mediaPoolItem": None, "startFrame": 0, "endFrame": 4}])
    assert nowhere is None and backwards is None and nothing == [None]
    assert stage.pool.AppendToTimeline([]) is None


def test_sound_comes_along_unless_the_picture_alone_is_asked_for(stage, clip):
    played = bare(clip).clip
    played.media = replace(played.media, has_audio=True)
    stage.append(clip, startFrame=0, endFrame=6, recordFrame=stage.start)
    assert stage.timeline.GetItemListInTrack("audio", 1) is None
    stage.pool.AppendToTimeline([{"mediaPoolItem": clip, "startFrame": 6, "endFrame": 12}])
    assert len(stage.timeline.GetItemListInTrack("audio", 1)) == 1


def test_tracks_come_on_top_or_where_they_are_asked_for(stage):
    stage.timeline.SetTrackName("video", 1, "plate")
    stage.timeline.AddTrack("video")
    stage.timeline.AddTrack("video", {"index": 1})
    assert [stage.timeline.GetTrackName("video", number) for number in (1, 2, 3)] == ["Video 3", "plate", "Video 2"]
    assert stage.timeline.DeleteTrack("video", 1) is True and stage.timeline.DeleteTrack("video", 7) is False
    stage.timeline.DeleteTrack("video", 2)
    assert stage.timeline.DeleteTrack("video", 1) is False, "the last one stays"


def test_a_track_takes_its_clips_with_it(stage, clip):
    stage.timeline.AddTrack("video")
    item = stage.append(clip, trackIndex=2, recordFrame=stage.start)
    assert item.GetTrackTypeAndIndex() == ["video", 2]
    stage.timeline.DeleteTrack("video", 2)
    assert item.GetName() is None


def test_markers_count_from_the_start_of_the_timeline(stage):
    assert stage.timeline.AddMarker(12, "Pink", "MaskEdit", "", 1, "job-1") is True
    assert stage.timeline.AddMarker(12, "Blue", "again", "", 1) is False, "one marker a frame"
    assert stage.timeline.AddMarker(13, "Turquoise", "", "", 1) is False
    assert list(stage.timeline.GetMarkers()) == [12.0]
    assert stage.timeline.GetMarkerByCustomData("job-1")[12.0]["name"] == "MaskEdit"
    assert stage.timeline.UpdateMarkerCustomData(12, "job-2") is True
    assert stage.timeline.GetMarkerCustomData(12) == "job-2"
    assert stage.timeline.DeleteMarkerByCustomData("job-1") is False
    assert stage.timeline.DeleteMarkersByColor("All") is True and stage.timeline.GetMarkers() == {}


def test_items_and_clips_carry_markers_of_their_own(stage, clip):
    item = stage.append(clip)
    assert item.AddMarker(0, "Green", "a", "", 1) and clip.AddMarker(3, "Red", "b", "", 2)
    assert (list(item.GetMarkers()), list(clip.GetMarkers()), stage.timeline.GetMarkers()) == ([0.0], [3.0], {})
    assert item.DeleteMarkerAtFrame(0) is True and item.DeleteMarkerAtFrame(0) is False


def test_in_and_out_count_from_the_start_and_are_both_included(stage):
    assert stage.timeline.SetMarkInOut(4, 9) is True and stage.timeline.SetMarkInOut(9, 4) is False
    assert stage.timeline.GetMarkInOut() == {"video": {"in": 4, "out": 9}}
    assert stage.timeline.ClearMarkInOut() is True and stage.timeline.GetMarkInOut() == {}


def test_clips_are_deleted_on_the_edit_page_and_not_from_locked_tracks(stage, clip):
    item = stage.append(clip)
    stage.resolve.OpenPage("color")
    assert stage.timeline.DeleteClips([item]) is False
    stage.resolve.OpenPage("edit")
    stage.timeline.SetTrackLock("video", 1, True)
    assert stage.timeline.DeleteClips([item]) is False and len(stage.items()) == 1
    stage.timeline.SetTrackLock("video", 1, False)
    assert stage.timeline.DeleteClips([item]) is True and stage.items() == []


def test_a_ripple_closes_the_gap(stage, clip):
    first, second = (stage.append(clip, startFrame=0, endFrame=8) for _ in range(2))
    stage.timeline.DeleteClips([first], True)
    assert second.GetStart() == stage.start


@pytest.mark.parametrize("page", ["media", "fusion"])
def test_some_pages_have_no_playhead(stage, page):
    stage.resolve.OpenPage(page)
    assert stage.timeline.GetCurrentTimecode() == ""
    assert stage.timeline.SetCurrentTimecode("01:00:01:00") is False


def test_the_current_item_is_the_uppermost_that_can_be_seen(stage, clip):
    stage.timeline.AddTrack("video")
    lower, upper = (
        stage.append(clip, recordFrame=stage.start),
        stage.append(clip, recordFrame=stage.start, trackIndex=2),
    )
    stage.timeline.SetCurrentTimecode("01:00:00:05")
    assert stage.timeline.GetCurrentVideoItem().GetUniqueId() == upper.GetUniqueId()
    stage.timeline.SetTrackEnable("video", 2, False)
    assert stage.timeline.GetCurrentVideoItem().GetUniqueId() == lower.GetUniqueId()
    stage.timeline.SetCurrentTimecode("01:00:10:00")
    assert stage.timeline.GetCurrentVideoItem() is None


def test_people_select_move_and_delete(numbered_clip):
    stage = Stage(FakeResolve(version="21.0.4"))
    clip = stage.clip(numbered_clip("a.mov", 48))
    item = by_hand.place(stage.timeline, clip, track=1, start=stage.start + 4, source=(10, 30))
    assert stage.timeline.GetSelectedClips() is None
    by_hand.select(stage.timeline, item)
    (selected,) = stage.timeline.GetSelectedClips()
    by_hand.move(item, 3)
    assert (selected.GetStart(), selected.GetLeftOffset()) == (stage.start + 7, 10)
    by_hand.delete(stage.timeline, item)
    assert selected.GetStart() is None and stage.timeline.GetSelectedClips() is None


@pytest.mark.parametrize(("version", "names"), [("19.0", ["a", "b", "Video 3"]), ("19.1", ["a", "Video 3", "b"])])
def test_old_versions_do_not_hear_where_a_track_is_to_go(version, names):
    stage = Stage(FakeResolve(version=version))
    stage.timeline.AddTrack("video")
    stage.timeline.SetTrackName("video", 1, "a")
    stage.timeline.SetTrackName("video", 2, "b")
    assert stage.timeline.AddTrack("video", {"index": 2}) is True
    assert [stage.timeline.GetTrackName("video", number) for number in (1, 2, 3)] == names


@pytest.mark.parametrize(("takes", "length"), [("keep", 20), ("ripple", 48)])
def test_a_take_keeps_its_items_length_or_brings_its_own(numbered_clip, takes, length):
    stage = Stage(FakeResolve(takes=takes))
    clip, other = (stage.clip(numbered_clip(name, 48)) for name in ("a.mov", "b.mov"))
    item = stage.append(clip, startFrame=10, endFrame=30, recordFrame=stage.start)
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex(), item.FinalizeTake()) == (0, 0, False)
    assert item.AddTake(other) is True
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex(), item.GetDuration()) == (2, 2, length)
    assert item.GetTakeByIndex(2)["mediaPoolItem"].GetUniqueId() == other.GetUniqueId()
    assert item.DeleteTakeByIndex(2) is False, "it is the selected one"
    assert item.SelectTakeByIndex(1) is True and (item.GetLeftOffset(), item.GetDuration()) == (10, 20)
    assert item.DeleteTakeByIndex(2) is True and item.FinalizeTake() is True and item.GetTakesCount() == 0


def test_ganged_zooms_are_one(stage, clip):
    item = stage.append(clip)
    assert item.SetProperty("ZoomX", 2.0) is True and item.GetProperty("ZoomY") == 2.0
    item.SetProperty("ZoomGang", False)
    item.SetProperty("ZoomX", 3.0)
    assert item.GetProperty("ZoomY") == 2.0


def test_properties_are_set_all_together_or_not_at_all(numbered_clip):
    stage = Stage(FakeResolve(version="21.1"))
    item = stage.append(stage.clip(numbered_clip("a.mov", 48)))
    assert item.GetProperty is None and "GetProperty" not in dir(item)
    assert item.SetProperties({"Pan": 4.0, "Zoom": 2.0}) is False and item.GetProperties()["Pan"] == 0.0
    assert item.SetProperties({"Pan": 4.0, "Opacity": 50.0}) is True and item.GetProperties()["Pan"] == 4.0
    assert stage.timeline.GetSettings()["timelineFrameRate"] == "24" and stage.timeline.GetSetting is None


def test_grades_and_groups_go_from_item_to_item(stage, clip):
    first, second = (stage.append(clip, startFrame=0, endFrame=8) for _ in range(2))
    assert first.GetColorGroup() is None and second.AssignToColorGroup(None) is False
    by_hand.grade(bare(first).item, "teal", group="Night")
    assert first.CopyGrades([second]) is True and first.CopyGrades([]) is False
    assert second.AssignToColorGroup(first.GetColorGroup()) is True
    assert (bare(second).item.grade, second.GetColorGroup().GetName()) == ("teal", "Night")
