# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto pane: tools, the list of shapes and strokes, and their properties."""

from __future__ import annotations

from PyQt6.QtGui import QHideEvent, QShowEvent
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.drawing import drawing_of
from plugin_client.panel.roto.fields import text
from plugin_client.panel.roto.layer_list import LayerList
from plugin_client.panel.roto.option_row import OptionRow
from plugin_client.panel.roto.properties import Properties
from plugin_client.panel.roto.toolbox import Toolbox, ToolRow
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.fronting import bring_forward
from plugin_client.panel.viewer.canvas import Canvas

_NO_CLIP = "Open a clip to draw on it."
_NOTHING = "Nothing is drawn yet. Take the Draw tool (P) and click around what you want to change."
_HOLES = "Everything here is subtracted, so nothing is left to edit: set one shape or stroke to Add."


class RotoPane(QWidget):
    """What is drawn on the clip, and the tools for it. Behind another tab it puts its tool down."""

    def __init__(self, desk: Desk, canvas: Canvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.drawing = drawing_of(desk)
        self.toolbox = Toolbox(self.drawing, canvas)
        self.options = OptionRow(self.toolbox, self.drawing.options)
        self.list = LayerList(self.drawing)
        self.properties = Properties(desk, self.drawing)
        self.words = text()
        self._kept_tool = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.SPACE] * 4)
        column.setSpacing(theme.SPACE)
        column.addWidget(ToolRow(self.toolbox))
        column.addWidget(self.options)
        column.addWidget(self.words)
        column.addWidget(self.list, 1)
        column.addWidget(self.properties)
        for action in self.toolbox.actions.values():
            action.triggered.connect(self._come_forward)
            self.addAction(action)
        self.addActions(self.list.all)
        desk.project.changed.connect(self._show)
        desk.project.facts_changed.connect(self._show)
        self._show()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Another tab is in front: its tools, or none, have the canvas."""
        kind = self.toolbox.kind
        if event is not None and not event.spontaneous() and kind is not None:
            self._kept_tool = kind.name
            self.toolbox.put_down()

    def showEvent(self, event: QShowEvent | None) -> None:
        """The tool that was put down is taken up again."""
        if event is not None and not event.spontaneous() and self._kept_tool:
            self.toolbox.take(self._kept_tool)
            self._kept_tool = ""

    def _come_forward(self) -> None:
        """A tool was taken by its key: show the pane that belongs to it."""
        if not self.isVisible():
            self._kept_tool = ""
            bring_forward(self)

    def _show(self, *_: object) -> None:
        document, is_open = self.drawing.document, self.drawing.can_draw
        layers = (*document.shapes, *document.strokes)
        only_holes = all(layer.blend == "subtract" for layer in layers)
        self.words.setText(_HOLES if layers else _NOTHING if is_open else _NO_CLIP)
        self.words.setStyleSheet(f"color: {theme.WARNING if layers else theme.DIM};")
        self.words.setVisible(only_holes)
        self.setEnabled(is_open)
