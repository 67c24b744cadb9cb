# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPool and Folder: importing, sorting, making timelines, appending to the current one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hosts.resolve.fake.appending import append, whole
from tests.hosts.resolve.fake.clip import MediaPoolItem
from tests.hosts.resolve.fake.item import TimelineItem
from tests.hosts.resolve.fake.media import open_file, open_sequence
from tests.hosts.resolve.fake.model import Bin, Cut, Item, PoolClip
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.fake.timeline import Timeline

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve
    from tests.hosts.resolve.fake.project import ProjectFile


class MediaPool:
    is_played = True

    def __init__(self, app: FakeResolve, file: ProjectFile) -> None:
        self.app, self.file = app, file

    @property
    def bin(self) -> Bin:
        """The folder that imports land in."""
        return self.file.current_bin or self.file.root

    def GetUniqueId(self) -> str:
        return f"{self.file.uid}-pool"

    def GetRootFolder(self) -> Any:
        return Folder(self.app, self.file.root)

    def GetCurrentFolder(self) -> Any:
        return Folder(self.app, self.bin)

    def SetCurrentFolder(self, folder: Any) -> bool:
        if not isinstance(folder, Folder):
            return False
        self.file.current_bin = folder.bin
        return True

    def AddSubFolder(self, folder: Any, name: str) -> Any:
        if not isinstance(folder, Folder) or any(child.name == name for child in folder.bin.bins):
            return None
        folder.bin.bins.append(Bin(name))
        # The new folder becomes the current one.
        self.file.current_bin = folder.bin.bins[-1]
        return Folder(self.app, folder.bin.bins[-1])

    def DeleteFolders(self, subfolders: list[Any]) -> bool:
        chosen = [folder.bin for folder in subfolders or []]
        for parent in self.file.root.walk():
            parent.bins = [child for child in parent.bins if child not in chosen]
        if self.bin in chosen:
            self.file.current_bin = None
        return bool(chosen)

    def ImportMedia(self, items: list[Any]) -> list[Any]:
        """Paths, or `{"FilePath", "StartIndex", "EndIndex"}` of numbered pictures. What cannot be read is left out."""
        if not isinstance(items, list):
            return []
        clips = [clip for item in items if (clip := self._opened(item)) is not None]
        self.bin.clips.extend(clips)
        return [MediaPoolItem(self.app, self.file, clip) for clip in clips]

    def _opened(self, item: Any) -> PoolClip | None:
        if isinstance(item, str):
            media = open_file(item)
        else:
            rate = RATES[self.file.settings["timelineFrameRate"]]
            first, last = item.get("StartIndex", 0), item.get("EndIndex", 0)
            media = open_sequence(item.get("FilePath", ""), first, last, rate)
        return None if media is None else PoolClip(Path(media.shown_path).name, media)

    def DeleteClips(self, clips: list[Any]) -> bool:
        """The clips go from the pool, and their items from every timeline."""
        chosen = [clip.clip for clip in clips or [] if isinstance(clip, MediaPoolItem)]
        for folder in self.file.root.walk():
            folder.clips = [clip for clip in folder.clips if clip not in chosen]
        for clip in chosen:
            clip.is_gone = True
        for cut in self.file.timelines:
            for track in (track for tracks in cut.tracks.values() for track in tracks):
                for item in [item for item in track.items if item.clip in chosen]:
                    item.is_gone = True
                    track.items.remove(item)
        return bool(chosen)

    def MoveClips(self, clips: list[Any], targetFolder: Any) -> bool:
        chosen = [clip.clip for clip in clips or []]
        for folder in self.file.root.walk():
            folder.clips = [clip for clip in folder.clips if clip not in chosen]
        targetFolder.bin.clips.extend(chosen)
        return bool(chosen)

    def GetClipMatteList(self, mediaPoolItem: Any) -> list[str]:
        return list(mediaPoolItem.clip.mattes) if isinstance(mediaPoolItem, MediaPoolItem) else []

    def CreateEmptyTimeline(self, name: str) -> Any:
        """With the project's settings; it becomes the current one."""
        if any(cut.name == name for cut in self.file.timelines):
            return None
        settings = self.file.settings
        size = int(settings["timelineResolutionWidth"]), int(settings["timelineResolutionHeight"])
        cut = Cut(name, settings["timelineFrameRate"], width=size[0], height=size[1])
        self.file.timelines.append(cut)
        self.file.current = cut
        return Timeline(self.app, self.file, cut)

    def CreateTimelineFromClips(self, name: str, clip1: Any, *args: Any) -> Any:
        made = self.CreateEmptyTimeline(name)
        if made is not None:
            self.AppendToTimeline(clip1, *args)
        return made

    def DeleteTimelines(self, timeline: list[Any]) -> bool:
        chosen = [one.cut for one in timeline or []]
        for cut in chosen:
            cut.is_gone = True
        self.file.timelines = [cut for cut in self.file.timelines if cut not in chosen]
        if self.file.current in chosen:
            self.file.current = self.file.timelines[0] if self.file.timelines else None
        return bool(chosen)

    def AppendToTimeline(self, clip1: Any, *args: Any) -> Any:
        """One answer for each clip: an item, None, or an item that is not there. Only into the current timeline."""
        given = clip1 if isinstance(clip1, list) else [clip1, *args]
        cut = self.file.current
        if cut is None or not given:
            return None
        infos = [whole(one.clip) if isinstance(one, MediaPoolItem) else self._unwrapped(one) for one in given]
        items = [append(cut, info, overlap=self.app.overlap) for info in infos]
        return [self._item(item, cut) for item in items]

    @staticmethod
    def _unwrapped(info: Any) -> dict[str, Any]:
        clip = info.get("mediaPoolItem")
        return {**info, "mediaPoolItem": clip.clip if isinstance(clip, MediaPoolItem) else None}

    def _item(self, item: Item | None, cut: Cut) -> Any:
        return None if item is None else TimelineItem(self.app, self.file, cut, item)


class Folder:
    is_played = True

    def __init__(self, app: FakeResolve, bin: Bin) -> None:
        self.app, self.bin = app, bin

    def GetName(self) -> str:
        return self.bin.name

    def GetUniqueId(self) -> str:
        return self.bin.uid

    def GetClipList(self) -> list[Any]:
        file = self.app.project
        return [MediaPoolItem(self.app, file, clip) for clip in self.bin.clips] if file else []

    def GetSubFolderList(self) -> list[Any]:
        return [Folder(self.app, child) for child in self.bin.bins]
