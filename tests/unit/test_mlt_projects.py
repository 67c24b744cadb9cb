# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects of Kdenlive, Shotcut and melt, read, added to, and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.mlt import MltTimeline, open_mlt
from plugin_client.timelines.mlt_media import properties_of
from plugin_client.timelines.mlt_times import clock_of
from plugin_client.timelines.timeline import Span, TimelineClip
from tests.hosts.mlt.mlt_projects import KDENLIVE_SEQUENCE, Cut, kdenlive, plain, shotcut
from tests.unit.tiny_mlt import CUTS, FILM, PAL, SHAPES, Shape, opened, sequences, take


def spans(timeline: MltTimeline) -> list[tuple[int, str, Span, Span]]:
    return [(clip.track, clip.name, clip.source, clip.record) for clip in timeline.clips()]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_lies_on_the_video_tracks(shape: Shape, tmp_path: Path):
    timeline = opened(tmp_path, shape(CUTS, FILM))
    assert timeline.rate == FILM
    assert [(clip.track, clip.name, clip.number) for clip in timeline.clips()] == [
        (1, "one.mkv", 1),
        (1, "two.mkv", 1),
        (2, "two.mkv", 1),
    ]
    one = timeline.clips()[0]
    assert one.media == str(tmp_path / "one.mkv")
    assert one.media_start == 0
    assert (one.source.start * FILM, one.source.duration * FILM) == (7, 10)
    assert (one.record.start * FILM, one.record.end * FILM) == (4, 14)
    assert not any(clip.refusal for clip in timeline.clips())


@given(
    parts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 500), st.integers(1, 60)), min_size=1, max_size=5),
    data=st.data(),
    rate=st.sampled_from([PAL, FILM, Fraction(30000, 1001), Fraction(60000, 1001)]),
    shape=st.sampled_from(SHAPES),
    clocks=st.booleans(),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_placed_is_read_again_and_nothing_else_changes(
    parts: list[tuple[int, int, int]], data: st.DataObject, rate: Fraction, shape: Shape, clocks: bool, tmp_path: Path
):
    cuts, now = [], 0
    for number, (gap, first, length) in enumerate(parts):
        cuts.append(Cut(media=f"{number}.mkv", first=first, length=length, start=now + gap, media_length=600))
        now += gap + length
    chosen = data.draw(st.integers(0, len(cuts) - 1))
    cut = cuts[chosen]
    begins = data.draw(st.integers(0, cut.first + cut.length - 1))
    frames = data.draw(st.integers(max(1, cut.first - begins + 1), 600))
    text = shape([*cuts, Cut(media="above.mkv", first=0, length=5, start=0, track=2)], rate)
    timeline = opened(tmp_path, in_clocks(text, rate) if clocks else text)
    before = spans(timeline)

    placed = timeline.place(take(first=begins, frames=frames, rate=rate), timeline.clips()[chosen])
    timeline.save(tmp_path / "out.mlt")
    again = open_mlt(tmp_path / "out.mlt")

    first, last = max(cut.first, begins), min(cut.first + cut.length, begins + frames) - 1
    record = Span((cut.start + first - cut.first) / rate, (last - first + 1) / rate)
    assert (placed.track, placed.record) == (2, record)
    assert spans(again) == [
        *before[:-1],
        (2, "one, edited" if shape is not plain else "a.mkv", Span((first - begins) / rate, record.duration), record),
        (3, *before[-1][1:]),
    ]
    result = again.clips()[-2]
    assert (result.media, result.refusal) == ("/results/a.mkv", "")


def in_clocks(text: str, rate: Fraction) -> str:
    """The same project as its editor writes it, times as clock values."""
    root = ElementTree.fromstring(text)
    for each in root.iter():
        for name in ("in", "out", "length"):
            if name in each.attrib:
                each.set(name, clock_of(int(each.attrib[name]), rate))
    return ElementTree.tostring(root, encoding="unicode")


@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_was_in_the_file_stays_in_its_place(shape: Shape, tmp_path: Path):
    text = shape(CUTS, PAL).replace("<playlist", "<!-- mine -->\n  <playlist", 1)
    timeline = opened(tmp_path, text)
    timeline.place(take(first=7, frames=10), find_clip(timeline.clips(), "one.mkv"))
    timeline.save(tmp_path / "out.mlt")
    before = [line.replace(" />", "/>") for line in text.splitlines()]
    after = [line.replace(" />", "/>") for line in (tmp_path / "out.mlt").read_text().splitlines()]
    lost, reached = [], 0
    for line in before:
        if line in after[reached:]:
            reached = after.index(line, reached) + 1
        else:
            lost.append(line)
    # Only what counts tracks may change; even the indentation is kept, and taken up.
    assert all("_track" in line or "kdenlive:" in line for line in lost), lost
    assert len(after) > len(before)
    assert not [line for line in after if line.count("<") > 2 and line not in before]


@pytest.mark.parametrize(("shape", "where"), [(kdenlive, "docproperties"), (sequences, "sequenceproperties")])
def test_what_kdenlive_keeps_of_its_tracks_moves_along(shape: Shape, where: str, tmp_path: Path):
    timeline = opened(tmp_path, shape(CUTS, PAL))
    timeline.place(take(first=7, frames=10), find_clip(timeline.clips(), "one.mkv"))
    timeline.save(tmp_path / "out.mlt")
    root = ElementTree.parse(tmp_path / "out.mlt").getroot()
    names = {each.get("id"): each for each in root.iter() if each.get("id")}
    holder = properties_of(names["main_bin"] if where == "docproperties" else names[KDENLIVE_SEQUENCE])
    said = {word: holder[f"kdenlive:{where}.{word}"] for word in ("activeTrack", "tracksCount", "groups")}
    # Counted without the black track: 0 audio, 1 the clip's, 2 the new one, 3 what was 2.
    assert said["activeTrack"] == "1"
    assert said["tracksCount"] == "4"
    groups = [each["data"] for each in json.loads(said["groups"])[0]["children"]]
    assert groups == ["3:3", "0:3"]
    timeline_tractor = next(each for each in root.iter("tractor") if len(each.findall("transition")) > 2)
    mixed = [(said["b_track"], said["mlt_service"]) for said in map(properties_of, timeline_tractor.iter("transition"))]
    assert mixed == [("1", "mix"), ("2", "qtblend"), ("3", "qtblend"), ("4", "qtblend")]
    in_bin = [names[each.attrib["producer"]] for each in names["main_bin"].iter("entry")]
    assert properties_of(in_bin[-1])["kdenlive:clipname"] == "one, edited"
    assert len({properties_of(each)["kdenlive:id"] for each in in_bin}) == len(in_bin)
    order = [each.get("id") for each in root]
    assert order.index(in_bin[-1].get("id")) < order.index("main_bin")


def test_shotcuts_tracks_are_mixed_and_blended_as_it_does(tmp_path: Path):
    timeline = opened(tmp_path, shotcut(CUTS, PAL, blend="frei0r.cairoblend"))
    timeline.place(take(first=7, frames=10), find_clip(timeline.clips(), "one.mkv"))
    timeline.save(tmp_path / "out.mlt")
    root = ElementTree.parse(tmp_path / "out.mlt").getroot()
    planted = [properties_of(each) for each in root.iter("transition")]
    assert [(said["a_track"], said["b_track"], said["mlt_service"]) for said in planted] == [
        ("0", "1", "mix"),
        ("0", "1", "frei0r.cairoblend"),
        ("0", "3", "mix"),
        ("0", "2", "mix"),
        ("1", "2", "frei0r.cairoblend"),
        ("1", "3", "frei0r.cairoblend"),
    ]
    assert [track.attrib["producer"] for track in root.iter("track")][1:3] == ["playlist0", "playlist3"]
    assert root.find("chain[@id='chain3']") is not None


@pytest.mark.parametrize("shape", SHAPES)
def test_later_takes_go_above_earlier_ones_or_take_their_place(shape: Shape, tmp_path: Path):
    timeline = opened(tmp_path, shape(CUTS, PAL))
    before = spans(timeline)
    clip = find_clip(timeline.clips(), "one.mkv")
    tracks = [timeline.place(take(first=7, frames=10, job=str(job)), clip).track for job in (1, 2)]
    again = timeline.place(take(first=7, frames=10, job="3"), clip)
    part = timeline.place(take(first=7, frames=3, job="4"), clip)
    assert (tracks, again.track, part.track) == ([2, 3], 4, 5)
    assert "2 earlier results" in again.notes[0]
    assert "3 earlier results" in part.notes[0]
    assert len(timeline.clips()) == len(before) + 4

    replaced = timeline.place(take(first=7, frames=10, job="5"), clip, replace=True)
    timeline.save(tmp_path / "out.mlt")
    assert replaced.track == 3
    there = open_mlt(tmp_path / "out.mlt").clips()
    assert [each.track for each in there] == [1, 1, 2, 3, 4]
    assert [each.record.duration * PAL for each in there] == [10, 6, 3, 10, 4]
    transitions = ElementTree.parse(tmp_path / "out.mlt").getroot().iter("transition")
    b_tracks = [int(properties_of(each)["b_track"]) for each in transitions]
    assert max(b_tracks) == {plain: 2, shotcut: 4, kdenlive: 5, sequences: 5}[shape]


def test_above_a_hidden_track_the_new_one_is_hidden(tmp_path: Path):
    text = kdenlive(CUTS, PAL).replace('<track producer="tractor1"/>', '<track hide="video" producer="tractor1"/>')
    timeline = opened(tmp_path, text)
    clip = find_clip(timeline.clips(), "one.mkv")
    timeline.place(take(first=7, frames=10), clip)
    assert [(each.track, each.enabled) for each in timeline.clips()] == [(1, False), (1, False), (2, False), (3, True)]


def test_a_sequence_is_chosen_by_its_name(tmp_path: Path):
    project = tmp_path / "cut.kdenlive"
    project.write_text(sequences(CUTS, PAL))
    assert open_mlt(project, sequence="Reel 1").name == "Reel 1"
    with pytest.raises(BadInput, match="choose one of 'Reel 1'"):
        open_mlt(project, sequence="Reel 2")


def test_clips_that_dissolve_are_covered_outside_the_dissolve(tmp_path: Path):
    text = kdenlive([CUTS[0]], PAL).replace(
        '<playlist id="playlist3"/>',
        '<playlist id="playlist3"><blank length="11"/><entry producer="chain0" in="0" out="8"/></playlist>',
    )
    timeline = opened(tmp_path, text)
    one, two = timeline.clips()
    assert (one.record.start * PAL, one.record.end * PAL) == (4, 11)
    assert (two.record.start * PAL, two.record.end * PAL) == (14, 20)
    assert two.source.start * PAL == 3
    placed = timeline.place(take(first=0, frames=40), two)
    assert placed.record == two.record
    assert "dissolve" in placed.notes[0]


def test_shotcuts_dissolves_are_no_clips_and_are_not_covered(tmp_path: Path):
    mixed = (
        '  <tractor id="tractor9" in="0" out="4"><property name="shotcut:transition">lumaMix</property>'
        '<track producer="chain0" in="17" out="21"/><track producer="chain0" in="0" out="4"/></tractor>\n'
    )
    text = shotcut([CUTS[0]], PAL)
    line = '<entry producer="chain0" in="7" out="16"/>'
    following = '<entry producer="tractor9" in="0" out="4"/>\n    <entry producer="chain0" in="5" out="12"/>'
    text = text.replace(line, f"{line}\n    {following}").replace(
        '  <playlist id="playlist0">', mixed + '  <playlist id="playlist0">'
    )
    timeline = opened(tmp_path, text)
    assert [(each.record.start * PAL, each.record.end * PAL) for each in timeline.clips()] == [(4, 14), (19, 27)]
    for clip, first in zip(timeline.clips(), (7, 5), strict=True):
        placed = timeline.place(take(first=first, frames=int(clip.record.duration * PAL)), clip)
        assert placed.record == clip.record
        assert "dissolve" in placed.notes[-1]


def test_relative_media_stay_where_they_were_when_the_project_is_written_elsewhere(tmp_path: Path):
    timeline = opened(tmp_path, plain(CUTS, PAL))
    before = [clip.media for clip in timeline.clips()]
    timeline.place(take(first=7, frames=10, media=str(tmp_path / "takes/a b.mkv")), timeline.clips()[0])
    (tmp_path / "elsewhere").mkdir()
    timeline.save(tmp_path / "elsewhere/out.mlt")
    again = open_mlt(tmp_path / "elsewhere/out.mlt")
    assert [clip.media for clip in again.clips() if clip.track != 2] == before[:2] + before[2:3]
    assert again.clips()[2].media == str(tmp_path / "takes/a b.mkv")
    assert ">takes/a b.mkv<" in (tmp_path / "elsewhere/out.mlt").read_text()


def test_a_project_that_moved_finds_its_media_beside_it(tmp_path: Path):
    text = plain(CUTS, PAL).replace("<mlt ", '<mlt root="/gone/with its disk" ')
    timeline = opened(tmp_path, text)
    assert timeline.clips()[0].media == str(tmp_path / "one.mkv")
    timeline.save(tmp_path / "out.mlt")
    assert f'root="{tmp_path}"' in (tmp_path / "out.mlt").read_text()


@pytest.mark.parametrize(
    ("declared", "written"), [("", "takes/a.mkv"), ('root="{}"', "takes/a.mkv"), ('root=""', "{}/takes/a.mkv")]
)
def test_a_result_beside_the_project_is_named_relative_where_that_is_sure(declared: str, written: str, tmp_path: Path):
    text = plain(CUTS, PAL).replace("<mlt ", f"<mlt {declared.format(tmp_path)} ")
    timeline = opened(tmp_path, text)
    timeline.place(take(first=7, frames=10, media=str(tmp_path / "takes/a.mkv")), timeline.clips()[0])
    timeline.save(tmp_path / "out.mlt")
    assert f">{written.format(tmp_path)}<" in (tmp_path / "out.mlt").read_text()


def test_filters_go_along_unless_they_have_keyframes(tmp_path: Path):
    steady = '<filter id="f1" in="3" out="9"><property name="mlt_service">brightness</property></filter>'
    keyframes = '<property name="rect">0=0 0 9 9;5~=1 1 9 9</property>'
    moving = f'<filter><property name="mlt_service">affine</property>{keyframes}</filter>'
    timeline = opened(tmp_path, shotcut([replace(CUTS[0], filters=steady + moving)], PAL))
    placed = timeline.place(take(first=7, frames=10), timeline.clips()[0])
    assert "keyframes" in placed.notes[0]
    timeline.save(tmp_path / "out.mlt")
    chain = ElementTree.parse(tmp_path / "out.mlt").getroot().findall("chain")[0]
    assert [properties_of(each)["mlt_service"] for each in chain.findall("filter")] == ["qtcrop", "brightness"]
    assert all(each.get("in") is None for each in chain.findall("filter"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<profile", "<other", "frame rate"),
        ('frame_rate_num="25"', 'frame_rate_num="0"', "not above 0"),
        ('frame_rate_num="25"', "", "not whole"),
        ("tractor", "thing", "no timeline"),
        ("</mlt>", "", "no whole XML"),
        ("mlt", "xmeml", "no MLT project"),
        ('in="7"', 'in="soon"', "cannot be read"),
        ('out="16"', 'out="99999999999"', "cannot be read"),
        ('out="16"', f'out="{"9" * 5000}"', "cannot be read"),
        ('in="7"', 'in="27"', "ends before it begins"),
        ('<entry producer="producer0"', '<entry producer="lost"', "does not hold it"),
    ],
)
def test_broken_projects_are_refused_in_a_sentence(old: str, new: str, said: str, tmp_path: Path):
    text = plain([CUTS[0]], PAL)
    assert old in text
    with pytest.raises(BadInput, match=said):
        opened(tmp_path, text.replace(old, new)).clips()


def test_a_clip_that_has_gone_is_not_placed_upon(tmp_path: Path):
    timeline = opened(tmp_path, plain(CUTS, PAL))
    clip: TimelineClip = replace(timeline.clips()[0], spot="99")
    with pytest.raises(BadInput, match="no longer on the timeline"):
        timeline.place(take(first=7, frames=10), clip)
