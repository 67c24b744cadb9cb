# SPDX-License-Identifier: GPL-3.0-or-later
"""What the producers of an MLT project play: files, pictures, proxies, other rates, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from plugin_client.core.errors import BadInput
from tests.hosts.mlt.mlt_projects import Cut, plain, shotcut
from tests.unit.tiny_mlt import CUTS, FILM, PAL, Shape, opened, take


def refusal_of(folder: Path, old: str, new: str, *, shape: Shape = plain) -> str:
    text = shape([CUTS[0]], PAL)
    assert old in text
    return opened(folder, text.replace(old, new)).clips()[0].refusal


FILE = '<property name="mlt_service">avformat</property>'


@pytest.mark.parametrize(
    ("producer", "said"),
    [
        ('<property name="mlt_service">timewarp</property>', "retimed"),
        (f'{FILE}<link><property name="mlt_service">timeremap</property></link>', "retimed"),
        ('<property name="mlt_service">color</property>', "no media file"),
        ('<property name="mlt_service">kdenlivetitle</property>', "no media file"),
        ('<property name="mlt_service">xml</property>', "timeline of its own"),
        ('<property name="mlt_service">qimage</property>', "still picture"),
        (f'{FILE}<property name="meta.media.0.stream.frame_rate">23.976</property>', "frames per second"),
        (f'{FILE}<property name="meta.media.0.stream.frame_rate">25.0</property>', ""),
    ],
)
def test_what_cannot_be_edited_says_why_and_what_to_do(producer: str, said: str, tmp_path: Path):
    refusal = refusal_of(tmp_path, FILE, producer, shape=shotcut)
    assert (said in refusal) if said else not refusal
    assert not refusal or (refusal.endswith(".") and ("'one.mkv'" in refusal or ": " in refusal))


def test_rates_that_differ_may_fit_by_chance(tmp_path: Path):
    rated = f'{FILE}<property name="meta.media.frame_rate_num">50</property>'
    rated += '<property name="meta.media.frame_rate_den">1</property>'
    timeline = opened(tmp_path, plain([CUTS[0]], PAL).replace(FILE, rated))
    [clip] = timeline.clips()
    assert (clip.media_rate, clip.refusal) == (50, "")
    assert (clip.source.start * 50, clip.source.duration * 50) == (14, 19)
    assert timeline.place(take(first=14, frames=19, rate=Fraction(50)), clip).record == clip.record
    with pytest.raises(BadInput, match="render the frames 14-32"):
        timeline.place(take(first=60, frames=9, rate=Fraction(50)), clip)


def pictures_at(folder: Path, *, first: int) -> None:
    for number in range(first, first + 40):
        (folder / f"shot.{number:04}.png").touch()


@pytest.mark.parametrize(
    ("resource", "starts"), [("shot.%04d.png?begin=1004", -4), ("shot.%04d.png", 0), (".all.png", 0)]
)
def test_sequences_of_pictures(resource: str, starts: int, tmp_path: Path):
    pictures_at(tmp_path, first=1000)
    text = plain([CUTS[0]], PAL).replace("one.mkv", resource).replace(FILE, FILE.replace("avformat", "qimage"))
    timeline = opened(tmp_path, text)
    [clip] = timeline.clips()
    assert clip.media == str(tmp_path / "shot.%04d.png")
    assert (clip.media_start, clip.first_number, clip.media_rate) == (starts / PAL, 1000, PAL)
    assert clip.source.start == 7 / PAL
    # The clip begins with picture 1007 - starts, which is the media's frame 7 - starts.
    shown = replace(take(first=7 - starts, frames=10, media="/results/a.%04d.png"), first_number=1007 - starts)
    assert timeline.place(shown, clip).record == clip.record
    timeline.save(tmp_path / "out.mlt")
    assert f"/results/a.%04d.png?begin={1007 - starts}" in (tmp_path / "out.mlt").read_text()
    with pytest.raises(BadInput, match="OpenEXR"):
        timeline.place(replace(shown, media="/results/a.%04d.exr"), clip)
    with pytest.raises(BadInput, match="mkv or mov"):
        timeline.place(replace(shown, rate=FILM), clip)


def test_a_picture_held_for_longer_is_refused(tmp_path: Path):
    held = '<property name="mlt_service">qimage</property><property name="ttl">25</property>'
    assert "25 frames" in refusal_of(tmp_path, FILE, held, shape=with_pictures)


def with_pictures(cuts: list[Cut], rate: Fraction) -> str:
    return plain(cuts, rate).replace("one.mkv", "shot.%04d.png")


def test_a_proxys_original_is_what_is_edited(tmp_path: Path):
    proxied = f'{FILE}<property name="kdenlive:proxy">/proxies/1.mkv</property>'
    proxied += '<property name="kdenlive:originalurl">/camera/A001.mov</property>'
    timeline = opened(tmp_path, plain([CUTS[0]], PAL).replace(FILE, proxied))
    assert timeline.clips()[0].media == "/camera/A001.mov"
