# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of shapes and strokes as Qt's views read it: topmost first, moved by dragging."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QByteArray, QMimeData, QModelIndex, QObject, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPixmap

from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.fields import icon
from plugin_client.panel.roto.layers import LayerRef, colour_at, paint_order, renamed, reordered
from plugin_client.panel.roto.visibility import is_shown, with_shown
from plugin_client.panel.shell import theme

_MIME = "application/x-maskedit-roto-rows"
_SWATCH_PX = 12
ROW_PX = 24
_ROOT = QModelIndex()

Role = Qt.ItemDataRole


class Column(IntEnum):
    """What each column shows; a click on the first three changes it."""

    SHOWN = 0
    COLOUR = 1
    BLEND = 2
    NAME = 3


class LayersModel(QAbstractTableModel):
    """One row for each shape and stroke of the document."""

    def __init__(self, drawing: Drawing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawing = drawing
        self.refs = self._order()
        # Another project may be looked at before it is said what changed.
        drawing.project.opened.connect(self._read)
        drawing.project.changed.connect(self._read)
        drawing.playhead.moved.connect(self._tell)

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:
        """As many as there are shapes and strokes."""
        return 0 if parent.isValid() else len(self.refs)

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:
        """Shown, colour, blend, name."""
        return 0 if parent.isValid() else len(Column)

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """What a cell shows."""
        ref, column = self.refs[index.row()], Column(index.column())
        layer = self._drawing.layer(ref)
        if role == Role.SizeHintRole:
            return QSize(ROW_PX, ROW_PX)
        if column is Column.NAME:
            if role in (Role.DisplayRole, Role.EditRole, Role.ToolTipRole):
                return layer.name
            if role == Role.ForegroundRole and not layer.is_visible(self._drawing.frame):
                return QColor(theme.FAINT)
        elif role == Role.DecorationRole:
            return self._icon(ref, column)
        elif role in (Role.ToolTipRole, Role.AccessibleTextRole):
            adds = layer.blend == "add"
            return {
                Column.SHOWN: "Shown: click to leave it out" if is_shown(layer) else "Left out: click to show it",
                Column.COLOUR: "Colour of its outline in the viewer",
                Column.BLEND: "Added: click to subtract it" if adds else "Subtracted: click to add it",
            }[column]
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Role.EditRole) -> bool:
        """Another name."""
        if role != Role.EditRole or index.column() != Column.NAME:
            return False
        self._drawing.project.change("Rename", renamed(self._drawing.document, self.refs[index.row()], str(value)))
        return True

    def click(self, index: QModelIndex) -> None:
        """Toggle what the cell shows."""
        ref = self.refs[index.row()]
        layer = self._drawing.layer(ref)
        if index.column() == Column.SHOWN:
            shown = not is_shown(layer)
            self._drawing.amend("Show" if shown else "Hide", {ref: with_shown(layer, shown)})
        elif index.column() == Column.BLEND:
            blend = "subtract" if layer.blend == "add" else "add"
            self._drawing.amend(blend.capitalize(), {ref: layer.model_copy(update={"blend": blend})})

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Rows are dragged between rows; names are edited."""
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsDragEnabled
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == Column.NAME else flags

    def supportedDropActions(self) -> Qt.DropAction:
        """Rows move."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        """Rows of this very list."""
        return [_MIME]

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:
        """The numbers of the rows."""
        data = QMimeData()
        rows = sorted({index.row() for index in indexes})
        data.setData(_MIME, QByteArray(",".join(map(str, rows)).encode()))
        return data

    def dropMimeData(
        self, data: QMimeData | None, action: Qt.DropAction, row: int, column: int, parent: QModelIndex
    ) -> bool:
        """Move the rows before `row`, to the end if that is -1."""
        if data is None or not data.hasFormat(_MIME):
            return False
        self.move_rows([int(each) for each in data.data(_MIME).data().decode().split(",")], row)
        return True

    def move_rows(self, rows: list[int], before: int) -> None:
        """Move rows before another, to the end for -1: what lies higher is painted later."""
        before = len(self.refs) if before < 0 else before
        moved = [self.refs[row] for row in rows]
        above = [ref for row, ref in enumerate(self.refs) if row < before and row not in rows]
        below = [ref for row, ref in enumerate(self.refs) if row >= before and row not in rows]
        order = [*above, *moved, *below]
        if order != list(self.refs):
            self._drawing.project.change("Reorder", reordered(self._drawing.document, order[::-1]))

    def _order(self) -> tuple[LayerRef, ...]:
        return tuple(reversed(paint_order(self._drawing.document)))

    def _read(self, *_: object) -> None:
        order = self._order()
        if len(order) == len(self.refs):
            self.refs = order
            self._tell()
            return
        self.beginResetModel()
        self.refs = order
        self.endResetModel()

    def _tell(self, *_: object) -> None:
        if self.refs:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.refs) - 1, len(Column) - 1))

    def _icon(self, ref: LayerRef, column: Column) -> QIcon:
        layer = self._drawing.layer(ref)
        if column is Column.COLOUR:
            pixels = QPixmap(_SWATCH_PX, _SWATCH_PX)
            pixels.fill(QColor(colour_at(self._drawing.document, ref)))
            swatch = QIcon(pixels)
            swatch.addPixmap(pixels, QIcon.Mode.Selected)  # not tinted like the row
            return swatch
        if column is Column.SHOWN:
            shown = is_shown(layer)
            name, colour = ("eye-outline", theme.TEXT) if shown else ("eye-off-outline", theme.FAINT)
        else:
            adds = layer.blend == "add"
            name, colour = ("plus", theme.GOOD) if adds else ("minus", theme.ERROR)
        return icon(name, colour)
