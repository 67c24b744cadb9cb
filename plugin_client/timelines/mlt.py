# SPDX-License-Identifier: GPL-3.0-or-later
"""Kdenlive's, Shotcut's and melt's own projects (`.kdenlive`, `.mlt`), edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from plugin_client.core.errors import BadInput
from plugin_client.timelines.finding import numbered
from plugin_client.timelines.marks import above_earlier, track_name
from plugin_client.timelines.mlt_building import Builder
from plugin_client.timelines.mlt_media import MltMedia, media_of, properties_of
from plugin_client.timelines.mlt_project import MltProject, MltTrack
from plugin_client.timelines.mlt_services import MltEntry
from plugin_client.timelines.mlt_take import check_playable, line_of, ours, producer_of
from plugin_client.timelines.mlt_times import Shown, fit
from plugin_client.timelines.mlt_tracks import add_service, add_track, remove_track
from plugin_client.timelines.placement import Placement, lies_below
from plugin_client.timelines.timeline import Placed, Span, Take, TimelineClip
from plugin_client.timelines.xmlfile import XmlFile, read_xml, write_text


def open_mlt(path: Path, *, sequence: str = "") -> MltTimeline:
    """Read an MLT project; `sequence` names one of several timelines of a Kdenlive project. Raises BadInput."""
    return MltTimeline(read_xml(path), path.absolute(), sequence)


class MltTimeline:
    """An `OpenTimeline` over MLT's XML."""

    composites_alpha = True
    drop_frame = False  # both editors choose how they count for themselves
    start = Fraction(0)

    def __init__(self, file: XmlFile, path: Path, sequence: str) -> None:
        self._file, self._path, self._sequence = file, path, sequence
        self._project = self._read()
        self._spots: dict[Element, str] = {}
        self._names = _bin_names(self._project)
        said = path.parent / file.root.get("root", "")
        # Kdenlive names the folder that the project was saved in; one that has moved took its media along.
        self._root = said if said.is_dir() else path.parent

    @property
    def name(self) -> str:
        """What Kdenlive calls the sequence, else the project's file."""
        return properties_of(self._project.timeline).get("kdenlive:clipname") or self._path.stem

    @property
    def rate(self) -> Fraction:
        """The profile's frames per second."""
        return self._project.rate

    def clips(self) -> Sequence[TimelineClip]:
        """Every clip of the video tracks; a nested timeline is one clip, and is refused."""
        self._project = self._read()
        return numbered(self._clip(track, entry) for track in self._project.tracks() for entry in track.entries)

    def place(self, take: Take, clip: TimelineClip, *, replace: bool = False) -> Placed:
        """Lay `take` on a new track above the clip's; dissolves at its ends are not covered, which the notes say."""
        check_playable(take, self.rate)
        self._project = self._read()
        track, source = self._locate(clip)
        media = self._media(source, clip.name)
        shown = _shown(source, media, take.rate / self.rate)
        found = fit(shown, first_frame=take.first, frames=take.frames)
        if found is None:
            raise BadInput(_no_fit(clip, shown, take, rate=self.rate))
        start = source.start + source.head + found.skipped
        record = Span(start / self.rate, found.length / self.rate)
        if replace:
            for each in reversed(self._takes(track)):
                if self._record(each) == record:
                    remove_track(self._project, each.index)
            self._project = self._read()
        placement = Placement(record=record, into=Fraction(0))
        earlier = [each for each in self._takes(track) if lies_below(self._record(each), placement, clip)]
        builder, version = Builder(self._project), len(earlier) + 1
        below = max([track, *earlier], key=lambda each: each.index)
        # Kdenlive takes an empty or relative root for the project's folder, MLT for the one that it was called from.
        root = self._root if Path(self._file.root.get("root", "/")).is_absolute() else None
        made = producer_of(self._project, builder, take, over=clip.name, version=version, root=root)
        line, left_away = line_of(self._project, builder, made, take, source=source, fit=found, version=version)
        add_service(self._project, builder, made)
        add_track(self._project, builder, line, above=below.index, name=track_name(version))
        notes = above_earlier(len(earlier))
        if left_away:
            notes += (f"{clip.name!r} has filters with keyframes: copy them to the result in the editor.",)
        if source.dissolves:
            notes += (f"{clip.name!r} dissolves into a neighbour: the result does not cover the dissolve.",)
        return Placed(track=below.number + 1, name=take.name, record=record, notes=notes)

    def save(self, path: Path) -> None:
        """Write the project. Its relative media are looked for where they were, whatever folder it is written to."""
        if path.absolute().parent / self._file.root.get("root", "") != self._root:
            self._file.root.set("root", str(self._root))
        write_text(path, self._file.text())

    def _read(self) -> MltProject:
        return MltProject(self._file.root, sequence=self._sequence)

    def _clip(self, track: MltTrack, entry: MltEntry) -> TimelineClip:
        name = self._name(entry.service)
        media = self._media(entry, name)
        rate = media.rate or self.rate
        shown = _shown(entry, media, rate / self.rate)
        media_start = media.first / self.rate
        refusal = media.refusal
        if shown.length < 1:
            refusal = refusal or f"The clip {name!r} lies in a dissolve from beginning to end: shorten the dissolve."
            source = record = Span(Fraction(entry.start) / self.rate, Fraction(0))
        else:
            first, last = shown.media_frame(0), shown.media_frame(shown.length - 1)
            source = Span(media_start + first / rate, (last - first + 1) / rate)
            record = Span((entry.start + entry.head) / self.rate, shown.length / self.rate)
            if not refusal and fit(shown, first_frame=first, frames=last - first + 1) is None:
                refusal = _inexact(name, rate, self.rate)
        return TimelineClip(
            track=track.number,
            track_name=track.name,
            name=name,
            number=1,
            media=media.path,
            media_rate=media.rate,
            media_start=media_start,
            first_number=media.first_number,
            source=source,
            record=record,
            enabled=track.enabled,
            refusal=refusal,
            spot=self._spot(entry.element),
        )

    def _spot(self, entry: Element) -> str:
        return self._spots.setdefault(entry, str(len(self._spots)))

    def _locate(self, clip: TimelineClip) -> tuple[MltTrack, MltEntry]:
        for track in self._project.tracks():
            for entry in track.entries:
                if self._spots.get(entry.element) == clip.spot:
                    return track, entry
        raise BadInput(f"The clip {clip.name!r} is no longer on the timeline: choose another.")

    def _takes(self, track: MltTrack) -> list[MltTrack]:
        """The tracks above that hold a take of ours and nothing else."""
        return [
            above
            for above in self._project.tracks()
            if above.index > track.index and len(above.entries) == 1 and ours(above.entries[0].service)
        ]

    def _record(self, track: MltTrack) -> Span:
        """Where the one clip of a track lies."""
        entry = track.entries[0]
        return Span(Fraction(entry.start) / self.rate, entry.length / self.rate)

    def _media(self, entry: MltEntry, name: str) -> MltMedia:
        return media_of(entry.service, name, root=self._root, rate=self.rate)

    def _name(self, service: Element) -> str:
        """What the editor shows: its own name of the clip, else its file's."""
        said = properties_of(service)
        own = (
            said.get("kdenlive:clipname") or self._names.get(said.get("kdenlive:id", "")) or said.get("shotcut:caption")
        )
        resource = said.get("resource", "").partition("?")[0].replace("\\", "/")
        return own or resource.rpartition("/")[2] or said.get("id", "")


def _bin_names(project: MltProject) -> dict[str, str]:
    """Kdenlive's names of the clips in its bin, by their numbers."""
    entries = [] if project.bin is None else project.bin.findall("entry")
    held = [properties_of(service) for entry in entries if (service := project.services.played_by(entry)) is not None]
    return {said.get("kdenlive:id", ""): said.get("kdenlive:clipname", "") for said in held}


def _shown(entry: MltEntry, media: MltMedia, ratio: Fraction) -> Shown:
    """What the clip shows outside its dissolves."""
    length = entry.length - entry.head - entry.tail
    return Shown(first=entry.first + entry.head - media.first, length=length, ratio=ratio)


def _inexact(name: str, rate: Fraction, project_rate: Fraction) -> str:
    return (
        f"The clip {name!r} has {float(rate):.6g} frames per second and the project {float(project_rate):.6g}, so that "
        "a result could not show the very same frames: give the project the clip's frame rate, or convert the clip."
    )


def _no_fit(clip: TimelineClip, shown: Shown, take: Take, *, rate: Fraction) -> str:
    first, last = shown.media_frame(0), shown.media_frame(max(0, shown.length - 1))
    if take.first > last or take.first + take.frames <= first:
        return f"The result shows no frame that the clip {clip.name!r} shows: render the frames {first}-{last}."
    return _inexact(clip.name, take.rate, rate)
