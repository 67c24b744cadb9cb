# SPDX-License-Identifier: GPL-3.0-or-later
"""FCPXML's story elements, walked in time: what lies where, and to what a result above it would be connected.

An element's `offset` counts in its parent's own time, which begins at the parent's `start`. What lies along a spine
follows one another whatever its offsets say; transitions lie over the cuts and take no time of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.fcpxml_resources import Resources, time_of
from plugin_client.timelines.timeline import Span

_CLIPS = ("asset-clip", "clip", "video", "title", "mc-clip", "audition", "live-drawing")
_CONTAINERS = ("ref-clip", "sync-clip")
_PLACED = (*_CLIPS, *_CONTAINERS, "gap")


@dataclass(frozen=True, kw_only=True)
class Level:
    """Where a walk is. `lane` and `anchor`: of the storyline or clip around, None in a primary storyline.

    `track`: that of the outermost, None on the timeline itself, where the lane says it.
    """

    inside: tuple[str, ...] = ()
    track: int | None = None
    lane: int = 0
    anchor: Element | None = None
    anchor_from: Fraction = Fraction(0)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A clip where it lies. `container`: the sequence or sync-clip whose time `record` counts in.

    `anchor`: the primary storyline's element to which what lies above is connected; `anchor_time`: the anchor's own
    time where `record` starts. `before` and `after`: the transitions over its cuts.
    """

    element: Element
    record: Span
    track: int
    lane: int
    inside: tuple[str, ...]
    container: Element
    anchor: Element
    anchor_time: Fraction
    before: Element | None = None
    after: Element | None = None


def items_of(container: Element, resources: Resources, level: Level | None = None) -> Iterator[Item]:
    """Every clip of a sequence, those inside compound and synchronised clips after these."""
    level = level or Level()
    spine = container.find("spine")
    if spine is not None:
        yield from _along(spine, Fraction(0), container, resources, level)
        return
    for child in container:
        if child.tag in _PLACED and "lane" not in child.attrib:
            yield from _item(child, time_of(child, "offset"), container, resources, level)


def length_of(element: Element, resources: Resources) -> Fraction:
    """How long a story element is: its own word, else its media's."""
    if "duration" in element.attrib:
        return time_of(element, "duration")
    source = resources.get(element.get("ref"))
    if source is not None and source.tag == "media":
        source = source.find("sequence")
    return Fraction(0) if source is None else time_of(source, "duration")


def start_of(element: Element, resources: Resources) -> Fraction:
    """The element's own time at its start: its word, else where its media begin."""
    source = resources.get(element.get("ref"))
    begins = Fraction(0)
    if source is not None and element.tag in ("asset-clip", "video") and source.tag == "asset":
        begins = time_of(source, "start")
    elif source is not None and element.tag == "ref-clip":
        sequence = source.find("sequence")
        begins = time_of(sequence, "tcStart") if sequence is not None else begins
    return time_of(element, "start", begins)


def _along(spine: Element, start: Fraction, container: Element, resources: Resources, level: Level) -> Iterator[Item]:
    now, before = start, None
    for index, child in enumerate(spine):
        if child.tag == "transition":
            before = child
        elif child.tag in _PLACED:
            follows = next((each for each in spine[index + 1 :] if each.tag in (*_PLACED, "transition")), None)
            after = follows if follows is not None and follows.tag == "transition" else None
            yield from _item(child, now, container, resources, level, before=before, after=after)
            now, before = now + length_of(child, resources), None


def _item(
    element: Element,
    at: Fraction,
    container: Element,
    resources: Resources,
    level: Level,
    *,
    before: Element | None = None,
    after: Element | None = None,
) -> Iterator[Item]:
    """The element, what is connected to it, and what it holds."""
    start = start_of(element, resources)
    anchor, anchor_time = element, start
    if level.anchor is not None:
        anchor, anchor_time = level.anchor, start_of(level.anchor, resources) + at - level.anchor_from
    track = level.lane + 1 if level.track is None else level.track
    if element.tag in _CLIPS and not _is_sound(element, resources):
        yield Item(
            element=element,
            record=Span(at, length_of(element, resources)),
            track=track,
            lane=level.lane,
            inside=level.inside,
            container=container,
            anchor=anchor,
            anchor_time=anchor_time,
            before=before,
            after=after,
        )
    connected = replace(level, anchor=anchor, anchor_from=at if level.anchor is None else level.anchor_from)
    for child in element:
        if "lane" not in child.attrib:
            continue
        begins = at + time_of(child, "offset") - start
        within = replace(connected, lane=level.lane + _lane(child))
        if child.tag == "spine":
            yield from _along(child, begins, container, resources, within)
        elif child.tag in _PLACED:
            yield from _item(child, begins, container, resources, within)
    if element.tag in _CONTAINERS:
        held = _held(element, resources)
        if held is not None:
            name = element.get("name", "")
            yield from items_of(held, resources, Level(inside=(*level.inside, name), track=track))


def _lane(element: Element) -> int:
    try:
        return int(element.attrib["lane"])
    except ValueError as error:
        said = element.attrib["lane"]
        raise BadInput(f"The file says lane={said!r}, which is no number: export the timeline again.") from error


def _held(element: Element, resources: Resources) -> Element | None:
    """What a compound or synchronised clip holds."""
    if element.tag == "sync-clip":
        return element
    media = resources.get(element.get("ref"))
    return None if media is None else media.find("sequence")


def _is_sound(element: Element, resources: Resources) -> bool:
    if element.get("srcEnable") == "audio":
        return True
    if element.tag == "clip":
        return element.find("video") is None and element.find("audio") is not None
    source = resources.get(element.get("ref"))
    return (
        source is not None
        and source.tag == "asset"
        and source.get("hasVideo", "1" if source.get("format") else "0") != "1"
    )
