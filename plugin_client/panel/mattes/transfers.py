# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes in and out of the document, read and written beside the window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject

from maskedit.errors import MaskEditError
from maskedit.mattes.roto import RotoFile
from maskedit.request import FrameRange
from plugin_client.core.errors import ClientError
from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.exporting import Place, export_mattes
from plugin_client.panel.mattes.files import write_roto
from plugin_client.panel.mattes.importing import is_drawing, matte_at, read_drawing, with_drawing
from plugin_client.panel.mattes.task import Task
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.working import in_background


class Transfers(QObject):
    """Imports and exports of one desk; what goes wrong is told by its notices."""

    def __init__(self, desk: Desk, task: Task, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._task = desk, task

    def take_in(self, paths: Iterable[Path]) -> None:
        """Take in each file as what it is: drawings as shapes, pictures as a matte. One step each."""
        facts = self._desk.project.facts
        if facts is None:
            self._desk.notices.say("No clip is open: open the clip that the matte belongs to first.")
            return
        for path in paths:
            if is_drawing(path):
                in_background(partial(read_drawing, path, facts), owner=self, done=self._lay, failed=self._tell)
            else:
                in_background(partial(matte_at, path, facts), owner=self, done=self._add, failed=self._tell)

    def export_to(self, place: Place) -> None:
        """Write the drawn matte from in to out."""
        facts, document = self._desk.project.facts, self._desk.project.document
        if facts is None:
            return
        within = document.frames
        frames = FrameRange(first=within.first if within else 0, last=within.last if within else facts.frame_count - 1)
        mattes = self._desk.mattes.snapshot().mattes
        self._task.run(
            f"Exporting {place.path.name}",
            lambda going: export_mattes(place, mattes, clip=document.clip, facts=facts, frames=frames, going=going),
            done=self._exported,
        )

    def export_drawing(self, path: Path) -> None:
        """Write shapes and strokes with all their keys as a roto file."""
        facts, document = self._desk.project.facts, self._desk.project.document
        if facts is not None:
            in_background(
                lambda: write_roto(document, facts, path),
                owner=self,
                done=lambda _: self._exported(path),
                failed=self._tell,
            )

    def _lay(self, roto: RotoFile) -> None:
        project = self._desk.project
        project.change("Import drawing", with_drawing(project.document, roto))

    def _add(self, matte: MatteFile) -> None:
        project = self._desk.project
        if matte.path in {each.path for each in project.document.mattes}:
            self._desk.notices.say(f"{Path(matte.path).name} is imported already.")
            return
        project.change("Import matte", replace(project.document, mattes=(*project.document.mattes, matte)))

    def _exported(self, path: Path) -> None:
        self._desk.notices.say(f"Exported to {path}.")

    def _tell(self, error: Exception) -> None:
        if not isinstance(error, MaskEditError | ClientError):
            raise error
        self._desk.notices.say(str(error), severity="error")
