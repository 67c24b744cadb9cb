# SPDX-License-Identifier: GPL-3.0-or-later
"""xmeml, as Premiere and Resolve write it: what is read, where a take goes, and that nothing else changes."""

from __future__ import annotations

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

RATE = Fraction(30000, 1001)
FRAME = 1 / RATE
NTSC = "<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>"
PAL = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
MEDIA = f"""<file id="file-1"><name>A003.mov</name><pathurl>file://localhost/media/A%20003.mov</pathurl>{NTSC}
  <duration>300</duration><timecode>{NTSC}<string>01:00:00:00</string><frame>108000</frame></timecode>
  <media><video><samplecharacteristics><width>1920</width><height>1080</height><anamorphic>FALSE</anamorphic>
  <pixelaspectratio>square</pixelaspectratio></samplecharacteristics></video></media></file>"""


def clipitem(
    name: str, start: int, end: int, first: int, last: int, *, file: str = '<file id="file-1"/>', more=""
) -> str:
    return (
        f'<clipitem id="{name}-{start}"><name>{name}</name><enabled>TRUE</enabled><duration>300</duration>{NTSC}'
        f"<start>{start}</start><end>{end}</end><in>{first}</in><out>{last}</out>{file}{more}</clipitem>"
    )


def dissolve(start: int, end: int, alignment: str = "center") -> str:
    return (
        f"<transitionitem><start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>{NTSC}<effect>"
        "<name>Cross Dissolve</name><effectid>Cross Dissolve</effectid></effect></transitionitem>"
    )


SCALED = (
    "<filter><effect><name>Basic Motion</name><effectid>basic</effectid><parameter><parameterid>scale</parameterid>"
    "<value>150</value></parameter></effect></filter>"
)
SLOW = (
    "<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><parameter><parameterid>speed</parameterid>"
    "<value>50</value></parameter></effect></filter>"
)
ON_TRACK_1 = (
    clipitem("A003", 10, 40, 20, 50, file=MEDIA, more=SCALED),
    clipitem("A003", 50, 60, 100, 110),
    clipitem("slow", 60, 80, 0, 10, more=SLOW),
    clipitem("odd", 80, 100, 0, 10),
    '<clipitem id="n"><name>nested</name><start>100</start><end>120</end><in>0</in><out>20</out>'
    f'<sequence id="inner"><name>inner</name><duration>20</duration>{NTSC}<media><video><track>'
    f"{clipitem('deep', 0, 20, 5, 25)}</track></video></media></sequence></clipitem>",
    '<generatoritem id="g"><name>Slug</name><start>120</start><end>130</end><in>0</in><out>10</out></generatoritem>',
)


def written(tmp_path: Path, *items: str, name: str = "cut.xml") -> Path:
    path = tmp_path / name
    path.write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="4">
  <sequence id="sequence-1">
    <name>cut</name><duration>130</duration>{NTSC}
    <timecode>{NTSC}<string>01;00;00;00</string><frame>107892</frame><displayformat>DF</displayformat></timecode>
    <media><video>
      <track MZ.TrackName="plates">{"".join(items or ON_TRACK_1)}<enabled>TRUE</enabled><locked>FALSE</locked></track>
      <track>{clipitem("title", 20, 30, 0, 10)}</track>
    </video><audio><track/></audio></media>
  </sequence>
</xmeml>
""",
        encoding="utf-8",
    )
    return path


def take_of(clip: TimelineClip, *, handles: int = 0) -> Take:
    return edited_take(clip, rate=RATE, length=300, timecode=108000, handles=handles)


def reopened(timeline: OpenTimeline, tmp_path: Path) -> OpenTimeline:
    timeline.save(tmp_path / "new.xml")
    return open_timeline(tmp_path / "new.xml")


def test_clips_lie_where_the_file_says_and_show_what_it_says(tmp_path):
    timeline = open_timeline(written(tmp_path))
    assert (timeline.name, timeline.rate, timeline.start * RATE, timeline.drop_frame) == ("cut", RATE, 107892, True)
    clips = timeline.clips()
    assert [(clip.name, clip.number, clip.track) for clip in clips] == [
        ("A003", 1, 1), ("A003", 2, 1), ("slow", 1, 1), ("odd", 1, 1), ("deep", 1, 1), ("Slug", 1, 1), ("title", 1, 2),
    ]  # fmt: skip
    first, second, slow, odd, deep, slug, _ = clips
    assert first.media == second.media == "/media/A 003.mov" and first.track_name == "plates"
    assert first.record == Span(10 * FRAME, 30 * FRAME)
    assert shown_frames(first, RATE, length=300).first == 20 and shown_frames(first, RATE, length=300).last == 49
    assert deep.inside == ("nested",) and deep.record.start == 0
    assert "retimed" in slow.refusal and "retimed" in odd.refusal and "no media file" in slug.refusal


@pytest.mark.parametrize("handles", [0, 6])
def test_a_take_lies_exactly_above_its_clip_on_a_track_of_its_own(tmp_path, handles):
    timeline = open_timeline(written(tmp_path))
    clip = find_clip(timeline.clips(), "A003", number=1)
    assert timeline.place(take_of(clip, handles=handles), clip).track == 2
    again = reopened(timeline, tmp_path)
    take = find_clip(again.clips(), "A003 edited")
    assert (take.track, take.track_name, take.record) == (2, "MaskEdit", clip.record)
    assert shown_frames(take, RATE, length=None).first == handles
    assert find_clip(again.clips(), "title").track == 3


def nodes(element: ElementTree.Element) -> tuple:
    return element.tag, element.attrib, (element.text or "").strip(), [nodes(child) for child in element]


def test_everything_else_stays_node_for_node(tmp_path):
    path = written(tmp_path)
    timeline = open_timeline(path)
    clip = find_clip(timeline.clips(), "A003", number=1)
    timeline.place(take_of(clip), clip)
    timeline.save(tmp_path / "new.xml")
    before, after = path.read_text(encoding="utf-8"), (tmp_path / "new.xml").read_text(encoding="utf-8")
    assert after.startswith(before[: before.index("<xmeml ")])
    root = ElementTree.fromstring(after)
    video = root.find("sequence/media/video")
    made = video[1]
    assert [child.tag for child in made] == ["clipitem", "enabled", "locked"]
    assert made.find("clipitem/filter/effect/effectid").text == "basic"
    assert made.findtext("clipitem/alphatype") == "straight"
    assert made.findtext("clipitem/file/timecode/frame") == "108020"
    assert made.findtext("clipitem/file/pathurl") == "file://localhost/takes/A003%20edited.mov"
    video.remove(made)
    assert nodes(root) == nodes(ElementTree.fromstring(before))


def test_later_takes_go_above_or_replace(tmp_path):
    timeline = open_timeline(written(tmp_path))
    clip = find_clip(timeline.clips(), "A003", number=1)
    timeline.place(take_of(clip), clip)
    placed = timeline.place(take_of(clip), clip)
    assert placed.track == 3 and "an earlier result" in placed.notes[0]
    names = [clip.track_name for clip in reopened(timeline, tmp_path).clips() if clip.name == "A003 edited"]
    assert names == ["MaskEdit", "MaskEdit 2"]
    ids = [each.get("id") for each in ElementTree.parse(tmp_path / "new.xml").iter("clipitem")]
    assert len({*ids}) == len(ids)
    assert timeline.place(take_of(clip), clip, replace=True).track == 2
    assert [clip.track for clip in reopened(timeline, tmp_path).clips() if clip.name == "A003 edited"] == [2]
    assert timeline.place(replace(take_of(clip), frames=3), clip).track == 3


def test_effects_that_move_are_said_where_the_take_begins_elsewhere(tmp_path):
    moving = SCALED.replace("<value>150</value>", "<keyframe><when>25</when><value>150</value></keyframe>")
    for first, said in ((20, True), (0, False)):
        timeline = open_timeline(
            written(tmp_path, clipitem("A003", 10, 40, first, first + 30, file=MEDIA, more=moving))
        )
        clip = find_clip(timeline.clips(), "A003")
        notes = timeline.place(take_of(clip), clip).notes
        assert any("have keyframes" in note for note in notes) == said


def test_a_take_of_a_nested_clip_lies_inside_the_nested_sequence(tmp_path):
    timeline = open_timeline(written(tmp_path))
    clip = find_clip(timeline.clips(), "deep")
    assert timeline.place(take_of(clip), clip).track == 1
    take = find_clip(reopened(timeline, tmp_path).clips(), "A003 edited")
    assert take.inside == ("nested",) and take.record == clip.record
    assert take.source == Span(Fraction(0), clip.source.duration)


DISSOLVED = (
    clipitem("one", 0, -1, 0, 34, file=MEDIA), dissolve(26, 34), clipitem("two", -1, -1, 96, 124),
    dissolve(50, 54, "start"), clipitem("three", -1, 80, 10, 40),
)  # fmt: skip


def test_over_transitions_a_take_fades_by_the_same_ones(tmp_path):
    timeline = open_timeline(written(tmp_path, *DISSOLVED))
    clip = find_clip(timeline.clips(), "two")
    assert clip.record == Span(30 * FRAME, 20 * FRAME) and (clip.head, clip.tail) == (4 * FRAME, 4 * FRAME)
    assert clip.source.start == 100 * FRAME
    timeline.place(take_of(clip), clip)
    again = reopened(timeline, tmp_path)
    take = find_clip(again.clips(), "A003 edited")
    assert take.record == Span(26 * FRAME, 28 * FRAME) and shown_frames(take, RATE, length=None).first == 0
    track = ElementTree.parse(tmp_path / "new.xml").find("sequence/media/video")[1]
    assert [child.tag for child in track][:3] == ["transitionitem", "clipitem", "transitionitem"]
    assert [each.text for each in track.iter("alignment")] == ["start-black", "end-black"]
    clip = find_clip(again.clips(), "two")
    assert again.place(take_of(clip), clip, replace=True).track == 2


def test_ticks_say_what_a_clip_shows_of_media_at_another_rate(tmp_path):
    ticks = 254016000000
    media = MEDIA.replace(NTSC, PAL)
    at = Fraction(7, 25)
    more = f"<pproTicksIn>{int(at * ticks)}</pproTicksIn><pproTicksOut>{int((at + 30 * FRAME) * ticks)}</pproTicksOut>"
    timeline = open_timeline(written(tmp_path, clipitem("A003", 10, 40, 8, 38, file=media, more=more)))
    clip = find_clip(timeline.clips(), "A003")
    assert clip.media_rate == 25 and not clip.refusal and clip.source.start == at
    frames = shown_frames(clip, Fraction(25), length=300)
    assert (frames.first, frames.last) == (7, 32)
    take = replace(take_of(clip), rate=Fraction(25), first=7, frames=26)
    timeline.place(take, clip)
    again = find_clip(reopened(timeline, tmp_path).clips(), "A003 edited")
    assert again.record == clip.record and again.source.start == 0


rates = st.sampled_from([(24, True), (24, False), (25, False), (30, True), (30, False), (50, False), (60, True)])


@settings(max_examples=25)
@given(rates, st.integers(0, 10**6), st.integers(0, 90), st.integers(1, 90), st.integers(1, 10**5), st.integers(0, 9))
def test_record_and_source_come_back_exactly(tmp_path_factory, named, start, into, count, at, handles):
    """Any rate, any timecode, offset and length."""
    timebase, ntsc = named
    rate = Fraction(timebase * 1000, 1001) if ntsc else Fraction(timebase)
    written_rate = f"<rate><timebase>{timebase}</timebase><ntsc>{str(ntsc).upper()}</ntsc></rate>"
    folder = tmp_path_factory.mktemp("p")
    path = written(folder, clipitem("c", at, at + count, into, into + count, file=MEDIA))
    path.write_text(path.read_text().replace(NTSC, written_rate).replace("<frame>107892", f"<frame>{start}"))
    timeline = open_timeline(path)
    clip = find_clip(timeline.clips(), "c")
    assert (timeline.rate, timeline.start) == (rate, start / rate)
    assert (clip.record, clip.source) == (Span(at / rate, count / rate), Span(into / rate, count / rate))
    frames = shown_frames(clip, rate, length=None, handles=handles)
    take = replace(take_of(clip), first=frames.first, frames=len(frames), rate=rate, start_frame=frames.first)
    timeline.place(take, clip)
    again = find_clip(reopened(timeline, folder).clips(), "A003 edited")
    assert again.record == clip.record and again.media_rate == rate
    # The take counts from its own first frame.
    assert again.source.start == (into - frames.first) / rate


def test_a_sequence_of_pictures_is_known_by_its_first(tmp_path):
    media = MEDIA.replace("A%20003.mov", "shot.1001.exr").replace(NTSC, PAL)
    timeline = open_timeline(written(tmp_path, clipitem("shot", 10, 20, 0, 10, file=media).replace(NTSC, PAL)))
    clip = find_clip(timeline.clips(), "shot")
    assert (clip.media, clip.first_number) == ("/media/shot.%04d.exr", 1001)
    timeline.place(replace(take_of(clip), media="/takes/e.%04d.png", first_number=1001), clip)
    again = find_clip(reopened(timeline, tmp_path).clips(), "A003 edited")
    assert (again.media, again.first_number) == ("/takes/e.%04d.png", 1001)


def test_files_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(BadInput, match="has no place on its track"):
        open_timeline(written(tmp_path, clipitem("a", -1, 5, 0, 5))).clips()
    with pytest.raises(BadInput, match="start 'x', which is no number"):
        open_timeline(written(tmp_path, clipitem("a", 1, 5, 0, 5).replace("<start>1", "<start>x"))).clips()
    path = written(tmp_path)
    path.write_text(path.read_text().replace("</xmeml>", '<sequence id="s"><name>b</name><media/></sequence></xmeml>'))
    with pytest.raises(BadInput, match="'cut', 'b': choose one with --sequence"):
        open_timeline(path)
    assert open_timeline(path, sequence="cut").name == "cut"
    path.write_text("<xmeml><project/></xmeml>")
    with pytest.raises(BadInput, match="no sequence"):
        open_timeline(path)


def test_another_reader_finds_the_take_where_we_put_it(tmp_path):
    otio = pytest.importorskip("opentimelineio")
    timeline = open_timeline(written(tmp_path, *DISSOLVED))
    clip = find_clip(timeline.clips(), "one")
    timeline.place(take_of(clip), clip)
    clip = find_clip(timeline.clips(), "three")
    timeline.place(replace(take_of(clip), name="third edited"), clip)
    timeline.save(tmp_path / "new.xml")
    read = otio.adapters.read_from_file(str(tmp_path / "new.xml"), "fcp_xml")
    found = {each.name: each for each in read.find_children(descended_from_type=otio.schema.Clip)}
    for name, edited, longer in (("one", "A003 edited", 4), ("three", "third edited", 0)):
        place, ours = (each.range_in_parent() for each in (found[name], found[edited]))
        assert ours.start_time <= place.start_time and ours.end_time_exclusive() >= place.end_time_exclusive()
        assert ours.duration.value - place.duration.value == longer
        media = found[edited].media_reference
        assert media.target_url.endswith(".mov") and media.available_range.start_time.value >= 108000
