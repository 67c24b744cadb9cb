# SPDX-License-Identifier: GPL-3.0-or-later
"""Items as shots: exactly the frames that show, or a sentence."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.reading import HANDLES, read_item, read_selected, selected_items
from plugin_client.resolve.spots import spot_from
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.clip import MediaPoolItem
from tests.hosts.resolve.fake.media import Media
from tests.hosts.resolve.fake.model import Item, PoolClip
from tests.hosts.resolve.fake.pictures import write_still
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.stage import Stage

VERSIONS = ["18.5", "19.0", "20.3", "21.0.4", "21.1"]


def placed(stage: Stage, label: str, *, start: int, end: int, frames: int = 300, at: int = 40, tc: str = "") -> Item:
    """Frames `start` to before `end` of a clip that no file stands behind, cut in by hand."""
    file = bare(stage.project).file
    media = Media("/nowhere.mov", RATES[label], frames, 64, 32, start_timecode=tc or "00:00:00:00")
    file.root.clips.append(PoolClip("nowhere.mov", media))
    clip = MediaPoolItem(stage.fake, file, file.root.clips[-1])
    return by_hand.place(stage.timeline, clip, track=1, start=stage.start + at, source=(start, end))


def read(stage: Stage):
    (item,) = stage.items()
    return read_item(stage.project, stage.timeline, item)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("label", ["23.976", "25", "29.97 DF", "59.94", "59.94 DF"])
def test_at_the_timelines_rate_the_frames_are_exact(version, label):
    stage = Stage(FakeResolve(version=version), rate=label)
    placed(stage, label, start=31, end=77, tc="10:00:00:00")
    shot = read(stage)
    assert shot.shot.frames == FrameRange(31, 76) and shot.shot.rate == RATES[label]
    assert (shot.shot.media, shot.size, shot.notes) == ("/nowhere.mov", (64, 32), ())
    assert (shot.shot.record_frame, shot.spot.length, shot.spot.rate) == (stage.start + 40, 46, RATES[label])
    assert spot_from(shot.shot.place) == shot.spot


@given(
    timeline=st.sampled_from(sorted(RATES)),
    media=st.sampled_from(sorted(RATES)),
    start=st.integers(0, 150),
    length=st.integers(2, 140),
    version=st.sampled_from(VERSIONS),
)
def test_at_any_rates_what_is_read_is_what_shows_or_a_sentence(timeline, media, start, length, version):
    stage = Stage(FakeResolve(version=version), rate=timeline)
    item = placed(stage, media, start=start, end=start + length)
    if item.duration < 1:
        return
    try:
        frames = read(stage).shot.frames
    except BadInput as error:
        # Before 19.0 nothing tells which of several source frames comes first.
        assert version == "18.5" and RATES[media] > RATES[timeline] and "with which frame" in str(error)
        return
    cut = bare(stage.timeline).cut
    assert frames.first == start == item.source_frame(item.start, cut)
    assert frames.last >= item.source_frame(item.end - 1, cut)
    assert len(frames) == math.ceil(item.duration * RATES[media] / RATES[timeline])


def test_mixed_rates_are_read_and_said():
    stage = Stage(FakeResolve(), rate="25")
    placed(stage, "50", start=41, end=92)
    shot = read(stage)
    assert shot.shot.frames == FrameRange(41, 90) and shot.shot.rate == 50
    assert "50 frames a second, the timeline 25" in shot.notes[0]


@given(
    percent=st.sampled_from([25, 50, 90, 110, 200, 400]),
    start=st.integers(0, 60),
    label=st.sampled_from(["24", "23.976", "50"]),
    tc=st.sampled_from(["00:00:00:00", "10:00:00:00"]),
    version=st.sampled_from(VERSIONS[1:]),
)
def test_a_retimed_clip_is_read_as_what_it_shows_with_handles(percent, start, label, tc, version):
    stage = Stage(FakeResolve(version=version))
    item = placed(stage, label, start=start, end=start + 100, tc=tc)
    by_hand.retime(item, percent)
    found = read(stage)
    cut = bare(stage.timeline).cut
    assert found.is_retimed and found.spot.first == start == item.source_frame(item.start, cut)
    assert found.spot.first + found.spot.retimed > item.source_frame(item.end - 1, cut)
    assert 97 <= found.spot.retimed <= 100
    frames = found.shot.frames
    assert frames.first == max(0, start - HANDLES)
    assert frames.last == min(299, found.spot.first + found.spot.retimed - 1 + HANDLES)
    assert (found.spot.frame, found.spot.length) == (item.start, item.duration)
    assert "is retimed" in found.notes[0] and spot_from(found.shot.place) == found.spot


def test_an_old_resolve_does_not_tell_what_a_retimed_clip_shows():
    stage = Stage(FakeResolve(version="18.5"))
    by_hand.retime(placed(stage, "24", start=10, end=110), 200)
    with pytest.raises(BadInput, match="does not say which frames it shows: update Resolve"):
        read(stage)


def test_subclips_are_numbered_in_their_file(numbered_clip):
    stage = Stage(FakeResolve())
    clip = stage.clip(numbered_clip("a.mov", 100))
    by_hand.subclip(clip, 40, 79, "take 2")
    sub = stage.pool.GetCurrentFolder().GetClipList()[-1]
    stage.append(sub, startFrame=45, endFrame=55, recordFrame=stage.start)
    assert read(stage).shot.frames == FrameRange(45, 54)


def test_pictures_become_a_pattern_counted_from_the_first_on_the_disk(tmp_path):
    for number in range(1001, 1021):
        write_still(tmp_path / f"f_{number}.png", np.full((16, 32, 4), 9, np.uint8))
    stage = Stage(FakeResolve(), rate="23.976")
    pattern = str(tmp_path / "f_%04d.png")
    (clip,) = stage.pool.ImportMedia([{"FilePath": pattern, "StartIndex": 1005, "EndIndex": 1020}])
    stage.append(clip, startFrame=1007, endFrame=1012, recordFrame=stage.start)
    shot = read(stage).shot
    assert (shot.media, shot.frames, shot.rate) == (pattern, FrameRange(6, 10), Fraction(24000, 1001))
    (tmp_path / "f_1003.png").unlink()
    with pytest.raises(BadInput, match="lacks number 1003"):
        read(stage)


def test_brackets_may_be_a_files_own(stage, numbered_clip):
    path = numbered_clip("take[1-2].mov", 30)
    stage.append(stage.clip(path), startFrame=3, endFrame=9, recordFrame=stage.start)
    assert (read(stage).shot.media, read(stage).shot.frames) == (str(path), FrameRange(3, 8))


def test_what_has_no_file_is_to_be_rendered(stage, numbered_clip):
    stage.append(stage.clip(numbered_clip("a.mov", 30)), recordFrame=stage.start)
    for made in (
        stage.timeline.CreateCompoundClip(stage.items()),
        stage.timeline.InsertGeneratorIntoTimeline("Solid Color"),
    ):
        shot = read_item(stage.project, stage.timeline, made)
        assert shot.is_rendered and shot.shot.rate == 24
        assert shot.shot.frames == FrameRange(0, made.GetDuration() - 1)


def test_a_still_is_refused(stage, tmp_path):
    write_still(tmp_path / "one.png", np.full((16, 32, 4), 9, np.uint8))
    stage.append(stage.clip(tmp_path / "one.png"), recordFrame=stage.start)
    with pytest.raises(BadInput, match=r"one\.png is a still: put it into a compound clip"):
        read(stage)


def test_the_selection_goes_before_the_playhead_where_resolve_tells(numbered_clip):
    for version, count in [("21.0.4", 2), ("21.0", 1)]:
        stage = Stage(FakeResolve(version=version))
        clip = stage.clip(numbered_clip(f"{version}.mov", 30))
        items = [by_hand.place(stage.timeline, clip, track=1, start=stage.start + at, source=(0, 9)) for at in (0, 9)]
        by_hand.select(stage.timeline, *items)
        assert len(read_selected(stage.resolve)) == count
        by_hand.select(stage.timeline)
        assert [one.GetStart() for one in selected_items(stage.timeline)] == [stage.start]


def test_nothing_to_edit_is_a_sentence(stage):
    with pytest.raises(BadInput, match="No video clip is selected"):
        read_selected(stage.resolve)
    bare(stage.project).file.current = None
    with pytest.raises(BadInput, match="No timeline is open"):
        read_selected(stage.resolve)
    stage.fake.project = None
    with pytest.raises(BadInput, match="No project is open"):
        read_selected(stage.resolve)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_call_that_fails_is_a_sentence_and_changes_nothing(version):
    stage = Stage(FakeResolve(version=version), rate="25")
    placed(stage, "50" if version != "18.5" else "25", start=41, end=91)
    bare(stage.timeline).cut.playhead += 41
    before, done = snapshot(stage.fake), len(stage.fake.calls)
    whole = read_selected(stage.resolve)
    calls = stage.fake.calls[done:]
    assert len(calls) > 20 and stage.fake.misuses == []
    for call, nth in each_failure(calls):
        stage.fake.fail(call, nth)
        try:
            # What is not needed may fail: the size of the picture, the selection, the fractions of an offset.
            (shot,) = read_selected(stage.resolve)
        except BadInput as error:
            assert str(error).endswith(".") and "None" not in str(error)
        else:
            assert (shot.shot.frames, shot.spot) == (whole[0].shot.frames, whole[0].spot), (call, nth)
        stage.fake.door.forget_failures()
        assert snapshot(stage.fake) == before
