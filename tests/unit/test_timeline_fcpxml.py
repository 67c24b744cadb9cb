# SPDX-License-Identifier: GPL-3.0-or-later
"""FCPXML: what is read of a timeline, where a take goes, and that nothing else of the file changes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.opening import open_timeline
from plugin_client.timelines.placement import shown_frames
from plugin_client.timelines.timeline import OpenTimeline, Span, Take, TimelineClip
from tests.unit.edited_takes import edited_take

RATE = Fraction(24000, 1001)
FRAME = 1 / RATE
OLD_ASSET = (
    '<asset id="r2" name="A003" src="{src}" start="86486400/24000s" duration="200200/24000s" hasVideo="1" format="r1"/>'
)
NEW_ASSET = (
    '<asset id="r2" name="A003" start="86486400/24000s" duration="200200/24000s" hasVideo="1" format="r1">'
    '<media-rep kind="proxy-media" src="file:///proxy.mov"/><media-rep kind="original-media" src="{src}"/></asset>'
)
VERSIONS = {"1.8": OLD_ASSET, "1.9": NEW_ASSET, "1.13": NEW_ASSET}
FILE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<!-- kept, byte for byte -->
<fcpxml version="{version}">
    <resources>
        <format id="r1" name="FFVideoFormat1080p2398" frameDuration="1001/24000s" width="1920" height="1080"/>
        {asset}
        <asset id="r3" name="music" src="file:///music.wav" start="0s" duration="100s" hasAudio="1"/>
        <effect id="r4" name="Basic Title" uid=".../Titles.localized/Basic Title.moti"/>
        <media id="r5" name="Compound"><sequence format="r1" duration="20020/24000s" tcStart="0s"><spine>
            <asset-clip ref="r2" name="inner" offset="0s" start="86488402/24000s" duration="20020/24000s"/>
        </spine></sequence></media>
    </resources>
    <library><event name="e"><project name="cut"><sequence format="r1" tcStart="3600s" duration="90090/24000s">
        <spine>
            <gap name="Gap" offset="3600s" start="3600s" duration="12012/24000s">
                <asset-clip ref="r3" lane="-1" offset="3600s" name="music" duration="30030/24000s"/>
            </gap>
            <asset-clip ref="r2" name="A003" offset="86412012/24000s" start="86496410/24000s" duration="24024/24000s">
                <adjust-transform scale="1.5 1.5"/>
                <title ref="r4" lane="1" name="Lower third" offset="86500414/24000s" duration="10010/24000s"/>
                <marker start="86500414/24000s" duration="1001/24000s" value="here"/>
            </asset-clip>
            <ref-clip ref="r5" name="nested" offset="86436036/24000s" duration="20020/24000s"/>
            <clip name="wrapped" offset="86456056/24000s" start="86490404/24000s" duration="10010/24000s">
                <video ref="r2" offset="86486400/24000s" start="86486400/24000s" duration="200200/24000s"/>
            </clip>
            <asset-clip ref="r2" name="slow" offset="86466066/24000s" start="86486400/24000s" duration="10010/24000s">
                <timeMap><timept time="0s" value="0s" interp="smooth2"/><timept time="2s" value="1s"/></timeMap>
            </asset-clip>
        </spine>
    </sequence></project></event></library>
</fcpxml>
<!-- the end -->
"""


def written(tmp_path: Path, version: str = "1.10", *, text: str = FILE) -> Path:
    path = tmp_path / f"cut{version}.fcpxml"
    asset = VERSIONS.get(version, NEW_ASSET).format(src="file:///media/A%20003.mov")
    path.write_text(text.replace("{version}", version).replace("{asset}", asset), encoding="utf-8")
    return path


def take_of(clip: TimelineClip, *, handles: int = 0) -> Take:
    return edited_take(clip, rate=RATE, length=200, timecode=86400, handles=handles)


def reopened(timeline: OpenTimeline, tmp_path: Path) -> OpenTimeline:
    timeline.save(tmp_path / "new.fcpxml")
    return open_timeline(tmp_path / "new.fcpxml")


@pytest.mark.parametrize("version", VERSIONS)
def test_clips_lie_where_the_file_says_and_show_what_it_says(tmp_path, version):
    timeline = open_timeline(written(tmp_path, version))
    clips = {clip.name: clip for clip in timeline.clips()}
    assert (timeline.name, timeline.rate, timeline.start) == ("cut", RATE, 3600)
    assert list(clips) == ["inner", "A003", "wrapped", "slow", "Lower third"]
    clip = clips["A003"]
    assert clip.media == "/media/A 003.mov"
    assert clip.record == Span(12 * FRAME, 24 * FRAME)
    assert shown_frames(clip, RATE, length=200) == shown_frames(clip, RATE, length=None)
    assert (shown_frames(clip, RATE, length=200).first, shown_frames(clip, RATE, length=200).last) == (10, 33)
    inner, wrapped = clips["inner"], clips["wrapped"]
    assert inner.inside == ("nested",) and inner.record == Span(Fraction(0), 20 * FRAME) and inner.track == 1
    assert wrapped.record.start == 56 * FRAME
    assert shown_frames(wrapped, RATE, length=200).first == 4
    assert "retimed" in clips["slow"].refusal and "no media file" in clips["Lower third"].refusal


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("handles", [0, 5])
def test_a_take_lies_exactly_above_its_clip_below_the_title(tmp_path, version, handles):
    timeline = open_timeline(written(tmp_path, version))
    clip = find_clip(timeline.clips(), "A003")
    placed = timeline.place(take_of(clip, handles=handles), clip)
    again = {each.name: each for each in reopened(timeline, tmp_path).clips()}
    take = again["A003 edited"]
    assert placed.track == take.track == 2 and again["Lower third"].track == 3
    assert take.record == clip.record == placed.record
    assert take.media == "/takes/A003 edited.mov" and take.enabled and not take.refusal
    # Its own first frames are the handles; its timecode is the source's.
    assert take.source == clip.source
    assert shown_frames(take, RATE, length=24 + 2 * handles).first == handles


def test_everything_else_stays_node_for_node(tmp_path):
    path = written(tmp_path)
    timeline = open_timeline(path)
    clip = find_clip(timeline.clips(), "A003")
    timeline.place(take_of(clip), clip)
    timeline.save(tmp_path / "new.fcpxml")
    text = (tmp_path / "new.fcpxml").read_text(encoding="utf-8")
    before, after = path.read_text(encoding="utf-8"), text
    assert after.startswith(before[: before.index("<fcpxml ")]) and after.endswith(before[before.index("</fcpxml>") :])
    root = ElementTree.fromstring(text)
    resources = root.find("resources")
    (asset,) = [each for each in resources if each.get("name") == "A003 edited"]
    resources.remove(asset)
    anchor = root.find(".//spine/asset-clip[@name='A003']")
    (take,) = [each for each in anchor if each.get("name") == "A003 edited"]
    assert [child.tag for child in anchor] == ["adjust-transform", "title", "asset-clip", "marker"]
    assert take.find("adjust-transform").attrib == {"scale": "1.5 1.5"}
    assert take.findtext("note").startswith('maskedit {"first_frame": 10, "job_id": "job-1"')
    anchor.remove(take)
    anchor.find("title").set("lane", "1")
    assert nodes(root) == nodes(ElementTree.fromstring(before))


def nodes(element: ElementTree.Element) -> tuple:
    """An element without the white space between its children."""
    return element.tag, element.attrib, (element.text or "").strip(), [nodes(child) for child in element]


def test_a_second_take_goes_above_the_first_and_one_that_replaces_takes_its_place(tmp_path):
    timeline = open_timeline(written(tmp_path))
    clip = find_clip(timeline.clips(), "A003")
    for expected in (2, 3):
        clip = find_clip(timeline.clips(), "A003")
        placed = timeline.place(take_of(clip), clip)
        assert placed.track == expected
    assert "an earlier result" in placed.notes[0]
    timeline = reopened(timeline, tmp_path)
    clip = find_clip(timeline.clips(), "A003")
    assert timeline.place(take_of(clip), clip, replace=True).track == 2
    root = ElementTree.fromstring((reopened(timeline, tmp_path), (tmp_path / "new.fcpxml").read_text("utf-8"))[1])
    assert len(root.findall(".//asset-clip[@name='A003 edited']")) == 1
    assert len(root.findall("resources/asset[@name='A003 edited']")) == 1
    part = find_clip(timeline.clips(), "A003")
    assert timeline.place(replace(take_of(part), frames=3), part, replace=True).track == 3


def test_effects_that_move_are_said_where_the_take_has_another_timecode(tmp_path):
    moving = '<adjust-transform><param name="scale"><keyframe time="3603s" value="2 2"/></param></adjust-transform>'
    timeline = open_timeline(written(tmp_path, text=FILE.replace('<adjust-transform scale="1.5 1.5"/>', moving)))
    clip = find_clip(timeline.clips(), "A003")
    assert not timeline.place(take_of(clip), clip).notes
    assert "have keyframes" in timeline.place(replace(take_of(clip), start_frame=0), clip, replace=True).notes[0]


def test_a_take_of_a_nested_clip_lies_inside_the_compound_clip(tmp_path):
    timeline = open_timeline(written(tmp_path))
    clip = find_clip(timeline.clips(), "inner")
    timeline.place(take_of(clip), clip)
    take = find_clip(reopened(timeline, tmp_path).clips(), "A003 edited")
    assert take.inside == ("nested",) and take.record == clip.record and take.source == clip.source


DISSOLVES = FILE[: FILE.index("<gap ")] + """
    <asset-clip ref="r2" name="one" offset="3600s" start="86496410/24000s" duration="24024/24000s"/>
    <transition name="Cross Dissolve" offset="86418018/24000s" duration="8008/24000s"/>
    <asset-clip ref="r2" name="two" offset="86424024/24000s" start="86526440/24000s" duration="24024/24000s"/>
    <transition name="Cross Dissolve" offset="86444044/24000s" duration="8008/24000s"/>
    <asset-clip ref="r2" name="three" offset="86448048/24000s" start="86496410/24000s" duration="24024/24000s"/>
        </spine>""" + FILE[FILE.index("</sequence></project>") :]  # fmt: skip


def test_over_transitions_a_take_fades_by_the_same_ones(tmp_path):
    timeline = open_timeline(written(tmp_path, text=DISSOLVES))
    clip = find_clip(timeline.clips(), "two")
    assert (clip.head, clip.tail) == (6 * FRAME, 4 * FRAME)
    timeline.place(take_of(clip), clip)
    again = reopened(timeline, tmp_path)
    take = find_clip(again.clips(), "A003 edited")
    assert take.record == Span(clip.record.start - 6 * FRAME, clip.record.duration + 10 * FRAME)
    assert take.source == Span(clip.source.start - 6 * FRAME, take.record.duration)
    root = ElementTree.fromstring((tmp_path / "new.fcpxml").read_text("utf-8"))
    storyline = root.find(".//asset-clip[@name='two']/spine")
    assert [(child.tag, child.get("offset")) for child in storyline] == [
        ("transition", "0s"), ("asset-clip", "0s"), ("transition", f"{26 * 1001}/24000s"),
    ]  # fmt: skip
    clip = find_clip(again.clips(), "two")
    assert again.place(take_of(clip), clip, replace=True).track == 2


def test_clips_found_before_a_take_was_placed_are_still_known(tmp_path):
    timeline = open_timeline(written(tmp_path, text=CONNECTED))
    clips = {clip.name: clip for clip in timeline.clips()}
    for name in ("base", "b-roll", "second"):
        timeline.place(replace(take_of(clips[name]), name=f"{name} edited"), clips[name])
    tracks = {clip.name: clip.track for clip in reopened(timeline, tmp_path).clips()}
    order = ["base", "base edited", "b-roll", "b-roll edited", "second", "second edited"]
    assert [tracks[name] for name in order] == [1, 2, 3, 4, 5, 6]


CONNECTED = FILE[: FILE.index("<gap ")] + """
    <asset-clip ref="r2" name="base" offset="3600s" start="86496410/24000s" duration="48048/24000s">
        <asset-clip ref="r2" lane="1" name="b-roll" enabled="0" offset="86500414/24000s" start="86490404/24000s"
         duration="10010/24000s"/>
        <spine lane="2" offset="86498412/24000s">
            <asset-clip ref="r2" name="first" offset="0s" start="86490404/24000s" duration="5005/24000s"/>
            <asset-clip ref="r2" name="second" offset="5005/24000s" start="86490404/24000s" duration="7007/24000s"/>
        </spine>
    </asset-clip>
    <sync-clip name="synced" offset="86448048/24000s" start="2002/24000s" duration="10010/24000s">
        <asset-clip ref="r2" name="picture" offset="0s" start="86490404/24000s" duration="20020/24000s"/>
        <asset-clip ref="r3" lane="-1" name="sound" offset="0s" duration="20020/24000s"/>
    </sync-clip>
        </spine>""" + FILE[FILE.index("</sequence></project>") :]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "track", "at", "holder"),
    [("base", 1, 0, "base"), ("b-roll", 2, 4, "base"), ("second", 3, 7, "base"), ("picture", 1, 0, "picture")],
)
def test_connected_storylines_and_synchronised_clips_get_their_take_too(tmp_path, name, track, at, holder):
    """Connected to the primary storyline, above the clip and below what was above it."""
    timeline = open_timeline(written(tmp_path, text=CONNECTED))
    before = {clip.name: clip for clip in timeline.clips()}
    clip = before[name]
    assert (clip.track, clip.record.start, clip.enabled) == (track, at * FRAME, name != "b-roll")
    timeline.place(take_of(clip), clip)
    after = {each.name: each for each in reopened(timeline, tmp_path).clips()}
    take = after.pop("A003 edited")
    assert (take.record, take.source, take.enabled) == (clip.record, clip.source, clip.enabled)
    assert take.inside == clip.inside == (("synced",) if name == "picture" else ())
    root = ElementTree.parse(tmp_path / "new.fcpxml")
    (anchor,) = [each for each in root.iter("asset-clip") if any(child.get("name") == "A003 edited" for child in each)]
    assert anchor.get("name") == holder
    # Everything lies where it lay, in the same order from below.
    assert {each: after[each].record for each in after} == {each: before[each].record for each in before}
    order = sorted(after, key=lambda each: after[each].track)
    assert order == sorted(before, key=lambda each: before[each].track)
    if not clip.inside:
        assert take.track == clip.track + 1
        assert all(each.track != take.track for each in after.values() if each.record.intersection(take.record))


def test_what_cannot_be_placed_says_why(tmp_path):
    text = FILE.replace('duration="24024/24000s">', 'duration="24024/24000s"><conform-rate/>')
    text = text.replace('name="FFVideoFormat1080p2398" frameDuration="1001/24000s"', 'name="FFVideoFormat1080p2398"')
    other = text.replace("<effect ", '<format id="r9" frameDuration="100/2500s"/><effect ').replace(
        '<sequence format="r1" tcStart="3600s"', '<sequence format="r9" tcStart="3600s"'
    )
    timeline = open_timeline(written(tmp_path, text=other))
    assert timeline.rate == 25
    assert "retimed" in find_clip(timeline.clips(), "A003").refusal
    assert not find_clip(open_timeline(written(tmp_path, text=text)).clips(), "A003").refusal
    two = FILE.replace("</event>", '<project name="b"><sequence format="r1"><spine/></sequence></project></event>')
    with pytest.raises(BadInput, match="'cut', 'b': choose one with --sequence"):
        open_timeline(written(tmp_path, text=two))
    assert open_timeline(written(tmp_path, text=two), sequence="cut").name == "cut"
    with pytest.raises(BadInput, match="no time"):
        open_timeline(written(tmp_path, text=FILE.replace("86496410/24000s", "1/0s"))).clips()


rates = st.sampled_from([RATE, Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)])


@settings(max_examples=25)
@given(
    rates, rates, st.integers(0, 10**6), st.integers(0, 90), st.integers(1, 90), st.integers(1, 10**5), st.booleans()
)
def test_record_and_source_come_back_exactly(tmp_path_factory, rate, media_rate, start, into, count, gap, at_zero):
    """Any rates of timeline and media, any timecode, offset and length; offsets from the timecode's start or from 0."""
    tc = Fraction(0) if at_zero else start / rate
    text = f"""<fcpxml version="1.11"><resources>
    <format id="r1" frameDuration="{1 / rate}s"/><format id="r3" frameDuration="{1 / media_rate}s"/>
    <asset id="r2" start="{start / media_rate}s" duration="{10**6 / media_rate}s" hasVideo="1" format="r3">
    <media-rep kind="original-media" src="file:///a.mov"/></asset></resources>
    <project name="p"><sequence format="r1" tcStart="{start / rate}s"><spine>
    <gap offset="{tc}s" start="3600s" duration="{gap / rate}s"/>
    <asset-clip ref="r2" name="c" offset="{tc + gap / rate}s" start="{start / media_rate + into / rate}s"
     duration="{count / rate}s"/></spine></sequence></project></fcpxml>"""
    path = tmp_path_factory.mktemp("p") / "p.fcpxml"
    path.write_text(text)
    timeline = open_timeline(path)
    clip = find_clip(timeline.clips(), "c")
    assert clip.record == Span(gap / rate, count / rate)
    assert clip.source == Span(start / media_rate + into / rate, count / rate)
    frames = shown_frames(clip, media_rate, length=None, handles=into % 4)
    take = replace(take_of(clip), first=frames.first, frames=len(frames), rate=media_rate)
    timeline.place(replace(take, start_frame=start + frames.first), clip)
    again = find_clip(reopened(timeline, path.parent).clips(), "A003 edited")
    assert (again.record, again.source, again.media_rate) == (clip.record, clip.source, media_rate)


def test_another_reader_finds_the_take_where_we_put_it(tmp_path):
    otio = pytest.importorskip("opentimelineio")
    timeline = open_timeline(written(tmp_path, "1.8"))
    clip = find_clip(timeline.clips(), "A003")
    timeline.place(take_of(clip), clip)
    timeline.save(tmp_path / "new.fcpxml")
    read = otio.adapters.read_from_file(str(tmp_path / "new.fcpxml"), "fcpx_xml")
    found = {each.name: each for each in read.find_children(descended_from_type=otio.schema.Clip)}
    source = found["A003 edited"].source_range
    assert source == found["A003"].source_range
    assert deepcopy(found["A003 edited"].media_reference.target_url) == "file:///takes/A003%20edited.mov"
