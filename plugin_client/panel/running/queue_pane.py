# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's queue: what runs, what waits and in which order, what has ended."""

from __future__ import annotations

from collections.abc import Callable

import qtawesome
from PyQt6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QColor, QDropEvent, QHideEvent, QKeySequence, QPainter, QShowEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugin_client.core.job import Job, JobState
from plugin_client.core.progress import stage_words
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.queue import Queue
from plugin_client.panel.running.rows import paint_ground
from plugin_client.panel.running.wording import plain
from plugin_client.panel.shell import theme

_JOB = Qt.ItemDataRole.UserRole
_COLOURS = {
    JobState.SUCCEEDED: theme.GOOD,
    JobState.FAILED: theme.ERROR,
    JobState.CANCELLED: theme.FAINT,
    JobState.QUEUED: theme.DIM,
}


class QueuePane(QWidget):
    """Waiting jobs are dragged, or moved with Alt and the arrows, into another order."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.queue = Queue(desk.session, self)
        self.queue.changed.connect(self._show)
        self.queue.failed.connect(lambda sentence: desk.notices.say(sentence, severity="error"))
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE // 2)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("dim", True)
        self.pause = QToolButton()
        self.pause.setCheckable(True)
        self.pause.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.pause.setToolTip("Start no further run; what runs now goes on.")
        self.pause.clicked.connect(self.queue.pause)
        head = QHBoxLayout()
        head.addWidget(self.words, 1)
        head.addWidget(self.pause)
        self.list = _Lines(self)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.moved.connect(self.queue.move)
        self.list.itemActivated.connect(self._choose)
        self.actions_by_name = {
            "cancel": self._action("Cancel", "mdi6.stop", "Del", self._cancel),
            "retry": self._action("Retry", "mdi6.restart", "", self._retry),
            "earlier": self._action("Move up", "mdi6.arrow-up", "Alt+Up", lambda job: self._step(job, -1)),
            "later": self._action("Move down", "mdi6.arrow-down", "Alt+Down", lambda job: self._step(job, 1)),
        }
        self.list.currentItemChanged.connect(self._enable)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        self._show()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self.queue.watch(True)

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self.queue.watch(False)

    def _action(self, text: str, icon: str, shortcut: str, do: Callable[[Job], None]) -> QAction:
        action = QAction(qtawesome.icon(icon, color=theme.TEXT), text, self.list)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)

        def act() -> None:
            job = self._current()
            if job is not None:
                do(job)

        action.triggered.connect(act)
        self.list.addAction(action)
        return action

    def _current(self) -> Job | None:
        item = self.list.currentItem()
        return item.data(_JOB) if item is not None else None

    def _enable(self, *_: object) -> None:
        job, waiting = self._current(), self.queue.line.waiting
        place = next((place for place, each in enumerate(waiting) if job and each.job_id == job.job_id), None)
        can = {
            "cancel": job is not None and not job.state.is_final and job.state is not JobState.CANCELLING,
            "retry": job is not None and job.state in (JobState.FAILED, JobState.CANCELLED),
            "earlier": place is not None and place > 0,
            "later": place is not None and place < len(waiting) - 1,
        }
        for name, action in self.actions_by_name.items():
            action.setEnabled(can[name])

    def _menu(self, at: QPoint) -> None:
        if self._current() is not None:
            menu = QMenu(self)
            menu.addActions(list(self.actions_by_name.values()))
            menu.exec(self.list.mapToGlobal(at))

    def _cancel(self, job: Job) -> None:
        # A run of this project is stopped as its own card does it, so that both say the same at once.
        if self._desk.takes.get(job.job_id) is not None:
            self._desk.runs.stop(job.job_id)
        else:
            self.queue.cancel(job.job_id)

    def _retry(self, job: Job) -> None:
        take = self._desk.takes.get(job.job_id)
        if take is not None:
            self._desk.runs.retry(take)
        else:
            self.queue.retry(job.job_id)

    def _step(self, job: Job, by: int) -> None:
        place = [each.job_id for each in self.queue.line.waiting].index(job.job_id)
        self.queue.move(job.job_id, place + by)

    def _choose(self, item: QListWidgetItem) -> None:
        self._desk.takes.choose(item.data(_JOB).job_id)

    def _show(self) -> None:
        line, system = self.queue.line, self._desk.session.system
        words = f"{len(line.running)} running, {len(line.waiting)} waiting" if line.jobs else "The queue is empty."
        self.words.setText(words if self._desk.session.connected else self._desk.session.words)
        self.pause.setEnabled(system is not None and self._desk.session.connected)
        self.pause.setChecked(self.queue.paused)
        self.pause.setText("Paused" if self.queue.paused else "Pause")
        icon = "mdi6.play" if self.queue.paused else "mdi6.pause"
        self.pause.setIcon(qtawesome.icon(icon, color=theme.WARNING if self.queue.paused else theme.TEXT))
        self.list.show_jobs(line.jobs)
        self._enable()


class _Lines(QListWidget):
    """The jobs. `moved(job_id, position)` asks for another order; the list itself waits for the answer."""

    moved = pyqtSignal(str, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._jobs: tuple[Job, ...] = ()
        self.setItemDelegate(_Delegate(self))
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setAccessibleName("Queue")
        self.setUniformItemSizes(True)

    def show_jobs(self, jobs: tuple[Job, ...]) -> None:
        """Show these, keeping the chosen one."""
        current = self.currentItem()
        kept = current.data(_JOB).job_id if current is not None else ""
        if jobs == self._jobs:
            return
        self._jobs = jobs
        self.clear()
        for job in jobs:
            item = QListWidgetItem(job.name)
            item.setData(_JOB, job)
            flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            if job.state is JobState.QUEUED:
                flags |= Qt.ItemFlag.ItemIsDragEnabled
            item.setFlags(flags)
            item.setToolTip(f"{job.name}\n{state_words(job)}")
            self.addItem(item)
            if job.job_id == kept:
                self.setCurrentItem(item)

    def dropEvent(self, event: QDropEvent | None) -> None:
        current = self.currentItem()
        if event is None or current is None:
            return
        job = current.data(_JOB)
        under = self.itemAt(event.position().toPoint())
        row = self.row(under) if under is not None else self.count()
        if under is not None and event.position().y() > self.visualItemRect(under).center().y():
            row += 1
        before = sum(each.state is JobState.QUEUED and each.job_id != job.job_id for each in self._jobs[:row])
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        self.moved.emit(job.job_id, before)


class _Delegate(QStyledItemDelegate):
    """Two lines: the name, and how it stands; a thin bar where it runs."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, 2 * option.fontMetrics.height() + 2 * theme.SPACE)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        assert painter is not None
        job: Job = index.data(_JOB)
        self.initStyleOption(option, index)
        paint_ground(painter, option)
        area = option.rect.adjusted(theme.SPACE, theme.SPACE // 2, -theme.SPACE, -theme.SPACE // 2)
        line = option.fontMetrics.height()
        for row, (text, colour) in enumerate(
            ((job.name, theme.TEXT), (state_words(job), _COLOURS.get(job.state, theme.ACCENT)))
        ):
            painter.setPen(QColor(colour))
            shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(QRect(area.left(), area.top() + row * (line + 2), area.width(), line), 0, shown)
        event = job.last_event
        if job.state is JobState.RUNNING and event is not None and event.total:
            bar = QRect(area.left(), option.rect.bottom() - 3, area.width(), 2)
            painter.fillRect(bar, QColor(theme.SUNKEN))
            bar.setWidth(round(bar.width() * min(1.0, event.done / event.total)))
            painter.fillRect(bar, QColor(theme.ACCENT))


def state_words(job: Job) -> str:
    """How a job stands, in one line."""
    event = job.last_event
    match job.state:
        case JobState.QUEUED:
            return "next" if job.queue_position == 0 else f"waits behind {job.queue_position}"
        case JobState.RUNNING if event is not None and event.total:
            return f"{stage_words(event.stage)}, {100 * event.done // event.total} %"
        case JobState.FAILED:
            return f"failed: {plain(job.error)}"
        case JobState.SUCCEEDED:
            return "done"
        case state:
            return state.value
