# SPDX-License-Identifier: GPL-3.0-or-later
"""The mattes pane: helpers that draw by themselves, imported files, what is exported, and the edge around it all."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QShowEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.actions import MatteActions
from plugin_client.panel.mattes.buttons import ActionButton, menu_button
from plugin_client.panel.mattes.edge_form import EdgeForm
from plugin_client.panel.mattes.file_row import FileRow
from plugin_client.panel.mattes.progress_row import ProgressRow
from plugin_client.panel.mattes.reach import ReachOverlay
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.drawing import drawing_of
from plugin_client.panel.roto.fields import text
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.fronting import bring_forward
from plugin_client.panel.viewer.canvas import Canvas

_EMPTY = (
    "No mattes are imported. Bring in what another program drew, Magic Mask, Mocha or Silhouette for example, or drop "
    "files here."
)

_EXPORT_TIP = "The matte as a video or image sequence, or the drawing itself, for other programs"
_WAYS = ("Follow back", "Both ways", "Follow on")


class MattesPane(QWidget):
    """Everything about the matte that is not drawn by hand. Files can be dropped on it."""

    def __init__(self, desk: Desk, canvas: Canvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.matte_actions = MatteActions(desk, canvas, self)
        self.rows: list[FileRow] = []
        self.empty = text(dim=True)
        self.empty.setText(_EMPTY)
        self.followed = text(dim=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self.edges = EdgeForm(desk.project)
        self.reach = ReachOverlay(desk, canvas)
        self.progress = ProgressRow(self.matte_actions.task)
        self.addActions(list(self.matte_actions.all))
        self.setAcceptDrops(True)
        self._lay_out()
        desk.project.changed.connect(lambda *_: self._show())
        desk.project.opened.connect(self._show)
        desk.mattes.faults_changed.connect(self._show)
        drawing_of(desk).changed.connect(self._name_followed)
        desk.project.facts_changed.connect(self._name_followed)
        # By their keys they are asked for from anywhere; here is what to do, how far it is, and what stops it.
        self.matte_actions.cut.triggered.connect(lambda on: bring_forward(self) if on else None)
        self.matte_actions.task.changed.connect(self._come_forward)
        self._show()
        self._name_followed()

    def showEvent(self, a0: QShowEvent | None) -> None:
        """In front: the line shows how far the edge reaches."""
        self.reach.show()

    def hideEvent(self, a0: QHideEvent | None) -> None:
        """Behind another tab: the line goes, and the tool is put down."""
        if a0 is not None and not a0.spontaneous():
            self.reach.hide()
            self.matte_actions.put_down()

    def dragEnterEvent(self, a0: QDragEnterEvent | None) -> None:
        """Files are welcome once a clip is open."""
        if a0 is not None and self._desk.project.facts is not None and _paths(a0):
            a0.acceptProposedAction()

    def dropEvent(self, a0: QDropEvent | None) -> None:
        """As if they had been chosen to be imported."""
        if a0 is not None:
            self.matte_actions.transfers.take_in(_paths(a0))
            a0.acceptProposedAction()

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(*[theme.SPACE] * 4)
        column.setSpacing(theme.SPACE)
        actions = self.matte_actions
        column.addWidget(_heading("Draw by one click"))
        column.addWidget(ActionButton(actions.cut))
        column.addLayout(_row(*(ActionButton(act, words) for act, words in zip(actions.follows, _WAYS, strict=True))))
        column.addWidget(self.followed)
        column.addWidget(_line())
        column.addWidget(_heading("Imported mattes"))
        column.addWidget(self.empty)
        column.addLayout(self._list)
        exports = menu_button("Export", actions.exports, icon_name="export", tip=_EXPORT_TIP)
        column.addLayout(_row(ActionButton(actions.bring_in, "Import …"), exports))
        column.addWidget(_line())
        column.addWidget(_heading("Edge"))
        column.addWidget(self.edges)
        dashed = text(dim=True)
        dashed.setText("The dashed line shows how far the result may reach.")
        column.addWidget(dashed)
        column.addStretch(1)
        inner = QWidget()
        inner.setLayout(column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(area, 1)
        outer.addWidget(self.progress)

    def _show(self) -> None:
        mattes = self._desk.project.document.mattes
        while len(self.rows) < len(mattes):
            index = len(self.rows)
            row = FileRow(change=partial(self._change, index), remove=partial(self._remove, index))
            self.rows.append(row)
            self._list.addWidget(row)
        while len(self.rows) > len(mattes):
            self.rows.pop().deleteLater()
        for row, matte in zip(self.rows, mattes, strict=True):
            row.show_matte(matte, fault=self._desk.mattes.faults.get(matte.path, ""))
        self.empty.setVisible(not mattes)

    def _come_forward(self) -> None:
        if self.matte_actions.task.is_running:
            bring_forward(self)

    def _name_followed(self) -> None:
        ref, document = self.matte_actions.one_click.followed_shape(), self._desk.project.document
        words = "Select a shape to have it followed." if document.shapes else "Draw a shape to have it followed."
        if ref is not None:
            words = f"Follow carries {document.shapes[ref.index].name or 'the shape'} along with the picture."
        self.followed.setText(words)

    def _change(self, index: int, matte: MatteFile) -> None:
        mattes = list(self._desk.project.document.mattes)
        mattes[index] = matte
        self._put("Change matte", mattes)

    def _remove(self, index: int) -> None:
        mattes = list(self._desk.project.document.mattes)
        del mattes[index]
        self._put("Remove matte", mattes)

    def _put(self, name: str, mattes: list[MatteFile]) -> None:
        project = self._desk.project
        project.change(name, replace(project.document, mattes=tuple(mattes)))


def _paths(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.SPACE // 2)
    for widget in widgets:
        row.addWidget(widget, 1)
    return row


def _heading(words: str) -> QLabel:
    label = QLabel(words)
    label.setStyleSheet("font-weight: 600;")
    return label


def _line() -> QFrame:
    line = QFrame()
    line.setFixedHeight(1)
    line.setStyleSheet(f"background: {theme.LINE};")
    return line
