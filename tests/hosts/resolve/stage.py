# SPDX-License-Identifier: GPL-3.0-or-later
"""A project, a timeline and its media pool in a fake Resolve, through the API alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.hosts.resolve.fake.app import FakeResolve


def grey_of(frame: int) -> int:
    """The grey of a numbered clip's frame: no two of 120 alike."""
    return 10 + 2 * (frame % 120)


class Stage:
    """`resolve`, `project`, `pool` and `timeline` are what a script would hold."""

    def __init__(self, fake: FakeResolve, *, rate: str = "24", size: tuple[int, int] = (32, 16)) -> None:
        self.fake = fake
        self.resolve = fake.scriptapp("Resolve")
        self.project = self.resolve.GetProjectManager().CreateProject("Night shoot")
        settings = {
            "timelineFrameRate": rate,
            "timelineResolutionWidth": str(size[0]),
            "timelineResolutionHeight": str(size[1]),
        }
        if "SetSettings" in dir(self.project):
            self.project.SetSettings(settings)
        else:
            for name, value in settings.items():
                self.project.SetSetting(name, value)
        self.pool = self.project.GetMediaPool()
        self.timeline = self.pool.CreateEmptyTimeline("Cut 3")

    @property
    def start(self) -> int:
        """The timeline's first frame."""
        return self.timeline.GetStartFrame()

    def clip(self, path: Path) -> Any:
        """`path` in the media pool."""
        return self.pool.ImportMedia([str(path)])[0]

    def append(self, clip: Any, **info: Any) -> Any:
        """One `AppendToTimeline` of the picture alone, and its one answer."""
        return self.pool.AppendToTimeline([{"mediaPoolItem": clip, "mediaType": 1, **info}])[0]

    def items(self, track: int = 1) -> list[Any]:
        """What lies on a video track."""
        return self.timeline.GetItemListInTrack("video", track) or []
