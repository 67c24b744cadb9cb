# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an MLT project: its profile, its bin, its timeline's video tracks with the clips on them.

MLT's own XML (https://www.mltframework.org/docs/mltxml/) as Shotcut and Kdenlive write it. Shotcut: a track is a
playlist, the first is a background. Kdenlive: a track is a tractor of two playlists, between which clips dissolve;
since 23.04 the timeline is a tractor named by its UUID, played by a last one marked as the project's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.mlt_media import properties_of
from plugin_client.timelines.mlt_services import MltEntry, Services

_BIN = "main_bin"
_BACKGROUNDS = ("background", "black_track")
_COLOURS = ("color", "colour")
HIDES_VIDEO = ("video", "both")


class Dialect(Enum):
    """Whose project it is: how its tracks are built and what its editor looks for."""

    MLT = "melt"
    SHOTCUT = "Shotcut"
    KDENLIVE = "Kdenlive"


@dataclass(frozen=True, kw_only=True)
class MltTrack:
    """A video track: `element` is number `index` of the timeline's tracks, 0 the lowest, `number` of its video tracks,
    from 1. `service` is the playlist or tractor that it plays."""

    index: int
    number: int
    name: str
    element: Element
    service: Element
    enabled: bool
    entries: list[MltEntry] = field(default_factory=list)


class MltProject:
    """A parsed project; `sequence` names one of several timelines in it, else it is the one that the editor shows.

    Raises BadInput, one sentence, where it holds no such timeline or does not say its times.
    """

    def __init__(self, root: Element, *, sequence: str = "") -> None:
        self.root = root
        if root.tag not in ("mlt", "westley"):
            raise BadInput("The file holds no MLT project: save it from Kdenlive or Shotcut again.")
        profile = root.find("profile")
        if profile is None:
            raise BadInput("The project does not say its frame rate: open and save it in Kdenlive or Shotcut.")
        try:
            self.rate = Fraction(int(profile.attrib["frame_rate_num"]), int(profile.attrib["frame_rate_den"]))
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise BadInput("The project's profile is not whole: open and save it in Kdenlive or Shotcut.") from error
        if self.rate <= 0:
            raise BadInput("The project's frame rate is not above 0: set its profile in Kdenlive or Shotcut.")
        self.services = Services(root, self.rate)
        self.bin = self.services.by_id.get(_BIN)
        self.timeline = self._sequence(sequence) if sequence else self._timeline()
        self.dialect = self._dialect()

    def _timeline(self) -> Element:
        tractors = [each for each in self.root.findall("tractor")]
        for tractor in tractors:
            if properties_of(tractor).get("kdenlive:projectTractor") == "1":
                played = [self.services.played_by(track) for track in tractor.findall("track")]
                sequence = played[-1] if played else None
                if sequence is not None and sequence.tag == "tractor":
                    return sequence
        marked = [each for each in tractors if properties_of(each).get("shotcut") == "1"]
        named = self.services.by_id.get(self.root.get("producer", ""))
        if marked:
            return marked[-1]
        if named is not None and named.tag == "tractor":
            return named
        if not tractors:
            raise BadInput("The project holds no timeline: put the clip on one and save it again.")
        return tractors[-1]

    def _sequence(self, name: str) -> Element:
        named = {properties_of(each).get("kdenlive:clipname", ""): each for each in self.root.findall("tractor")}
        if name not in named:
            known = ", ".join(repr(each) for each in named if each)
            raise BadInput(f"The project holds no sequence {name!r}: choose one of {known or 'none (leave it away)'}.")
        return named[name]

    def _dialect(self) -> Dialect:
        if self.bin is not None and any(name.startswith("kdenlive:") for name in properties_of(self.bin)):
            return Dialect.KDENLIVE
        return Dialect.SHOTCUT if properties_of(self.timeline).get("shotcut") == "1" else Dialect.MLT

    @property
    def track_elements(self) -> list[Element]:
        """The timeline's tracks, audio and background among them, the lowest first."""
        return list(self.track_parent.findall("track"))

    @property
    def track_parent(self) -> Element:
        """What holds them: the timeline, or its multitrack."""
        multitrack = self.timeline.find("multitrack")
        return self.timeline if multitrack is None else multitrack

    def tracks(self) -> list[MltTrack]:
        """The video tracks with their clips, the lowest first."""
        found: list[MltTrack] = []
        for index, element in enumerate(self.track_elements):
            service = self.services.played_by(element)
            if service is None or self._is_background(index, service):
                continue
            said, hide = properties_of(service), element.get("hide", "")
            is_tractor = service.tag == "tractor"
            if "1" in (said.get("shotcut:audio"), said.get("kdenlive:audio_track")):
                continue
            if hide in HIDES_VIDEO and not is_tractor and said.get("shotcut:video") != "1":
                continue
            number = len(found) + 1
            name = said.get("shotcut:name") or said.get("kdenlive:track_name") or f"V{number}"
            track = MltTrack(
                index=index,
                number=number,
                name=name,
                element=element,
                service=service,
                enabled=hide not in HIDES_VIDEO,
                entries=self._entries_of(element, service),
            )
            found.append(track)
        return found

    def _is_background(self, index: int, service: Element) -> bool:
        if index > 0:
            return False
        played = (
            [service]
            if service.tag in ("producer", "chain")
            else [each for entry in service.findall("entry") if (each := self.services.played_by(entry)) is not None]
        )
        colours = all(properties_of(each).get("mlt_service") in _COLOURS for each in played)
        return service.get("id") in _BACKGROUNDS or (bool(played) and colours)

    def _entries_of(self, element: Element, service: Element) -> list[MltEntry]:
        if service.tag == "tractor":
            playlists = [
                each for track in service.findall("track") if (each := self.services.played_by(track)) is not None
            ]
            entries = [entry for each in playlists for entry in self.services.along(each)]
            return _with_dissolves(sorted(entries, key=lambda entry: entry.start))
        if service.tag == "playlist":
            return list(self.services.along(service))
        length = self.services.length_of(service)
        return [MltEntry(element=element, service=service, start=0, first=0, length=length)]


def _with_dissolves(entries: list[MltEntry]) -> list[MltEntry]:
    """Entries of a track's two playlists, in order of time, each with how much of it lies over its neighbours."""
    found = []
    for number, entry in enumerate(entries):
        before, after = entries[:number], entries[number + 1 :]
        head = max((other.end - entry.start for other in before), default=0)
        tail = max((entry.end - other.start for other in after), default=0)
        head, tail = (min(entry.length, max(0, each)) for each in (head, tail))
        found.append(replace(entry, head=head, tail=tail, dissolves=head + tail > 0))
    return found
