# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's queue: what runs, what waits and in which order, what has ended; and all that can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import qtawesome
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QAction, QActionGroup, QHideEvent, QKeySequence, QShowEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QListWidgetItem, QMenu, QToolButton, QVBoxLayout, QWidget

from plugin_client.core.job import PRIORITIES, Job, JobState
from plugin_client.core.queue import Line
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.queue import Queue
from plugin_client.panel.running.queue_list import PRIORITY_MARKS, QueueList
from plugin_client.panel.shell import theme

_FAR = 2**31 - 1
_OF_ITS_OWN = "Jobs change places with others of their own priority: give {name} another one to move it further."


class QueuePane(QWidget):
    """Waiting jobs are dragged, or moved with Alt and the arrows, Home and End, into another order.

    `fill(menu)` gives a menu of the window all of it.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.queue = Queue(desk.session, self)
        self.queue.changed.connect(self._show)
        desk.takes.changed.connect(self._show)
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
        self.pause.setAccessibleName("Pause the queue")
        self.pause.clicked.connect(self.queue.pause)
        head = QHBoxLayout()
        head.addWidget(self.words, 1)
        head.addWidget(self.pause)
        self.list = QueueList(self)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.moved.connect(self._move)
        self.list.itemActivated.connect(self._choose)
        self.actions_by_name = {
            "cancel": self._action("Cancel", "mdi6.stop", "Del", self._cancel),
            "retry": self._action("Retry", "mdi6.restart", "", self._retry),
            "earlier": self._action("Move up", "mdi6.arrow-up", "Alt+Up", lambda job: self._step(job, -1)),
            "later": self._action("Move down", "mdi6.arrow-down", "Alt+Down", lambda job: self._step(job, 1)),
        }
        self.ends = {
            "first": self._action("Move to top", "mdi6.arrow-collapse-up", "Alt+Home", self._first),
            "last": self._action("Move to bottom", "mdi6.arrow-collapse-down", "Alt+End", self._last),
        }
        self.priorities = {name: self._priority(name) for name in reversed(PRIORITIES)}
        group = QActionGroup(self)
        for action in self.priorities.values():
            group.addAction(action)
        self.list.currentItemChanged.connect(self._enable)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        self._show()

    def fill(self, menu: QMenu) -> None:
        """Add what can be done about the chosen job."""
        by_name = self.actions_by_name
        menu.addActions([self.ends["first"], by_name["earlier"], by_name["later"], self.ends["last"]])
        priority = menu.addMenu("&Priority")
        assert priority is not None
        priority.addActions(list(self.priorities.values()))
        menu.addSeparator()
        menu.addActions([by_name["cancel"], by_name["retry"]])

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
            job = self.list.job
            if job is not None:
                do(job)

        action.triggered.connect(act)
        self.list.addAction(action)
        return action

    def _priority(self, name: str) -> QAction:
        icon, _ = PRIORITY_MARKS[name]
        action = self._action(name.capitalize(), icon, "", lambda job: self.queue.prioritise(job.job_id, name))
        action.setCheckable(True)
        return action

    def _enable(self, *_: object) -> None:
        job, line = self.list.job, self.queue.line
        places = line.places(job.job_id) if job is not None else range(0)
        place = line.place(job.job_id) if job is not None and places else -1
        can_rise, can_sink = bool(places) and place > places[0], bool(places) and place < places[-1]
        can = {
            "cancel": job is not None and not job.state.is_final and job.state is not JobState.CANCELLING,
            "retry": job is not None and job.state in (JobState.FAILED, JobState.CANCELLED),
            "earlier": can_rise,
            "later": can_sink,
        }
        for name, action in self.actions_by_name.items():
            action.setEnabled(can[name])
        self.ends["first"].setEnabled(can_rise)
        self.ends["last"].setEnabled(can_sink)
        for name, action in self.priorities.items():
            action.setEnabled(bool(places))
            action.setChecked(job is not None and job.priority == name)

    def _menu(self, at: QPoint) -> None:
        if self.list.job is not None:
            menu = QMenu(self)
            self.fill(menu)
            menu.exec(self.list.mapToGlobal(at))

    def _cancel(self, job: Job) -> None:
        line, take = self.queue.line, self._desk.takes.get(job.job_id)
        waits = bool(line.places(job.job_id))
        place = line.place(job.job_id) if waits else 0
        # A run of this project is stopped as its own card does it, so that both say the same at once.
        if take is not None:
            self._desk.runs.stop(job.job_id)
        else:
            self.queue.cancel(job.job_id)
        self._desk.notices.say(
            f"{job.name} was taken out of the queue."
            if waits
            else f"{job.name} was stopped; what it has learnt is kept.",
            action="Queue again",
            do=lambda: self._retry(job, place=place),
        )

    def _retry(self, job: Job, *, place: int | None = None) -> None:
        take = self._desk.takes.get(job.job_id)
        if take is not None:
            self._desk.runs.retry(take, place=place)
        else:
            self.queue.retry(job.job_id, place=place)

    def _step(self, job: Job, by: int) -> None:
        self.queue.move(job.job_id, self.queue.line.place(job.job_id) + by)

    def _first(self, job: Job) -> None:
        self.queue.move(job.job_id, 0)

    def _last(self, job: Job) -> None:
        self.queue.move(job.job_id, _FAR)

    def _move(self, job_id: str, place: int) -> None:
        line = self.queue.line
        job, places = line.get(job_id), line.places(job_id)
        if job is None or not places:
            return
        if place not in places:
            self._desk.notices.say(_OF_ITS_OWN.format(name=job.name))
        self.queue.move(job_id, place)

    def _choose(self, item: QListWidgetItem) -> None:
        self._desk.takes.choose(job.job_id if (job := self.list.job) is not None else "")

    def _show(self) -> None:
        session = self._desk.session
        self.words.setText(self._summary() if session.connected else session.words)
        self.pause.setEnabled(session.system is not None and session.connected)
        self.pause.setChecked(self.queue.paused)
        self.pause.setText("Paused" if self.queue.paused else "Pause")
        icon = "mdi6.play" if self.queue.paused else "mdi6.pause"
        self.pause.setIcon(qtawesome.icon(icon, color=theme.WARNING if self.queue.paused else theme.TEXT))
        line = self.queue.line
        named = (tuple(map(self._named, jobs)) for jobs in (line.running, line.waiting, line.ended))
        self.list.show_line(Line(*named), paused=self.queue.paused)
        self._enable()

    def _named(self, job: Job) -> Job:
        """A run of this project by its take's name, which is another one where an edit was queued again."""
        take = self._desk.takes.get(job.job_id)
        return job if take is None else replace(job, name=f"{Path(take.document.clip).stem}, {take.name}")

    def _summary(self) -> str:
        line = self.queue.line
        if line.running or line.waiting:
            return f"{len(line.running)} running, {len(line.waiting)} waiting"
        return "Nothing runs or waits." if line.ended else "The queue is empty."
