# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines with damaged values and missing parts: read for what they hold, or refused in a sentence."""

from __future__ import annotations

import re
from fractions import Fraction

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks
from plugin_client.timelines.opening import open_timeline
from plugin_client.timelines.placement import shown_frames
from plugin_client.timelines.timeline import Take

JUNK = ("", "-1", "0", "x", "1/0s", "-5s", "NaN", "1e400", "99999999999999999999", "null", "[]", "r2", "inf")
VALUE = re.compile(r'(?<=")[^"<>]*(?=")|(?<=>)[^<>\n]+(?=<)|-?\d+(?:\.\d+)?')
PART = re.compile(r"<(\w[\w-]*)[^>]*?(?:/>|>.*?</\1>)|\{[^{}]*\},?", re.DOTALL)

FCPXML = """<fcpxml version="1.10"><resources><format id="r1" frameDuration="1/25s"/>
<asset id="r2" start="0s" duration="40/25s" hasVideo="1" format="r1"><media-rep src="file:///a.mov"/></asset></resources>
<project name="p"><sequence format="r1" tcStart="3600s"><spine><gap offset="3600s" duration="5/25s"/>
<asset-clip ref="r2" name="c" offset="3605/1s" start="1/25s" duration="8/25s"><adjust-crop mode="trim"/>
<asset-clip ref="r2" lane="1" name="d" offset="2/25s" start="3/25s" duration="4/25s"/></asset-clip>
<transition offset="90010/25s" duration="4/25s"/><asset-clip ref="r2" name="e" duration="9/25s"/>
</spine></sequence></project></fcpxml>"""
RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
XMEML = f"""<xmeml version="5"><sequence id="s"><name>p</name>{RATE}
<timecode>{RATE}<string>01:00:00:00</string></timecode>
<media><video><track><clipitem id="1"><name>c</name>{RATE}<start>2</start><end>-1</end><in>1</in><out>13</out>
<file id="f"><pathurl>file:///a.mov</pathurl>{RATE}<duration>40</duration></file></clipitem>
<transitionitem><start>10</start><end>14</end><alignment>center</alignment></transitionitem>
<clipitem id="2"><name>d</name><start>-1</start><end>20</end><in>0</in><out>10</out><file id="f"/></clipitem></track>
</video></media></sequence></xmeml>"""


def otio_text() -> str:
    schema, time, span = otio.schema, otio.opentime.RationalTime, otio.opentime.TimeRange
    timeline, line = schema.Timeline("p", global_start_time=time(90000, 25)), schema.Track("V", kind="Video")
    for name in ("c", "d"):
        media = schema.ExternalReference("file:///a.mov", span(time(0, 25), time(40, 25)))
        line.extend([schema.Gap(duration=time(3, 25)), schema.Clip(name, media, span(time(2, 25), time(9, 25)))])
    line.append(schema.Transition("t", "SMPTE_Dissolve", time(1, 25), time(1, 25)))
    timeline.tracks.append(line)
    return otio.adapters.write_to_string(timeline)


FILES = {"p.fcpxml": FCPXML, "p.xml": XMEML, "p.otio": otio_text()}


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40)
@given(st.data())
def test_what_is_damaged_is_refused_in_a_sentence_or_does_no_harm(tmp_path_factory, name, data):
    text = FILES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        pattern = data.draw(st.sampled_from([VALUE, PART]))
        there = list(pattern.finditer(text))
        if there:
            found = data.draw(st.sampled_from(there))
            text = (
                text[: found.start()]
                + (data.draw(st.sampled_from(JUNK)) if pattern is VALUE else "")
                + text[found.end() :]
            )
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_text(text, encoding="utf-8")
    try:
        timeline, placed = open_timeline(path), 0
        for clip in timeline.clips():
            if not clip.refusal and clip.media_start is not None and clip.media_rate:
                frames = shown_frames(clip, clip.media_rate, length=None)
                timeline.place(take_of(frames.first, len(frames), clip.media_rate), clip)
                placed += 1
        written = path.with_name(f"new-{name}")
        timeline.save(written)
        names = [clip.name for clip in open_timeline(written).clips()]
        assert names.count("take") == placed
    except BadInput as error:
        assert str(error).endswith(".") and "\n" not in str(error).strip()


def take_of(first: int, count: int, rate: Fraction) -> Take:
    return Take(
        media="/takes/t.mov", first=first, frames=count, rate=rate, width=8, height=8, has_alpha=True,
        name="take", marks=Marks(job_id="j"),
    )  # fmt: skip
