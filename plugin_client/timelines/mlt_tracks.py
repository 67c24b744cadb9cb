# SPDX-License-Identifier: GPL-3.0-or-later
"""A video track put between the others of an MLT project, or taken out, as Kdenlive and Shotcut do it.

MLT names tracks by their place, so whatever points at one above moves with it. How a track comes over those below it is
a transition of its own. Straight alpha, measured with melt 7.12: `affine`, `frei0r.cairoblend` and `qtblend` are right
to a rounding where they are given RGBA; `qtblend` takes a file of more than 8 bits a sample for opaque unless a filter
asks for its alpha (`needs_alpha_filter`); `composite` mixes in 4:2:2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.mlt_building import Builder, element, set_property
from plugin_client.timelines.mlt_media import properties_of
from plugin_client.timelines.mlt_project import HIDES_VIDEO, Dialect, MltProject

_POINTERS = ("a_track", "b_track", "track")
_BLENDS: dict[str, dict[str, str]] = {
    "qtblend": {"compositing": "0", "distort": "0", "rotate_center": "0"},
    "frei0r.cairoblend": {"version": "0.1", "threads": "0"},
    "movit.overlay": {},
    "affine": {},
}
_DEFAULT_BLENDS = {Dialect.MLT: "affine", Dialect.SHOTCUT: "qtblend", Dialect.KDENLIVE: "qtblend"}
_BY_EDITOR = "237"  # Kdenlive's mark of the transitions that it plants itself
_GROUPED = re.compile(r'("data"\s*:\s*")(\d+)(?=:)')
_SEQUENCE, _DOCUMENT = "kdenlive:sequenceproperties.", "kdenlive:docproperties."


def needs_alpha_filter(project: MltProject) -> bool:
    """True where the tracks of this project are laid over each other by `qtblend`."""
    return _blend_of(project) == "qtblend"


def add_track(project: MltProject, builder: Builder, line: Element, *, above: int, name: str) -> None:
    """Make `line`, a playlist, a video track directly above the track of index `above`, hidden if that is."""
    timeline, tracks = project.timeline, project.track_elements
    if timeline not in list(project.root):
        raise BadInput("The project's timeline lies inside another element: open and save it in Kdenlive or Shotcut.")
    index = above + 1
    _shift(project, index, 1)
    _add_before(project, builder, timeline, line)
    if project.dialect is Dialect.KDENLIVE:
        line = _kdenlive_track(project, builder, line, name)
    parent, hidden = project.track_parent, tracks[above].get("hide", "")
    track = element("track", {"producer": line.attrib["id"]} | ({"hide": hidden} if hidden in HIDES_VIDEO else {}))
    builder.add(parent, list(parent).index(tracks[above]) + 1, track)
    for transition in _transitions(project, builder, index):
        builder.add(timeline, _below_higher(timeline, index), transition)


def remove_track(project: MltProject, index: int) -> None:
    """Take out the track of that index with what mixes it; its clips' producers stay."""
    track = project.track_elements[index]
    played = project.services.played_by(track)
    inner = [] if played is None else [project.services.played_by(each) for each in played.findall("track")]
    _take_out(project.track_parent, track)
    for each in project.timeline.findall("transition"):
        if str(index) in (properties_of(each).get("a_track"), properties_of(each).get("b_track")):
            _take_out(project.timeline, each)
    for service in (played, *inner):
        if service is not None and service in list(project.root):
            _take_out(project.root, service)
    _shift(project, index, -1)


def add_service(project: MltProject, builder: Builder, service: Element) -> None:
    """Put a producer where every playlist of the project comes after it, as MLT reads a file from top to bottom; and
    into Kdenlive's bin."""
    places = [list(project.root).index(each) for each in (project.bin, project.timeline) if each in list(project.root)]
    builder.add(project.root, min(places, default=len(project.root)), service)
    if project.dialect is Dialect.KDENLIVE and project.bin is not None:
        entry = element(
            "entry", {"producer": service.attrib["id"]} | {end: service.attrib[end] for end in ("in", "out")}
        )
        builder.add(project.bin, len(project.bin), entry)


def _add_before(project: MltProject, builder: Builder, other: Element, new: Element) -> None:
    builder.add(project.root, list(project.root).index(other), new)


def _take_out(parent: Element, child: Element) -> None:
    """Remove a child and the line that it stood on."""
    position = list(parent).index(child)
    if position:
        parent[position - 1].tail = child.tail
    parent.remove(child)


def _kdenlive_track(project: MltProject, builder: Builder, line: Element, name: str) -> Element:
    """Kdenlive's track: a tractor of two playlists, the second for dissolves."""
    second = element("playlist", {"id": builder.name("playlist")})
    _add_before(project, builder, project.timeline, second)
    said = {
        "kdenlive:trackheight": "67",
        "kdenlive:timeline_active": "1",
        "kdenlive:collapsed": "0",
        "kdenlive:track_name": name,
    }
    track = element("tractor", {"id": builder.name("tractor"), "in": builder.time(0)}, said)
    for each in (line, second):
        track.append(element("track", {"hide": "audio", "producer": each.attrib["id"]}))
    _add_before(project, builder, project.timeline, track)
    return track


def _blend_of(project: MltProject) -> str:
    """The service that lays this project's tracks over each other."""
    default = _DEFAULT_BLENDS[project.dialect]
    if project.dialect is Dialect.MLT:
        return default
    used = (properties_of(each) for each in project.timeline.findall("transition") if each.get("in") is None)
    return next((said["mlt_service"] for said in used if said.get("mlt_service") in _BLENDS), default)


def _transitions(project: MltProject, builder: Builder, index: int) -> Iterator[Element]:
    """What the editor plants for a new video track, in its order."""

    def planted(service: str, below: int, more: dict[str, str]) -> Element:
        said = {"a_track": str(below), "b_track": str(index), "mlt_service": service, "always_active": "1"}
        return element("transition", {"id": builder.name("transition")}, said | more)

    service = _blend_of(project)
    if project.dialect is Dialect.KDENLIVE:
        yield planted(service, 0, _BLENDS[service] | {"internal_added": _BY_EDITOR})
        return
    if project.dialect is Dialect.SHOTCUT:
        yield planted("mix", 0, {"sum": "1"})
    yield planted(service, index - 1, _BLENDS[service])


def _below_higher(timeline: Element, index: int) -> int:
    """Where among the timeline's children a transition onto track `index` comes: later ones lie over earlier ones."""
    place = 0
    for position, child in enumerate(timeline):
        said = properties_of(child)
        track = said.get("b_track", "")
        is_higher = track.isdecimal() and int(track) > index
        if child.tag == "transition" and said.get("mlt_service") in _BLENDS and is_higher:
            return position
        if child.tag in ("track", "multitrack", "property", "transition"):
            place = position + 1
    return place


def _shift(project: MltProject, first: int, by: int) -> None:
    """Let everything that points at a track of index `first` or above point `by` further."""
    for user in project.timeline:
        if user.tag not in ("transition", "filter"):
            continue
        said = properties_of(user)
        for pointer in _POINTERS:
            if said.get(pointer, "").isdecimal() and int(said[pointer]) >= first:
                set_property(user, pointer, str(int(said[pointer]) + by))
    if project.dialect is Dialect.KDENLIVE:
        for service, prefix in ((project.timeline, _SEQUENCE), (project.bin, _DOCUMENT)):
            if service is not None:
                _shift_words(service, prefix, first, by)


def _shift_words(service: Element, prefix: str, first: int, by: int) -> None:
    """The same for what Kdenlive keeps of its tracks, which it counts without the black one at the bottom."""
    said = properties_of(service)
    for word in ("activeTrack", "audioTarget", "videoTarget"):
        value = said.get(prefix + word, "")
        if value.isdecimal() and int(value) >= first - 1:
            set_property(service, prefix + word, str(int(value) + by))
    for word in ("tracks", "tracksCount"):
        if said.get(prefix + word, "").isdecimal():
            set_property(service, prefix + word, str(int(said[prefix + word]) + by))
    groups = said.get(f"{prefix}groups")
    if groups is not None:

        def moved(match: re.Match[str]) -> str:
            track = int(match[2])
            return f"{match[1]}{track + by if track >= first - 1 else track}"

        set_property(service, f"{prefix}groups", _GROUPED.sub(moved, groups))
