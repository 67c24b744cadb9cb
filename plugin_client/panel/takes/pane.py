# SPDX-License-Identifier: GPL-3.0-or-later
"""The room of the takes: find one, see it, judge it, and take it further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import qtawesome
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugin_client.core.job import JobState
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.shell import theme
from plugin_client.panel.takes.details import TakeDetails
from plugin_client.panel.takes.export_dialog import ExportDialog
from plugin_client.panel.takes.revealing import reveal
from plugin_client.panel.takes.take_list import TakeList


class TakesPane(QWidget):
    """`verbs`: what can be done with the chosen take, by name; each knows when it can."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search takes")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show)
        self.only_starred = QToolButton()
        self.only_starred.setCheckable(True)
        self.only_starred.setIcon(qtawesome.icon("mdi6.star-outline", color=theme.TEXT, color_on=theme.WARNING))
        self.only_starred.setToolTip("Show starred takes only")
        self.only_starred.setAccessibleName("Show starred takes only")
        self.only_starred.toggled.connect(self._show)
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE // 2)
        head.addWidget(self.search, 1)
        head.addWidget(self.only_starred)
        self.list = TakeList(desk)
        self.list.currentRowChanged.connect(lambda row: desk.takes.choose(self.list.job_at(row)))
        self.list.starred.connect(self._star)
        self.list.itemDoubleClicked.connect(lambda: self.verbs["export"].trigger())
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.verbs = {
            "star": self._verb("Star", "mdi6.star-outline", "S", lambda take: self._star(take.job_id)),
            "export": self._verb("Export …", "mdi6.export-variant", "Ctrl+Alt+E", self._export),
            "timeline": self._verb("Put on the timeline", "mdi6.movie-plus-outline", "Ctrl+Alt+T", self._put),
            "timeline_full": self._verb(
                "Put the whole frame on the timeline", "mdi6.movie-outline", "", self._put_full
            ),
            "copy": self._verb("Copy settings into the project", "mdi6.content-copy", "", self._copy),
            "again": self._verb("Render with another seed", "mdi6.dice-5-outline", "", desk.runs.again),
            "retry": self._verb("Retry", "mdi6.restart", "", desk.runs.retry),
            "fetch": self._verb("Fetch again", "mdi6.download", "", desk.runs.fetch_again),
            "stop": self._verb("Stop", "mdi6.stop", "", lambda take: desk.runs.stop(take.job_id)),
            "reveal": self._verb("Show in folder", "mdi6.folder-open-outline", "", self._reveal),
            "delete": self._verb("Delete …", "mdi6.delete-outline", "Del", self._delete),
        }
        for name in ("timeline", "timeline_full"):
            self.verbs[name].setVisible(desk.timeline is not None)
        bar = QHBoxLayout()
        bar.setSpacing(theme.SPACE // 2)
        for name in ("timeline", "export", "again", "copy", "reveal", "delete"):
            button = QToolButton()
            button.setDefaultAction(self.verbs[name])
            button.setVisible(self.verbs[name].isVisible())
            bar.addWidget(button)
        bar.addStretch(1)
        top = QWidget()
        upper = QVBoxLayout(top)
        upper.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE // 2)
        upper.setSpacing(theme.SPACE // 2)
        upper.addLayout(head)
        upper.addWidget(self.list, 1)
        upper.addLayout(bar)
        self.details = TakeDetails(desk)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(top)
        split.addWidget(self.details)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([340, 260])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(split)
        desk.takes.changed.connect(self._show)
        desk.takes.updated.connect(self._show)
        desk.takes.chosen.connect(self._show)
        desk.runs.progressed.connect(self.list.refresh)
        desk.runs.changed.connect(self.list.refresh)
        if desk.timeline is not None:
            desk.timeline.changed.connect(self._show)
        self._show()

    @property
    def take(self) -> Take | None:
        """The chosen one; None while the plate is shown."""
        return self._desk.takes.get(self._desk.takes.current)

    def _verb(self, text: str, icon: str, shortcut: str, do: Callable[[Take], None]) -> QAction:
        action = QAction(qtawesome.icon(icon, color=theme.TEXT, color_disabled=theme.FAINT), text, self)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        native = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(text.removesuffix(" …") + (f" ({native})" if native else ""))

        def act() -> None:
            if self.take is not None:
                do(self.take)

        action.triggered.connect(act)
        self.list.addAction(action)
        return action

    def _show(self, *_: object) -> None:
        self.list.show_takes(filter(self._wanted, self._desk.takes.takes), chosen=self._desk.takes.current)
        take = self.take
        done = take is not None and take.state is JobState.SUCCEEDED
        can = {
            "star": take is not None,
            "export": take is not None and bool(take.result),
            "timeline": self._can_be_put(take),
            "timeline_full": self._can_be_put(take),
            "copy": take is not None,
            "again": done,
            "retry": take is not None and take.state in (JobState.FAILED, JobState.CANCELLED),
            "fetch": done and take is not None and (not take.result or bool(take.error)),
            "stop": take is not None and not take.state.is_final,
            "reveal": take is not None and bool(take.result),
            "delete": take is not None,
        }
        for name, action in self.verbs.items():
            action.setEnabled(can[name])
        self.verbs["star"].setText("Unstar" if take is not None and take.star else "Star")

    def _wanted(self, take: Take) -> bool:
        if self.only_starred.isChecked() and not take.star:
            return False
        said = f"{take.name} {take.preset} {take.seed} {take.prompt} {take.notes} {take.state}".casefold()
        return all(word in said for word in self.search.text().casefold().split())

    def _menu(self, at: QPoint) -> None:
        if self.take is not None:
            menu = QMenu(self)
            menu.addActions([action for action in self.verbs.values() if action.isEnabled()])
            menu.exec(self.list.mapToGlobal(at))

    def _star(self, job_id: str) -> None:
        take = self._desk.takes.get(job_id)
        if take is not None:
            self._desk.takes.update(job_id, star=not take.star)

    def _export(self, take: Take) -> None:
        dialog = ExportDialog(self._desk, take, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _can_be_put(self, take: Take | None) -> bool:
        return self._desk.timeline is not None and not self._desk.timeline.why_not(take)

    def _put(self, take: Take) -> None:
        if self._desk.timeline is not None:
            self._desk.timeline.put(take)

    def _put_full(self, take: Take) -> None:
        if self._desk.timeline is not None:
            self._desk.timeline.put(take, alpha=False)

    def _copy(self, take: Take) -> None:
        project = self._desk.project
        project.change(f"Copy settings of {take.name}", replace(project.document, choices=take.document.choices))

    def _reveal(self, take: Take) -> None:
        reveal(self._desk.project.path_of(take.result))

    def _delete(self, take: Take) -> None:
        asked = QMessageBox.question(
            self,
            f"Delete {take.name}?",
            f"{take.name} and its files are removed from the project and from the server.",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        if asked is QMessageBox.StandardButton.Yes:
            self._desk.runs.delete(take)
