# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as a connected clip in FCPXML, above the clip that it covers and below everything that was above that."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement

from plugin_client.timelines.fcpxml_resources import Resources
from plugin_client.timelines.fcpxml_story import Item
from plugin_client.timelines.marks import is_note, marks_as_note
from plugin_client.timelines.placement import Placement
from plugin_client.timelines.timeline import Span, Take
from plugin_client.timelines.times import rational_text
from plugin_client.timelines.xmlfile import bare_copy, insert, parents

# What stands in a story element before the clips that are connected to it (the document type's order), and they.
_BEFORE_CONNECTED = ("param", "text", "text-style-def", "note", "conform-rate", "timeMap", "object-tracker")
_STORY = (
    "asset-clip", "audio", "audition", "caption", "clip", "gap", "live-drawing", "mc-clip", "ref-clip", "spine",
    "sync-clip", "title", "transition", "video",
)  # fmt: skip
# How the clip looks is how the take looks; what was measured on its own file (stabilization) is not the take's.
_LOOKS = (
    "conform-rate", "adjust-crop", "adjust-corners", "adjust-conform", "adjust-transform", "adjust-blend",
    "adjust-360-transform", "adjust-reorient", "adjust-orientation", "adjust-colorConform", "filter-video",
)  # fmt: skip


def takes_above(items: Sequence[Item], below: Item) -> list[Item]:
    """The takes of ours in higher lanes than `below`."""
    return [item for item in items if item.lane > below.lane and is_note(item.element.findtext("note"))]


def has_moving_looks(element: Element) -> bool:
    """True where what is copied onto a take changes over time."""
    return any(child.tag in _LOOKS and child.find(".//keyframe") is not None for child in element)


def extent(placement: Placement) -> Span:
    """What a take takes up, its fades included: a storyline's clips reach over its transitions."""
    head = placement.head if placement.covers_head else Fraction(0)
    tail = placement.tail if placement.covers_tail else Fraction(0)
    return Span(placement.record.start - head, placement.record.duration + head + tail)


def remove_take(root: Element, take: Item, resources: Resources) -> None:
    """Take out a take, its storyline if it had one, and its asset where nothing else shows it."""
    parent_of = parents(root)
    element, holder = take.element, parent_of[take.element]
    if holder.tag == "spine" and "lane" in holder.attrib:
        element, holder = holder, parent_of[holder]
    holder.remove(element)
    asset = resources.get(take.element.get("ref"))
    if asset is not None and all(each.get("ref") != asset.get("id") for each in root.iter()):
        resources.remove(asset)


def connect_take(
    take: Take,
    asset: Element,
    item: Item,
    placement: Placement,
    *,
    items: Sequence[Item],
    lane: int,
    rate: Fraction,
    version: int,
) -> None:
    """Connect `take`, whose asset is `asset`, to the storyline below `item`, in `lane`.

    What lies in that lane or above and meets it moves up by one lane, so that titles stay on top. Where the clip has
    transitions, the take lies in a storyline of its own with the same ones.
    """
    lies = extent(placement)
    _make_room(items, lies, lane=lane)
    clip = _clip(take, asset, item, version=version)
    into = placement.into - (placement.record.start - lies.start)
    clip.set("start", rational_text(take.start_frame / take.rate + into, take.rate))
    clip.set("duration", rational_text(lies.duration, rate))
    at = item.anchor_time + lies.start - item.record.start
    begins = item.before if placement.covers_head else None
    ends = item.after if placement.covers_tail else None
    placed = clip
    if begins is not None or ends is not None:
        placed = _storyline(clip, lies, begins, ends, rate=rate)
    placed.set("lane", str(lane))
    placed.set("offset", rational_text(at, rate))
    insert(item.anchor, _index_in(item.anchor), placed)


def _clip(take: Take, asset: Element, item: Item, *, version: int) -> Element:
    source = item.element
    clip = Element("asset-clip", {"ref": asset.attrib["id"], "name": take.name})
    if "format" in asset.attrib:
        clip.set("format", asset.attrib["format"])
    for name in ("tcFormat", "enabled", "videoRole"):
        if name in source.attrib:
            clip.set(name, source.attrib[name])
    note = SubElement(clip, "note")
    note.text = marks_as_note(take, over=source.get("name", ""), version=version)
    looks = [child for name in _LOOKS for child in source if child.tag == name]
    clip.extend(bare_copy(child) for child in looks)
    return clip


def _storyline(clip: Element, lies: Span, begins: Element | None, ends: Element | None, *, rate: Fraction) -> Element:
    """The clip between the transitions that it fades by; a storyline's own time begins at 0."""
    clip.set("offset", "0s")
    storyline = Element("spine")
    if begins is not None:
        fade = bare_copy(begins)
        fade.set("offset", "0s")
        storyline.append(fade)
    storyline.append(clip)
    if ends is not None:
        fade = bare_copy(ends)
        length = Fraction(fade.attrib["duration"].removesuffix("s"))
        fade.set("offset", rational_text(lies.duration - length, rate))
        storyline.append(fade)
    return storyline


def _make_room(items: Sequence[Item], lies: Span, *, lane: int) -> None:
    """Move what is connected in `lane` or above one lane up, if anything there meets `lies`."""
    above = [item for item in items if item.lane >= lane]
    if not any(item.record.intersection(lies) for item in above):
        return
    holders = {id(holder): holder for item in above for holder in _laned(item)}
    for holder in holders.values():
        if int(holder.attrib["lane"]) >= lane:
            holder.set("lane", str(int(holder.attrib["lane"]) + 1))


def _laned(item: Item) -> list[Element]:
    """The children of the anchor that carry the item's lane: itself, or the storyline around it."""
    return [child for child in item.anchor if "lane" in child.attrib and item.element in child.iter()]


def _index_in(anchor: Element) -> int:
    """Where a connected clip goes among the anchor's children."""
    index = 0
    for position, child in enumerate(anchor):
        tag = str(child.tag)
        if tag in _BEFORE_CONNECTED or tag in _STORY or tag.startswith("adjust-"):
            index = position + 1
    return index
