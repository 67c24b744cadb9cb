# SPDX-License-Identifier: GPL-3.0-or-later
"""Models: which the server has and what stands in their way; which can be got, how big they are, where to put them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QProcess, Qt
from PyQt6.QtGui import QBrush, QColor, QGuiApplication
from PyQt6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from plugin_client.core.datadir import data_dir
from plugin_client.core.system import Model
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme


@dataclass(frozen=True)
class Published:
    """A model that MaskEdit can use once its folder is on the server's machine. `gigabytes`: about, on disk."""

    name: str
    repository: str
    gigabytes: int
    licence: str


PUBLISHED = (
    Published("Wan2.2-TI2V-5B", "Wan-AI/Wan2.2-TI2V-5B-Diffusers", 34, "Apache-2.0"),
    Published("Wan2.1-I2V-14B-480P", "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers", 90, "Apache-2.0"),
    Published("Wan2.1-I2V-14B-720P", "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers", 90, "Apache-2.0"),
    Published("Wan2.2-I2V-A14B", "Wan-AI/Wan2.2-I2V-A14B-Diffusers", 126, "Apache-2.0"),
)
_TO_USE = (
    "The bundled model needs no download. To use a larger one, get its folder from the Hugging Face hub by the name "
    "on the right, keep it anywhere on a disk with room for it, {place} for instance, and choose Add folder. Then pick "
    "it in the run card."
)


class ModelsPage(QDialog):
    """Follows the session. `Check again` has the server look at its models anew."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._desk = desk
        self._adding: QProcess | None = None
        self.resize(760, 520)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.outcome = QLabel()
        self.outcome.setWordWrap(True)
        self.outcome.setVisible(False)
        self.installed = _table("Model", "State", "On disk", "Licence")
        self.published = _table("Model", "On disk, about", "Licence", "Get it from")
        words = QLabel(_TO_USE.format(place=_shown(data_dir() / "models")))
        words.setWordWrap(True)
        words.setProperty("dim", True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.add = QPushButton("Add folder …")
        self.check = QPushButton("Check again")
        self.copy = QPushButton("Copy name")
        self.copy.setToolTip("Copy the name by which the hub knows the selected model")
        close = QPushButton("Close")
        self.check.setDefault(True)
        self.add.clicked.connect(self._choose)
        self.check.clicked.connect(self._check)
        self.copy.clicked.connect(self._copy_name)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        for button in (self.add, self.copy):
            buttons.addWidget(button)
        buttons.addStretch()
        for button in (self.check, close):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[2 * theme.SPACE] * 4)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.state)
        column.addWidget(self.installed, 3)
        column.addWidget(QLabel("Can be added"))
        column.addWidget(self.published, 2)
        column.addWidget(words)
        column.addWidget(self.outcome)
        column.addLayout(buttons)
        for model in PUBLISHED:
            self.published.addTopLevelItem(
                QTreeWidgetItem([model.name, f"{model.gigabytes} GB", model.licence, model.repository])
            )
        self.published.itemSelectionChanged.connect(self._offer_name)
        desk.session.changed.connect(self._show)
        self._offer_name()
        self._show()

    def _show(self) -> None:
        session = self._desk.session
        system = session.system
        self.installed.clear()
        local = system is not None and system.same_machine
        self.add.setEnabled(local and self._adding is None)
        self.add.setToolTip("" if local else "Models are added on the server's own machine")
        self.check.setText("Check again")
        if system is None:
            self.state.setText(f"{session.words} The models are shown as soon as it is there.")
            return
        ready = [model for model in system.models if not model.problems]
        self.state.setText(
            f"{len(ready)} of {len(system.models)} models can be used."
            if ready
            else "No model can be used yet: see below what is missing, mend it, then choose Check again."
        )
        for model in system.models:
            _list_installed(self.installed, model)
        self.installed.expandAll()

    def _check(self) -> None:
        self.check.setText("Checking …")
        self._desk.session.look_again()
        # An answer that is the same as before changes nothing and is told to nobody.
        session = self._desk.session
        session.call(lambda connection: connection.system(), lambda _: self._show(), lambda _: self._show(), owner=self)

    def _offer_name(self) -> None:
        self.copy.setEnabled(bool(self.published.selectedItems()))

    def _copy_name(self) -> None:
        clipboard = QGuiApplication.clipboard()
        assert clipboard is not None
        for item in self.published.selectedItems():
            clipboard.setText(item.text(3))

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "The model's folder (it holds model_index.json)")
        if folder:
            self.add_folder(folder)

    def add_folder(self, folder: str) -> None:
        """Give the model in `folder` its name. It is looked at by a process of its own, as the server does."""
        process = QProcess(self)
        self._adding = process
        process.finished.connect(self._added)
        process.start(
            sys.executable,
            ["-P", "-m", "maskedit.catalogue", "add", folder, "--json", "--data-dir", str(data_dir())],
        )
        self._show()
        self._say(f"Looking at {folder} …")

    def _say(self, words: str) -> None:
        self.outcome.setText(words)
        self.outcome.setVisible(True)

    def _added(self, status: int) -> None:
        process, self._adding = self._adding, None
        assert process is not None
        self._show()
        self._check()
        if status == 0:
            added = json.loads(bytes(process.readAllStandardOutput().data()))["models"][0]
            self._say(f"{added['name']} was added.")
        else:
            said = bytes(process.readAllStandardError().data()).decode(errors="replace").strip().splitlines()
            self._say(said[-1] if said else "The folder could not be looked at: check that it can be read.")
        process.deleteLater()


def _table(*headings: str) -> QTreeWidget:
    table = QTreeWidget()
    table.setRootIsDecorated(False)
    table.setUniformRowHeights(False)
    table.setWordWrap(True)
    table.setHeaderLabels(headings)
    header = table.header()
    assert header is not None
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return table


def _list_installed(table: QTreeWidget, model: Model) -> None:
    state = "Ready" if not model.problems else "Cannot be used"
    item = QTreeWidgetItem([model.name, state, _size(model.size_bytes), model.licence])
    item.setForeground(1, QBrush(QColor(theme.GOOD if not model.problems else theme.WARNING)))
    item.setToolTip(3, model.commercial)
    table.addTopLevelItem(item)
    for problem in model.problems:
        line = QTreeWidgetItem([problem])
        line.setToolTip(0, problem)
        item.addChild(line)
        line.setFirstColumnSpanned(True)  # takes effect on what lies in a table alone


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _shown(folder: Path) -> str:
    """As people write it: the home folder is ~."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
