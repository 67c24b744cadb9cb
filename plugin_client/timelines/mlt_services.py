# SPDX-License-Identifier: GPL-3.0-or-later
"""What an MLT project holds under names: producers, chains, playlists, tractors; and what lies along a playlist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.mlt_media import properties_of
from plugin_client.timelines.mlt_times import frames_of

_SERVICES = ("producer", "chain", "playlist", "tractor", "multitrack")


@dataclass(frozen=True, kw_only=True)
class MltEntry:
    """One clip in a playlist: `element` plays `service` from position `first` on, `length` frames long.

    It lies at `start` on the timeline. `head` and `tail`: how many of its frames dissolve with a neighbour.
    `dissolves`: whether the clip does that at all, since Shotcut's dissolves are entries of their own.
    """

    element: Element
    service: Element
    start: int
    first: int
    length: int
    head: int = 0
    tail: int = 0
    dissolves: bool = False

    @property
    def end(self) -> int:
        """The first frame after it."""
        return self.start + self.length


class Services:
    """The services of the project under `root`, whose profile has `rate` frames per second."""

    def __init__(self, root: Element, rate: Fraction) -> None:
        self.rate = rate
        self.by_id = {each.get("id", ""): each for each in root.iter() if each.tag in _SERVICES}

    def played_by(self, user: Element) -> Element | None:
        """What an entry or a track plays: by name, or held within it."""
        name = user.get("producer")
        if name is not None:
            return self.by_id.get(name)
        return next((child for child in user if child.tag in _SERVICES), None)

    def frames(self, text: str) -> int:
        """A time of the project in frames."""
        return frames_of(text, self.rate)

    def length_of(self, service: Element) -> int:
        """How many positions a service has. Raises BadInput where the project does not say."""
        said = properties_of(service)
        if "length" in said:
            return self.frames(said["length"])
        if "out" in said:
            return self.frames(said["out"]) + 1
        name = said.get("resource", "") or said.get("id", "")
        raise BadInput(f"The project does not say how long {name!r} is: open and save it in Kdenlive or Shotcut.")

    def along(self, playlist: Element) -> Iterator[MltEntry]:
        """The clips of a playlist, in order; its dissolves are none. Raises BadInput where it is not whole."""
        start, after_dissolve = 0, False
        waiting: MltEntry | None = None
        for child in playlist:
            if child.tag == "blank":
                start += self.frames(child.get("length", "0"))
                after_dissolve = False
                continue
            if child.tag != "entry" and child.tag not in _SERVICES:
                continue
            service = self.played_by(child) if child.tag == "entry" else child
            if service is None:
                raise BadInput(f"The project names {child.get('producer')!r} but does not hold it: save it again.")
            first = self.frames(child.get("in", "0"))
            last = self.frames(child.attrib["out"]) if "out" in child.attrib else self.length_of(service) - 1
            length = last - first + 1
            if length < 1 or first < 0:
                raise BadInput("The project holds a clip that ends before it begins: trim it in its editor.")
            is_dissolve = "shotcut:transition" in properties_of(service)
            if waiting is not None:
                yield replace(waiting, dissolves=waiting.dissolves or is_dissolve)
            entry = MltEntry(element=child, service=service, start=start, first=first, length=length)
            waiting = None if is_dissolve else replace(entry, dissolves=after_dissolve)
            after_dissolve = is_dissolve
            start += length
        if waiting is not None:
            yield waiting
