# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the tool in hand."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker
from PyQt6.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from plugin_client.panel.roto.fields import check, hardness_field, text, width_field
from plugin_client.panel.roto.options import SPANS, Options
from plugin_client.panel.roto.toolbox import Toolbox
from plugin_client.panel.shell import theme


class OptionRow(QWidget):
    """How the tool in hand works: one line of help, and its options."""

    def __init__(self, toolbox: Toolbox, options: Options, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._toolbox, self._options = toolbox, options
        self.hint = text(dim=True)
        self.subtracts = check("Subtract new shapes", "New shapes cut a hole into what lies below them")
        self.every_key = check("Edit every key", "Changes go into every key of the shape, not only here")
        self.ways = check("Motion paths", "Show the ways that selected points take over time")
        self.brush_width = width_field()
        self.hardness = hardness_field()
        self.span = QComboBox()
        self.span.addItems([span.capitalize() for span in SPANS])
        self.span.setToolTip("The frames on which a new stroke counts")
        brush = _form(("Width", self.brush_width), ("Hardness", self.hardness), ("Paint on", self.span))
        shape, points = _column(self.subtracts), _column(self.every_key, self.ways)
        self._pages = {shape: ("draw",), points: ("edit", "transform", "feather"), brush: ("brush", "eraser")}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.hint)
        for page in self._pages:
            column.addWidget(page)
        self.subtracts.toggled.connect(lambda on: options.set(subtracts=on))
        self.every_key.toggled.connect(lambda on: options.set(every_key=on))
        self.ways.toggled.connect(lambda on: options.set(shows_paths=on))
        self.brush_width.valueChanged.connect(lambda width: options.set(width=width))
        self.hardness.valueChanged.connect(lambda percent: options.set(hardness=percent / 100))
        self.span.activated.connect(lambda index: options.set(span=SPANS[index]))
        options.changed.connect(self._show)
        toolbox.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        kind, now = self._toolbox.kind, self._options.now
        self.hint.setText(kind.hint if kind is not None else "")
        for page, names in self._pages.items():
            page.setVisible(kind is not None and kind.name in names)
        fields = (self.subtracts, self.every_key, self.ways, self.brush_width, self.hardness, self.span)
        blockers = [QSignalBlocker(field) for field in fields]
        self.subtracts.setChecked(now.subtracts)
        self.every_key.setChecked(now.every_key)
        self.ways.setChecked(now.shows_paths)
        self.brush_width.setValue(now.width)
        self.hardness.setValue(round(now.hardness * 100))
        self.span.setCurrentIndex(SPANS.index(now.span))
        del blockers


def _column(*widgets: QWidget) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme.SPACE // 2)
    for widget in widgets:
        column.addWidget(widget)
    return page


def _form(*rows: tuple[str, QWidget]) -> QWidget:
    page = QWidget()
    form = QFormLayout(page)
    form.setContentsMargins(0, 0, 0, 0)
    form.setSpacing(theme.SPACE // 2)
    for words, widget in rows:
        form.addRow(words, widget)
    return page
