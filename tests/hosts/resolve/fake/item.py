# SPDX-License-Identifier: GPL-3.0-or-later
"""TimelineItem: where a clip lies, which part of its source it shows, its comps, takes, grade and marks.

GetStart, GetDuration and both offsets count frames of the timeline; GetSourceStartFrame and GetSourceEndFrame count
those of the source, numbered as the pool's "Start" is.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hosts.resolve.fake.appending import number_of_first
from tests.hosts.resolve.fake.clip import MediaPoolItem
from tests.hosts.resolve.fake.fusion import Comp, FusionComp
from tests.hosts.resolve.fake.marking import with_markers
from tests.hosts.resolve.fake.model import Cut, Item, Mark, Take
from tests.hosts.resolve.fake.timecode import frame_of

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve
    from tests.hosts.resolve.fake.project import ProjectFile

PROPERTIES: dict[str, Any] = {
    "Pan": 0.0, "Tilt": 0.0, "ZoomX": 1.0, "ZoomY": 1.0, "ZoomGang": True, "RotationAngle": 0.0,
    "AnchorPointX": 0.0, "AnchorPointY": 0.0, "Pitch": 0.0, "Yaw": 0.0, "FlipX": False, "FlipY": False,
    "CropLeft": 0.0, "CropRight": 0.0, "CropTop": 0.0, "CropBottom": 0.0, "CropSoftness": 0.0, "CropRetain": False,
    "DynamicZoomEase": 0, "CompositeMode": 0, "Opacity": 100.0, "Distortion": 0.0,
    "RetimeProcess": 0, "MotionEstimation": 0, "Scaling": 0, "ResizeFilter": 0,
}  # fmt: skip


class ColorGroup:
    """Of clips that are graded together."""

    is_played = True

    def __init__(self, name: str) -> None:
        self.name = name

    def GetName(self) -> str:
        return self.name


@with_markers
class TimelineItem:
    is_played = True

    def __init__(self, app: FakeResolve, file: ProjectFile, cut: Cut, item: Item) -> None:
        self.app, self.file, self.cut, self.item = app, file, cut, item

    @property
    def is_gone(self) -> bool:
        return self.item.is_gone or self.cut.is_gone

    @property
    def marks(self) -> list[Mark]:
        return self.item.marks

    @property
    def _per_source_frame(self) -> Fraction:
        """Timeline frames per source frame, the retime included."""
        return self.item.rate_ratio(self.cut) / self.item.speed

    @property
    def _source_end(self) -> Fraction:
        return self.item.source_in + self.item.duration / self._per_source_frame

    def GetName(self) -> str:
        return self.item.name

    def SetName(self, name: str) -> bool:
        self.item.name = name
        return True

    def GetUniqueId(self) -> str:
        return self.item.uid

    def GetType(self) -> str:
        return "video" if self.item.clip else "generator"

    def GetMediaPoolItem(self) -> Any:
        """None for generators and titles."""
        return MediaPoolItem(self.app, self.file, self.item.clip) if self.item.clip else None

    def GetTrackTypeAndIndex(self) -> list[Any]:
        place = self.cut.track_of(self.item)
        return [place[0], place[1]] if place else []

    def GetStart(self, subframe_precision: bool = False) -> float:
        return float(self.item.start) if subframe_precision else self.item.start

    def GetEnd(self, subframe_precision: bool = False) -> float:
        return float(self.item.end) if subframe_precision else self.item.end

    def GetDuration(self, subframe_precision: bool = False) -> float:
        return float(self.item.duration) if subframe_precision else self.item.duration

    def GetLeftOffset(self, subframe_precision: bool = False) -> float:
        """How far the clip could be extended to the left, in frames of the timeline."""
        offset = self.item.source_in * self._per_source_frame
        return float(offset) if subframe_precision else math.floor(offset)

    def GetRightOffset(self, subframe_precision: bool = False) -> float:
        frames = self.item.clip.frames if self.item.clip else 0
        offset = max(Fraction(0), (frames - self._source_end) * self._per_source_frame)
        return float(offset) if subframe_precision else math.floor(offset)

    def GetSourceStartFrame(self) -> int:
        """One low where seconds and frames do not divide: mixed rates, and rates of x/1001."""
        clip = self.item.clip
        if clip is None:
            return 0
        uneven = clip.rate != self.cut.rate or clip.rate.denominator != 1
        return number_of_first(clip) + self.item.source_in - (1 if uneven and self.item.source_in else 0)

    def GetSourceEndFrame(self) -> int:
        """The frame after the last one."""
        return (number_of_first(self.item.clip) if self.item.clip else 0) + math.floor(self._source_end)

    def _source_seconds(self, frame: Fraction) -> float:
        """By the source's own timecode, which need not start at 0."""
        clip = self.item.clip
        if clip is None:
            return 0.0
        start = frame_of(clip.media.start_timecode, clip.rate) if clip.media else 0
        return float((start + clip.first + frame) / clip.rate)

    def GetSourceStartTime(self) -> float:
        return self._source_seconds(Fraction(self.item.source_in))

    def GetSourceEndTime(self) -> float:
        return self._source_seconds(self._source_end)

    def GetProperty(self, propertyKey: str = "") -> Any:
        properties = PROPERTIES | self.item.properties
        return properties.get(propertyKey) if propertyKey else properties

    def SetProperty(self, propertyKey: str, propertyValue: Any) -> bool:
        """With the zooms ganged, one sets the other."""
        if propertyKey not in PROPERTIES or isinstance(propertyValue, str):
            return False
        self.item.properties[propertyKey] = propertyValue
        if propertyKey in ("ZoomX", "ZoomY") and self.GetProperty("ZoomGang"):
            self.item.properties |= dict.fromkeys(("ZoomX", "ZoomY"), propertyValue)
        return True

    def GetProperties(self) -> dict[str, Any]:
        return self.GetProperty()

    def SetProperties(self, properties: dict[str, Any]) -> bool:
        """All of them, or none where one is not valid."""
        if any(key not in PROPERTIES or isinstance(value, str) for key, value in properties.items()):
            return False
        return all([self.SetProperty(key, value) for key, value in properties.items()])

    def GetClipColor(self) -> str:
        return self.item.clip_color

    def SetClipColor(self, colorName: str) -> bool:
        self.item.clip_color = colorName
        return True

    def ClearClipColor(self) -> bool:
        self.item.clip_color = ""
        return True

    def AddFlag(self, color: str) -> bool:
        self.item.flags.append(color)
        return True

    def GetFlagList(self) -> list[str]:
        return list(self.item.flags)

    def GetClipEnabled(self) -> bool:
        return self.item.is_enabled

    def SetClipEnabled(self, Bool: bool) -> bool:
        self.item.is_enabled = bool(Bool)
        return True

    def CopyGrades(self, tgtTimelineItems: list[Any]) -> bool:
        for target in tgtTimelineItems or []:
            target.item.grade = self.item.grade
        return bool(tgtTimelineItems)

    def GetColorGroup(self) -> Any:
        return ColorGroup(self.item.group) if self.item.group else None

    def AssignToColorGroup(self, colorGroup: Any) -> bool:
        if not isinstance(colorGroup, ColorGroup):
            return False
        self.item.group = colorGroup.name
        return True

    def AddTake(self, mediaPoolItem: Any, startFrame: Any = None, endFrame: Any = None) -> bool:
        """The first call also makes a take of what is there. The new take is shown from now on."""
        if not isinstance(mediaPoolItem, MediaPoolItem) or self.item.clip is None:
            return False
        if not self.item.takes:
            self.item.takes.append(Take(self.item.clip, self.item.source_in, math.ceil(self._source_end)))
        clip = mediaPoolItem.clip
        first, last = startFrame or 0, clip.frames if endFrame is None else endFrame
        self.item.takes.append(Take(clip, first, last))
        return self.SelectTakeByIndex(len(self.item.takes))

    def GetTakesCount(self) -> int:
        return len(self.item.takes)

    def GetSelectedTakeIndex(self) -> int:
        return self.item.take

    def GetTakeByIndex(self, idx: int) -> Any:
        if not 1 <= idx <= len(self.item.takes):
            return None
        take = self.item.takes[idx - 1]
        clip = MediaPoolItem(self.app, self.file, take.clip)
        return {"startFrame": take.source_in, "endFrame": take.source_out, "mediaPoolItem": clip}

    def SelectTakeByIndex(self, idx: int) -> bool:
        if not 1 <= idx <= len(self.item.takes):
            return False
        take = self.item.takes[idx - 1]
        self.item.take, self.item.clip, self.item.source_in = idx, take.clip, take.source_in
        if self.app.takes == "ripple":
            self.item.duration = int((take.source_out - take.source_in) * self.cut.rate / take.clip.rate)
        return True

    def DeleteTakeByIndex(self, idx: int) -> bool:
        if not 1 <= idx <= len(self.item.takes) or idx == self.item.take:
            return False
        del self.item.takes[idx - 1]
        self.item.take -= 1 if idx < self.item.take else 0
        return True

    def FinalizeTake(self) -> bool:
        had = bool(self.item.takes)
        self.item.takes, self.item.take = [], 0
        return had

    def new_comp(self) -> Comp:
        """A comp that passes the clip through."""
        self.item.comps.append(Comp(f"Composition {len(self.item.comps) + 1}"))
        return self.item.comps[-1]

    def _shown(self, comp: Comp | None) -> Any:
        # Away from the Fusion page there is no comp to be had.
        return FusionComp(self.app, comp) if comp and self.app.page == "fusion" else None

    def GetFusionCompCount(self) -> int:
        return len(self.item.comps)

    def GetFusionCompNameList(self) -> list[str]:
        return [comp.name for comp in self.item.comps]

    def GetFusionCompByIndex(self, compIndex: int) -> Any:
        inside = 1 <= compIndex <= len(self.item.comps)
        return self._shown(self.item.comps[compIndex - 1] if inside else None)

    def GetFusionCompByName(self, compName: str) -> Any:
        return self._shown(next((comp for comp in self.item.comps if comp.name == compName), None))

    def AddFusionComp(self) -> Any:
        return self._shown(self.new_comp()) if self.app.page == "fusion" else None

    def ImportFusionComp(self, path: str) -> Any:
        if self.app.page != "fusion" or not Path(path).is_file():
            return None
        comp = self.new_comp()
        comp.text = Path(path).read_text(encoding="utf-8")
        return self._shown(comp)

    def ExportFusionComp(self, path: str, compIndex: int) -> bool:
        if self.app.page != "fusion" or not 1 <= compIndex <= len(self.item.comps) or not Path(path).parent.is_dir():
            return False
        Path(path).write_text(self.item.comps[compIndex - 1].as_text(*self._comp_ranges()), encoding="utf-8")
        return True

    def _comp_ranges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Of the source and of the part in use, in frames of the timeline from the source's first."""
        left, right, length = int(self.GetLeftOffset()), int(self.GetRightOffset()), self.item.duration
        return (0, left + length + right - 1), (left, left + length - 1)

    def CreateMagicMask(self, mode: str) -> bool:
        """Tracks what a person has clicked on, and nothing where nobody has."""
        return mode in ("F", "B", "BI") and bool(self.item.properties.get("MagicMaskStroke"))
