# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue pane's priorities, moves and second thoughts: on lines that are given to it, and on a real server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QMenu

from plugin_client.core.job import Job, JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.queue import Line, line_of
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.notices import Notice
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.pane import RunPane
from plugin_client.panel.running.queue_pane import QueuePane
from tests.hosts.panel.paced import connected as connected
from tests.hosts.panel.paced import server as server
from tests.serving import ServerProcess, submit
from tests.serving import edit as edit

pytestmark = pytest.mark.timeout(240)
WAIT_MS = 60_000


@pytest.fixture
def said(desk: Desk) -> list[Notice]:
    notices: list[Notice] = []
    desk.notices.said.connect(notices.append)
    return notices


def job(name: str, state: JobState = JobState.QUEUED, **more: Any) -> Job:
    return Job(job_id=name, state=state, name=name, created_at=datetime.now(UTC), **more)


WAITING = (
    job("draft", is_draft=True),
    job("urgent", priority="high"),
    job("first", queue_position=1),
    job("second", queue_position=2),
    job("night", queue_position=3, priority="low"),
)


@pytest.fixture
def pane(qtbot, desk: Desk) -> QueuePane:
    made = QueuePane(desk)
    qtbot.addWidget(made)
    made.resize(300, 500)
    made.show()
    made.queue.line = line_of([*WAITING, job("now", JobState.RUNNING)])
    made.queue.changed.emit()
    return made


@pytest.fixture
def moves(pane: QueuePane, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What the server is asked for; the line stays."""
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(pane.queue, "move", lambda *move: asked.append(move))
    return asked


def choose(pane: QueuePane, name: str) -> None:
    pane.list.setCurrentItem(pane.list.findItems(name, Qt.MatchFlag.MatchExactly)[0])


def names(pane: QueuePane) -> list[str]:
    return [pane.list.item(row).text() for row in range(pane.list.count())]


def drop(pane: QueuePane, name: str, *, above: str) -> None:
    """Let go of a dragged job over the upper half of another."""
    choose(pane, name)
    (item,) = pane.list.findItems(above, Qt.MatchFlag.MatchExactly)
    at = QPointF(pane.list.visualItemRect(item).topLeft() + QPoint(20, 2))
    data = pane.list.mimeData([pane.list.currentItem()])
    pane.list.dropEvent(
        QDropEvent(at, Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    )


def test_drafts_and_the_others_are_two_lines(pane: QueuePane):
    assert names(pane) == ["now", "draft", "urgent", "first", "second", "night"]
    read = [pane.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(pane.list.count())]
    assert read[1:4] == ["draft, next of the drafts", "urgent, next, high priority", "first, waits behind 1"]
    assert read[5] == "night, waits behind 3, low priority"


def test_a_run_of_this_project_is_called_as_its_take(pane: QueuePane, desk: Desk):
    document = Document(clip="/shots/creek.mp4")
    desk.takes.add(Take(job_id="second", name="Take 4", created="", document=document, state=JobState.QUEUED))
    assert names(pane) == ["now", "draft", "urgent", "first", "creek, Take 4", "night"]


def test_a_job_is_moved_by_key_among_its_equals_only(pane: QueuePane, moves: list[tuple[str, int]]):
    every = {**pane.actions_by_name, **pane.ends}
    can = {
        "draft": set(),
        "urgent": set(),
        "first": {"later", "last"},
        "second": {"earlier", "first"},
        "night": set(),
        "now": set(),
    }
    for name, expected in can.items():
        choose(pane, name)
        assert {name for name, action in every.items() if action.isEnabled()} - {"cancel"} == expected
    choose(pane, "second")
    for name in ("earlier", "first"):
        every[name].trigger()
    assert moves == [("second", 1), ("second", 0)]


def test_a_dragged_job_counts_those_of_its_own_line(pane: QueuePane, moves: list, said: list[Notice]):
    drop(pane, "second", above="first")
    assert moves == [("second", 1)] and not said
    drop(pane, "second", above="urgent")
    assert moves[-1] == ("second", 0) and "their own priority" in said[-1].text and "second" in said[-1].text
    drop(pane, "urgent", above="night")
    assert moves[-1] == ("urgent", 2)


def test_the_window_has_the_queue_in_a_menu(pane: QueuePane):
    menu = QMenu()
    pane.fill(menu)
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts == ["Move to top", "Move up", "Move down", "Move to bottom", "&Priority", "Cancel", "Retry"]
    choose(pane, "urgent")
    assert [action.text() for action in pane.priorities.values() if action.isChecked()] == ["High"]
    assert all(action.isEnabled() for action in pane.priorities.values())
    choose(pane, "now")
    assert not any(action.isEnabled() for action in pane.priorities.values())


def test_an_empty_queue_and_one_that_has_ended_say_so(qtbot, connected: Desk, monkeypatch: pytest.MonkeyPatch):
    pane = QueuePane(connected)
    qtbot.addWidget(pane)
    words = []
    for line in (Line(), Line(ended=(job("done", JobState.SUCCEEDED),)), Line(running=(job("now"),))):
        pane.queue.line = line
        pane.queue.changed.emit()
        words.append(pane.words.text())
    assert words == ["The queue is empty.", "Nothing runs or waits.", "1 running, 0 waiting"]


def test_a_job_gets_another_priority_and_a_cancelled_one_its_place_back(
    qtbot, connected: Desk, server: ServerProcess, edit, said: list[Notice]
):
    with server.connect() as connection:
        jobs = Jobs(connection)
        jobs.pause_queue(True)
        ids = []
        for name in ("one", "two"):
            edit.name = name
            ids.append(submit(connection, edit, "steps=1"))
        pane = QueuePane(connected)
        qtbot.addWidget(pane)
        pane.show()
        qtbot.waitUntil(lambda: names(pane) == ["one", "two"], timeout=WAIT_MS)
        qtbot.waitUntil(lambda: pane.list.item(0).toolTip() == "one\npaused", timeout=WAIT_MS)
        choose(pane, "two")
        pane.priorities["high"].trigger()
        assert names(pane) == ["two", "one"]  # at once
        qtbot.waitUntil(lambda: jobs.get(ids[1]).priority == "high", timeout=WAIT_MS)
        pane.priorities["normal"].trigger()
        qtbot.waitUntil(lambda: jobs.get(ids[0]).queue_position == 0, timeout=WAIT_MS)
        choose(pane, "one")
        pane.actions_by_name["cancel"].trigger()
        qtbot.waitUntil(lambda: jobs.get(ids[0]).state is JobState.CANCELLED, timeout=WAIT_MS)
        (notice,) = said
        assert notice.action == "Queue again" and notice.text.startswith("one was taken out of the queue")
        assert notice.do is not None
        notice.do()
        qtbot.waitUntil(lambda: names(pane) == ["one", "two", "one"], timeout=WAIT_MS)
        for waiting in jobs.line().waiting:
            jobs.cancel(waiting.job_id)


def test_a_run_is_queued_at_another_priority(qtbot, connected: Desk, sample_desk: Desk, server: ServerProcess):
    runs = sample_desk.runs
    with server.connect() as connection:
        Jobs(connection).pause_queue(True)
        runs.run(priority="high")
        qtbot.waitUntil(lambda: bool(sample_desk.takes.takes), timeout=WAIT_MS)
        (take,) = sample_desk.takes.takes
        assert Jobs(connection).get(take.job_id).priority == "high"
        qtbot.waitUntil(lambda: runs.words(sample_desk.takes.takes[0]).startswith("Waiting, the"), timeout=WAIT_MS)
        runs.stop()
        assert runs.words(sample_desk.takes.takes[0]) == "Stopping …"
        qtbot.waitUntil(lambda: sample_desk.takes.takes[0].state is JobState.CANCELLED, timeout=WAIT_MS)


def test_the_button_beside_run_offers_the_other_priorities(
    qtbot, connected: Desk, sample_desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    monkeypatch.setattr(sample_desk.runs, "run", lambda *, priority="normal": asked.append(priority))
    pane = RunPane(sample_desk)
    qtbot.addWidget(pane)
    menu = pane.others.menu()
    assert menu is not None and pane.others.isEnabled() and pane.others.accessibleName() == "Run at another priority"
    for action in (*menu.actions(), pane.run_action):
        action.trigger()
    assert asked == ["high", "low", "normal"]
    sample_desk.project.change("Remove keyframes", replace(sample_desk.project.document, keyframes=()))
    assert not pane.others.isEnabled() and not pane.ahead_action.isEnabled()


def test_the_card_shows_the_run_that_has_come_furthest(sample_desk: Desk):
    document = sample_desk.project.document
    for name, state in (("Take 1", JobState.QUEUED), ("Take 2", JobState.RUNNING), ("Take 3", JobState.QUEUED)):
        sample_desk.takes.add(Take(job_id=name, name=name, created="", document=document, state=state))
    assert sample_desk.runs.foremost == sample_desk.takes.get("Take 2")
    sample_desk.takes.update("Take 2", state=JobState.CANCELLED)
    assert sample_desk.runs.foremost == sample_desk.takes.get("Take 1")
