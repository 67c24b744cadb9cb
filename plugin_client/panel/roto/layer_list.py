# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of shapes and strokes in the roto pane."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt
from PyQt6.QtGui import QAction, QColor, QIcon, QKeyEvent, QPixmap
from PyQt6.QtWidgets import QAbstractItemView, QHBoxLayout, QMenu, QTreeView, QVBoxLayout, QWidget

from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.fields import action, tool_button
from plugin_client.panel.roto.layers import COLOURS, duplicated, with_colour, without_layers
from plugin_client.panel.roto.layers_model import ROW_PX, Column, LayersModel
from plugin_client.panel.shell import theme

_LEAST_ROWS = 4
_ICON_COLUMN_PX = 26


class LayerList(QWidget):
    """Topmost first. The eye leaves a layer out, the sign adds or subtracts it, a double click renames it; drag to
    reorder.
    """

    def __init__(self, drawing: Drawing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawing = drawing
        self.model = LayersModel(drawing, self)
        self.view = _List(self)
        self.view.setModel(self.model)
        self._set_columns()
        self._syncing = False
        self.view.clicked.connect(self._on_click)
        self.model.modelReset.connect(self._show_selection)
        drawing.selection.changed.connect(self._show_selection)
        drawing.project.changed.connect(self._show_selection)
        self._selected().selectionChanged.connect(self._choose)
        self.duplicate = action(self, "Duplicate shape", "content-duplicate", self._duplicate, key="Ctrl+D")
        self.remove = action(self, "Delete shape", "trash-can-outline", self._remove, key="Shift+Del")
        self.up = action(self, "Bring forward", "arrow-up", partial(self._shift, -1), key="Ctrl+]")
        self.down = action(self, "Send backward", "arrow-down", partial(self._shift, 1), key="Ctrl+[")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self.view, 1)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE // 2)
        row.addStretch(1)
        for each in self.all:
            row.addWidget(tool_button(each))
        column.addLayout(row)
        self._show_selection()

    @property
    def all(self) -> tuple[QAction, ...]:
        """What can be done with the selected ones."""
        return self.up, self.down, self.duplicate, self.remove

    def colour_menu(self, row: int) -> QMenu:
        """The colours that an outline may have."""
        menu = QMenu(self)
        for colour in COLOURS:
            pixels = QPixmap(48, 16)
            pixels.fill(QColor(colour))
            menu.addAction(QIcon(pixels), "", partial(self._colour, row, colour))
        return menu

    def _colour(self, row: int, colour: str) -> None:
        ref = self.model.refs[row]
        self._drawing.amend("Colour", {ref: with_colour(self._drawing.layer(ref), colour)})

    def _set_columns(self) -> None:
        header = self.view.header()
        assert header is not None
        header.setMinimumSectionSize(_ICON_COLUMN_PX)
        for column in (Column.SHOWN, Column.COLOUR, Column.BLEND):
            header.resizeSection(column, _ICON_COLUMN_PX)
        header.setStretchLastSection(True)

    def _selected(self) -> QItemSelectionModel:
        model = self.view.selectionModel()
        assert model is not None
        return model

    def _on_click(self, index: QModelIndex) -> None:
        if index.column() == Column.COLOUR:
            area = self.view.viewport()
            assert area is not None
            corner = self.view.visualRect(index).bottomLeft()
            self.colour_menu(index.row()).exec(area.mapToGlobal(QPoint(corner.x(), corner.y())))
        else:
            self.model.click(index)

    def _choose(self) -> None:
        if not self._syncing:
            rows = sorted({index.row() for index in self._selected().selectedRows()}, reverse=True)
            refs = [self.model.refs[row] for row in rows]
            kept = [pair for pair in self._drawing.selection.points if pair[0] in refs]
            self._drawing.selection.choose(refs, kept)

    def _show_selection(self, *_: object) -> None:
        chosen = self._drawing.selection.layers
        rows = [row for row, ref in enumerate(self.model.refs) if ref in chosen]
        selection = QItemSelection()
        for row in rows:
            selection.select(self.model.index(row, 0), self.model.index(row, len(Column) - 1))
        self._syncing = True
        self._selected().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._syncing = False
        for each in self.all:
            each.setEnabled(bool(rows))

    def _shift(self, way: int) -> None:
        """Move the selected ones past the next one above (-1) or below (1) them."""
        rows = sorted(self.model.refs.index(ref) for ref in self._drawing.selection.layers)
        before = rows[0] - 1 if way < 0 else rows[-1] + 2
        if 0 <= before <= len(self.model.refs):
            self.model.move_rows(rows, before)

    def _duplicate(self) -> None:
        document, copies = self._drawing.document, []
        for ref in self._drawing.selection.layers:
            document, copy = duplicated(document, ref)
            copies.append(copy)
        self._drawing.project.change("Duplicate shape", document)
        self._drawing.selection.choose(copies)

    def _remove(self) -> None:
        document = without_layers(self._drawing.document, self._drawing.selection.layers)
        self._drawing.project.change("Delete shape", document)


class _List(QTreeView):
    """A flat list whose rows are dragged and whose Delete key takes the selected ones away."""

    def __init__(self, parent: LayerList) -> None:
        super().__init__(parent)
        self._owner = parent
        self.setRootIsDecorated(False)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(16, 16))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.setMinimumHeight(_LEAST_ROWS * ROW_PX)
        self.setAccessibleName("Shapes and strokes")

    def sizeHint(self) -> QSize:
        """A few rows high; the rest is scrolled to."""
        return QSize(240, 6 * ROW_PX)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete takes the selected layers away."""
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._owner.remove.trigger()
        else:
            super().keyPressEvent(event)
