# SPDX-License-Identifier: GPL-3.0-or-later
"""What is chosen for every run: prompt, seed, model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import qtawesome
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QSpinBox, QToolButton, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.runs import LARGEST_SEED, draw_seed
from plugin_client.panel.shell import theme

_BUNDLED = "Bundled model"
_MISSING = "This server does not have the model: choose another, or add it there."


class ChoicesForm(QWidget):
    """Shows the document's choices and changes them, one undo step for each run of typing."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._listed: tuple[tuple[str, tuple[str, ...]], ...] = ()
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(theme.SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.prompt = QLineEdit()
        self.prompt.setPlaceholderText("What the region shows")
        self.prompt.setToolTip("Guides models that read text; the bundled model does not.")
        self.prompt.textEdited.connect(lambda text: self._change("Edit prompt", merge="prompt", prompt=text))
        self.prompt.editingFinished.connect(desk.project.settle)
        form.addRow("&Prompt", self.prompt)
        form.addRow("&Seed", self._seed_row())
        self.model = QComboBox()
        self.model.setToolTip("The image-to-video model that is tuned and renders the edit.")
        self.model.setMinimumContentsLength(12)
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.activated.connect(lambda: self._change("Choose model", model=self.model.currentData()))
        form.addRow("&Model", self.model)
        desk.project.changed.connect(self._show)
        desk.session.changed.connect(self._list_models)
        self._list_models()

    def _seed_row(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.SPACE // 2)
        self.seed = QSpinBox()
        self.seed.setRange(0, LARGEST_SEED)
        self.seed.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.seed.setToolTip("The same seed and settings give the same take.")
        self.seed.valueChanged.connect(lambda value: self._change("Change seed", merge="seed", seed=value))
        self.seed.editingFinished.connect(self._desk.project.settle)
        self.lock = QToolButton()
        self.lock.setCheckable(True)
        self.lock.setToolTip("Lock the seed. Unlocked, a run that would repeat a take draws a new one.")
        self.lock.setAccessibleName("Lock seed")
        self.lock.clicked.connect(lambda on: self._change("Lock seed" if on else "Unlock seed", seed_locked=on))
        self.dice = QToolButton()
        self.dice.setIcon(qtawesome.icon("mdi6.dice-5-outline", color=theme.TEXT))
        self.dice.setToolTip("Draw a seed")
        self.dice.setAccessibleName("Draw a seed")
        self.dice.clicked.connect(lambda: self._change("Draw seed", seed=draw_seed()))
        line.addWidget(self.seed, 1)
        line.addWidget(self.lock)
        line.addWidget(self.dice)
        row.setFocusProxy(self.seed)
        return row

    def _change(self, name: str, *, merge: str = "", **fields: Any) -> None:
        document = self._desk.project.document
        self._desk.project.change(name, replace(document, choices=replace(document.choices, **fields)), merge=merge)

    def _show(self, *_: object) -> None:
        choices = self._desk.project.document.choices
        if self.prompt.text() != choices.prompt:  # else the cursor would jump while it is typed
            self.prompt.setText(choices.prompt)
        self.seed.blockSignals(True)
        self.seed.setValue(choices.seed)
        self.seed.blockSignals(False)
        self.lock.setChecked(choices.seed_locked)
        icon = "mdi6.lock" if choices.seed_locked else "mdi6.lock-open-variant-outline"
        self.lock.setIcon(qtawesome.icon(icon, color=theme.ACCENT if choices.seed_locked else theme.TEXT))
        self.model.setCurrentIndex(max(0, self.model.findData(choices.model)))

    def _list_models(self) -> None:
        system, chosen = self._desk.session.system, self._desk.project.document.choices.model
        models = [model for model in system.models if model.name != "bundled"] if system else []
        names = ["", *(model.name for model in models)]
        if chosen and chosen not in names:
            names.append(chosen)
        problems = {model.name: model.problems for model in models}
        listed = tuple((name, problems.get(name, () if not name else (_MISSING,))) for name in names)
        if listed != self._listed:  # a list that is open must not close at every heartbeat
            self._listed = listed
            self.model.setModel(_items(listed, self.model))
        self._show()


def _items(listed: Sequence[tuple[str, Sequence[str]]], parent: QWidget) -> QStandardItemModel:
    """Names with what stands in the way of using them; the bundled model has no name."""
    items = QStandardItemModel(parent)
    for name, problems in listed:
        item = QStandardItem(name or _BUNDLED)
        item.setData(name, Qt.ItemDataRole.UserRole)
        item.setEnabled(not problems)
        item.setToolTip(problems[0] if problems else "")
        items.appendRow(item)
    return items
