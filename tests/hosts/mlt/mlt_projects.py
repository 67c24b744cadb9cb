# SPDX-License-Identifier: GPL-3.0-or-later
"""Small projects in the shapes that melt, Shotcut and Kdenlive write them, and the media that lie on them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

import av
import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48
KDENLIVE_SEQUENCE = "{7d0b4c3e-5f0a-4a3f-9a77-0d7a3f1c2b11}"


@dataclass(frozen=True, kw_only=True)
class Cut:
    """`media` from frame `first` on for `length` frames, at frame `start` of track `track` (1 the lowest)."""

    media: str
    first: int
    length: int
    start: int
    track: int = 1
    media_length: int = 40
    filters: str = ""


def profile(rate: Fraction) -> str:
    return (
        f'<profile description="small" width="{WIDTH}" height="{HEIGHT}" progressive="1" sample_aspect_num="1" '
        f'sample_aspect_den="1" display_aspect_num="4" display_aspect_den="3" frame_rate_num="{rate.numerator}" '
        f'frame_rate_den="{rate.denominator}" colorspace="709"/>'
    )


def plain(cuts: list[Cut], rate: Fraction) -> str:
    """As `melt … -consumer xml` writes it: producers, playlists, one tractor."""
    producers = "".join(_producer("producer", number, cut) for number, cut in enumerate(cuts))
    lines, tracks = "", ""
    for track in range(1, max(cut.track for cut in cuts) + 1):
        lines += f'  <playlist id="playlist{track - 1}">\n{_entries(cuts, track, "producer")}  </playlist>\n'
        tracks += f'    <track producer="playlist{track - 1}"/>\n'
    return (
        '<?xml version="1.0"?>\n<mlt LC_NUMERIC="C" version="7.12.0">\n'
        f"  {profile(rate)}\n{producers}{lines}"
        f'  <tractor id="tractor0">\n{tracks}  </tractor>\n</mlt>\n'
    )


def shotcut(cuts: list[Cut], rate: Fraction, *, blend: str = "qtblend") -> str:
    """As Shotcut writes it: chains, a background track, a mix and a blend for each video track, an audio track."""
    chains = "".join(_producer("chain", number, cut, caption=True) for number, cut in enumerate(cuts))
    tracks = max(cut.track for cut in cuts)
    lines = "".join(
        f'  <playlist id="playlist{track - 1}">\n    <property name="shotcut:video">1</property>\n'
        f'    <property name="shotcut:name">V{track}</property>\n{_entries(cuts, track, "chain")}  </playlist>\n'
        for track in range(1, tracks + 1)
    )
    audio = f"playlist{tracks}"
    played = "".join(f'    <track producer="playlist{track}"/>\n' for track in range(tracks))
    mixes = "".join(
        f'    <transition id="transition{2 * track}">\n      <property name="a_track">0</property>\n'
        f'      <property name="b_track">{track + 1}</property>\n      <property name="mlt_service">mix</property>\n'
        '      <property name="always_active">1</property>\n      <property name="sum">1</property>\n'
        "    </transition>\n"
        f'    <transition id="transition{2 * track + 1}">\n      <property name="a_track">{min(track, 1)}</property>\n'
        f'      <property name="b_track">{track + 1}</property>\n'
        f'      <property name="mlt_service">{blend}</property>\n'
        f'      <property name="disable">{int(track == 0)}</property>\n    </transition>\n'
        for track in range(tracks)
    )
    return (
        '<?xml version="1.0" standalone="no"?>\n'
        '<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" producer="main_bin">\n'
        f'  {profile(rate)}\n  <playlist id="main_bin">\n    <property name="xml_retain">1</property>\n  </playlist>\n'
        '  <producer id="black" in="0" out="199">\n    <property name="length">200</property>\n'
        '    <property name="resource">0</property>\n    <property name="mlt_service">color</property>\n'
        '    <property name="mlt_image_format">rgba</property>\n    <property name="set.test_audio">0</property>\n'
        '  </producer>\n  <playlist id="background">\n    <entry producer="black" in="0" out="199"/>\n  </playlist>\n'
        f"{chains}{lines}"
        f'  <playlist id="{audio}">\n    <property name="shotcut:audio">1</property>\n'
        '    <property name="shotcut:name">A1</property>\n  </playlist>\n'
        '  <tractor id="tractor0" title="Shotcut version 22.12.21" in="0" out="199">\n'
        '    <property name="shotcut">1</property>\n    <track producer="background"/>\n'
        f'{played}    <track producer="{audio}" hide="video"/>\n{mixes}  </tractor>\n</mlt>\n'
    )


def kdenlive(cuts: list[Cut], rate: Fraction, *, sequences: bool = False) -> str:
    """As Kdenlive writes it: a bin, tractors of two playlists as tracks, one audio track below; with `sequences` as
    since 23.04, the timeline under its UUID and the bin behind it."""
    chains = "".join(_producer("chain", number, cut, bin_number=number + 2) for number, cut in enumerate(cuts))
    tracks = max(cut.track for cut in cuts)
    where = "sequenceproperties" if sequences else "docproperties"
    kept = (
        f'  <property name="kdenlive:{where}.activeTrack">1</property>\n'
        f'  <property name="kdenlive:{where}.tracksCount">{tracks + 1}</property>\n'
        f'  <property name="kdenlive:{where}.groups">[{{"children":[{{"data":"{tracks}:3","leaf":"clip"}},'
        '{"data": "0:3"}]}]</property>\n'
    )
    entries = "".join(
        f'  <entry producer="chain{number}" in="0" out="{cut.media_length - 1}"/>\n' for number, cut in enumerate(cuts)
    )
    bin_of = (
        f' <playlist id="main_bin">\n{"" if sequences else kept}  <property name="kdenlive:docproperties.version">1.04'
        f'</property>\n  <property name="xml_retain">1</property>\n{entries} </playlist>\n'
    )
    lines, played = (
        _kdenlive_track(0, "", audio=True),
        '  <track producer="black_track"/>\n  <track producer="tractor0"/>\n',
    )
    transitions = _kdenlive_transition(1, "mix", '   <property name="sum">1</property>\n')
    for track in range(1, tracks + 1):
        lines += _kdenlive_track(track, _entries(cuts, track, "chain"), audio=False)
        played += f'  <track producer="tractor{track}"/>\n'
        transitions += _kdenlive_transition(track + 1, "qtblend", '   <property name="compositing">0</property>\n')
    name = KDENLIVE_SEQUENCE if sequences else f"tractor{tracks + 1}"
    called = '  <property name="kdenlive:clipname">Reel 1</property>\n' if sequences else ""
    said = called + kept if sequences else ""
    timeline = f' <tractor id="{name}" in="0" out="199">\n{said}{played}{transitions} </tractor>\n'
    last = (
        f' <tractor id="tractor{tracks + 1}" in="0" out="199">\n'
        '  <property name="kdenlive:projectTractor">1</property>\n'
        f'  <track producer="{name}" in="0" out="199"/>\n </tractor>\n'
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<mlt LC_NUMERIC="C" version="7.12.0" producer="main_bin">\n'
        f" {profile(rate)}\n{chains}{'' if sequences else bin_of}"
        ' <producer id="black_track" in="0" out="199">\n  <property name="length">2147483647</property>\n'
        '  <property name="resource">black</property>\n  <property name="mlt_service">color</property>\n'
        '  <property name="mlt_image_format">rgba</property>\n </producer>\n'
        f"{lines}{timeline}{bin_of + last if sequences else ''}</mlt>\n"
    )


def _producer(tag: str, number: int, cut: Cut, *, caption: bool = False, bin_number: int = 0) -> str:
    name = Path(cut.media).name
    words = f'    <property name="shotcut:caption">{escape(name)}</property>\n' if caption else ""
    if bin_number:
        words = (
            f'    <property name="kdenlive:clipname">{escape(name)}</property>\n'
            f'    <property name="kdenlive:id">{bin_number}</property>\n'
        )
    return (
        f'  <{tag} id="{tag}{number}" in="0" out="{cut.media_length - 1}">\n'
        f'    <property name="length">{cut.media_length}</property>\n    <property name="eof">pause</property>\n'
        f'    <property name="resource">{escape(cut.media)}</property>\n'
        f'    <property name="mlt_service">avformat</property>\n{words}{cut.filters}  </{tag}>\n'
    )


def _entries(cuts: list[Cut], track: int, tag: str) -> str:
    text, now = "", 0
    here = [(number, cut) for number, cut in enumerate(cuts) if cut.track == track]
    for number, cut in sorted(here, key=lambda each: each[1].start):
        if cut.start > now:
            text += f'    <blank length="{cut.start - now}"/>\n'
        text += f'    <entry producer="{tag}{number}" in="{cut.first}" out="{cut.first + cut.length - 1}"/>\n'
        now = cut.start + cut.length
    return text


def _kdenlive_track(track: int, entries: str, *, audio: bool) -> str:
    hide = "video" if audio else "audio"
    word = '  <property name="kdenlive:audio_track">1</property>\n' if audio else ""
    return (
        f' <playlist id="playlist{2 * track}">\n{word}{entries} </playlist>\n'
        f' <playlist id="playlist{2 * track + 1}"/>\n'
        f' <tractor id="tractor{track}" in="0">\n{word}  <track hide="{hide}" producer="playlist{2 * track}"/>\n'
        f'  <track hide="{hide}" producer="playlist{2 * track + 1}"/>\n </tractor>\n'
    )


def _kdenlive_transition(track: int, service: str, more: str) -> str:
    return (
        f'  <transition id="transition{track - 1}">\n   <property name="a_track">0</property>\n'
        f'   <property name="b_track">{track}</property>\n   <property name="mlt_service">{service}</property>\n'
        '   <property name="always_active">1</property>\n   <property name="internal_added">237</property>\n'
        f"{more}  </transition>\n"
    )


def picture(frame: int, *, hue: int = 0) -> np.ndarray:
    """An RGB picture (height, width, 3), uint8, that no other frame and no other hue shares."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [x * 3 + frame * 7 + hue, y * 4 + frame * 5 + 2 * hue, np.full_like(x, frame * 6 + hue)]
    return (np.stack(planes, -1) % 256).astype(np.uint8)


def alpha() -> np.ndarray:
    """The patch's straight alpha (height, width), 0 to 1, with a soft edge on the left."""
    covered = np.zeros((HEIGHT, WIDTH))
    covered[12:36, 16:48] = 1
    covered[12:36, 12:16] = [0.2, 0.4, 0.6, 0.8]
    return covered


def write_clip(path: Path, rate: Fraction, *, frames: int = 40, hue: int = 0, first: int = 0) -> None:
    """RGB frames from `first` on, without loss."""
    _write(path, rate, [picture(first + frame, hue=hue) for frame in range(frames)], "rgb24", "bgr0")


def write_patch(path: Path, rate: Fraction, *, first: int, frames: int, hue: int) -> None:
    """The region's colours of clip frames `first` on under `alpha`, in 16 bits as a `patch` deliverable has them."""
    pictures = [_patch(first + frame, hue=hue) for frame in range(frames)]
    _write(path, rate, pictures, "rgba64le", "gbrap16le")


def write_pictures(pattern: Path, *, first: int, frames: int, number: int, hue: int) -> None:
    """The same as pictures, numbered from `number` on."""
    pattern.parent.mkdir(parents=True)
    for frame in range(frames):
        blue_first = np.ascontiguousarray(_patch(first + frame, hue=hue)[..., [2, 1, 0, 3]])
        assert cv2.imwrite(str(pattern) % (number + frame), blue_first)


def _patch(frame: int, *, hue: int) -> np.ndarray:
    covered = alpha()
    colours = picture(frame, hue=hue) * (covered > 0)[..., None]
    return np.dstack([colours, covered * 255]).round().astype(np.uint16) * 257


def _write(path: Path, rate: Fraction, pictures: list[np.ndarray], given: str, kept: str) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, kept
        for pts, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format=given).reformat(format=kept)
            frame.pts = pts
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
