# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's takes: every run that was started from it, with what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from plugin_client.core.job import JobState
from plugin_client.panel.model.document import Document


@dataclass(frozen=True, kw_only=True)
class Take:
    """One run. Paths are relative to the project's workspace; `result` and `thumbnail` are "" until they are there.

    `created`: ISO 8601 with zone. `document`: as it was submitted. `record`: the take's own (`NAME.maskedit.json`).
    `parent`: the job that this one corrects, "" if none. `error`: one sentence where the state is FAILED.
    """

    job_id: str
    name: str
    created: str
    document: Document
    state: JobState = JobState.QUEUED
    parent: str = ""
    result: str = ""
    thumbnail: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    star: bool = False
    notes: str = ""

    @property
    def preset(self) -> str:
        """The preset that it was made with."""
        return self.document.choices.preset

    @property
    def seed(self) -> int:
        """The seed that it was made with."""
        return self.document.choices.seed

    @property
    def prompt(self) -> str:
        """What was asked for in words."""
        return self.document.choices.prompt

    @property
    def folder(self) -> str:
        """Where its files lie, relative to the workspace."""
        return f"takes/{self.job_id}"


class Takes(QObject):
    """All takes, newest first, and the one that the viewer shows: `current`, "" = the plate.

    `changed`: one came or went; `updated(job_id)`: one is different now.
    """

    changed = pyqtSignal()
    updated = pyqtSignal(str)
    chosen = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._takes: dict[str, Take] = {}
        self.current = ""

    @property
    def takes(self) -> tuple[Take, ...]:
        """Newest first."""
        return tuple(reversed(self._takes.values()))

    def get(self, job_id: str) -> Take | None:
        """The take of that job."""
        return self._takes.get(job_id)

    def add(self, take: Take) -> None:
        """A run was started."""
        self._takes[take.job_id] = take
        self.changed.emit()

    def update(self, job_id: str, **fields: Any) -> None:
        """Something became known of a take, or was said of it; nothing if there is no such take."""
        take = self._takes.get(job_id)
        if take is not None and (new := replace(take, **fields)) != take:
            self._takes[job_id] = new
            self.updated.emit(job_id)

    def remove(self, job_id: str) -> None:
        """Take it out of the list; its files stay."""
        if self._takes.pop(job_id, None) is not None:
            if self.current == job_id:
                self.choose("")
            self.changed.emit()

    def replace(self, takes: Iterable[Take], *, current: str = "") -> None:
        """Those of another project, oldest first."""
        self._takes = {take.job_id: take for take in takes}
        self.changed.emit()
        self.choose(current)

    def choose(self, job_id: str) -> None:
        """Show that take, or the plate for ""."""
        job_id = job_id if job_id in self._takes else ""
        if job_id != self.current:
            self.current = job_id
            self.chosen.emit(job_id)
