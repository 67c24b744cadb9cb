# SPDX-License-Identifier: GPL-3.0-or-later
"""Final Cut Pro 7's XML (xmeml 4 and 5): rates, files, and what lies along its tracks.

Clips count frames of the sequence where they lie and frames of their media in what they show. Beside a transition an
edge is -1: the cut is where the transition's alignment says, and `in` and `out` reach to the transition's ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.urls import media_path

TICKS = 254016000000
"""Premiere's own time, in units per second; exact at every rate it has."""
_ITEMS = ("clipitem", "generatoritem")
_NORMAL_SPEED = re.compile(r"100(\.0*)?")
_PICTURE = re.compile(r"(.*?)(\d+)(\.(?:png|exr|dpx|tiff?|tga|jpe?g))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class TrackItem:
    """A clip on a track. `start`, `end`: its cuts, in frames of the sequence. `before`, `after`: the transitions there.

    `head`, `tail`: by how many frames these show it beyond its cuts.
    """

    element: Element
    track: Element
    start: int
    end: int
    before: Element | None
    after: Element | None
    head: int
    tail: int


def whole(element: Element, path: str, default: int | None = None) -> int:
    """A number of frames. Raises BadInput where it is missing and has no default, or is none."""
    text = (element.findtext(path) or "").strip()
    if not text and default is not None:
        return default
    try:
        return int(text)
    except ValueError as error:
        name = element.findtext("name") or element.tag
        raise BadInput(f"{name!r} says {path} {text!r}, which is no number: export the timeline again.") from error


def rate_of(element: Element | None, default: Fraction | None = None) -> Fraction | None:
    """The rate that an element gives, `default` where it gives none."""
    rate = None if element is None else element.find("rate")
    if rate is None or rate.find("timebase") is None:
        return default
    timebase = whole(rate, "timebase")
    if timebase <= 0:
        raise BadInput("The file has a frame rate that is not above 0: export the timeline again.")
    slower = (rate.findtext("ntsc") or "").strip().upper() == "TRUE"
    return Fraction(timebase * 1000, 1001) if slower else Fraction(timebase)


def items_on(track: Element) -> Iterator[TrackItem]:
    """The clips of a track with their cuts, in their order."""
    there = [child for child in track if child.tag in (*_ITEMS, "transitionitem")]
    for index, element in enumerate(there):
        if element.tag == "transitionitem":
            continue
        start, end = whole(element, "start"), whole(element, "end")
        before = _transition(there, index - 1) if start == -1 else None
        after = _transition(there, index + 1) if end == -1 else None
        if (start == -1 and before is None) or (end == -1 and after is None):
            name = element.findtext("name") or element.tag
            raise BadInput(f"The clip {name!r} has no place on its track: export the timeline again.")
        head = tail = 0
        if before is not None:
            start = _cut(before)
            head = start - whole(before, "start")
        if after is not None:
            end = _cut(after)
            tail = whole(after, "end") - end
        yield TrackItem(
            element=element, track=track, start=start, end=end, before=before, after=after, head=head, tail=tail
        )


def is_true(element: Element, path: str, default: str = "TRUE") -> bool:
    """A truth value of the file, `default` where it is not given."""
    return (element.findtext(path) or default).strip().upper() == "TRUE"


def is_retimed(element: Element) -> bool:
    """True where a clip has a time remap that changes anything."""
    for effect in element.iterfind("filter/effect"):
        if (effect.findtext("effectid") or "").strip().lower() != "timeremap":
            continue
        values = {
            each.findtext("parameterid"): (each.findtext("value") or "").strip() for each in effect.iter("parameter")
        }
        if values.get("variablespeed", "0") not in ("0", "FALSE") or values.get("reverse", "FALSE") == "TRUE":
            return True
        if not _NORMAL_SPEED.fullmatch(values.get("speed") or "100"):
            return True
    return False


def media_of(file: Element | None, folder: Path) -> tuple[str, int | None]:
    """The path that a `file` names, and the number of its first picture where it is a sequence of them."""
    path = "" if file is None else media_path((file.findtext("pathurl") or "").strip(), folder)
    picture = _PICTURE.fullmatch(path)
    if file is None or picture is None or whole(file, "duration", 1) <= 1:
        return path, None
    return f"{picture[1]}%0{len(picture[2])}d{picture[3]}", int(picture[2])


def _transition(there: list[Element], index: int) -> Element | None:
    found = there[index] if 0 <= index < len(there) else None
    return found if found is not None and found.tag == "transitionitem" else None


def _cut(transition: Element) -> int:
    start, end = whole(transition, "start"), whole(transition, "end")
    alignment = (transition.findtext("alignment") or "").strip()
    if alignment.startswith("end"):
        return end
    return start if alignment.startswith("start") else (start + end) // 2
