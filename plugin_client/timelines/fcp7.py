# SPDX-License-Identifier: GPL-3.0-or-later
"""Final Cut Pro 7's XML (`.xml`, xmeml 4 and 5), which Premiere and Resolve exchange; changed in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import frame_at_timecode
from plugin_client.timelines.fcp7_placing import frames_of, take_on, take_track
from plugin_client.timelines.fcp7_track import TICKS, TrackItem, is_retimed, is_true, items_on, media_of, rate_of, whole
from plugin_client.timelines.finding import numbered
from plugin_client.timelines.marks import above_earlier
from plugin_client.timelines.placement import lies_below, placement_of
from plugin_client.timelines.refusals import moved_keyframes, retimed, without_file, without_length
from plugin_client.timelines.timeline import Placed, Span, Take, TimelineClip
from plugin_client.timelines.xmlfile import insert, parents, read_xml, write_text

_TRACKS = "media/video/track"
_TRACK_NAME = "MZ.TrackName"
_ALIKE = Fraction(1, 500)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An item, the sequence around it, the outermost track's number, and the names of the nested sequences."""

    item: TrackItem
    sequence: Element
    track: int
    inside: tuple[str, ...] = ()


def open_fcp7(path: Path, *, sequence: str = "") -> Fcp7Timeline:
    """Read an xmeml file; `sequence` names one of several in it. Raises BadInput."""
    return Fcp7Timeline(path, sequence=sequence)


class Fcp7Timeline:
    """An `OpenTimeline` over the file's own elements."""

    composites_alpha = True

    def __init__(self, path: Path, *, sequence: str = "") -> None:
        self._file, self._folder = read_xml(path), path.absolute().parent
        # Everything is written out once and named by its id from then on.
        self._written = {
            (each.tag, each.attrib["id"]): each for each in self._file.root.iter() if "id" in each.attrib and len(each)
        }
        self._sequence = _sequence(self._file.root, path, sequence)
        rate = rate_of(self._sequence)
        if rate is None:
            raise BadInput(f"{path} does not say its frame rate: export the timeline again.")
        self._rate = rate
        self._places: dict[str, _Place] = {}

    @property
    def name(self) -> str:
        return self._sequence.findtext("name") or ""

    @property
    def rate(self) -> Fraction:
        return self._rate

    @property
    def start(self) -> Fraction:
        timecode = self._sequence.find("timecode")
        if timecode is None:
            return Fraction(0)
        rate = rate_of(timecode, self._rate) or self._rate
        if timecode.find("frame") is not None:
            return whole(timecode, "frame") / rate
        return frame_at_timecode(timecode.findtext("string") or "00:00:00:00", rate) / rate

    @property
    def drop_frame(self) -> bool:
        return (self._sequence.findtext("timecode/displayformat") or "").strip() == "DF"

    def clips(self) -> Sequence[TimelineClip]:
        self._places = {str(index): place for index, place in enumerate(self._walk(self._sequence))}
        return numbered(self._clip(place, spot) for spot, place in self._places.items())

    def place(self, take: Take, clip: TimelineClip, *, replace: bool = False) -> Placed:
        there = self._places[clip.spot]
        rate = self._rate_in(there.sequence)
        placement = placement_of(take, clip, rate=rate)
        video = there.sequence.find("media/video")
        if video is None:
            raise BadInput(without_file(clip.name))
        tracks = video.findall("track")
        layer = tracks.index(there.item.track)
        takes = {each: lies for each in tracks[layer + 1 :] if (lies := take_on(each)) is not None}
        if replace:
            for each in [each for each, lies in takes.items() if (lies.start, lies.end) == frames_of(placement, rate)]:
                video.remove(each)
                del takes[each]
        spans = {each: Span(lies.start / rate, (lies.end - lies.start) / rate) for each, lies in takes.items()}
        earlier = [each for each, lies in spans.items() if lies_below(lies, placement, clip)]
        below = earlier[-1] if earlier else there.item.track
        track = take_track(
            take,
            there.item,
            placement,
            rate=rate,
            version=len(earlier) + 1,
            file=self._file_of(there.item.element),
            known={(each.tag, each.attrib["id"]) for each in self._file.root.iter() if "id" in each.attrib},
        )
        insert(video, list(video).index(below) + 1, track)
        number = clip.track if clip.inside else video.findall("track").index(track) + 1
        notes = above_earlier(len(earlier))
        if take.first and there.item.element.find("filter//keyframe") is not None:
            notes += (moved_keyframes(clip.name),)
        return Placed(track=number, name=take.name, record=placement.record, notes=notes)

    def save(self, path: Path) -> None:
        write_text(path, self._file.text())

    def _walk(self, sequence: Element, track: int = 0, inside: tuple[str, ...] = ()) -> Iterator[_Place]:
        for number, line in enumerate(sequence.findall(_TRACKS), start=1):
            for item in items_on(line):
                place = _Place(item=item, sequence=sequence, track=track or number, inside=inside)
                nested = self._nested(item.element)
                if nested is None:
                    yield place
                elif nested is not sequence:
                    name = item.element.findtext("name") or nested.findtext("name") or ""
                    yield from self._walk(nested, place.track, (*inside, name))

    def _nested(self, element: Element) -> Element | None:
        nested = element.find("sequence")
        return None if nested is None else self._written.get(("sequence", nested.get("id", "")), nested)

    def _file_of(self, element: Element) -> Element | None:
        file = element.find("file")
        return None if file is None else self._written.get(("file", file.get("id", "")), file)

    def _rate_in(self, sequence: Element) -> Fraction:
        return rate_of(sequence, self._rate) or self._rate

    def _clip(self, place: _Place, spot: str) -> TimelineClip:
        item, element = place.item, place.item.element
        rate = self._rate_in(place.sequence)
        file = self._file_of(element)
        name = element.findtext("name") or ""
        media, first_number = media_of(file, self._folder)
        media_rate = rate_of(file) or rate_of(element, rate) or rate
        record = Span(item.start / rate, (item.end - item.start) / rate)
        start = self._source_start(item, media_rate, rate)
        refusal = ""
        if element.tag == "generatoritem" or not media:
            refusal = without_file(name)
        elif is_true(element, "stillframe", "FALSE"):
            refusal = f"The clip {name!r} is a still picture: edit the picture itself."
        elif is_retimed(element) or not self._plays_at_its_own_speed(item, media_rate, rate):
            refusal = retimed(name)
        elif record.duration <= 0:
            refusal = without_length(name)
        return TimelineClip(
            track=place.track,
            track_name=item.track.get(_TRACK_NAME, "") if not place.inside else "",
            name=name,
            number=1,
            inside=place.inside,
            media=media,
            media_rate=media_rate,
            media_start=Fraction(0),
            first_number=first_number,
            source=Span(start, record.duration),
            record=record,
            head=item.head / rate,
            tail=item.tail / rate,
            enabled=is_true(element, "enabled") and is_true(item.track, "enabled"),
            refusal=refusal,
            spot=spot,
        )

    def _source_start(self, item: TrackItem, media_rate: Fraction, rate: Fraction) -> Fraction:
        """What the clip shows at its cut, in seconds after its media's first frame."""
        element = item.element
        if element.find("pproTicksIn") is not None:
            begins = Fraction(whole(element, "pproTicksIn"), TICKS)
        else:
            begins = whole(element, "in", 0) / self._unit(element, media_rate, rate)
        return begins + item.head / rate

    def _unit(self, element: Element, media_rate: Fraction, rate: Fraction) -> Fraction:
        """In what `in` and `out` count: frames of the media, of whichever clock the clip gives them."""
        said = rate_of(element, rate) or rate
        return media_rate if abs(said / media_rate - 1) < _ALIKE else said

    def _plays_at_its_own_speed(self, item: TrackItem, media_rate: Fraction, rate: Fraction) -> bool:
        """True where what it shows is as long as the place that it takes, within a frame at each end."""
        element = item.element
        shown = (whole(element, "out", 0) - whole(element, "in", 0)) / self._unit(element, media_rate, rate)
        takes = (item.end + item.tail - item.start + item.head) / rate
        return abs(shown - takes) <= 2 / min(media_rate, rate)


def _sequence(root: Element, path: Path, wanted: str) -> Element:
    """The one sequence of the file that is no clip of another, or the one that is named."""
    parent_of = parents(root)
    there = [
        each for each in root.iter("sequence") if each.find("media") is not None and parent_of[each].tag != "clipitem"
    ]
    named = [each for each in there if not wanted or each.findtext("name") == wanted]
    if len(named) == 1:
        return named[0]
    if not there:
        raise BadInput(f"{path} holds no sequence: export one from the editor.")
    names = ", ".join(repr(each.findtext("name") or "") for each in there)
    raise BadInput(f"{path} holds the sequences {names}: choose one with --sequence.")
