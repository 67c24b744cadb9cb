# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenTimelineIO files: exact times from its floats, takes on tracks of their own, everything else as it was."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentimelineio.opentime import RationalTime, TimeRange

from plugin_client.core.errors import BadInput
from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.opening import open_timeline
from plugin_client.timelines.otio import OtioTimeline
from plugin_client.timelines.placement import shown_frames
from plugin_client.timelines.timeline import OpenTimeline, Span, Take, TimelineClip
from plugin_client.timelines.times import exact_rate
from tests.unit.edited_takes import edited_take

schema = otio.schema
NTSC = 23.976
RATE = Fraction(24000, 1001)
FRAME = 1 / RATE


def span(start: float, count: float, rate: float = NTSC) -> TimeRange:
    return TimeRange(RationalTime(start, rate), RationalTime(count, rate))


def clip(name: str, first: int, count: int, *, rate: float = NTSC, start: int = 86400) -> schema.Clip:
    media = schema.ExternalReference("file:///media/A%20003.mov", span(start, 200, rate))
    return schema.Clip(name, media, span(start + first, count, rate))


def timeline_of(*children, **more) -> schema.Timeline:
    """A timeline with a track of plates, one for titles above it and one for sound."""
    timeline = schema.Timeline("cut", global_start_time=RationalTime(86400, NTSC), **more)
    plates, titles = (schema.Track(name, kind="Video") for name in ("plates", "titles"))
    plates.extend(children)
    titles.extend([schema.Gap(source_range=span(0, 5)), clip("title", 0, 5)])
    timeline.tracks.extend([plates, titles, schema.Track("sound", kind="Audio")])
    return timeline


def opened(timeline, tmp_path: Path, name: str = "cut.otio") -> OpenTimeline:
    otio.adapters.write_to_file(timeline, str(tmp_path / name))
    return open_timeline(tmp_path / name)


def reopened(timeline: OpenTimeline, tmp_path: Path) -> OpenTimeline:
    timeline.save(tmp_path / "new.otio")
    return open_timeline(tmp_path / "new.otio")


def take_of(clip: TimelineClip, *, handles: int = 0, rate: Fraction = RATE) -> Take:
    return edited_take(clip, rate=rate, length=200, timecode=86400, handles=handles)


def dissolve() -> schema.Transition:
    return schema.Transition("d", "SMPTE_Dissolve", RationalTime(4, NTSC), RationalTime(3, NTSC))


def test_clips_lie_where_the_file_says_and_show_what_it_says(tmp_path):
    gap = schema.Gap(duration=RationalTime(12, NTSC))
    timeline = opened(timeline_of(gap, clip("A003", 10, 30), dissolve(), clip("A003", 50, 20)), tmp_path)
    assert (timeline.name, timeline.rate, timeline.start * RATE) == ("cut", RATE, 86400)
    first, second, title = timeline.clips()
    assert first.media == "/media/A 003.mov" and first.track_name == "plates" and title.track == 2
    assert first.record == Span(12 * FRAME, 30 * FRAME) and second.record.start == 42 * FRAME
    assert (first.head, first.tail, second.head, second.tail) == (0, 3 * FRAME, 4 * FRAME, 0)
    assert shown_frames(first, RATE, length=200).first == 10 and shown_frames(second, RATE, length=200).first == 46


@pytest.mark.parametrize("handles", [0, 6])
def test_a_take_lies_exactly_above_its_clip_and_nothing_else_changes(tmp_path, handles):
    children = (clip("A003", 10, 30), dissolve(), clip("B", 50, 20), dissolve(), clip("C", 20, 9))
    source = children[2]
    source.effects.append(schema.Effect("scale", "Transform", {"scale": 1.5}))
    source.metadata["Resolve_OTIO"] = {"Link Group ID": 3, "Grade": "warm"}
    timeline = opened(timeline_of(*children), tmp_path)
    shown = find_clip(timeline.clips(), "B")
    placed = timeline.place(take_of(shown, handles=handles), shown)
    assert (placed.track, placed.record) == (2, shown.record)
    again = reopened(timeline, tmp_path)
    take = find_clip(again.clips(), "A003 edited")
    assert (take.track, take.record, take.source) == (2, shown.record, shown.source)
    assert (take.head, take.tail) == (shown.head, shown.tail)
    assert take.media_start == (86400 + 46 - handles) / RATE
    read = otio.adapters.read_from_file(str(tmp_path / "new.otio"))
    made = read.tracks[1]
    assert [type(child).__name__ for child in made] == ["Gap", "Transition", "Clip", "Transition"]
    assert made[2].effects[0].metadata["scale"] == 1.5 and made[2].metadata["Resolve_OTIO"] == {"Grade": "warm"}
    said = made[2].metadata["maskedit"]
    assert (said["job_id"], said["seed"], said["over"], said["version"]) == ("job-1", 2**40, "B", 1)
    del read.tracks[1]
    before = otio.adapters.read_from_file(str(tmp_path / "cut.otio"))
    assert read.is_equivalent_to(before)


def test_later_takes_go_above_or_replace(tmp_path):
    timeline = opened(timeline_of(clip("A003", 10, 30)), tmp_path)
    shown = find_clip(timeline.clips(), "A003")
    assert timeline.place(take_of(shown), shown).track == 2
    placed = timeline.place(take_of(shown), shown)
    assert placed.track == 3 and "an earlier result" in placed.notes[0]
    again = reopened(timeline, tmp_path)
    assert [each.track_name for each in again.clips() if each.name == "A003 edited"] == ["MaskEdit", "MaskEdit 2"]
    shown = find_clip(again.clips(), "A003")
    assert again.place(take_of(shown), shown, replace=True).track == 2
    names = [each.track_name for each in reopened(again, tmp_path).clips()]
    assert names == ["plates", "MaskEdit", "titles"]
    assert again.place(replace(take_of(shown), frames=3), shown).track == 3


def test_takes_of_clips_that_are_alike_lie_above_each_of_them(tmp_path):
    timeline = opened(timeline_of(clip("A003", 10, 30), clip("A003", 10, 30)), tmp_path)
    for number in (2, 1):
        shown = find_clip(timeline.clips(), "A003", number=number)
        timeline.place(take_of(shown), shown)
    takes = [each for each in reopened(timeline, tmp_path).clips() if each.name == "A003 edited"]
    assert [(take.track, take.record.start / FRAME) for take in takes] == [(2, 0), (3, 30)]


def test_a_take_of_a_nested_clip_lies_inside_its_stack(tmp_path):
    inner, line = schema.Stack("nest"), schema.Track("in", kind="Video")
    line.extend([schema.Gap(duration=RationalTime(7, NTSC)), clip("deep", 5, 9)])
    inner.extend([line, clip("layer", 0, 4)])
    timeline = opened(timeline_of(clip("A003", 10, 30), inner), tmp_path)
    for name, start in (("deep", 7), ("layer", 0)):
        shown = find_clip(timeline.clips(), name)
        assert shown.inside == ("nest",) and shown.record.start == start * FRAME and shown.track == 1
        timeline.place(replace(take_of(shown), name=f"{name} edited"), shown)
        take = find_clip(reopened(timeline, tmp_path).clips(), f"{name} edited")
        assert take.inside == ("nest",) and (take.record, take.source) == (shown.record, shown.source)
        timeline = open_timeline(tmp_path / "new.otio")


def test_sequences_keep_their_numbers(tmp_path):
    pictures = schema.ImageSequenceReference(
        target_url_base="file:///media/sh%20ot/", name_prefix="shot.", name_suffix=".exr", start_frame=1001,
        rate=NTSC, frame_zero_padding=4, available_range=span(1001, 100),
    )  # fmt: skip
    timeline = opened(timeline_of(schema.Clip("shot", pictures, span(1011, 20))), tmp_path)
    shown = find_clip(timeline.clips(), "shot")
    assert (shown.media, shown.first_number, shown.media_rate) == ("/media/sh ot/shot.%04d.exr", 1001, RATE)
    assert shown_frames(shown, RATE, length=100).first == 10
    timeline.place(replace(take_of(shown), media="/takes/e d.%05d.png", first_number=1011), shown)
    take = find_clip(reopened(timeline, tmp_path).clips(), "A003 edited")
    assert (take.media, take.first_number, take.record) == ("/takes/e d.%05d.png", 1011, shown.record)


def test_what_cannot_be_edited_says_why_and_stays_listed(tmp_path):
    slow, frozen, plain = (clip(name, 0, 10) for name in ("slow", "frozen", "plain"))
    slow.effects.append(schema.LinearTimeWarp(time_scalar=0.5))
    frozen.effects.append(schema.FreezeFrame())
    plain.effects.append(schema.LinearTimeWarp(time_scalar=1))
    bars = schema.Clip("bars", schema.GeneratorReference("bars", "SMPTEBars"), span(0, 10))
    offline = schema.Clip("offline", schema.MissingReference(), span(0, 10))
    endless = schema.Clip("endless", schema.ExternalReference("a.mov"))
    disabled = clip("disabled", 0, 5)
    disabled.enabled = False
    timeline = opened(timeline_of(slow, frozen, plain, bars, offline, endless, disabled), tmp_path)
    clips = {each.name: each for each in timeline.clips()}
    assert "retimed" in clips["slow"].refusal and "retimed" in clips["frozen"].refusal
    assert not clips["plain"].refusal and not clips["disabled"].enabled
    assert "no media file" in clips["bars"].refusal and "no media file" in clips["offline"].refusal
    assert "no length" in clips["endless"].refusal


def test_files_that_cannot_be_used_say_why(tmp_path, monkeypatch):
    bad = tmp_path / "bad.otio"
    bad.write_text("{")
    with pytest.raises(BadInput, match="no OpenTimelineIO file"):
        open_timeline(bad)
    with pytest.raises(BadInput, match="cannot be read"):
        open_timeline(tmp_path / "missing.otio")
    otio.adapters.write_to_file(schema.SerializableCollection("all", [timeline_of(), schema.Timeline("b")]), str(bad))
    with pytest.raises(BadInput, match="'cut', 'b': choose one with --sequence"):
        open_timeline(bad)
    assert open_timeline(bad, sequence="cut").name == "cut"
    otio.adapters.write_to_file(schema.Track("t"), str(bad))
    with pytest.raises(BadInput, match="holds no timeline"):
        open_timeline(bad)
    with pytest.raises(BadInput, match="Avid: AAF is not read here"):
        open_timeline(tmp_path / "a.aaf")
    (tmp_path / "page.xml").write_text("<html/>")
    with pytest.raises(BadInput, match=r"no timeline that is read here \(html\)"):
        open_timeline(tmp_path / "page.xml")
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(BadInput, match=r"pip install maskedit\[timelines\]"):
        open_timeline(tmp_path / "cut.otio")


rates = st.sampled_from([23.976, 24000 / 1001, 24.0, 25.0, 29.97, 30000 / 1001, 50.0, 59.94])


@settings(max_examples=60)
@given(rates, rates, st.integers(0, 10**6), st.integers(0, 100), st.integers(1, 90), st.integers(1, 10**5), st.data())
def test_record_and_source_come_back_exactly(timeline_rate, rate, start, first, count, gap, data):
    """Any rates of clip and timeline, any timecode, offset and length: places, writes, reads the same again."""
    timeline = schema.Timeline("cut", global_start_time=RationalTime(start, timeline_rate))
    line = schema.Track("V1", kind="Video")
    shown = clip("A003", first, count, rate=rate, start=start)
    shown.source_range = TimeRange(
        shown.source_range.start_time, RationalTime(count, data.draw(st.sampled_from([rate, timeline_rate])))
    )
    line.extend([schema.Gap(duration=RationalTime(gap, timeline_rate)), shown])
    timeline.tracks.append(line)
    ours = OtioTimeline(otio, timeline, timeline, folder=Path("/"))
    exact = exact_rate(rate)
    found = find_clip(ours.clips(), "A003")
    duration = Fraction(count) / exact_rate(shown.source_range.duration.rate)
    assert found.record == Span(gap / exact_rate(timeline_rate), duration)
    assert found.source == Span((start + first) / exact, duration)
    frames = shown_frames(found, exact, length=None, handles=data.draw(st.integers(0, 5)))
    ours.place(
        replace(take_of(found, rate=exact), first=frames.first, frames=len(frames), start_frame=start + frames.first),
        found,
    )
    written = otio.core.deserialize_json_from_string(otio.core.serialize_json_to_string(timeline))
    take = find_clip(OtioTimeline(otio, written, written, folder=Path("/")).clips(), "A003 edited")
    assert (take.record, take.source) == (found.record, found.source)
