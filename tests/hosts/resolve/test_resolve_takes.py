# SPDX-License-Identifier: GPL-3.0-or-later
"""Further results of one clip: takes of the first, or its file replaced, or beside it; never half of one of these."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.placing import Placed
from plugin_client.resolve.reading import read_item
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.pictures import shown_at, write_still
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.scene import MARKS, Scene
from tests.hosts.resolve.stage import grey_of

SECOND = Marks(job_id="job-8", name="blue car", prompt="a blue car", seed=4)


class Twice(Scene):
    """A result lies there, and a second one is about to: its frames are numbered from 30 on."""

    def __init__(self, numbered_clip: Any, write_clip: Any, *, name: str = "again.mov", **options: Any) -> None:
        super().__init__(numbered_clip, **options)
        self.first = self.put()
        greys = np.array([grey_of(number + 30) for number in range(20)], np.uint8)
        pictures = np.broadcast_to(greys[:, None, None, None], (20, 16, 32, 3)).copy()
        self.result = write_clip(name, pictures, codec="qtrle", pixel_format="rgb24", rate=RATES["24"])

    def again(self, **options: Any) -> Placed:
        return self.put(marks=SECOND, **options)

    def greys(self) -> list[int]:
        """What shows at the result's first and last frame."""
        cut = bare(self.stage.timeline).cut
        at = (self.stage.start + 40, self.stage.start + 59)
        return [int(shown_at(cut, frame, (32, 16))[8, 16, 0]) for frame in at]


@pytest.fixture
def twice(numbered_clip, write_clip) -> Twice:
    return Twice(numbered_clip, write_clip)


@pytest.mark.parametrize("version", ["18.5", "20.0", "21.1"])
def test_a_second_result_is_a_take_of_the_first(numbered_clip, write_clip, version):
    twice = Twice(numbered_clip, write_clip, version=version)
    placed = twice.again()
    assert (placed.track, placed.result) == (2, twice.first.result)
    assert placed.notes == ("It is take 2 of the result that lay there; the others are in its take selector.",)
    assert (twice.span(2), twice.stage.timeline.GetTrackCount("video")) == ([(40, 20)], 2)
    (item,) = twice.stage.items(2)
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 2)
    assert twice.greys() == [grey_of(30), grey_of(49)]
    assert twice.again().notes == (), "it shows that already"
    assert item.GetTakesCount() == 2
    item.SelectTakeByIndex(1)
    assert twice.greys() == [grey_of(0), grey_of(19)], "the first one is kept"
    assert twice.stage.fake.misuses == []


def test_the_marker_is_that_of_the_new_take(twice):
    twice.again()
    (item,) = twice.stage.items(2)
    ((frame, mark),) = item.GetMarkers().items()
    words = json.loads(mark["customData"])
    assert (frame, mark["name"], words["job_id"], words["seed"]) == (0, "MaskEdit blue car", "job-8", 4)
    assert words["source"] == bare(twice.stage.items(1)[0]).item.uid


def test_a_third_result_is_a_third_take(twice, numbered_clip):
    twice.again()
    twice.result = numbered_clip("third.mov", 20)
    assert "take 3" in twice.again().notes[0]
    (item,) = twice.stage.items(2)
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (3, 3)


def test_a_result_of_other_frames_is_no_take(twice):
    twice.shot = replace(twice.shot, frames=FrameRange(12, 20))
    assert twice.again().track == 3
    assert (twice.span(2), twice.span(3)) == ([(40, 20)], [(42, 9)])


def test_a_result_that_was_moved_or_is_locked_is_left_alone(twice):
    (item,) = twice.stage.items(2)
    by_hand.move(bare(item).item, 1)
    assert (twice.again().track, twice.span(2)) == (3, [(41, 20)])
    by_hand.move(bare(item).item, -1)
    for track in (2, 3):
        twice.stage.timeline.SetTrackLock("video", track, True)
    assert twice.again().track == 4


def test_the_result_of_another_clip_at_the_same_frames_is_left_alone(twice):
    """Two clips lie over each other; each has results of its own."""
    clip = twice.stage.items(1)[0].GetMediaPoolItem()
    twice.stage.timeline.AddTrack("video")
    by_hand.place(twice.stage.timeline, clip, track=3, start=twice.stage.start + 40, source=(50, 70))
    (upper,) = twice.stage.items(3)
    twice.shot = read_item(twice.stage.project, twice.stage.timeline, upper).shot
    assert twice.again().track == 4
    assert twice.stage.items(2)[0].GetTakesCount() == 0


def test_where_takes_change_the_length_it_lies_beside_the_first(numbered_clip, write_clip):
    twice = Twice(numbered_clip, write_clip, takes="ripple", name="ripple.mov")
    twice.result = numbered_clip("longer.mov", 50)
    placed = twice.again()
    assert placed.track == 3 and "lies on another track" in placed.notes[0]
    assert (twice.span(2), twice.span(3)) == ([(40, 20)], [(40, 20)])
    (first,) = twice.stage.items(2)
    assert (first.GetTakesCount(), first.GetSelectedTakeIndex()) == (0, 0), "a plain clip, as before"
    assert json.loads(first.GetMarkers()[0.0]["customData"])["job_id"] == "job-7"


def test_a_new_one_is_asked_for(twice):
    assert twice.again(again="new").track == 3
    assert twice.greys() == [grey_of(30), grey_of(49)], "on top of the first"


def test_the_file_is_replaced_where_that_is_asked_for(twice):
    placed = twice.again(again="replace")
    assert (placed.track, placed.result, placed.notes) == (2, twice.first.result, ())
    (item,) = twice.stage.items(2)
    assert item.GetMediaPoolItem().GetClipProperty("File Path") == str(twice.result)
    assert (item.GetTakesCount(), twice.greys()) == (0, [grey_of(30), grey_of(49)])
    assert json.loads(item.GetMarkers()[0.0]["customData"])["job_id"] == "job-8"


def test_numbered_pictures_do_not_replace_a_file_but_become_a_take(twice, tmp_path):
    for number in range(1, 21):
        write_still(tmp_path / f"r_{number:04}.png", np.full((16, 32, 4), 77, np.uint8))
    twice.result = tmp_path / "r_%04d.png"
    assert "take 2" in twice.again(again="replace").notes[0]
    assert twice.greys() == [77, 77]
    assert twice.again().notes == (), "pictures that are in the pool are found there"


def test_a_file_that_is_too_short_replaces_nothing(twice, numbered_clip):
    twice.result = numbered_clip("short.mov", 12)
    before = snapshot(twice.stage.fake)
    with pytest.raises(BadInput, match=r"does not replace .* by short\.mov: add it as a take"):
        twice.again(again="replace")
    assert snapshot(twice.stage.fake) == before


@pytest.mark.parametrize("again", ["take", "replace"])
@pytest.mark.parametrize("takes", ["keep", "ripple"])
def test_each_call_that_fails_leaves_the_first_result_as_it_was(numbered_clip, write_clip, again, takes):
    files: dict[str, Path] = {}

    def fresh() -> Twice:
        made = Twice(numbered_clip, files_once, version="20.0", takes=takes)
        by_hand.place(
            made.stage.timeline,
            made.stage.items(1)[0].GetMediaPoolItem(),
            track=1,
            start=made.stage.start + 60,
            source=(0, 5),
        )
        if takes == "ripple" and again == "take":
            made.result = longer
        return made

    def files_once(name: str, *values: Any, **options: Any) -> Path:
        if name not in files:
            files[name] = write_clip(name, *values, **options)
        return files[name]

    longer = numbered_clip("longer_yet.mov", 44)
    twice = fresh()
    done = len(twice.stage.fake.calls)
    twice.again(again=again)
    calls = twice.stage.fake.calls[done:]
    refused = 0
    for call, nth in each_failure(calls):
        twice = fresh()
        before = snapshot(twice.stage.fake)
        twice.stage.fake.fail(call, nth)
        try:
            placed = twice.again(again=again)
        except BadInput as error:
            refused += 1
            assert str(error).endswith(f"; the result is kept in {twice.result}.") and "None" not in str(error)
            assert snapshot(twice.stage.fake) == before, (call, nth)
        else:
            # As it was meant, or on a track of its own with all of the first as it was.
            assert twice.span(placed.track) == [(40, 20)] == twice.span(2), (call, nth)
            assert twice.span(1) == [(40, 20), (60, 5)]
            if placed.track != 2:
                tracks = (state["timelines"][0]["tracks"]["video 2"] for state in (before, snapshot(twice.stage.fake)))
                assert len({repr(track) for track in tracks}) == 1, (call, nth)
    assert refused > 20


def test_the_first_result_is_no_take(numbered_clip):
    scene = Scene(numbered_clip)
    assert scene.put(marks=MARKS).notes == () and scene.stage.items(2)[0].GetTakesCount() == 0
