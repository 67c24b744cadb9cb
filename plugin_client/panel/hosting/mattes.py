# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes that were made on the timeline, brought onto the desk: masks as shapes, pictures as files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QAction

from maskedit.mattes.roto import RotoFile
from plugin_client.core.errors import BadInput
from plugin_client.core.requests import MatteFile
from plugin_client.panel.hosting.timeline import HostTimeline
from plugin_client.panel.mattes.importing import is_drawing, read_drawing, with_drawing
from plugin_client.panel.mattes.scene import reader_of
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document

KINDS = {
    "fusion": ("Fusion Masks", "The polygons on the clip's Fusion page, as shapes that can be edited here."),
    "attached": ("Attached Matte", "The first matte that the media pool has attached to the clip."),
    "track": ("Clip on the Matte Track", "What lies over it on a video track named MaskEdit matte; white is inside."),
    "alpha": ("Alpha of the Clip", "Rendered with its alpha output, such as a Magic Mask that is wired to one."),
}


class TimelineMattes(QObject):
    """`actions`: one for each kind of matte that an editing application may have."""

    def __init__(self, desk: Desk, timeline: HostTimeline, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._timeline = desk, timeline
        self.actions = []
        for kind, (words, tip) in KINDS.items():
            action = QAction(words, self)
            action.setToolTip(tip)
            action.triggered.connect(partial(self.take, kind))
            self.actions.append(action)
        for signal in (timeline.changed, desk.project.opened, desk.project.facts_changed):
            signal.connect(self._show)
        self._show()

    def take(self, kind: str, *_: object) -> None:
        """Ask for the clip's matte of that kind, and lay it over those that are there."""
        facts, document = self._desk.project.facts, self._desk.project.document
        if facts is None:
            return

        def read(matte: MatteFile) -> MatteFile | RotoFile:
            if is_drawing(Path(matte.path)):
                return read_drawing(Path(matte.path), facts)
            if matte.path in {each.path for each in document.mattes}:
                raise BadInput(f"{Path(matte.path).name} is there already.")
            reader_of(matte, facts, workspace=Path())
            return matte

        self._timeline.take_matte(kind, read, self._lay)

    def _lay(self, matte: MatteFile | RotoFile) -> None:
        project = self._desk.project
        project.change("Take matte from the timeline", _with(project.document, matte))

    def _show(self) -> None:
        can = self._timeline.chosen is not None and not self._timeline.busy and self._desk.project.facts is not None
        for action in self.actions:
            action.setEnabled(can)


def _with(document: Document, matte: MatteFile | RotoFile) -> Document:
    if isinstance(matte, RotoFile):
        return with_drawing(document, matte)
    return replace(document, mattes=(*document.mattes, matte))
