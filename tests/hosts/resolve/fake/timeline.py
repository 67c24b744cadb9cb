# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline: tracks, playhead, marks, generators, nesting. Absolute frames, but for markers and in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.hosts.resolve.fake.gallery import GalleryStill
from tests.hosts.resolve.fake.item import TimelineItem
from tests.hosts.resolve.fake.marking import with_markers
from tests.hosts.resolve.fake.model import Cut, Item, Mark, Still, Track
from tests.hosts.resolve.fake.names import INSERTS_TRACKS_SINCE, version_key
from tests.hosts.resolve.fake.nesting import insert, nest
from tests.hosts.resolve.fake.pictures import shown_at
from tests.hosts.resolve.fake.timecode import frame_of, timecode_of

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve
    from tests.hosts.resolve.fake.project import ProjectFile

_PAGES_WITH_PLAYHEAD = ("cut", "edit", "color", "fairlight", "deliver")


def current_item(cut: Cut, *, lowest: bool = False) -> Item | None:
    """The enabled item under the playhead, on the uppermost enabled track or the lowest."""
    tracks = cut.tracks["video"] if lowest else reversed(cut.tracks["video"])
    under = (item for track in tracks if track.is_enabled for item in track.items if item.is_enabled)
    return next((item for item in under if item.start <= cut.playhead < item.end), None)


@with_markers
class Timeline:
    is_played = True

    def __init__(self, app: FakeResolve, file: ProjectFile, cut: Cut) -> None:
        self.app, self.file, self.cut = app, file, cut

    @property
    def is_gone(self) -> bool:
        return self.cut.is_gone

    @property
    def marks(self) -> list[Mark]:
        return self.cut.marks

    def _item(self, item: Item | None) -> Any:
        return TimelineItem(self.app, self.file, self.cut, item) if item else None

    def _track(self, kind: str, number: int) -> Track | None:
        tracks = self.cut.tracks.get(kind, [])
        return tracks[int(number) - 1] if 1 <= number <= len(tracks) else None

    def GetName(self) -> str:
        return self.cut.name

    def SetName(self, timelineName: str) -> bool:
        self.cut.name = timelineName
        return True

    def GetUniqueId(self) -> str:
        return self.cut.uid

    def GetStartFrame(self) -> int:
        return self.cut.start

    def GetEndFrame(self) -> int:
        return self.cut.end

    def GetStartTimecode(self) -> str:
        return self.cut.start_timecode

    def SetStartTimecode(self, timecode: str) -> bool:
        moved = frame_of(timecode, self.cut.rate) - self.cut.start
        self.cut.start_timecode = timecode
        for item in self.cut.all_items():
            item.start += moved
        self.cut.playhead += moved
        return True

    def GetSetting(self, settingName: str = "") -> Any:
        own = {
            "timelineFrameRate": self.cut.rate_label,
            "timelineResolutionWidth": str(self.cut.width),
            "timelineResolutionHeight": str(self.cut.height),
        }
        settings = self.file.settings | own
        return settings.get(settingName, "") if settingName else settings

    def GetSettings(self) -> dict[str, Any]:
        return self.GetSetting()

    def GetTrackCount(self, trackType: str) -> int:
        return len(self.cut.tracks.get(trackType, []))

    def AddTrack(self, trackType: str, subTrackType: Any = None) -> bool:
        """On top, or at `{"index": n}` from INSERTS_TRACKS_SINCE on; before, and out of bounds, that is not heard."""
        tracks = self.cut.tracks.get(trackType)
        if tracks is None:
            return False
        listens = version_key(self.app.version) >= version_key(INSERTS_TRACKS_SINCE)
        index = subTrackType.get("index", 0) if isinstance(subTrackType, dict) and listens else 0
        index = index if 1 <= index <= len(tracks) else len(tracks) + 1
        tracks.insert(index - 1, Track(f"{trackType.capitalize()} {len(tracks) + 1}"))
        return True

    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        """With all that lies on it; the last video track stays."""
        track = self._track(trackType, trackIndex)
        if track is None or (trackType == "video" and len(self.cut.tracks["video"]) == 1):
            return False
        for item in track.items:
            item.is_gone = True
        self.cut.tracks[trackType].remove(track)
        return True

    def GetTrackName(self, trackType: str, trackIndex: int) -> str:
        track = self._track(trackType, trackIndex)
        return track.name if track else ""

    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        track = self._track(trackType, trackIndex)
        if track:
            track.name = name
        return track is not None

    def GetTrackSubType(self, trackType: str, trackIndex: int) -> str:
        track = self._track(trackType, trackIndex)
        return track.subtype if track else ""

    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool:
        track = self._track(trackType, trackIndex)
        return bool(track and track.is_locked)

    def SetTrackLock(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        track = self._track(trackType, trackIndex)
        if track:
            track.is_locked = bool(Bool)
        return track is not None

    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool:
        track = self._track(trackType, trackIndex)
        return bool(track and track.is_enabled)

    def SetTrackEnable(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        track = self._track(trackType, trackIndex)
        if track:
            track.is_enabled = bool(Bool)
        return track is not None

    def GetItemListInTrack(self, trackType: str, index: int) -> list[Any]:
        """None for an empty track, not an empty list."""
        track = self._track(trackType, index)
        return [self._item(item) for item in track.items] if track and track.items else None  # pyright: ignore

    def DeleteClips(self, timelineItems: list[Any], Bool: bool = False) -> bool:
        """On the Edit page, from tracks that are not locked; exactly these items, whatever is linked to them."""
        chosen = [one.item for one in timelineItems or [] if isinstance(one, TimelineItem) and not one.is_gone]
        places = [self.cut.track_of(item) for item in chosen]
        if self.app.page != "edit" or not chosen or any(place is None or place[2].is_locked for place in places):
            return False
        for item, place in zip(chosen, places, strict=True):
            assert place is not None
            place[2].items.remove(item)
            item.is_gone = True
            for later in place[2].items if Bool else []:
                later.start -= item.duration if later.start >= item.end else 0
        return True

    def GetCurrentTimecode(self) -> str:
        frame = timecode_of(self.cut.playhead, self.cut.rate, drop_frame=self.cut.drop_frame)
        return frame if self.app.page in _PAGES_WITH_PLAYHEAD else ""

    def SetCurrentTimecode(self, timecode: str) -> bool:
        if self.app.page not in _PAGES_WITH_PLAYHEAD:
            return False
        self.cut.playhead = frame_of(timecode, self.cut.rate)
        return True

    def GetCurrentVideoItem(self) -> Any:
        return self._item(current_item(self.cut)) if self.app.page != "media" else None

    def GetSelectedClips(self) -> Any:
        return [self._item(item) for item in self.cut.selected if not item.is_gone] or None

    def GetMarkInOut(self) -> dict[str, Any]:
        marks = self.cut.in_out
        return {"video": {"in": marks[0], "out": marks[1]}} if marks else {}

    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        """Relative to the timeline's start, both included."""
        if not 0 <= mark_in <= mark_out:
            return False
        self.cut.in_out = mark_in, mark_out
        return True

    def ClearMarkInOut(self, type: str = "all") -> bool:
        self.cut.in_out = None
        return True

    def InsertGeneratorIntoTimeline(self, generatorName: str) -> Any:
        return self._item(insert(self.cut, Item(generatorName, self.cut.playhead, 5 * round(self.cut.rate))))

    def InsertFusionCompositionIntoTimeline(self) -> Any:
        item = Item("Fusion Composition", self.cut.playhead, 5 * round(self.cut.rate), colour=(0, 0, 0, 0))
        made = self._item(insert(self.cut, item))
        made.new_comp()
        return made

    def CreateCompoundClip(self, timelineItems: list[Any], clipInfo: Any = None) -> Any:
        chosen = [one.item for one in timelineItems or []]
        name = (clipInfo or {}).get("name", f"Compound Clip {len(self.file.root.clips) + 1}")
        return self._item(nest(self.cut, chosen, name, self.file.root)) if chosen else None

    def CreateFusionClip(self, timelineItems: list[Any]) -> Any:
        chosen = [one.item for one in timelineItems or []]
        if not chosen:
            return None
        made = self._item(nest(self.cut, chosen, f"Fusion Clip {len(self.file.root.clips) + 1}", self.file.root))
        made.new_comp()
        return made

    def GrabStill(self) -> Any:
        """On the Color page: the current clip alone, into the current album."""
        item = current_item(self.cut, lowest=True)
        if self.app.page != "color" or item is None:
            return None
        picture = shown_at(self.cut, self.cut.playhead, (self.cut.width, self.cut.height), only=item)
        self.file.albums[0].stills.append(Still(picture))
        return GalleryStill(self.file.albums[0].stills[-1])
