# SPDX-License-Identifier: GPL-3.0-or-later
"""Final Cut Pro's XML (FCPXML 1.8 to 1.13), changed in place: one asset and one connected clip are added."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.fcpxml_placing import connect_take, extent, has_moving_looks, remove_take, takes_above
from plugin_client.timelines.fcpxml_resources import Resources, time_of
from plugin_client.timelines.fcpxml_story import Item, items_of, length_of, start_of
from plugin_client.timelines.finding import numbered
from plugin_client.timelines.marks import above_earlier
from plugin_client.timelines.placement import lies_below, placement_of
from plugin_client.timelines.refusals import moved_keyframes, retimed, without_file, without_length
from plugin_client.timelines.timeline import Placed, Span, Take, TimelineClip
from plugin_client.timelines.xmlfile import read_xml, write_text

_LISTED_ONLY = {
    "mc-clip": "is a multicam clip: edit the angle's media with `maskedit edit`, or detach the angle first",
    "audition": "is an audition: finalize it in Final Cut Pro, then export the timeline again",
}


def open_fcpxml(path: Path, *, sequence: str = "") -> FcpxmlTimeline:
    """Read an FCPXML file; `sequence` names one of several projects in it. Raises BadInput."""
    return FcpxmlTimeline(path, sequence=sequence)


class FcpxmlTimeline:
    """An `OpenTimeline` over the file's own elements."""

    composites_alpha = True

    def __init__(self, path: Path, *, sequence: str = "") -> None:
        self._file = read_xml(path)
        self._resources = Resources(self._file.root, path.absolute().parent)
        self._project = _project(self._file.root, path, sequence)
        found = self._project.find("sequence")
        if found is None:
            raise BadInput(f"{path} holds a project without a timeline: export it again.")
        self._sequence = found
        self._rate = self._resources.rate(found.get("format"))
        self._items: dict[str, Item] = {}

    @property
    def name(self) -> str:
        return self._project.get("name", "")

    @property
    def rate(self) -> Fraction:
        if self._rate is None:
            raise BadInput("The timeline does not say its frame rate: export it again.")
        return self._rate

    @property
    def start(self) -> Fraction:
        return time_of(self._sequence, "tcStart")

    @property
    def drop_frame(self) -> bool:
        return self._sequence.get("tcFormat") == "DF"

    def clips(self) -> Sequence[TimelineClip]:
        items = sorted(items_of(self._sequence, self._resources), key=lambda item: (item.track, item.record.start))
        self._items = {str(index): item for index, item in enumerate(items)}
        return numbered(self._clip(item, spot) for spot, item in self._items.items())

    def place(self, take: Take, clip: TimelineClip, *, replace: bool = False) -> Placed:
        found = self._items[clip.spot]
        placement = placement_of(take, clip, rate=self.rate)
        items = list(items_of(found.container, self._resources))
        # Its lane may have changed since it was found: an earlier take made room for itself.
        item = next(each for each in items if each.element is found.element)
        asset = self._asset_of(item.element)
        if asset is None:
            raise BadInput(clip.refusal or without_file(clip.name))
        if replace:
            gone = [each for each in takes_above(items, item) if each.record == extent(placement)]
            for each in gone:
                remove_take(self._file.root, each, self._resources)
            items = [each for each in items if each not in gone]
        earlier = [each for each in takes_above(items, item) if lies_below(each.record, placement, clip)]
        lane = max([item.lane, *(each.lane for each in earlier)]) + 1
        made = self._resources.add(take, like=asset)
        connect_take(take, made, item, placement, items=items, lane=lane, rate=self.rate, version=len(earlier) + 1)
        notes = above_earlier(len(earlier)) + self._shared(item)
        same_time = (take.start_frame - take.first) / take.rate == time_of(asset, "start")
        if not same_time and has_moving_looks(item.element):
            notes += (moved_keyframes(clip.name),)
        track = clip.track if clip.inside else lane + 1
        return Placed(track=track, name=take.name, record=placement.record, notes=notes)

    def save(self, path: Path) -> None:
        write_text(path, self._file.text())

    def _clip(self, item: Item, spot: str) -> TimelineClip:
        element, asset = item.element, self._asset_of(item.element)
        source, refusal = self._source(item), ""
        name = element.get("name", "") or ("" if asset is None else asset.get("name", ""))
        media = "" if asset is None else self._resources.media(asset)
        rate = None if asset is None else self._resources.rate(asset.get("format"))
        if element.tag in _LISTED_ONLY:
            refusal = f"The clip {name!r} {_LISTED_ONLY[element.tag]}."
        elif not media:
            refusal = without_file(name)
        elif element.find(".//timeMap") is not None or self._is_conformed(element, rate):
            refusal = retimed(name)
        elif not item.record.duration or source is None:
            refusal = without_length(name)
        return TimelineClip(
            track=item.track,
            track_name=_lane_name(item),
            name=name,
            number=1,
            inside=item.inside,
            media=media,
            media_rate=rate,
            media_start=None if asset is None else time_of(asset, "start"),
            source=source or Span(Fraction(0), Fraction(0)),
            record=item.record,
            head=self._overlap(item, item.before),
            tail=self._overlap(item, item.after),
            enabled=element.get("enabled", "1") == "1",
            refusal=refusal,
            spot=spot,
        )

    def _asset_of(self, element: Element) -> Element | None:
        """The asset that a clip shows, None for a generator or an effect."""
        if element.tag == "clip":
            video = element.find("video")
            return None if video is None else self._asset_of(video)
        source = self._resources.get(element.get("ref"))
        return source if source is not None and source.tag == "asset" else None

    def _source(self, item: Item) -> Span | None:
        """What the clip shows of its asset, in the asset's own time; None where it shows more than its picture has."""
        element, duration = item.element, length_of(item.element, self._resources)
        start = start_of(element, self._resources)
        if element.tag != "clip":
            return Span(start, duration)
        video = element.find("video")
        if video is None:
            return None
        into = start - time_of(video, "offset")
        if into < 0 or into + duration > length_of(video, self._resources):
            return None
        return Span(start_of(video, self._resources) + into, duration)

    def _is_conformed(self, element: Element, rate: Fraction | None) -> bool:
        """True where Final Cut Pro plays each of the media's frames as one of the timeline's, faster or slower."""
        conform = element.find("conform-rate")
        return conform is not None and conform.get("scaleEnabled", "1") == "1" and rate != self.rate

    def _overlap(self, item: Item, transition: Element | None) -> Fraction:
        """How far the transition over one of its cuts shows the clip beyond that; half of it, where nothing says so."""
        if transition is None:
            return Fraction(0)
        duration = time_of(transition, "duration")
        if "offset" not in transition.attrib or "offset" not in item.element.attrib:
            return duration / 2
        starts, cut = time_of(transition, "offset"), time_of(item.element, "offset")
        if transition is item.before:
            return max(Fraction(0), cut - starts)
        return max(Fraction(0), starts + duration - cut - item.record.duration)

    def _shared(self, item: Item) -> tuple[str, ...]:
        """A note where the clip lies in a compound clip that is used elsewhere too."""
        for media in self._file.root.iterfind("resources/media"):
            if media.find("sequence") is item.container:
                uses = sum(each.get("ref") == media.get("id") for each in self._file.root.iter("ref-clip"))
                if uses > 1:
                    return (f"The compound clip {media.get('name', '')!r} is used {uses} times: all of them show it.",)
        return ()


def _project(root: Element, path: Path, sequence: str) -> Element:
    there = list(root.iter("project"))
    named = [project for project in there if not sequence or project.get("name") == sequence]
    if len(named) == 1:
        return named[0]
    if not there:
        raise BadInput(f"{path} holds no project: export one with its timeline from Final Cut Pro.")
    names = ", ".join(repr(project.get("name", "")) for project in there)
    raise BadInput(f"{path} holds the projects {names}: choose one with --sequence.")


def _lane_name(item: Item) -> str:
    if item.inside:
        return ""
    return "primary storyline" if item.lane == 0 else f"lane {item.lane}"
