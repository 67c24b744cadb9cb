# SPDX-License-Identifier: GPL-3.0-or-later
"""The Deliver page: render settings that nobody can read back, presets, and a queue whose jobs write real files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hosts.resolve.fake.model import Cut, Item, unique_id
from tests.hosts.resolve.fake.pictures import FORMATS, SEQUENCES, shown_at, write_picture, write_video

FACTORY: dict[str, Any] = {
    "format": "mov",
    "codec": "ProRes422HQ",
    "mode": 1,
    "SelectAllFrames": True,
    "TargetDir": "",
    "CustomName": "",
    "ExportVideo": True,
    "ExportAudio": True,
    "ExportAlpha": False,
}
_KEYS = (
    "SelectAllFrames MarkIn MarkOut TargetDir CustomName UniqueFilenameStyle ExportVideo ExportAudio FormatWidth "
    "FormatHeight FrameRate PixelAspectRatio VideoQuality AudioCodec AudioBitDepth AudioSampleRate ColorSpaceTag "
    "GammaTag ExportAlpha EncodingProfile MultiPassEncode AlphaMode NetworkOptimization ClipStartFrame "
    "TimelineStartTimecode ReplaceExistingFilesInPlace ExportSubtitle SubtitleFormat"
)


@dataclass(eq=False)
class Job:
    """One entry of the queue, frozen when it was added."""

    cut: Cut
    settings: dict[str, Any]
    status: str = "Ready"
    error: str = ""
    polls_left: int = 0
    files: list[Path] = field(default_factory=list)
    uid: str = field(default_factory=lambda: unique_id("job"))

    @property
    def span(self) -> range:
        """Absolute timeline frames. MarkOut is included; both are ignored while all frames are selected."""
        if self.settings["SelectAllFrames"]:
            return range(self.cut.start, self.cut.end)
        first = self.settings.get("MarkIn", self.cut.start)
        return range(first, self.settings.get("MarkOut", self.cut.end - 1) + 1)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.settings.get("FormatWidth"), self.settings.get("FormatHeight")
        return int(width or self.cut.width), int(height or self.cut.height)

    def shown(self) -> dict[str, Any]:
        """As `GetRenderJobList` shows it."""
        extension = self.settings["format"]
        return {
            "JobId": self.uid,
            "RenderJobName": self.settings["CustomName"],
            "TimelineName": self.cut.name,
            "TargetDir": self.settings["TargetDir"],
            "OutputFilename": f"{self.settings['CustomName']}.{extension}",
            "IsExportVideo": self.settings["ExportVideo"],
            "FormatWidth": self.size[0],
            "FormatHeight": self.size[1],
            "FrameRate": self.cut.rate_label,
            "MarkIn": self.span.start,
            "MarkOut": self.span.stop - 1,
            "RenderMode": "Single clip" if self.settings["mode"] == 1 else "Individual clips",
        }

    def status_shown(self) -> dict[str, Any]:
        """As `GetRenderJobStatus` shows it."""
        percentage = 100 if self.status == "Complete" else 50 if self.status == "Rendering" else 0
        shown: dict[str, Any] = {"JobStatus": self.status, "CompletionPercentage": percentage}
        if self.status == "Complete":
            shown["TimeTakenToRenderInMs"] = 40 * len(self.span)
        if self.error:
            shown["Error"] = self.error
        return shown

    def write(self) -> None:
        """Render: one file or numbered pictures, or one of them for each clip in individual mode."""
        if self.settings["mode"] == 1:
            self._write_span(self.settings["CustomName"], self.span, None)
            return
        for track in self.cut.tracks["video"]:
            for item in track.items:
                inside = [frame for frame in self.span if item.start <= frame < item.end]
                if inside:
                    stem = f"{Path(item.name).stem}_{item.start:08d}"
                    self._write_span(stem, range(inside[0], inside[-1] + 1), item)

    def _write_span(self, stem: str, span: range, only: Item | None) -> None:
        extension = self.settings["format"]
        encoder = FORMATS[extension][1][self.settings["codec"]][1]
        alpha = bool(self.settings["ExportAlpha"] and encoder.alpha)
        folder = Path(self.settings["TargetDir"])
        pictures = ((frame, shown_at(self.cut, frame, self.size, only=only)) for frame in span)
        if extension in SEQUENCES:
            for frame, samples in pictures:
                path = folder / f"{stem}{frame:08d}.{extension}"
                write_picture(path, samples, encoder, alpha=alpha)
                self.files.append(path)
            return
        path = folder / f"{stem}.{extension}"
        write_video(path, (samples for _, samples in pictures), self.cut.rate, encoder, alpha=alpha)
        self.files.append(path)


@dataclass(eq=False)
class Queue:
    """Jobs, presets and the settings that the next job takes over. `polls`: how often a job is asked until done."""

    settings: dict[str, Any] = field(default_factory=lambda: dict(FACTORY))
    presets: dict[str, dict[str, Any]] = field(default_factory=lambda: {"H.264 Master": FACTORY | {"format": "mp4"}})
    jobs: list[Job] = field(default_factory=list)
    polls: int = 2
    next_error: str = ""

    def __post_init__(self) -> None:
        self.presets["H.264 Master"]["codec"] = "H264"

    def change(self, settings: dict[str, Any]) -> bool:
        """Layers over whatever was set before, by a script, a preset or a person."""
        if not isinstance(settings, dict) or not settings.keys() <= set(_KEYS.split()):
            return False
        self.settings |= settings
        return True

    def add(self, cut: Cut | None) -> str:
        """The new job's id, "" where there is nothing to render or nowhere to put it."""
        if cut is None or not Path(self.settings["TargetDir"] or "/nowhere").is_dir():
            return ""
        job = Job(cut, dict(self.settings))
        if not job.span or not self.settings["CustomName"]:
            return ""
        self.jobs.append(job)
        return job.uid

    def find(self, uid: str) -> Job | None:
        return next((job for job in self.jobs if job.uid == uid), None)

    def start(self, uids: list[str]) -> bool:
        """Rendering goes on by itself: the call returns at once."""
        chosen = [job for job in self.jobs if job.uid in uids]
        if not chosen or len(chosen) != len(uids) or self.is_rendering:
            return False
        for job in chosen:
            job.status, job.polls_left = "Rendering", self.polls
        return True

    @property
    def is_rendering(self) -> bool:
        return any(job.status == "Rendering" for job in self.jobs)

    def go_on(self) -> None:
        """Time passes, once for each question: the last one finds the files written."""
        for job in self.jobs:
            if job.status != "Rendering":
                continue
            job.polls_left -= 1
            if job.polls_left > 0:
                continue
            if self.next_error:
                job.status, job.error, self.next_error = "Failed", self.next_error, ""
            else:
                job.write()
                job.status = "Complete"
                # The viewer shows what is being rendered.
                job.cut.playhead = job.span[-1]
