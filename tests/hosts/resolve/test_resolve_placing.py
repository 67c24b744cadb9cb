# SPDX-License-Identifier: GPL-3.0-or-later
"""Results on the timeline: where they belong, with their marks, or nowhere and nothing changed."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, Shot
from plugin_client.resolve.placing import Placed, put_result
from plugin_client.resolve.reading import read_item
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.pictures import shown_at, write_still
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.stage import Stage, grey_of

MARKS = Marks(job_id="job-7", name="red car", prompt="a red car", seed=3)


class Scene:
    """Frames 10-29 of a clip at frame 40 of a timeline, read as a shot, and a result for it."""

    def __init__(self, numbered_clip, *, rate: str = "24", media_rate: str = "", **fake: str) -> None:
        self.stage = Stage(FakeResolve(**fake), rate=rate)
        media_rate = media_rate or rate
        name = "_".join([rate, media_rate, *fake.values()]).replace(" ", "")
        path = numbered_clip(f"{name}.mov", 90, rate=RATES[media_rate])
        clip = self.stage.clip(path)
        self.source = by_hand.place(self.stage.timeline, clip, track=1, start=self.stage.start + 40, source=(10, 30))
        (item,) = self.stage.items()
        self.shot: Shot = read_item(self.stage.project, self.stage.timeline, item).shot
        # Bright where the source is dark: a frame of it tells which one it is.
        self.result = numbered_clip(f"result_{name}.mov", 110, rate=RATES[media_rate])

    def put(self, **changed: object) -> Placed:
        return put_result(self.stage.resolve, str(self.result), self.shot, marks=MARKS, **changed)

    def span(self, track: int) -> list[tuple[int, int]]:
        return [(one.GetStart() - self.stage.start, one.GetDuration()) for one in self.stage.items(track)]


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
    assert scene.put().track == 3
    by_hand.delete(scene.stage.timeline, bare(scene.stage.items(2)[0]).item)
    scene.result = numbered_clip("third.mov", 30)
    assert scene.put().track == 2
    scene.stage.timeline.SetTrackLock("video", 3, True)
    scene.result = numbered_clip("fourth.mov", 30)
    by_hand.delete(scene.stage.timeline, bare(scene.stage.items(3)[0]).item)
    assert scene.put().track == 4, "a locked track takes nothing"


def test_a_track_of_ours_below_the_source_is_left_alone(scene):
    scene.stage.timeline.SetTrackName("video", 1, "MaskEdit")
    assert scene.put().track == 2


def test_clips_above_the_source_are_spoken_of(scene):
    scene.stage.timeline.AddTrack("video")
    title = by_hand.place(
        scene.stage.timeline,
        scene.stage.items()[0].GetMediaPoolItem(),
        track=2,
        start=scene.stage.start + 45,
        source=(0, 4),
    )
    placed = scene.put()
    assert placed.track == 3 and "lies over other clips" in placed.notes[0]
    by_hand.move(title, 100)
    assert scene.put().notes == ()


def test_a_source_that_moved_or_went_is_spoken_of_and_the_result_stays_put(scene):
    by_hand.move(scene.source, 5)
    placed = scene.put()
    assert placed.result.record_frame == scene.stage.start + 40 and "moved or trimmed" in placed.notes[0]
    by_hand.delete(scene.stage.timeline, scene.source)
    assert "not on the timeline any more" in scene.put().notes[0]


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
        scene.put()
    assert snapshot(scene.stage.fake) == before
    assert scene.put().track == 3 and scene.stage.fake.calls.count("MediaPool.ImportMedia") == 2


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


@pytest.mark.parametrize("other_page", [False, True])
def test_each_call_that_fails_leaves_the_project_as_it_was(numbered_clip, other_page):
    def fresh() -> Scene:
        made = Scene(numbered_clip, version="20.0")
        if other_page:
            made.stage.pool.CreateEmptyTimeline("Other")
            made.stage.resolve.OpenPage("color")
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
    assert refused > 20
