# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip that was chosen on the timeline, laid on the desk as a project of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject, QStandardPaths

from plugin_client.core.timeline import FrameRange
from plugin_client.panel.hosting.chosen import Chosen
from plugin_client.panel.hosting.timeline import HostTimeline
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.shell.projects import Projects


class Opening(QObject):
    """Opens what is selected there; its project is saved at once, so that nothing depends on this window."""

    def __init__(self, timeline: HostTimeline, desk: Desk, projects: Projects, parent: QObject) -> None:
        super().__init__(parent)
        self._timeline, self._desk, self._projects = timeline, desk, projects
        self._waiting: Chosen | None = None
        desk.project.facts_changed.connect(self._arrived)
        timeline.changed.connect(lambda: projects.busy.emit(timeline.busy))

    def open_selected(self) -> None:
        """Begin; the clip appears when the application has answered."""
        self._timeline.choose(results_folder(self._desk.preferences), self._open)

    def _open(self, clip: Chosen) -> None:
        if clip.folder.is_dir():
            self._projects.open(clip.folder)
            return
        self._waiting = clip
        self._projects.open(Path(clip.media))

    def _arrived(self) -> None:
        project = self._desk.project
        clip, facts = self._waiting, project.facts
        if clip is None or facts is None or project.document.clip != str(Path(clip.media).absolute()):
            return
        self._waiting = None
        used = clip.shot.frames.intersection(FrameRange(0, facts.frame_count - 1))
        if used != clip.shot.frames:
            self._desk.notices.say(
                f"{self._timeline.name} shows frames of {Path(clip.media).name} that its file does not have: relink it "
                "there, then choose the clip again.",
                severity="warning",
            )
        whole = used is not None and len(used) == facts.frame_count
        project.change("Use the part on the timeline", replace(project.document, frames=None if whole else used))
        first = used.first if used is not None else 0
        self._projects.save_to(clip.folder, lambda: self._desk.playhead.seek(first))


def results_folder(preferences: Preferences) -> Path:
    """Where projects of chosen clips are kept: where the settings say, else among the user's own films."""
    if preferences.timeline_folder:
        return Path(preferences.timeline_folder)
    films = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(films or Path.home()) / "MaskEdit"
