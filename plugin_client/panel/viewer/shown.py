# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies before the viewer: the plate, and the result beside it: a take, or the live draft."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QMetaObject, QObject, pyqtSignal
from PyQt6.sip import isdeleted

from maskedit.errors import InputError
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.fetching import readable
from plugin_client.panel.viewer.footage import Footage
from plugin_client.panel.viewer.showing import Picture

_DRAFT = "Live draft"


class _Track:
    """A clip on screen. `first`: the frame of the plate at which its frame 0 lies."""

    def __init__(self, footage: Footage, first: int = 0) -> None:
        self.footage, self.first = footage, first
        self.links: list[QMetaObject.Connection] = []
        self._shown: tuple[int, Picture] | None = None
        self._arrived = -1

    def arrived(self, place: int) -> None:
        self._arrived = place

    def is_at_hand(self, frame: int) -> bool:
        return self.footage.held(frame - self.first) is not None

    def is_late(self, frame: int) -> bool:
        return self._shown is None or self._shown[0] != frame - self.first

    def fault(self, frame: int) -> str:
        return self.footage.fault(frame - self.first)

    def picture(self, frame: int, *, full: bool) -> Picture | None:
        """The picture of `frame`, until it is there the nearest at hand; None beyond the clip's ends."""
        place, facts = frame - self.first, self.footage.facts
        if (facts is not None and not 0 <= place < facts.frame_count) or self.footage.fault(place):
            return None
        picture = self.footage.picture(place)
        if picture is not None:
            self._shown = place, picture
            larger = self.footage.picture(place, full=True) if full else None
            return picture if larger is None else larger
        arrived = self.footage.held(self._arrived)
        if arrived is not None and (self._shown is None or abs(self._arrived - place) < abs(self._shown[0] - place)):
            self._shown = self._arrived, arrived
        return self._shown[1] if self._shown is not None else None


class Shown(QObject):
    """The pictures of the frame under the playhead. `changed`: there may be something else to see."""

    changed = pyqtSignal()

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._plate: _Track | None = None
        self._take: _Track | None = None
        self._fault = ""
        self._followed: tuple[object, ...] = ()
        for signal in (desk.project.changed, desk.project.facts_changed, desk.takes.chosen, desk.takes.updated):
            signal.connect(self._follow)
        desk.draft.changed.connect(self.changed)
        desk.draft.ready.connect(self.changed)
        desk.playhead.moved.connect(self._look_ahead)
        desk.playhead.speed_changed.connect(self._look_ahead)
        self._follow()

    @property
    def plate(self) -> Footage | None:
        """The clip."""
        return self._plate.footage if self._plate else None

    @property
    def take(self) -> Footage | None:
        """The chosen take's pictures; None without a take, or while it has none."""
        return self._take.footage if self._take else None

    @property
    def has_result(self) -> bool:
        """Whether a take is chosen that has pictures, or the draft has one of this frame."""
        return self._take is not None or self._desk.draft.picture(self._desk.playhead.frame) is not None

    @property
    def result_name(self) -> str:
        """What the result is called."""
        take = self._desk.takes.get(self._desk.takes.current)
        return take.name if self._take is not None and take is not None else _DRAFT

    @property
    def plate_fault(self) -> str:
        """Why the plate cannot be shown, one sentence; "" if all is well."""
        return self._plate.fault(self._desk.playhead.frame) if self._plate else ""

    @property
    def result_fault(self) -> str:
        """The same of the take."""
        return self._fault or (self._take.fault(self._desk.playhead.frame) if self._take else "")

    @property
    def is_late(self) -> bool:
        """True while another frame of the plate is shown than the one under the playhead."""
        return self._plate is not None and self._plate.is_late(self._desk.playhead.frame)

    @property
    def is_at_hand(self) -> bool:
        """True if the plate's frame under the playhead can be shown at once."""
        return self._plate is not None and self._plate.is_at_hand(self._desk.playhead.frame)

    def plate_picture(self, frame: int, *, full: bool = False) -> Picture | None:
        """The clip's picture, or the nearest one at hand until it is there. `full`: at the source's size."""
        return self._plate.picture(frame, full=full) if self._plate else None

    def neighbour(self, frame: int) -> Picture | None:
        """The clip's picture of another frame than the one under the playhead; None until it is there."""
        return self._plate.footage.picture(frame) if self._plate else None

    def result_picture(self, frame: int, *, full: bool = False) -> Picture | None:
        """The take's picture, else the draft's; None for frames that it does not cover."""
        return self._take.picture(frame, full=full) if self._take else self._desk.draft.picture(frame)

    def _follow(self) -> None:
        project, document = self._desk.project, self._desk.project.document
        take = self._desk.takes.get(self._desk.takes.current)
        # Asked after every step of a drag: only what matters here is worth a look at the disk.
        followed = document.clip, document.choices.colour, take and take.job_id, take and take.result, project.workspace
        if followed == self._followed:
            return
        self._followed = followed
        self._plate = self._laid(self._plate, document.clip, document.choices.colour)
        self._fault = ""
        path = ""
        if take is not None and take.result:
            try:
                path = str(readable(project.path_of(take.result)))
            except (InputError, OSError):
                self._fault = f"The pictures of {take.name} are gone: choose Fetch again on the take."
        colour = take.document.choices.colour if take is not None else ""
        first = take.document.frames.first if take is not None and take.document.frames is not None else 0
        self._take = self._laid(self._take, path, colour, first=first)
        self._look_ahead()
        self.changed.emit()

    def _laid(self, track: _Track | None, path: str, colour: str, *, first: int = 0) -> _Track | None:
        footage = self._desk.footage.open(path, colour=colour) if path else None
        if track is not None:
            if track.footage is footage and track.first == first:
                return track
            for link in track.links:
                QObject.disconnect(link)
        if footage is None:
            return None
        track = _Track(footage, first)
        track.links += [
            footage.ready.connect(partial(self._on_ready, track)),
            footage.opened.connect(self._on_opened),
            footage.failed.connect(self._on_opened),
        ]
        return track

    def _on_opened(self) -> None:
        self._look_ahead()
        self.changed.emit()

    def _on_ready(self, track: _Track, place: int) -> None:
        if isdeleted(self):  # a partial is not disconnected with its object
            return
        track.arrived(place)
        playhead = self._desk.playhead.frame
        # What is decoded ahead of time is no news; its neighbours may shine through.
        if abs(place + track.first - playhead) <= 1 or track.is_late(playhead):
            self.changed.emit()

    def _look_ahead(self) -> None:
        frame, speed = self._desk.playhead.frame, self._desk.playhead.speed
        for track in (self._plate, self._take):
            if track is not None and track.footage.facts is not None:
                place = min(max(0, frame - track.first), track.footage.facts.frame_count - 1)
                track.footage.prefetch(place, (speed > 0) - (speed < 0))
