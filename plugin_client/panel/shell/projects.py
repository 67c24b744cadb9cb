# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening, saving and leaving projects: the questions that are asked, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, QUrl, pyqtSignal
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog, QMessageBox, QWidget

from maskedit.errors import MaskEditError
from maskedit.media import probe
from maskedit.request import MediaFacts
from plugin_client.core.errors import ClientError
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.working import in_background
from plugin_client.panel.shell.sample import is_sample, read_sample
from plugin_client.panel.storing import format as stored
from plugin_client.panel.storing.autosave import Autosave
from plugin_client.panel.storing.loading import same_clip
from plugin_client.panel.storing.opened import Opened, lay_on
from plugin_client.panel.storing.recovering import load_unsaved
from plugin_client.panel.storing.saving import SUFFIX
from plugin_client.panel.storing.sources import PICTURE_SUFFIXES, VIDEO_SUFFIXES, Kind, open_source, source_of
from plugin_client.panel.storing.unsaved import left_behind

Then = Callable[[], None]


class Projects(QObject):
    """What the File menu does. `busy(words)` says what is being read, "" when it is done."""

    busy = pyqtSignal(str)

    def __init__(self, desk: Desk, autosave: Autosave, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._autosave, self._window = desk, autosave, window

    @property
    def name(self) -> str:
        """What the project is called."""
        project = self._desk.project
        if project.folder is not None:
            return project.folder.stem
        if is_sample(project.document):
            return "Sample"
        return Path(project.document.clip).name

    @property
    def unsaved(self) -> bool:
        """Whether leaving now would lose something."""
        project = self._desk.project
        return project.dirty or (project.folder is None and bool(self._desk.takes.takes))

    # Opening.

    def choose_clip(self) -> None:
        """Ask for a clip and open it."""
        patterns = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES | PICTURE_SUFFIXES))
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            "Open a clip, or one picture of an image sequence",
            self._desk.preferences.last_folder,
            f"Clips and image sequences ({patterns});;All files (*)",
        )
        if path:
            self.open(Path(path))

    def choose_project(self) -> None:
        """Ask for a project folder and open it."""
        path = QFileDialog.getExistingDirectory(
            self._window, f"Open a project (a folder ending in {SUFFIX})", self._desk.preferences.last_folder
        )
        if path:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Open the clip or project at `path`; what lies on the desk is saved or given up first."""
        path = path.absolute()
        self.leave(lambda: self._read(lambda: open_source(path), f"Opening {path.name} …", path))

    def open_sample(self) -> None:
        """Open the example."""
        self.leave(lambda: self._read(read_sample, "Opening the sample …", None))

    def recover(self, folder: Path) -> None:
        """Bring back the unsaved project in `folder`."""
        self.leave(lambda: self._read(lambda: load_unsaved(folder), "Bringing the project back …", None))

    def offer_recovery(self) -> bool:
        """Say that there is a project from before a crash, if there is one; returns whether there is."""
        found = left_behind()
        if found:
            self._desk.notices.say(
                "A project that was never saved is still there from last time.",
                severity="warning",
                action="Bring it back",
                do=lambda: self.recover(found[0]),
            )
        return bool(found)

    def accepts(self, path: Path) -> bool:
        """Whether a file that is dropped on the window would be opened."""
        source = source_of(path)
        return source is not None and source.kind is not Kind.PICTURE

    def _read(self, read: Callable[[], Opened], words: str, path: Path | None) -> None:
        def done(opened: Opened) -> None:
            self.busy.emit("")
            lay_on(self._desk, opened)
            if path is not None:
                self._remember(path)
            self._tell_losses(opened)

        self.busy.emit(words)
        in_background(read, owner=self, done=done, failed=self._not_read)

    def _not_read(self, error: Exception) -> None:
        self.busy.emit("")
        if not isinstance(error, MaskEditError | ClientError):
            raise error
        self._desk.notices.say(str(error), severity="error")

    def _tell_losses(self, opened: Opened) -> None:
        missing = opened.facts is None and bool(opened.document.clip)
        if not opened.losses:
            return
        shown = " ".join(opened.losses[:4])
        rest = f" And {len(opened.losses) - 4} more." if len(opened.losses) > 4 else ""
        self._desk.notices.say(
            shown + rest,
            severity="error" if missing else "warning",
            action="Find clip …" if missing else "",
            do=self.find_clip if missing else None,
        )

    def _remember(self, path: Path) -> None:
        self._desk.preferences.opened(str(path))
        self._desk.preferences.last_folder = str(path.parent)

    # A clip that has moved.

    def find_clip(self) -> None:
        """Ask where the project's clip is now."""
        document = self._desk.project.document
        path, _ = QFileDialog.getOpenFileName(
            self._window, f"Where is {Path(document.clip).name} now?", self._desk.preferences.last_folder
        )
        if not path:
            return
        source = source_of(Path(path))
        clip = str(source.path) if source is not None and source.kind is Kind.CLIP else path
        in_background(
            lambda: probe(clip),
            owner=self,
            done=lambda facts: self._found(document, clip, facts),
            failed=self._not_read,
        )

    def _found(self, document: Document, clip: str, facts: MediaFacts) -> None:
        project = self._desk.project
        if project.document is not document:
            return
        if project.folder is not None and not same_clip(facts, project.folder):
            self._desk.notices.say(
                f"{Path(clip).name} has another size or number of frames than the clip that was edited: mattes and "
                "keyframes may not fit. File > Find Clip chooses another.",
                severity="warning",
            )
        project.refound(clip, facts)

    # Saving and leaving.

    def save(self, then: Then | None = None) -> None:
        """Save the project, asking where the first time."""
        folder = self._desk.project.folder
        if folder is None:
            self.save_as(then)
        else:
            self._autosave.save_to(folder, done=then)

    def save_as(self, then: Then | None = None) -> None:
        """Ask for a place and save the project there with its keyframes and takes."""
        project = self._desk.project
        if not project.document.clip:
            return
        start = Path(self._desk.preferences.last_folder or Path.home()) / f"{Path(self.name).stem}{SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the project as", str(start), f"MaskEdit project (*{SUFFIX})"
        )
        if not path:
            return
        folder = Path(path).absolute()
        self.save_to(folder if folder.suffix == SUFFIX else folder.with_name(folder.name + SUFFIX), then)

    def save_to(self, folder: Path, then: Then | None = None) -> None:
        """Save the project as `folder`."""
        project = self._desk.project
        if folder.exists() and source_of(folder) is None:
            self._desk.notices.say(f"{folder.name} is there and is no project: choose another name.", severity="error")
            return
        scratch = project.workspace if project.folder is None else None

        def done() -> None:
            self._remember(folder)
            if scratch is not None:  # it is saved: nothing to bring back after a crash
                (scratch / stored.DOCUMENT).unlink(missing_ok=True)
            if then is not None:
                then()

        self._autosave.save_to(folder, done=done)

    def leave(self, then: Then) -> None:
        """Go on with `then` once what lies on the desk is saved or given up; asks once, and only if it matters."""
        if not self.unsaved:
            return then()
        project = self._desk.project
        if project.folder is not None and self._desk.preferences.autosave:
            return self._autosave.save_to(project.folder, done=then)
        button = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            "Save the project?",
            f"“{self.name}” is not saved. Save it?" + self._running_words(),
            button.Save | button.Discard | button.Cancel,
            button.Save,
        )
        if answer == button.Save:
            self.save(then)
        elif answer == button.Discard:
            then()

    def show_folder(self) -> None:
        """Show the project's folder in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._desk.project.workspace)))

    def _running_words(self) -> str:
        if not self._desk.runs.running:
            return ""
        return "\n\nA run is under way: it goes on, and its result comes into the project when you open it again."
