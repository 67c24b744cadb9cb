# SPDX-License-Identifier: GPL-3.0-or-later
"""Retimed clips: their source is edited with handles, and lies at 100 % above them until the retime is pasted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.mattes import matte_of
from plugin_client.resolve.reading import read_item
from plugin_client.resolve.spots import ItemShot
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.pictures import shown_at
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.scene import Scene
from tests.hosts.resolve.stage import grey_of


class Retimed(Scene):
    """Frames 30-49 at another speed at frame 40; the result's frames are those of the shot, handles and all."""

    def __init__(self, numbered_clip: Any, *, percent: int = 50, **options: Any) -> None:
        super().__init__(numbered_clip, **options)
        self.source.source_in = 30
        by_hand.retime(self.source, percent)
        self.shot = self.read().shot
        self.result = numbered_clip(f"result_of_{len(self.shot.frames)}.mov", len(self.shot.frames))

    def read(self) -> ItemShot:
        return read_item(self.stage.project, self.stage.timeline, self.stage.items(1)[0])


@pytest.mark.parametrize("version", ["19.0", "21.1"])
def test_it_lies_over_its_clip_with_its_own_first_frame(numbered_clip, version):
    scene = Retimed(numbered_clip, version=version)
    assert scene.shot.frames == FrameRange(18, 61)
    placed = scene.put()
    assert scene.span(2) == [(40, 20)] and (placed.result.frames, placed.track) == (20, 2)
    cut = bare(scene.stage.timeline).cut
    for at, frame in [(40, 12), (59, 31)]:
        assert shown_at(cut, scene.stage.start + at, (32, 16))[8, 16, 0] == grey_of(frame), "after the handles"
    (note,) = placed.notes
    assert "is retimed: copy it, select the result, and paste the retime" in note


def test_with_the_retime_pasted_it_shows_the_frames_that_its_source_shows(numbered_clip):
    scene = Retimed(numbered_clip)
    scene.put()
    result, cut = bare(scene.stage.items(2)[0]).item, bare(scene.stage.timeline).cut
    by_hand.retime(result, 50)
    assert (result.start, result.duration) == (scene.source.start, scene.source.duration)
    for frame in range(scene.source.start, scene.source.end):
        assert result.source_frame(frame, cut) + scene.shot.frames.first == scene.source.source_frame(frame, cut)


def test_a_fast_clip_with_room_after_it_is_placed(numbered_clip):
    scene = Retimed(numbered_clip, percent=200)
    assert scene.source.duration == 10
    assert scene.put().track == 2 and scene.span(2) == [(40, 20)]


@pytest.mark.parametrize("track", [1, 2])
def test_a_fast_clip_with_others_after_it_goes_into_the_media_pool(numbered_clip, track):
    scene = Retimed(numbered_clip, percent=200)
    if track == 2:
        scene.stage.timeline.AddTrack("video")
    clip = scene.stage.items(1)[0].GetMediaPoolItem()
    by_hand.place(scene.stage.timeline, clip, track=track, start=scene.stage.start + 55, source=(0, 10))
    before = snapshot(scene.stage.fake)
    placed = scene.put(has_alpha=True)
    assert (placed.result.item, placed.result.frames, placed.track) == ("", 0, 0)
    assert "longer than the clip's room: it is in the media pool's folder MaskEdit" in placed.notes[0]
    assert "put its frames from 12 on above the clip" in placed.notes[0]
    after = snapshot(scene.stage.fake)
    assert after["timelines"] == before["timelines"]
    ((_, name, _, properties, (mark,)),) = after["pool"]["folders"][0]["clips"]
    assert (name, properties["Alpha mode"]) == (scene.result.name, "Straight")
    assert '"job-7"' in mark.custom_data
    assert scene.put().track == 0 and snapshot(scene.stage.fake) == after, "a second time changes nothing"


def test_a_second_result_is_no_take_but_lies_on_top(numbered_clip):
    scene = Retimed(numbered_clip)
    scene.put()
    assert scene.put().track == 3 and scene.stage.items(2)[0].GetTakesCount() == 0


def test_a_clip_that_was_retimed_since_is_spoken_of(numbered_clip):
    scene = Retimed(numbered_clip)
    by_hand.retime(scene.source, 80)
    assert "moved or trimmed" in scene.put().notes[0]


def test_a_part_of_what_it_shows_goes_into_the_media_pool(numbered_clip):
    scene = Retimed(numbered_clip)
    scene.shot = replace(scene.shot, frames=FrameRange(18, 45))
    placed = scene.put()
    assert placed.track == 0 and "is a part of what the retimed clip shows" in placed.notes[0]
    assert scene.stage.timeline.GetTrackCount("video") == 1


def test_frames_that_it_does_not_show_are_refused(numbered_clip):
    scene = Retimed(numbered_clip)
    scene.shot = replace(scene.shot, frames=FrameRange(18, 25))
    before = snapshot(scene.stage.fake)
    with pytest.raises(BadInput, match=r"other frames than .* result is kept in"):
        scene.put()
    assert snapshot(scene.stage.fake) == before


@pytest.mark.parametrize("choice", ["fusion", "alpha"])
def test_mattes_that_lie_on_the_timeline_do_not_fit(numbered_clip, tmp_path, choice):
    scene = Retimed(numbered_clip)
    with pytest.raises(BadInput, match="is retimed"):
        matte_of(scene.stage.resolve, scene.shot, choice, tmp_path, progress=lambda done, total: None)


@pytest.mark.parametrize("percent", [50, 200])
def test_each_call_that_fails_leaves_the_project_as_it_was(numbered_clip, percent):
    def fresh() -> Retimed:
        made = Retimed(numbered_clip, percent=percent)
        clip = made.stage.items(1)[0].GetMediaPoolItem()
        by_hand.place(made.stage.timeline, clip, track=1, start=made.stage.start + 81, source=(0, 5))
        if percent == 200:
            by_hand.place(made.stage.timeline, clip, track=1, start=made.stage.start + 50, source=(0, 5))
        return made

    scene = fresh()
    done = len(scene.stage.fake.calls)
    scene.put()
    for call, nth in each_failure(scene.stage.fake.calls[done:]):
        scene = fresh()
        before = snapshot(scene.stage.fake)
        scene.stage.fake.fail(call, nth)
        try:
            placed = scene.put()
        except BadInput as error:
            assert "None" not in str(error) and snapshot(scene.stage.fake) == before, (call, nth)
        else:
            assert placed.track == (2 if percent == 50 else 0), (call, nth)
