# SPDX-License-Identifier: GPL-3.0-or-later
"""A track with one take on it, for an xmeml sequence."""

from __future__ import annotations

from collections.abc import Set
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from plugin_client.core.media import is_sequence, numbered
from plugin_client.core.timeline import timecode_at
from plugin_client.timelines.fcp7_track import TICKS, TrackItem, items_on
from plugin_client.timelines.marks import is_note, marks_as_note, track_name
from plugin_client.timelines.placement import Placement
from plugin_client.timelines.timeline import Take
from plugin_client.timelines.urls import media_url
from plugin_client.timelines.xmlfile import bare_copy

_PICTURE_FACTS = "media/video/samplecharacteristics"


def take_on(track: Element) -> TrackItem | None:
    """The take of ours that lies on a track with nothing else, None for any other track."""
    items = list(items_on(track))
    if len(items) != 1 or not any(is_note(each.text) for each in items[0].element.iterfind("marker/comment")):
        return None
    return items[0]


def take_track(
    take: Take,
    item: TrackItem,
    placement: Placement,
    *,
    rate: Fraction,
    version: int,
    file: Element | None,
    known: Set[tuple[str, str]],
) -> Element:
    """A `track` that holds `take` above `item`. `file`: the source's; `known`: the names and ids that are taken.

    Where the source has transitions, the take fades by the same ones.
    """
    track = Element("track", {"MZ.TrackName": track_name(version)})
    start, end = frames_of(placement, rate)
    begins = item.before if placement.covers_head else None
    ends = item.after if placement.covers_tail else None
    if begins is not None:
        track.append(_fade(begins, "start-black"))
    clip = SubElement(track, "clipitem", {"id": _new_id("clipitem", known)})
    _put(clip, name=take.name, enabled=item.element.findtext("enabled") or "TRUE", duration=take.frames)
    clip.append(_rate(take.rate))
    _put(clip, start=-1 if begins is not None else start, end=-1 if ends is not None else end)
    head = placement.record.start - start / rate
    shows = placement.into - head, placement.into - head + (end - start) / rate
    first, last = (round(at * take.rate) for at in shows)
    _put(clip, **{"in": first, "out": last})
    if item.element.find("pproTicksIn") is not None:
        _put(clip, pproTicksIn=round(shows[0] * TICKS), pproTicksOut=round(shows[1] * TICKS))
    if take.has_alpha:
        _put(clip, alphatype="straight")
    clip.append(_file(take, like=file, id=_new_id("file", known)))
    for name in ("compositemode", "filter"):
        clip.extend(bare_copy(each) for each in item.element.iterfind(name) if not _is_remap(each))
    marker = SubElement(clip, "marker")
    note = marks_as_note(take, over=item.element.findtext("name") or "", version=version)
    _put(marker, name="MaskEdit", comment=note, **{"in": first, "out": -1})
    if ends is not None:
        track.append(_fade(ends, "end-black"))
    _put(track, enabled="TRUE", locked="FALSE")
    return track


def frames_of(placement: Placement, rate: Fraction) -> tuple[int, int]:
    """From where to where a take lies, its fades included, in frames of the sequence."""
    head = placement.head if placement.covers_head else Fraction(0)
    tail = placement.tail if placement.covers_tail else Fraction(0)
    return round((placement.record.start - head) * rate), round((placement.record.end + tail) * rate)


def _fade(transition: Element, alignment: str) -> Element:
    """The transition as one from or to nothing."""
    fade = bare_copy(transition)
    said = fade.find("alignment")
    if said is None:
        said = SubElement(fade, "alignment")
    said.text = alignment
    return fade


def _file(take: Take, *, like: Element | None, id: str) -> Element:
    file = Element("file", {"id": id})
    path = take.media
    if is_sequence(path):
        path = str(numbered(Path(path), take.first_number))
    _put(file, name=take.name, pathurl=media_url(path).replace("file:///", "file://localhost/", 1))
    file.append(_rate(take.rate))
    _put(file, duration=take.frames)
    timecode = SubElement(file, "timecode")
    timecode.append(_rate(take.rate))
    _put(timecode, string=timecode_at(take.start_frame, take.rate), frame=take.start_frame, displayformat="NDF")
    video = SubElement(SubElement(file, "media"), "video")
    _put(video, duration=take.frames)
    facts = SubElement(video, "samplecharacteristics")
    facts.append(_rate(take.rate))
    _put(facts, width=take.width, height=take.height)
    source = None if like is None else like.find(_PICTURE_FACTS)
    for name in ("anamorphic", "pixelaspectratio", "fielddominance"):
        if source is not None and source.find(name) is not None:
            _put(facts, **{name: source.findtext(name) or ""})
    return file


def _rate(rate: Fraction) -> Element:
    """A `rate`: whole, or a whole one slowed by 1000/1001."""
    element = Element("rate")
    slower = rate.denominator == 1001
    _put(element, timebase=round(rate), ntsc="TRUE" if slower else "FALSE")
    return element


def _put(parent: Element, **children: object) -> None:
    for name, value in children.items():
        SubElement(parent, name).text = str(value)


def _is_remap(element: Element) -> bool:
    return (element.findtext("effect/effectid") or "").strip().lower() == "timeremap"


def _new_id(tag: str, known: Set[tuple[str, str]]) -> str:
    number = 1
    while (tag, f"{tag}-maskedit-{number}") in known:
        number += 1
    return f"{tag}-maskedit-{number}"
