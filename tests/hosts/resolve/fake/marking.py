# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers: the same eight calls on clips, timelines and timeline items."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.hosts.resolve.fake.model import Mark

COLORS = (
    *("Blue", "Cyan", "Green", "Yellow", "Red", "Pink", "Purple", "Fuchsia"),
    *("Rose", "Lavender", "Sky", "Mint", "Lemon", "Sand", "Cocoa", "Cream"),
)


def _shown(mark: Mark) -> dict[str, Any]:
    return {
        "color": mark.color,
        "duration": float(mark.duration),
        "note": mark.note,
        "name": mark.name,
        "customData": mark.custom_data,
    }


def _delete(marks: list[Mark], chosen: list[Mark]) -> bool:
    for mark in chosen:
        marks.remove(mark)
    return bool(chosen)


def AddMarker(
    self: Any, frameId: float, color: str, name: str, note: str, duration: float, customData: str = ""
) -> bool:
    """`frameId` is relative to what is marked; a frame holds one marker."""
    taken = any(mark.frame == int(frameId) for mark in self.marks)
    if taken or color not in COLORS or int(duration) < 1:
        return False
    self.marks.append(Mark(int(frameId), color, name, note, int(duration), customData))
    return True


def GetMarkers(self: Any) -> dict[float, Any]:
    return {float(mark.frame): _shown(mark) for mark in self.marks}


def GetMarkerByCustomData(self: Any, customData: str) -> dict[float, Any]:
    return next(({float(mark.frame): _shown(mark)} for mark in self.marks if mark.custom_data == customData), {})


def GetMarkerCustomData(self: Any, frameId: float) -> str:
    return next((mark.custom_data for mark in self.marks if mark.frame == frameId), "")


def UpdateMarkerCustomData(self: Any, frameId: float, customData: str) -> bool:
    for number, mark in enumerate(self.marks):
        if mark.frame == frameId:
            self.marks[number] = replace(mark, custom_data=customData)
            return True
    return False


def DeleteMarkersByColor(self: Any, color: str) -> bool:
    return _delete(self.marks, [mark for mark in self.marks if color in ("All", mark.color)])


def DeleteMarkerAtFrame(self: Any, frameNum: float) -> bool:
    return _delete(self.marks, [mark for mark in self.marks if mark.frame == frameNum])


def DeleteMarkerByCustomData(self: Any, customData: str) -> bool:
    return _delete(self.marks, [mark for mark in self.marks if mark.custom_data == customData][:1])


_METHODS = (
    AddMarker,
    GetMarkers,
    GetMarkerByCustomData,
    GetMarkerCustomData,
    UpdateMarkerCustomData,
    DeleteMarkersByColor,
    DeleteMarkerAtFrame,
    DeleteMarkerByCustomData,
)


def with_markers(owner: type) -> type:
    """Class decorator: the calls above, over the `marks` of the class."""
    for method in _METHODS:
        setattr(owner, method.__name__, method)
    return owner
