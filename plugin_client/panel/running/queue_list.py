# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of the queue's jobs: a name, how it stands, a mark for its priority; waiting ones are dragged."""

from __future__ import annotations

import qtawesome
from PyQt6.QtCore import QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QDropEvent, QPainter
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from plugin_client.core.job import Job, JobState
from plugin_client.core.progress import stage_words
from plugin_client.core.queue import Line, waiting_words
from plugin_client.panel.running.rows import paint_ground
from plugin_client.panel.running.wording import plain
from plugin_client.panel.shell import theme

_JOB, _WORDS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_COLOURS = {
    JobState.SUCCEEDED: theme.GOOD,
    JobState.FAILED: theme.ERROR,
    JobState.CANCELLED: theme.FAINT,
    JobState.QUEUED: theme.DIM,
}
PRIORITY_MARKS = {
    "high": ("mdi6.chevron-double-up", theme.WARNING),
    "normal": ("mdi6.equal", theme.DIM),
    "low": ("mdi6.chevron-double-down", theme.DIM),
}
_MARK_PX = 16


class QueueList(QListWidget):
    """`moved(job_id, place)` asks for another order; the list itself waits to be shown it."""

    moved = pyqtSignal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line, self._words = Line(), ()
        self.setItemDelegate(_Delegate(self))
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setAccessibleName("Queue")
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    @property
    def job(self) -> Job | None:
        """The chosen one."""
        item = self.currentItem()
        return item.data(_JOB) if item is not None else None

    def show_line(self, line: Line, *, paused: bool) -> None:
        """Show its jobs, keeping the chosen one."""
        words = tuple(state_words(job, paused=paused) for job in line.jobs)
        if (line, words) == (self._line, self._words):
            return
        kept, scrolled = self.job, self.verticalScrollBar()
        at = scrolled.value() if scrolled is not None else 0
        self._line, self._words = line, words
        self.clear()
        for job, said in zip(line.jobs, words, strict=True):
            item = QListWidgetItem(job.name)
            item.setData(_JOB, job)
            item.setData(_WORDS, said)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{job.name}, {said}")
            flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            if job.state is JobState.QUEUED:
                flags |= Qt.ItemFlag.ItemIsDragEnabled
            item.setFlags(flags)
            item.setToolTip(f"{job.name}\n{said}")
            self.addItem(item)
            if kept is not None and job.job_id == kept.job_id:
                self.setCurrentItem(item)
        if scrolled is not None:
            scrolled.setValue(at)

    def dropEvent(self, event: QDropEvent | None) -> None:
        job = self.job
        if event is None or job is None:
            return
        under = self.itemAt(event.position().toPoint())
        row = self.row(under) if under is not None else self.count()
        if under is not None and event.position().y() > self.visualItemRect(under).center().y():
            row += 1
        above = self._line.jobs[:row]
        place = sum(each in above and each.job_id != job.job_id for each in self._line.peers(job.job_id))
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        self.moved.emit(job.job_id, place)


class _Delegate(QStyledItemDelegate):
    """Two lines: the name, and how it stands; a thin bar where it runs, a mark where it waits with a priority."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, 2 * option.fontMetrics.height() + 2 * theme.SPACE)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        assert painter is not None
        job: Job = index.data(_JOB)
        self.initStyleOption(option, index)
        paint_ground(painter, option)
        area = option.rect.adjusted(theme.SPACE, theme.SPACE // 2, -theme.SPACE, -theme.SPACE // 2)
        if job.state is JobState.QUEUED and job.priority != "normal":
            name, colour = PRIORITY_MARKS[job.priority]
            room = QRect(area.right() - _MARK_PX, area.top(), _MARK_PX, area.height())
            qtawesome.icon(name, color=colour).paint(painter, room)
            area.adjust(0, 0, -_MARK_PX - theme.SPACE // 2, 0)
        line = option.fontMetrics.height()
        for row, (text, colour) in enumerate(
            ((job.name, theme.TEXT), (index.data(_WORDS), _COLOURS.get(job.state, theme.ACCENT)))
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


def state_words(job: Job, *, paused: bool = False) -> str:
    """How a job stands, in one line; `paused`: the queue is."""
    event = job.last_event
    match job.state:
        case JobState.QUEUED:
            return waiting_words(job, paused=paused)
        case JobState.RUNNING if event is not None and event.total:
            return f"{stage_words(event.stage)}, {100 * event.done // event.total} %"
        case JobState.FAILED:
            return f"failed: {plain(job.error)}"
        case JobState.SUCCEEDED:
            return "done"
        case state:
            return state.value
