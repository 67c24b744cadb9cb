# SPDX-License-Identifier: GPL-3.0-or-later
"""Project: timelines, settings, render queue, stills."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hosts.resolve.fake.gallery import Gallery
from tests.hosts.resolve.fake.jobs import Queue
from tests.hosts.resolve.fake.model import Album, Bin, Cut, unique_id
from tests.hosts.resolve.fake.pictures import FORMATS, shown_at, write_still
from tests.hosts.resolve.fake.pool import MediaPool
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.fake.timeline import Timeline, current_item

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve


@dataclass(eq=False)
class ProjectFile:
    """What a project holds."""

    name: str
    root: Bin = field(default_factory=lambda: Bin("Master"))
    timelines: list[Cut] = field(default_factory=list)
    current: Cut | None = None
    current_bin: Bin | None = None
    queue: Queue = field(default_factory=Queue)
    albums: list[Album] = field(default_factory=lambda: [Album("Stills 1")])
    saves: int = 0
    settings: dict[str, str] = field(
        default_factory=lambda: {
            "timelineFrameRate": "24",
            "timelineResolutionWidth": "1920",
            "timelineResolutionHeight": "1080",
            "colorScienceMode": "davinciYRGB",
            "colorSpaceTimeline": "Rec.709 Gamma 2.4",
            "useCustomSettings": "0",
        }
    )
    uid: str = field(default_factory=lambda: unique_id("project"))


class Project:
    is_played = True

    def __init__(self, app: FakeResolve, file: ProjectFile) -> None:
        self.app, self.file = app, file

    @property
    def is_gone(self) -> bool:
        return self.file not in self.app.projects

    def GetName(self) -> str:
        return self.file.name

    def SetName(self, projectName: str) -> bool:
        if any(other.name == projectName for other in self.app.projects):
            return False
        self.file.name = projectName
        return True

    def GetUniqueId(self) -> str:
        return self.file.uid

    def GetMediaPool(self) -> Any:
        return MediaPool(self.app, self.file)

    def GetGallery(self) -> Any:
        return Gallery(self.app, self.file)

    def GetTimelineCount(self) -> int:
        return len(self.file.timelines)

    def GetTimelineByIndex(self, idx: int) -> Any:
        inside = 1 <= idx <= len(self.file.timelines)
        return Timeline(self.app, self.file, self.file.timelines[idx - 1]) if inside else None

    def GetCurrentTimeline(self) -> Any:
        return Timeline(self.app, self.file, self.file.current) if self.file.current else None

    def SetCurrentTimeline(self, timeline: Any) -> bool:
        if not isinstance(timeline, Timeline) or timeline.cut not in self.file.timelines:
            return False
        self.file.current = timeline.cut
        return True

    def GetSetting(self, settingName: str = "") -> Any:
        return self.file.settings.get(settingName, "") if settingName else dict(self.file.settings)

    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        if settingName not in self.file.settings or not isinstance(settingValue, str):
            return False
        # The rate is fixed once there is a timeline.
        if settingName == "timelineFrameRate" and (settingValue not in RATES or self.file.timelines):
            return False
        self.file.settings[settingName] = settingValue
        return True

    def GetSettings(self) -> dict[str, str]:
        return dict(self.file.settings)

    def SetSettings(self, settings: dict[str, str]) -> bool:
        return all([self.SetSetting(name, value) for name, value in settings.items()])

    def GetRenderFormats(self) -> dict[str, str]:
        return {name: extension for extension, (name, _) in FORMATS.items()}

    def GetRenderCodecs(self, renderFormat: str) -> dict[str, str]:
        codecs = FORMATS.get(renderFormat, ("", {}))[1]
        return {label: codec for codec, (label, _) in codecs.items()}

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return {key: self.file.queue.settings[key] for key in ("format", "codec")}

    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        """Takes ids ("mov", "ProRes422HQ"), and neither names nor labels."""
        if codec not in FORMATS.get(format, ("", {}))[1]:
            return False
        self.file.queue.settings |= {"format": format, "codec": codec}
        return True

    def GetCurrentRenderMode(self) -> int:
        return self.file.queue.settings["mode"]

    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        if renderMode not in (0, 1):
            return False
        self.file.queue.settings["mode"] = renderMode
        return True

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        """MarkIn and MarkOut are the timeline's own in and out points, told in absolute frames."""
        taken, cut = self.file.queue.change(settings), self.file.current
        if taken and cut is not None and {"MarkIn", "MarkOut"} <= settings.keys():
            cut.in_out = settings["MarkIn"] - cut.start, settings["MarkOut"] - cut.start
        return taken

    def GetRenderPresetList(self) -> list[str]:
        return list(self.file.queue.presets)

    def LoadRenderPreset(self, presetName: str) -> bool:
        if presetName not in self.file.queue.presets:
            return False
        self.file.queue.settings = dict(self.file.queue.presets[presetName])
        return True

    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if presetName in self.file.queue.presets:
            return False
        self.file.queue.presets[presetName] = dict(self.file.queue.settings)
        return True

    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self.file.queue.presets.pop(presetName, None) is not None

    def AddRenderJob(self) -> str:
        return self.file.queue.add(self.file.current)

    def DeleteRenderJob(self, jobId: str) -> bool:
        job = self.file.queue.find(jobId)
        if job is None or job.status == "Rendering":
            return False
        self.file.queue.jobs.remove(job)
        return True

    def DeleteAllRenderJobs(self) -> bool:
        self.file.queue.jobs = [job for job in self.file.queue.jobs if job.status == "Rendering"]
        return not self.file.queue.jobs

    def GetRenderJobList(self) -> list[Any]:
        return [job.shown() for job in self.file.queue.jobs]

    def StartRendering(self, *jobs: Any) -> bool:
        """`StartRendering([ids], interactive)`, `StartRendering(id, …)`, or all jobs."""
        given = jobs[0] if jobs and isinstance(jobs[0], list) else [job for job in jobs if isinstance(job, str)]
        return self.file.queue.start(given or [job.uid for job in self.file.queue.jobs])

    def StopRendering(self) -> None:
        for job in self.file.queue.jobs:
            if job.status == "Rendering":
                job.status = "Cancelled"

    def IsRenderingInProgress(self) -> bool:
        self.file.queue.go_on()
        return self.file.queue.is_rendering

    def GetRenderJobStatus(self, jobId: str) -> Any:
        """A dict, or an error string."""
        job = self.file.queue.find(jobId)
        if job is None:
            return f"Render job {jobId} not found"
        self.file.queue.go_on()
        return job.status_shown()

    def ExportCurrentFrameAsStill(self, filePath: str) -> bool:
        """On the Color page without the tracks above the current clip's."""
        cut = self.file.current
        if cut is None or self.app.page not in ("cut", "edit", "color", "deliver"):
            return False
        only = current_item(cut, lowest=True) if self.app.page == "color" else None
        return write_still(Path(filePath), shown_at(cut, cut.playhead, (cut.width, cut.height), only=only))
