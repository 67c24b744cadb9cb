# SPDX-License-Identifier: GPL-3.0-or-later
"""Every edit that was begun from the timeline and has ended meanwhile, put there: one project after the other.

A project's own window does the work: it takes up its runs, fetches what is done, and shows what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from maskedit.errors import MaskEditError
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from plugin_client.panel.hosting.chosen import Chosen
from plugin_client.panel.hosting.timeline import HostTimeline
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.model.working import in_background
from plugin_client.panel.running.wording import in_words
from plugin_client.panel.shell.projects import Projects
from plugin_client.panel.storing.loading import load_project


class BringingBack(QObject):
    """`ended(sentence)`: what became of it."""

    ended = pyqtSignal(str)

    def __init__(self, timeline: HostTimeline, desk: Desk, projects: Projects, parent: QObject) -> None:
        super().__init__(parent)
        self._timeline, self._desk, self._projects = timeline, desk, projects
        self._left: list[Chosen] = []
        self._clip: Chosen | None = None
        self._open: frozenset[str] = frozenset()
        # Those of them that go on, None before the server has said so.
        self._going_on: frozenset[str] | None = None
        self._asked = self._placing = False
        self._brought = self._running = 0
        self._troubles: list[str] = []
        self._server_trouble = ""
        for signal in (desk.project.folder_changed, desk.takes.changed, desk.takes.updated, desk.runs.changed):
            signal.connect(self._look)
        timeline.changed.connect(lambda: projects.busy.emit(timeline.busy))
        timeline.placed.connect(self._placed)
        timeline.failed.connect(self._not_placed)

    def begin(self) -> None:
        """Look through what is remembered, the last one worked on first."""
        clips = self._timeline.remembered()
        self._projects.busy.emit("Looking for edits that are not on the timeline yet …")
        in_background(lambda: [clip for clip in clips if _is_waiting(clip)], owner=self, done=self._found)

    def _found(self, clips: list[Chosen]) -> None:
        self._projects.busy.emit("")
        self._left = clips
        self._next()

    def _next(self) -> None:
        self._asked = self._placing = False
        self._going_on = None
        self._clip = self._left.pop() if self._left else None
        if self._clip is None:
            self._end()
        else:
            self._projects.open(self._clip.folder)

    def _look(self, *_: object) -> None:
        clip = self._clip
        if clip is None or self._desk.project.folder != clip.folder:
            return
        if not self._asked:
            self._asked = True
            # The project comes before its takes.
            QTimer.singleShot(0, lambda: self._ask_server(clip))
        elif self._going_on is not None:
            self._settle_once_here(clip, self._going_on)

    def _ask_server(self, clip: Chosen) -> None:
        """What the project says of its runs is from when it was closed."""
        asked = self._open = frozenset(take.job_id for take in self._desk.takes.takes if _is_open(take))

        def answered(going_on: frozenset[str]) -> None:
            if clip is self._clip:
                self._going_on = going_on
                self._settle_once_here(clip, going_on)

        def failed(error: Exception) -> None:
            self._server_trouble = in_words(error)
            answered(asked)

        if not asked or self._server_trouble:
            answered(asked)
        else:
            self._desk.session.call(lambda server: _going_on(server, asked), answered, failed, owner=self)

    def _settle_once_here(self, clip: Chosen, going_on: frozenset[str]) -> None:
        """Put it on the timeline when all that has ended is here."""
        if not any(_is_open(take) and take.job_id not in going_on for take in self._desk.takes.takes):
            # Not from within a signal: those who are told after this one have still to hear of it.
            QTimer.singleShot(0, lambda: self._settle(clip, going_on))

    def _settle(self, clip: Chosen, going_on: frozenset[str]) -> None:
        if clip is not self._clip or self._placing:
            return
        self._placing = True
        self._running += bool(going_on) and not self._server_trouble
        takes = self._desk.takes.takes
        self._troubles += [
            f"{clip.folder.stem}, {take.name}: {take.error}"
            for take in takes
            if take.job_id in self._open and take.error
        ]
        newest = _newest_fresh(takes, clip)
        if newest is None:
            self._next()
        else:
            self._timeline.put(newest)

    def _placed(self, _: str) -> None:
        if self._placing:
            self._brought += 1
            self._next()

    def _not_placed(self, sentence: str) -> None:
        if self._placing:
            assert self._clip is not None
            self._troubles.append(f"{self._clip.folder.stem}: {sentence}")
            self._next()

    def _end(self) -> None:
        words = {0: "No finished edit was waiting", 1: "One edit was brought back"}
        said = words.get(self._brought, f"{self._brought} edits were brought back") + "."
        if self._running:
            said += f" {'One is' if self._running == 1 else f'{self._running} are'} still running."
        troubles = [*self._troubles, *([self._server_trouble] if self._server_trouble else [])]
        self._desk.notices.say(" ".join([said, *troubles]), severity="warning" if troubles else "note")
        self.ended.emit(" ".join([said, *troubles]))


def _is_waiting(clip: Chosen) -> bool:
    """Whether its project, as it lies on the disk, may have something for the timeline."""
    try:
        takes = load_project(clip.folder).takes
    except MaskEditError:  # moved or deleted: nothing is waiting there
        return False
    return any(map(_is_open, takes)) or _newest_fresh(reversed(takes), clip) is not None


def _newest_fresh(takes: Iterable[Take], clip: Chosen) -> Take | None:
    """The newest take with a result, unless it is on the timeline; an older one beside that was not wanted there."""
    newest = next((take for take in takes if take.result), None)
    return newest if newest is not None and newest.job_id not in clip.placed else None


def _is_open(take: Take) -> bool:
    """Whether its result is still to come."""
    return not take.error and not take.result and (take.state is JobState.SUCCEEDED or not take.state.is_final)


def _going_on(server: Connection, job_ids: Iterable[str]) -> frozenset[str]:
    """Those that have not ended; the server may have forgotten one."""
    jobs, going_on = Jobs(server), set()
    for job_id in job_ids:
        try:
            if not jobs.get(job_id).state.is_final:
                going_on.add(job_id)
        except BadInput:
            continue
    return frozenset(going_on)
