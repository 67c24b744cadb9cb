# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work beside the window, and the line that follows the hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from maskedit.errors import InputError
from maskedit.presets import Edges
from plugin_client.panel.mattes.reach import reach_of
from plugin_client.panel.mattes.stopping import Going, Stopped, go_on, part
from plugin_client.panel.mattes.task import Task
from plugin_client.panel.model.notices import Notice, Notices
from plugin_client.panel.model.working import end_work


@pytest.fixture
def notices(qapp: QApplication) -> Notices:
    return Notices()


@pytest.fixture
def task(notices: Notices) -> Iterator[Task]:
    task = Task(notices)
    yield task
    task.stop()
    assert end_work(task), "work in the background does not end"


def test_a_task_tells_how_far_it_is_and_stops_when_told(task: Task, qtbot: QtBot) -> None:
    told: list[float] = []
    task.progressed.connect(told.append)
    begun = Event()

    def call(going: Going) -> str:
        begun.set()
        while going(0.5):
            time.sleep(0.01)
        raise Stopped

    answers: list[str] = []
    task.run("Waiting", call, done=answers.append)
    with pytest.raises(RuntimeError, match="Waiting is not over yet"):
        task.run("Another", call, done=answers.append)
    qtbot.waitUntil(lambda: 0.5 in told)
    assert task.words == "Waiting"
    task.stop()
    qtbot.waitUntil(lambda: not task.is_running)
    assert answers == []


def test_a_task_answers_or_tells_what_went_wrong(task: Task, notices: Notices, qtbot: QtBot) -> None:
    said: list[Notice] = []
    notices.said.connect(said.append)
    answers: list[int] = []
    task.run("Adding", lambda _: 1 + 1, done=answers.append)
    qtbot.waitUntil(lambda: answers == [2])

    def refuse(_: Going) -> int:
        raise InputError("It is too small: take a larger one.")

    task.run("Refusing", refuse, done=answers.append)
    qtbot.waitUntil(lambda: bool(said))
    assert (said[0].text, said[0].severity) == ("It is too small: take a larger one.", "error")
    assert answers == [2]
    assert not task.is_running


def test_quitting_stops_what_is_done(task: Task, qapp: QApplication, qtbot: QtBot) -> None:
    def call(going: Going) -> None:
        while True:
            go_on(going, 0.1)
            time.sleep(0.01)

    task.run("Waiting", call, done=lambda _: None)
    qapp.aboutToQuit.emit()
    qtbot.waitUntil(lambda: not task.is_running)


def test_parts_of_the_work_add_up_to_the_whole() -> None:
    told: list[float] = []

    def going(done: float) -> bool:
        told.append(done)
        return True

    for begin, end in ((0.0, 0.4), (0.4, 1.0)):
        for done in (0.0, 0.5, 1.0):
            go_on(part(going, begin, end), done)
    assert told == pytest.approx([0, 0.2, 0.4, 0.4, 0.7, 1])


def test_a_reduced_matte_reaches_as_far_in_the_clip_s_pixels() -> None:
    drawn = np.zeros((540, 960), np.uint8)
    drawn[200:300, 400:500] = 255
    edges = Edges(grow_px=40, feather_px=0)
    (line,) = reach_of(drawn, edges, width=3840)
    assert line.min(axis=0) == pytest.approx([4 * 390, 4 * 190], abs=6)
    assert reach_of(np.zeros((540, 960), np.uint8), edges, width=3840) == []
