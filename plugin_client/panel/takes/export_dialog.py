# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporting a take: the format, whole or as the region with alpha, where to; then its progress."""

from __future__ import annotations

import threading
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from maskedit.errors import MaskEditError
from maskedit.media import ClipReader
from maskedit.request import DeliverableFormat, MediaFacts
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.model.working import in_background
from plugin_client.panel.running.fetching import readable
from plugin_client.panel.running.wording import in_words, plain
from plugin_client.panel.shell import theme
from plugin_client.panel.takes.exporting import FORMATS, export, export_of, why_not
from plugin_client.panel.takes.revealing import reveal


class ExportDialog(QDialog):
    """One take. Closing it while it writes gives the export up, and leaves no half file."""

    exported = pyqtSignal(str)
    _progressed = pyqtSignal(int, int)

    def __init__(self, desk: Desk, take: Take, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._take = desk, take
        self._facts: MediaFacts | None = None
        self._given_up = given_up = threading.Event()
        self.destroyed.connect(lambda: given_up.set())
        self._writing = False
        self.setWindowTitle(f"Export {take.name}")
        self.setMinimumWidth(460)
        form = QFormLayout()
        form.setSpacing(theme.SPACE)
        self.format, self.content, self.out = QComboBox(), QComboBox(), QLineEdit()
        for value, words in FORMATS.items():
            self.format.addItem(words, value)
        self.content.addItem("Full frame, with sound", False)
        self.content.addItem("Region with alpha", True)
        self.content.setToolTip("Region with alpha: straight alpha, to lie above the plate on a track of its own.")
        self._browse = QPushButton("Choose …")
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.SPACE // 2)
        line.addWidget(self.out, 1)
        line.addWidget(self._browse)
        row.setFocusProxy(self.out)
        form.addRow("&Format", self.format)
        form.addRow("&Content", self.content)
        form.addRow("&To", row)
        self.words, self.bar = QLabel(), QProgressBar()
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.fontMetrics().height())
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = self.buttons.addButton("Export", QDialogButtonBox.ButtonRole.ActionRole)
        assert self.go is not None
        self.go.setProperty("primary", True)
        self.go.setDefault(True)
        self.go.clicked.connect(self._start)
        self.buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(theme.SPACE)
        for part in (form, self.words, self.bar, self.buttons):
            column.addLayout(part) if isinstance(part, QFormLayout) else column.addWidget(part)
        self.bar.hide()
        self.format.currentIndexChanged.connect(self._rename)
        self.content.currentIndexChanged.connect(self._show)
        self.out.textChanged.connect(self._show)
        self._browse.clicked.connect(self._choose)
        self._progressed.connect(self._show_progress)
        self._rename()
        result = desk.project.path_of(take.result)
        in_background(lambda: _facts(result), owner=self, done=self._know, failed=self._fail)

    @property
    def chosen(self) -> tuple[DeliverableFormat, bool]:
        """Format, and whether it is the region with alpha."""
        return DeliverableFormat(self.format.currentData()), bool(self.content.currentData())

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self._given_up.set()
        super().closeEvent(event)

    def _know(self, facts: MediaFacts) -> None:
        self._facts = facts
        self._show()

    def _default_name(self) -> str:
        stem = Path(self._take.document.clip).stem.split("%")[0].rstrip("._-") or "clip"
        return f"{stem}_{self._take.name.replace(' ', '_')}"

    def _rename(self) -> None:
        """Keep what was typed, with the ending that the format needs."""
        format, _ = self.chosen
        folder = Path(self._desk.preferences.last_folder or Path.home())
        path = Path(self.out.text()) if self.out.text() else folder / self._default_name()
        if path.suffix in {each.suffix for each in FORMATS}:
            path = path.with_suffix("")
        self.out.setText(str(path if format.is_sequence else path.with_name(path.name + format.suffix)))
        self._show()

    def _choose(self) -> None:
        format, _ = self.chosen
        pattern = "Folders (*)" if format.is_sequence else f"{FORMATS[format]} (*{format.suffix})"
        chosen, _ = QFileDialog.getSaveFileName(self, "Export to", self.out.text(), pattern)
        if chosen:
            self._desk.preferences.last_folder = str(Path(chosen).parent)
            self.out.setText(chosen)
            self._rename()

    def _show(self, *_: object) -> None:
        if self._writing:
            return
        format, alpha = self.chosen
        reason = "" if self._facts is None else plain(why_not(self._facts, format, alpha=alpha))
        if not self.out.text().strip():
            reason = reason or "Choose where the export goes."
        elif not Path(self.out.text()).parent.is_dir():
            reason = reason or f"There is no folder {Path(self.out.text()).parent}: choose another place."
        over = Path(self.out.text()).exists() and not reason
        self._say(reason or ("What lies there now will be replaced." if over else ""), bad=bool(reason))
        assert self.go is not None
        self.go.setEnabled(not reason and self._facts is not None)

    def _start(self) -> None:
        format, alpha = self.chosen
        try:
            out = Path(self.out.text()).expanduser()
            wanted = export_of(self._take, self._desk.project, format=format, alpha=alpha, out=out)
        except MaskEditError as error:
            self._fail(error)
            return
        self._set_writing(True)
        given_up, progressed = self._given_up, self._progressed

        def go_on(done: int, total: int) -> bool:
            if not given_up.is_set():
                progressed.emit(done, total)
            return not given_up.is_set()

        in_background(lambda: export(wanted, go_on=go_on), owner=self, done=self._finish, failed=self._fail)

    def _show_progress(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self._say(f"Frame {done} of {total}")

    def _finish(self, path: Path | None) -> None:
        self._set_writing(False)
        if path is None:
            return
        self.exported.emit(str(path))
        self._desk.notices.say(f"Exported {path.name}.", action="Show in folder", do=lambda: reveal(path))
        self.accept()

    def _fail(self, error: Exception) -> None:
        self._set_writing(False)
        self._say(in_words(error), bad=True)

    def _set_writing(self, on: bool) -> None:
        self._writing = on
        self.bar.setVisible(on)
        assert self.go is not None
        for part in (self.format, self.content, self.out, self._browse, self.go):
            part.setEnabled(not on)

    def _say(self, words: str, *, bad: bool = False) -> None:
        self.words.setText(words)
        self.words.setStyleSheet(f"color: {theme.WARNING if bad else theme.DIM};")


def _facts(result: Path) -> MediaFacts:
    with ClipReader(readable(result)) as clip:
        return clip.facts
