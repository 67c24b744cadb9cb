# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames an item shows, and what the API tells of them: at one rate exactly, at mixed rates rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.timeline import frame_at_timecode, parse_rate, supports_drop_frame, timecode_at
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.clip import MediaPoolItem
from tests.hosts.resolve.fake.media import Media
from tests.hosts.resolve.fake.model import PoolClip
from tests.hosts.resolve.fake.pictures import write_still
from tests.hosts.resolve.fake.timecode import RATES, frame_of, label_of, timecode_of
from tests.hosts.resolve.stage import Stage

LABELS = sorted(RATES)


def clip_of(stage: Stage, label: str, frames: int, *, start_timecode: str = "00:00:00:00") -> object:
    """A clip in the pool that no file stands behind: only its length and rate are asked for."""
    media = Media("/nowhere.mov", RATES[label], frames, 32, 16, start_timecode=start_timecode)
    played = bare(stage.project).file
    played.root.clips.append(PoolClip("nowhere.mov", media))
    return stage.fake.door.shown(MediaPoolItem(stage.fake, played, played.root.clips[-1]))


@given(
    label=st.sampled_from(LABELS),
    start=st.integers(0, 199),
    length=st.integers(1, 200),
    record=st.integers(0, 10_000),
)
def test_at_the_timelines_own_rate_everything_reads_back(label, start, length, record):
    stage = Stage(FakeResolve(), rate=label)
    end = min(200, start + length)
    clip = clip_of(stage, label, 200)
    item = stage.append(clip, startFrame=start, endFrame=end, recordFrame=stage.start + record)
    assert (item.GetStart(), item.GetDuration()) == (stage.start + record, end - start)
    assert (item.GetLeftOffset(), item.GetRightOffset()) == (start, 200 - end)
    assert item.GetSourceEndFrame() == end
    assert item.GetSourceStartFrame() in (start, start - 1)
    seconds = item.GetSourceEndTime() - item.GetSourceStartTime()
    assert round(seconds * float(RATES[label]), 6) == end - start


@given(
    timeline=st.sampled_from(LABELS), media=st.sampled_from(LABELS), start=st.integers(0, 99), length=st.integers(1, 99)
)
def test_at_mixed_rates_the_duration_is_rounded_down(timeline, media, start, length):
    stage = Stage(FakeResolve(), rate=timeline)
    clip = clip_of(stage, media, 200)
    item = stage.append(clip, startFrame=start, endFrame=start + length, recordFrame=stage.start)
    exact = length * RATES[timeline] / RATES[media]
    if exact < 1:
        assert item is None
        return
    assert exact - 1 < item.GetDuration() <= exact
    assert item.GetLeftOffset(True) == pytest.approx(float(start * RATES[timeline] / RATES[media]))


def test_a_25p_timeline_with_50p_media_counts_offsets_in_its_own_frames():
    stage = Stage(FakeResolve(), rate="25")
    item = stage.append(clip_of(stage, "50", 200), startFrame=41, endFrame=92, recordFrame=stage.start)
    assert (item.GetLeftOffset(), item.GetLeftOffset(True), item.GetDuration()) == (20, 20.5, 25)
    assert item.GetSourceStartFrame() == 40, "one low"


@pytest.mark.parametrize("label", ["23.976", "29.97", "59.94"])
def test_the_first_source_frame_reads_one_low_at_rates_of_1001(label):
    stage = Stage(FakeResolve(), rate=label)
    clip = clip_of(stage, label, 100)
    item = stage.append(clip, startFrame=30, endFrame=60, recordFrame=stage.start)
    assert (item.GetSourceStartFrame(), item.GetLeftOffset(), item.GetSourceEndFrame()) == (29, 30, 60)
    assert stage.append(clip, startFrame=0, endFrame=5).GetSourceStartFrame() == 0


@given(percent=st.sampled_from([25, 50, 80, 125, 200, 400]), start=st.integers(1, 60), length=st.integers(16, 100))
def test_a_retimed_clip_has_a_wrong_left_offset_and_gives_itself_away(percent, start, length):
    stage = Stage(FakeResolve())
    clip = clip_of(stage, "24", 200)
    placed = by_hand.place(stage.timeline, clip, track=1, start=stage.start, source=(start, start + length))
    by_hand.retime(placed, percent)
    (item,) = stage.items()
    assert item.GetSourceEndFrame() - item.GetSourceStartFrame() != item.GetDuration()
    assert item.GetLeftOffset(True) == pytest.approx(start * 100 / percent) != start


def test_source_times_follow_the_medias_timecode():
    stage = Stage(FakeResolve(), rate="25")
    clip = clip_of(stage, "25", 100, start_timecode="10:00:00:00")
    item = stage.append(clip, startFrame=10, endFrame=35, recordFrame=stage.start)
    assert (item.GetSourceStartTime(), item.GetSourceEndTime()) == (36000.4, 36001.4)
    assert clip.GetClipProperty("Start TC") == "10:00:00:00" and clip.GetClipProperty("End TC") == "10:00:04:00"


def test_subclips_are_numbered_in_their_clip():
    stage = Stage(FakeResolve())
    clip = clip_of(stage, "24", 100)
    by_hand.subclip(clip, 40, 69, "take 2")
    sub = stage.pool.GetCurrentFolder().GetClipList()[-1]
    properties = sub.GetClipProperty()
    assert [properties[key] for key in ("Start", "End", "Frames", "Start TC")] == ["40", "69", "30", "00:00:01:16"]
    item = stage.append(sub, startFrame=45, endFrame=55, recordFrame=stage.start)
    assert (item.GetLeftOffset(), item.GetSourceStartFrame(), item.GetRightOffset()) == (5, 45, 15)


def test_pictures_keep_their_numbers_and_take_the_projects_rate(tmp_path):
    for number in range(1001, 1013):
        write_still(tmp_path / f"f_{number}.png", np.full((16, 32, 4), number - 1000, np.uint8))
    stage = Stage(FakeResolve(), rate="23.976")
    info = {"FilePath": str(tmp_path / "f_%04d.png"), "StartIndex": 1001, "EndIndex": 1012}
    (clip,) = stage.pool.ImportMedia([info])
    assert clip.GetClipProperty("File Path") == str(tmp_path / "f_[1001-1012].png")
    assert (clip.GetClipProperty("FPS"), clip.GetClipProperty("Start"), clip.GetClipProperty("Frames")) == (
        23.976,
        "1001",
        "12",
    )
    item = stage.append(clip, startFrame=1004, endFrame=1010, recordFrame=stage.start)
    assert (item.GetLeftOffset(), item.GetDuration(), item.GetSourceEndFrame()) == (3, 6, 1010)
    assert stage.pool.ImportMedia([info | {"EndIndex": 1013}]) == [], "one is missing"
    assert clip.SetClipProperty("FPS", "25") is True and clip.GetClipProperty("FPS") == 25.0


# At 120 a second our own clients write the frames with three digits.
@given(label=st.sampled_from([label for label in LABELS if label != "120"]), frame=st.integers(0, 2_000_000))
def test_timecodes_are_those_that_our_own_clients_count(label, frame):
    rate, drop_frame = RATES[label], label.endswith("DF")
    frame %= 24 * 3600 * round(rate) // 2
    assert timecode_of(frame, rate, drop_frame=drop_frame) == timecode_at(frame, rate, drop_frame=drop_frame)
    assert frame_of(timecode_of(frame, rate, drop_frame=drop_frame), rate) == frame


@pytest.mark.parametrize("label", LABELS)
def test_every_rate_on_offer_is_one_that_our_clients_read_exactly(label):
    assert parse_rate(label.removesuffix(" DF")) == RATES[label]
    assert label_of(RATES[label]) == label.removesuffix(" DF")
    if label.endswith("DF"):
        assert supports_drop_frame(RATES[label])


def test_a_drop_frame_timeline_starts_at_an_hour_of_its_own():
    stage = Stage(FakeResolve(), rate="29.97 DF")
    assert stage.timeline.GetStartTimecode() == "01:00:00;00" and stage.start == 107892
    assert stage.timeline.GetSetting("timelineFrameRate") == "29.97 DF"
    assert stage.start == frame_at_timecode("01:00:00;00", Fraction(30000, 1001))
    assert stage.timeline.SetStartTimecode("00:59:50;00") is True and stage.start == 107592


def test_the_rate_of_a_project_is_fixed_by_its_first_timeline(stage):
    assert stage.project.SetSetting("timelineFrameRate", "25") is False
    assert stage.project.SetSetting("timelineResolutionWidth", "64") is True
    assert stage.project.SetSetting("noSuchSetting", "1") is False and stage.project.GetSetting("noSuchSetting") == ""


@pytest.mark.parametrize(("version", "left"), [("18.6", None), ("19.0", 20.5)])
def test_fractions_of_a_frame_are_told_since_19(version, left):
    stage = Stage(FakeResolve(version=version), rate="25")
    item = stage.append(clip_of(stage, "50", 200), startFrame=41, endFrame=92, recordFrame=stage.start)
    assert (item.GetLeftOffset(), item.GetLeftOffset(True)) == (20, left)
