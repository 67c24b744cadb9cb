# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit timeline`: the list, the frames that an edit gets, and what it says before anything is rendered."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange

from plugin_client.cli.facts import ClipFacts, clip_facts
from plugin_client.cli.main import main
from plugin_client.cli.timeline_shot import ByTimeline, FromClip, TimelineShot, mattes_from_clip, shot_of
from plugin_client.core.errors import BadInput
from plugin_client.core.requests import MatteFile
from plugin_client.core.timeline import FrameRange
from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.opening import open_timeline

schema = otio.schema
RATE = Fraction(25)
FACTS = ClipFacts(frames=8, rate=RATE, width=16, height=16, start_timecode="")


def span(start: float, count: float) -> TimeRange:
    return TimeRange(RationalTime(start, 25), RationalTime(count, 25))


@pytest.fixture
def cut(write_clip, tmp_path: Path) -> Path:
    """A timeline: 10 frames of nothing, frames 2-6 of a clip of 8, a clip whose media is not there, a disabled one."""
    media = write_clip("my clip.mkv", np.zeros((8, 16, 16, 3), np.uint8))
    timeline = schema.Timeline("cut", global_start_time=RationalTime(90000, 25))
    line = schema.Track("plates", kind="Video")
    off = schema.Clip("off", schema.ExternalReference(media.name, span(0, 8)), span(0, 3))
    off.enabled = False
    line.extend(
        [
            schema.Gap(duration=RationalTime(10, 25)),
            schema.Clip("shot", schema.ExternalReference(media.as_uri(), span(0, 8)), span(2, 5)),
            schema.Clip("gone", schema.ExternalReference("file:///no/such.mov", span(0, 8)), span(0, 4)),
            off,
        ]
    )
    timeline.tracks.append(line)
    path = tmp_path / "cut.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def shot_in(cut: Path, name: str = "shot", *, handles: int = 0) -> TimelineShot:
    timeline = open_timeline(cut)
    return shot_of(timeline, find_clip(timeline.clips(), name), FACTS, handles=handles)


def test_the_list_says_where_clips_lie_and_what_is_missing(cut, capsys):
    assert main(["timeline", str(cut), "--list"]) == 0
    said = capsys.readouterr().out
    assert "cut: 25 fps, starts at 01:00:00:00" in said and "Track 1, plates" in said
    assert "shot  01:00:00:10 to 01:00:00:15, frames 10-14" in said and "frames 2-6 of" in said
    assert "/no/such.mov [MISSING]" in said and "my clip.mkv [disabled]" in said
    assert main(["timeline", str(cut), "--list", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["rate"], facts["start"]) == ("25/1", "01:00:00:00")
    assert [clip["missing"] for clip in facts["clips"]] == [False, True, False]
    assert facts["clips"][0]["record"] == ["01:00:00:10", "01:00:00:15"]


def test_an_edit_gets_the_frames_that_the_clip_shows(cut):
    shot = shot_in(cut)
    assert (shot.own, shot.frames, shot.rate) == (FrameRange(2, 6), FrameRange(2, 6), RATE)
    assert shot_in(cut, handles=2).frames == FrameRange(0, 7)
    assert shot_in(cut, "off").frames == FrameRange(0, 2)


def test_frames_can_be_counted_from_the_clip_or_by_the_timelines_timecode(cut):
    shot, timeline = shot_in(cut), open_timeline(cut)
    from_clip, by_timeline = FromClip(shot), ByTimeline(shot, timeline)
    assert from_clip.frame("0") == 2 and from_clip.range("1-4") == FrameRange(3, 6)
    assert by_timeline.frame("01:00:00:10") == 2
    assert by_timeline.range("01:00:00:11-01:00:00:14") == FrameRange(3, 6)
    for text in ("01:00:00:09", "01:00:00:15"):
        with pytest.raises(BadInput, match="not on the timeline at"):
            by_timeline.frame(text)
    with pytest.raises(BadInput, match="use --from-clip"):
        ByTimeline(replace(shot, clip=replace(shot.clip, inside=("nest",))), timeline).frame("01:00:00:10")
    with pytest.raises(BadInput, match="give a whole number"):
        from_clip.frame("01:00:00:10")
    mattes = (MatteFile("drawn.mov"), MatteFile("roto.json"))
    assert [matte.first_frame for matte in mattes_from_clip(mattes, shot)] == [2, None]


def test_media_that_start_elsewhere_than_the_timeline_says(cut, tmp_path):
    timeline = open_timeline(cut)
    clip = find_clip(timeline.clips(), "shot")
    for number in range(1001, 1012):
        (tmp_path / f"s.{number}.png").touch()
    # The timeline knows the pictures from 1004 on.
    pictures = replace(clip, media=str(tmp_path / "s.%04d.png"), first_number=1004)
    assert shot_of(timeline, pictures, replace(FACTS, frames=11), handles=0).own == FrameRange(5, 9)
    # Without a word about where the media's time starts: by its timecode where that fits, else from 0.
    unsaid = replace(clip, media_start=None)
    labelled = replace(FACTS, start_timecode="01:00:00:00")
    by_timecode = replace(unsaid, source=replace(clip.source, start=Fraction(3600) + 3 / RATE))
    assert shot_of(timeline, unsaid, FACTS, handles=0).own == FrameRange(2, 6)
    assert shot_of(timeline, unsaid, labelled, handles=0).own == FrameRange(2, 6)
    assert shot_of(timeline, by_timecode, labelled, handles=0).own == FrameRange(3, 7)
    with pytest.raises(BadInput, match=r"install maskedit\[server\]"):
        shot_of(timeline, unsaid, None, handles=0)
    assert shot_of(timeline, clip, None, handles=0).own == FrameRange(2, 6)


def test_the_facts_of_media_are_read_in_another_process(cut):
    assert clip_facts(str(cut.parent / "my clip.mkv")) == FACTS
    with pytest.raises(BadInput):
        clip_facts(str(cut))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--keyframe", "0=k.png"], "No clip is named"),
        (["--clip", "nobody"], "There is no clip 'nobody': choose one of 'shot', 'gone', 'off'"),
        (["--clip", "gone", "--keyframe", "0=k.png"], "The media of 'gone' is missing: there is no /no/such.mov"),
        (["--clip", "shot"], "There is no edited picture"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--handles", "-1"], "--handles counts frames"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--deliver", "fill"], "A fill alone cannot lie on a timeline"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--format", "cache"], "A frame cache cannot lie on a timeline"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--from-clip", "--timecode"], "in one way only"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--out", "{cut}"], "would overwrite the timeline itself"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--out", "/no/such/x.otio"], "make /no/such first"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--out", "x.fcpxml"], "of another kind than cut.otio: end it in"),
        (["--clip", "shot", "--keyframe", "5=k.png", "--from-clip"], "'shot' shows frames 0-4: frame 5 lies behind"),
        (["--clip", "shot", "--keyframe", "0=k.png", "--frames", "0-1"], "no frame that the clip 'shot' shows"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_rendered(cut, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(cut.parent)
    assert main(["timeline", str(cut), *(each.replace("{cut}", str(cut)) for each in arguments)]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert [each.name for each in sorted(cut.parent.iterdir())] == ["cut.otio", "my clip.mkv"]
