# SPDX-License-Identifier: GPL-3.0-or-later
"""The open project: the document as it is now, its history, and where its files lie."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from maskedit.request import MediaFacts
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.history import History


class Scratch(Protocol):
    """A folder that is made for one unsaved project and deleted with it; `TemporaryDirectory` is one."""

    @property
    def name(self) -> str: ...
    def cleanup(self) -> None: ...


class Project(QObject):
    """Holds one `Document` after the other. Widgets read `document` and say what shall become of it with `change`.

    `changed(old, new)` follows every change, undone and redone ones too. `opened` says that another clip or project
    lies on the desk.
    """

    changed = pyqtSignal(object, object)
    opened = pyqtSignal()
    facts_changed = pyqtSignal()
    history_changed = pyqtSignal()
    folder_changed = pyqtSignal()
    dirty_changed = pyqtSignal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History(Document())
        self._facts: MediaFacts | None = None
        self._folder: Path | None = None
        self._scratch: Scratch | None = None
        self._saved = self.document

    @property
    def document(self) -> Document:
        """What is true now."""
        return self._history.current

    @property
    def facts(self) -> MediaFacts | None:
        """What the clip is; None without one, or while it is looked at."""
        return self._facts

    @property
    def folder(self) -> Path | None:
        """The `.maskedit` folder; None for a project that was never saved."""
        return self._folder

    @property
    def workspace(self) -> Path:
        """Where this project's keyframes and takes lie: its folder, before the first save a private one."""
        if self._folder is not None:
            return self._folder
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="maskedit-project-")
        return Path(self._scratch.name)

    def path_of(self, path: str) -> Path:
        """The file that a document's path means: relative ones lie in the workspace."""
        return self.workspace / path

    def change(self, name: str, document: Document, *, merge: str = "") -> None:
        """Make `document` the current one, as the undo step `name` ("Move point").

        Consecutive changes with the same non-empty `merge` are one step until `settle`. One that changes nothing is
        no step.
        """
        before = self.document
        if self._history.change(name, document, merge=merge):
            self._tell(before)

    def settle(self) -> None:
        """The gesture is over: the next change is a step of its own."""
        self._history.settle()

    def undo(self) -> None:
        """Go one step back, where there is one."""
        before = self.document
        if self._history.undo():
            self._tell(before)

    def redo(self) -> None:
        """Take back the last `undo`."""
        before = self.document
        if self._history.redo():
            self._tell(before)

    @property
    def undo_name(self) -> str:
        """What `undo` would take back; "" if nothing."""
        return self._history.undo_name

    @property
    def redo_name(self) -> str:
        """What `redo` would bring back; "" if nothing."""
        return self._history.redo_name

    @property
    def dirty(self) -> bool:
        """True while there is something that is not saved."""
        return self.document != self._saved

    def saved(self, folder: Path, document: Document) -> None:
        """Note that `document` lies in `folder`, one that may have been changed since; the workspace is there now."""
        moved, self._folder, self._saved = folder != self._folder, folder, document
        if moved:
            self.folder_changed.emit()
        self.dirty_changed.emit(self.dirty)

    def replace(
        self,
        document: Document,
        facts: MediaFacts | None,
        *,
        folder: Path | None = None,
        scratch: Scratch | None = None,
        saved: bool = True,
    ) -> None:
        """Lay another project on the desk, with a history of its own. Ends what lay there: save it first.

        `scratch`: the workspace of a project that was never saved, with what already lies in it. `saved`: False for
        one that would be lost unless it is saved.
        """
        before = self.document
        if self._scratch is not None:
            self._scratch.cleanup()
        self._scratch = scratch
        self._history, self._facts, self._folder = History(document), facts, folder
        self._saved = document if saved else Document()
        self.opened.emit()
        self.folder_changed.emit()
        self.facts_changed.emit()
        self._tell(before)

    def refound(self, clip: str, facts: MediaFacts) -> None:
        """The same clip in another place: a missing one has been found. Nothing to undo."""
        before = self.document
        self._facts = facts
        self._history.rewrite(lambda document: replace(document, clip=clip))
        self.facts_changed.emit()
        self._tell(before)

    def _tell(self, before: Document) -> None:
        self.changed.emit(before, self.document)
        self.history_changed.emit()
        self.dirty_changed.emit(self.dirty)
