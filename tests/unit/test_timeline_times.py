# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact times of timelines, against sums in whole frames; the media's paths; the clip that the user means."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks
from plugin_client.timelines.finding import find_clip, numbered
from plugin_client.timelines.placement import frame_rate, placement_of, shown_frames
from plugin_client.timelines.timeline import Span, Take, TimelineClip
from plugin_client.timelines.times import exact_rate, rational_seconds, rational_text, seconds_of
from plugin_client.timelines.urls import is_missing, media_path, media_url, pattern_parts
from plugin_client.timelines.xmlfile import read_xml

RATES = {
    23.976: Fraction(24000, 1001), 23.98: Fraction(24000, 1001), 23.976023976023978: Fraction(24000, 1001),
    24.0: Fraction(24), 25.0: Fraction(25), 29.97: Fraction(30000, 1001), 29.97002997: Fraction(30000, 1001),
    47.952: Fraction(48000, 1001), 48.0: Fraction(48), 50.0: Fraction(50), 59.94: Fraction(60000, 1001),
    60.0: Fraction(60), 119.88: Fraction(120000, 1001), 12.5: Fraction(25, 2), 1000.0: Fraction(1000),
    48000.0: Fraction(48000), 14.985014985014985: Fraction(15000, 1001),
}  # fmt: skip
rates = st.sampled_from(sorted({*RATES.values()} - {Fraction(1000), Fraction(48000)}))
frames = st.integers(0, 10**7)


def clip_of(*, source: Span, record: Span, media_start: Fraction = Fraction(0), **more) -> TimelineClip:
    facts = {"media": "/m.mov", "media_rate": None, "spot": "0"} | more
    return TimelineClip(
        track=1, track_name="", name="c", number=1, media_start=media_start, source=source, record=record, **facts
    )


def take_of(*, first: int, count: int, rate: Fraction) -> Take:
    return Take(
        media="/t.mov", first=first, frames=count, rate=rate, width=1, height=1, has_alpha=True, name="t",
        marks=Marks(job_id="j"),
    )  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), RATES.items())
def test_rates_that_files_round_are_known_again(written, meant):
    assert exact_rate(written) == exact_rate(str(written)) == meant


@given(frames, st.sampled_from(sorted(RATES)))
def test_a_float_count_of_frames_is_whole_seconds_of_a_fraction(frame, rate):
    assert seconds_of(float(frame), rate) == frame / RATES[rate]
    # What a library's own sums leave of a whole frame.
    assert seconds_of(frame * rate / rate, rate) == frame / RATES[rate]


@given(frames, rates, rates)
def test_a_time_survives_as_a_float_at_another_rate(frame, rate, other):
    seconds = frame / rate
    assert seconds_of(float(seconds * other), float(other)) == seconds


@given(frames, rates)
def test_rational_seconds_are_read_back_as_written(frame, rate):
    text = rational_text(frame / rate, rate)
    assert rational_seconds(text) == frame / rate
    assert rational_text(Fraction(1, 7), rate) == "1/7s"


@given(rates, st.integers(0, 10**6), st.integers(0, 500), st.integers(1, 500), st.integers(0, 20))
def test_the_frames_of_a_clip_are_those_it_shows_and_its_handles(rate, start, into, count, handles):
    """Whatever timecode the media starts at."""
    clip = clip_of(
        source=Span((start + into) / rate, count / rate),
        record=Span(Fraction(3), count / rate),
        media_start=start / rate,
    )
    shown = shown_frames(clip, rate, length=into + count + 5, handles=handles)
    assert shown.first == max(0, into - handles)
    assert shown.last == into + count - 1 + min(handles, 5)
    with pytest.raises(BadInput, match=f"which has frames 0-{into + count - 2}: relink"):
        shown_frames(clip, rate, length=into + count - 1)


@given(rates, rates, st.integers(0, 300), st.integers(0, 40), st.integers(1, 40), st.integers(0, 9))
def test_a_take_of_all_frames_lies_exactly_over_its_clip(rate, timeline, at, into, count, handles):
    """Also where clip and timeline have different rates and the cut lies between two frames of the media."""
    source, record = Span(into / timeline, count / timeline), Span(at / timeline, count / timeline)
    clip = clip_of(source=source, record=record)
    shown = shown_frames(clip, rate, length=None, handles=handles)
    twin = [
        number
        for number in range(900)
        if Fraction(number, 1) / rate < source.end and (number + 1) / rate > source.start
    ]
    assert (shown_frames(clip, rate, length=None).first, shown_frames(clip, rate, length=None).last) == (
        twin[0],
        twin[-1],
    )
    placement = placement_of(take_of(first=shown.first, count=len(shown), rate=rate), clip, rate=timeline)
    assert placement.record == record
    # What the take shows at its start is what the clip shows there.
    assert shown.first / rate + placement.into == source.start


@given(rates, st.integers(0, 200), st.integers(2, 200), st.integers(0, 250), st.integers(1, 250))
def test_a_take_of_some_frames_lies_over_the_part_that_it_shows(rate, into, count, first, taken):
    clip = clip_of(source=Span(into / rate, count / rate), record=Span(100 / rate, count / rate))
    take = take_of(first=first, count=taken, rate=rate)
    both = sorted({*range(into, into + count)} & {*range(first, first + taken)})
    if not both:
        with pytest.raises(BadInput, match="shows no frame"):
            placement_of(take, clip, rate=rate)
        return
    placement = placement_of(take, clip, rate=rate)
    assert placement.record == Span((100 + both[0] - into) / rate, len(both) / rate)
    assert placement.into == (both[0] - first) / rate


@given(rates, rates, st.integers(0, 100), st.integers(40, 200), st.integers(10, 30))
def test_a_part_at_another_rate_covers_whole_frames_of_the_timeline_only(rate, timeline, into, count, taken):
    assume(rate != timeline)
    clip = clip_of(source=Span(into / timeline, count / timeline), record=Span(Fraction(0), count / timeline))
    first = int(into / timeline * rate) + 3
    take = take_of(first=first, count=taken, rate=rate)
    try:
        placement = placement_of(take, clip, rate=timeline)
    except BadInput:
        assert taken / rate < 2 / timeline
        return
    for edge in (placement.record.start, placement.record.end):
        assert (edge * timeline).denominator == 1
    assert placement.into >= 0
    assert placement.into + placement.record.duration <= taken / rate


@given(rates, st.integers(0, 10**5), st.integers(1, 500), st.integers(6, 9))
def test_seconds_that_a_file_rounds_mean_the_frame_beside_them(rate, into, count, digits):
    """Rounded to a millionth of a second or better."""
    start, duration = (Fraction(f"{float(each / rate):.{digits}f}") for each in (into, count))
    clip = clip_of(source=Span(start, duration), record=Span(Fraction(0), count / rate))
    shown = shown_frames(clip, rate, length=into + count)
    assert (shown.first, shown.last) == (into, into + count - 1)
    placement = placement_of(take_of(first=into, count=count, rate=rate), clip, rate=rate)
    assert placement.record == clip.record and 0 <= placement.into * rate < Fraction(1, 1000)


def test_transitions_reach_into_the_take_as_far_as_it_goes():
    rate = Fraction(25)
    clip = clip_of(source=Span(10 / rate, 20 / rate), record=Span(Fraction(2), 20 / rate), head=5 / rate, tail=5 / rate)
    shown = shown_frames(clip, rate, length=33)
    assert (shown.first, shown.last) == (5, 32)
    placement = placement_of(take_of(first=5, count=28, rate=rate), clip, rate=rate)
    assert (placement.head, placement.tail) == (5 / rate, 3 / rate)


def test_a_rate_that_is_only_another_clock_counts_the_same_frames():
    clip = clip_of(
        source=Span(Fraction(100, 24), Fraction(1)), record=Span(Fraction(0), Fraction(1)), media_rate=Fraction(24)
    )
    assert frame_rate(clip, Fraction(24000, 1001)) == 24
    assert frame_rate(clip, Fraction(25)) == 25
    assert shown_frames(clip, frame_rate(clip, Fraction(24000, 1001)), length=None).first == 100


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("file:///media/My%20Clip%25.mov", "/media/My Clip%.mov"),
        ("file://localhost/media/a.mov", "/media/a.mov"),
        ("file:/media/a.mov", "/media/a.mov"),
        ("/media/a.mov", "/media/a.mov"),
        ("sub/../a%20b.mov", "/base/a b.mov"),
        ("file:///media/shot.%04d.exr", "/media/shot.%04d.exr"),
        ("file:///media/shot.%2504d.exr", "/media/shot.%04d.exr"),
        ("file:///media/shot.%5B0001-0100%5D.exr", "/media/shot.%04d.exr"),
        ("/media/shot.####.exr", "/media/shot.%04d.exr"),
        ("file:///C:/Footage/a%20b.mov", "C:/Footage/a b.mov"),
        ("file://localhost/C%3a/Footage/a.mov", "C:/Footage/a.mov"),
        ("file://C:/Footage/a.mov", "C:/Footage/a.mov"),
        (r"C:\Footage\a.mov", "C:/Footage/a.mov"),
        (r"\\server\share\a.mov", "//server/share/a.mov"),
        ("file://server/share/a.mov", "//server/share/a.mov"),
        ("file:////server/share/a.mov", "//server/share/a.mov"),
        ("https://example.org/a.mov", ""),
        ("", ""),
    ],
)
def test_media_are_found_however_they_are_written(named, path):
    assert media_path(named, Path("/base")) == path


@given(st.text(st.characters(blacklist_characters="/\0\\[#", blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_a_path_survives_as_a_url(name):
    assume(name not in (".", ".."))
    assert media_path(media_url(f"/media/{name}.mov"), Path("/base")) == f"/media/{name}.mov"


def test_a_file_whose_name_looks_encoded_is_found_as_it_is(tmp_path):
    (tmp_path / "100%25.mov").touch()
    assert media_path(str(tmp_path / "100%25.mov"), Path("/")) == str(tmp_path / "100%25.mov")
    assert not is_missing(str(tmp_path / "100%25.mov")) and is_missing(str(tmp_path / "no.mov")) and is_missing("")
    assert pattern_parts("shot.%04d.exr") == ("shot.", 4, ".exr") and pattern_parts("s%d.png") == ("s", 1, ".png")
    assert media_url("C:/Footage/a b.mov") == "file:///C:/Footage/a%20b.mov"


def test_a_clip_is_found_by_track_name_and_number():
    def named(name: str, track: int) -> TimelineClip:
        made = clip_of(source=Span(Fraction(0), Fraction(1)), record=Span(Fraction(0), Fraction(1)))
        return TimelineClip(**{**vars(made), "name": name, "track": track})

    clips = numbered([named("a", 1), named("a", 1), named("b", 1), named("b", 2)])
    assert [clip.number for clip in clips] == [1, 2, 1, 1]
    assert find_clip(clips, "a", number=2) is clips[1] and find_clip(clips, "b", track=2) is clips[3]
    for wanted, sentence in (
        ({"name": "a"}, "There are 2 clips 'a' on track 1: choose one with --number, 1 from 0 s, 2 from 0 s"),
        ({"name": "b"}, "on tracks 1 and 2: choose one with --track"),
        ({"name": "c"}, "no clip 'c': choose one of 'a', 'b'"),
        ({"name": "a", "track": 3}, "the tracks with clips are 1, 2"),
        ({"name": "a", "number": 3}, "no clip 'a' number 3"),
    ):
        with pytest.raises(BadInput, match=sentence):
            find_clip(clips, **wanted)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_an_xml_file_is_read_in_its_own_encoding_and_kept_around_its_root(tmp_path, encoding):
    declared = "UTF-8" if encoding == "utf-8-sig" else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<!DOCTYPE a>\n<!--é-->\n<a x="1"><!--in--><b>é</b></a>\n'
    (tmp_path / "f.xml").write_bytes(text.encode(encoding))
    again = read_xml(tmp_path / "f.xml")
    assert again.text() == text.replace(f'"{declared}"', '"UTF-8"')
    (tmp_path / "f.xml").write_bytes(b"<a><b></a>")
    with pytest.raises(BadInput, match="no whole XML file"):
        read_xml(tmp_path / "f.xml")
