# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPoolItem: what the media pool tells of a clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hosts.resolve.fake.appending import number_of_first
from tests.hosts.resolve.fake.marking import with_markers
from tests.hosts.resolve.fake.media import open_file
from tests.hosts.resolve.fake.model import Mark, PoolClip
from tests.hosts.resolve.fake.timecode import RATES, frame_of, label_of, timecode_of

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve
    from tests.hosts.resolve.fake.project import ProjectFile

_SETTABLE = (
    "Alpha mode",
    "Comments",
    "Data Level",
    "Description",
    "Input Color Space",
    "Input Gamma",
    "Keyword",
    "Shot",
    "Scene",
)


@with_markers
class MediaPoolItem:
    is_played = True

    def __init__(self, app: FakeResolve, file: ProjectFile, clip: PoolClip) -> None:
        self.app, self.file, self.clip = app, file, clip

    @property
    def is_gone(self) -> bool:
        return self.clip.is_gone

    @property
    def marks(self) -> list[Mark]:
        return self.clip.marks

    def GetName(self) -> str:
        return self.clip.name

    def SetName(self, name: str) -> bool:
        self.clip.name = name
        return True

    def GetUniqueId(self) -> str:
        return self.clip.uid

    def GetMediaId(self) -> str:
        return f"{self.clip.uid}-media"

    def GetMetadata(self, metadataType: str = "") -> Any:
        return self.clip.metadata.get(metadataType, "") if metadataType else dict(self.clip.metadata)

    def SetMetadata(self, metadataType: Any, metadataValue: str = "") -> bool:
        given = metadataType if isinstance(metadataType, dict) else {metadataType: metadataValue}
        self.clip.metadata |= given
        return True

    def GetClipColor(self) -> str:
        return self.clip.color

    def SetClipColor(self, colorName: str) -> bool:
        self.clip.color = colorName
        return True

    def ClearClipColor(self) -> bool:
        self.clip.color = ""
        return True

    def GetClipProperty(self, propertyName: str = "") -> Any:
        """Text, the rate apart; "" for a name that does not exist."""
        properties = self._properties()
        return properties.get(propertyName, "") if propertyName else properties

    def _properties(self) -> dict[str, Any]:
        clip, media = self.clip, self.clip.media
        first = number_of_first(clip)
        start = "00:00:00:00" if media is None else media.start_timecode
        drop_frame, first_label = ";" in start, frame_of(start, clip.rate) + clip.first
        shown = media or clip.nested
        marks = clip.in_out or ()
        return {
            "Clip Name": clip.name,
            "File Name": Path(media.shown_path).name if media else "",
            "File Path": media.shown_path if media else "",
            "Type": media.kind if media else "Compound",
            "FPS": float(label_of(clip.rate)),
            "Frames": str(clip.frames),
            "Start": str(first),
            "End": str(first + clip.frames - 1),
            "Start TC": timecode_of(first_label, clip.rate, drop_frame=drop_frame),
            "End TC": timecode_of(first_label + clip.frames, clip.rate, drop_frame=drop_frame),
            "Drop frame": "1" if drop_frame else "0",
            "Resolution": f"{shown.width}x{shown.height}" if shown else "",
            "In": str(marks[0]) if marks else "",
            "Out": str(marks[1]) if marks else "",
            **{name: clip.properties.get(name, "") for name in _SETTABLE},
        }

    def SetClipProperty(self, propertyName: str, propertyValue: Any) -> bool:
        """Of what the pool tells, a person may change the name, the rate and the tags."""
        if propertyName == "FPS" and str(propertyValue) in RATES and self.clip.media is not None:
            self.clip.media = replace(self.clip.media, rate=RATES[str(propertyValue)])
        elif propertyName == "Clip Name":
            self.clip.name = str(propertyValue)
        elif propertyName in _SETTABLE:
            self.clip.properties[propertyName] = str(propertyValue)
        else:
            return False
        return True

    def ReplaceClip(self, filePath: str) -> bool:
        """Every use of the clip shows the other file from now on."""
        media = open_file(filePath)
        if media is None:
            return False
        self.clip.media, self.clip.name, self.clip.subclip = media, Path(filePath).name, None
        return True

    def GetMarkInOut(self) -> dict[str, Any]:
        marks = self.clip.in_out
        return {"video": {"in": marks[0], "out": marks[1]}} if marks else {}

    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        if not 0 <= mark_in <= mark_out < self.clip.frames:
            return False
        self.clip.in_out = mark_in, mark_out
        return True

    def ClearMarkInOut(self, type: str = "all") -> bool:
        self.clip.in_out = None
        return True
