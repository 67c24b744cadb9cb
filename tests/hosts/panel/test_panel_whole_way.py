# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way by mouse and key, in the real window with a server that it starts itself: from a clip to a reopened
project with its take."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QMimeData, QObject, QPointF, Qt, QTimer, QUrl
from PyQt6.QtGui import QAction, QDropEvent
from pytestqt.qtbot import QtBot

from maskedit.media import ClipReader, write_picture
from maskedit.request import DeliverableFormat
from plugin_client.core.job import JobState
from plugin_client.panel.composing import build_desk
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.working import end_work
from plugin_client.panel.running.session import ServerState
from plugin_client.panel.shell.window import MainWindow
from plugin_client.panel.takes.exporting import export, export_of
from plugin_client.panel.viewer.look import Compare

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]
CORNERS = ((10, 20), (56, 20), (56, 52), (10, 52))


@pytest.fixture
def preferences(preferences: Preferences, panel_data: Path) -> Iterator[Preferences]:
    """Those of somebody who has never touched the settings: the panel finds or starts this machine's server."""
    preferences.server = ""
    yield preferences
    for runtime in panel_data.glob("server.json"):
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


def trigger(window: MainWindow, text: str) -> None:
    next(action for action in window.findChildren(QAction) if action.text() == text).trigger()


def choose_draft(desk: Desk) -> None:
    document = desk.project.document
    desk.project.change("Choose preset", replace(document, choices=replace(document.choices, preset="draft")))


def draw_by_mouse(window: MainWindow, qtbot: QtBot) -> None:
    canvas = window.rooms.viewer.canvas
    trigger(window, "Draw shape")
    for corner in (*CORNERS, CORNERS[0]):
        at = canvas.view.to_widget(QPointF(*corner)).toPoint()
        qtbot.mouseMove(canvas, at)
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)


def drop_keyframe(window: MainWindow, picture: Path) -> None:
    strip = window.rooms.keyframe_strip
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(picture))])
    where = QPointF(window.desk.axis.x_of(0, strip.width()), strip.height() / 2)
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    strip.dropEvent(QDropEvent(where, Qt.DropAction.CopyAction, data, buttons, keys))


def painted(clip: Path, path: Path) -> Path:
    """Frame 0 with its square in another colour."""
    with ClipReader(clip) as reader:
        rgb = next(iter(reader.frames(0, 0))).rgb().copy()
    rgb[24:48, 0:24] = (0.2, 0.4, 0.9)
    write_picture(str(path), rgb)
    return path


class Heartbeat(QObject):
    """Ticks on the UI thread. `work`: the longest that the thread computed between two ticks, `pauses`: all between
    them, in seconds. What other processes take of a busy machine is in the second alone."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.work, self.pauses = 0.0, list[float]()
        self._wall, self._worked = time.monotonic(), time.thread_time()
        timer = QTimer(self)
        timer.timeout.connect(self._tick)
        timer.start(5)

    def _tick(self) -> None:
        wall, worked = time.monotonic(), time.thread_time()
        self.pauses.append(wall - self._wall)
        self.work = max(self.work, worked - self._worked)
        self._wall, self._worked = wall, worked


def test_from_a_clip_to_a_reopened_project(
    window: MainWindow, desk: Desk, small_clip: Path, tmp_path: Path, qtbot: QtBot, preferences: Preferences
) -> None:
    window.resize(1280, 720)
    with qtbot.waitSignal(desk.project.opened):
        window.projects.open(small_clip)
    draw_by_mouse(window, qtbot)
    (shape,) = desk.project.document.shapes
    drawn = [point.co for key in shape.keys for point in key.points]
    assert drawn == [pytest.approx(corner, abs=1) for corner in CORNERS]

    drop_keyframe(window, painted(small_clip, tmp_path / "blue.png"))
    qtbot.waitUntil(lambda: len(desk.project.document.keyframes) == 1, timeout=20_000)
    qtbot.waitUntil(lambda: desk.draft.picture(6) is not None, timeout=30_000)

    qtbot.waitUntil(lambda: desk.session.state is ServerState.CONNECTED, timeout=40_000)
    window.tabs.setCurrentWidget(window.rooms.run)
    choose_draft(desk)
    qtbot.waitUntil(window.rooms.run.button.isEnabled, timeout=30_000)
    said: set[str] = set()
    heartbeat = Heartbeat(window)
    desk.runs.progressed.connect(lambda _: said.add(window.status.run_words.text()))
    qtbot.mouseClick(window.rooms.run.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(take.result for take in desk.takes.takes), timeout=90_000)
    assert heartbeat.work < 0.05
    assert sorted(heartbeat.pauses)[len(heartbeat.pauses) * 95 // 100] < 0.25
    take = desk.takes.takes[0]
    assert take.state is JobState.SUCCEEDED and desk.takes.current == take.job_id
    assert any(words.startswith("Take 1: ") for words in said)
    assert window.status.stop.isHidden()

    window.rooms.viewer.canvas.looks.change(compare=Compare.WIPE)
    desk.playhead.seek(6)
    assert window.isWindowModified()
    folder = tmp_path / "blue.maskedit"
    with qtbot.waitSignal(desk.project.folder_changed):
        window.projects.save_to(folder)
    document, take = desk.project.document, desk.takes.takes[0]
    movie = tmp_path / "blue.mov"
    assert export(export_of(take, desk.project, format=DeliverableFormat.MOV, alpha=True, out=movie)) == movie
    with ClipReader(movie) as exported:
        assert exported.facts.frame_count == 12
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())

    parent = QObject()
    reopened = build_desk(preferences, parent=parent)
    again = MainWindow(reopened)
    again.show()
    with qtbot.waitSignal(reopened.project.opened):
        again.projects.open(folder)
    assert reopened.project.document == document
    assert reopened.takes.takes == (take,)
    assert (reopened.takes.current, reopened.playhead.frame) == (take.job_id, 6)
    assert (folder / take.result).is_file() and (folder / document.keyframes[0].path).is_file()
    assert again.rooms.viewer.canvas.looks.look.compare is Compare.WIPE
    assert again.windowTitle() == "blue[*] – MaskEdit" and again.notices.shown is None
    reopened.session.close()
    assert end_work(again) and end_work(parent)
    sip.delete(again)
    sip.delete(parent)


def test_a_project_saved_elsewhere_while_it_runs_gets_its_take(
    window: MainWindow, desk: Desk, small_clip: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """Sent from the private folder, saved before the answer, fetched into the folder that the project has by then."""
    with qtbot.waitSignal(desk.project.opened):
        window.projects.open(small_clip)
    draw_by_mouse(window, qtbot)
    drop_keyframe(window, painted(small_clip, tmp_path / "blue.png"))
    qtbot.waitUntil(lambda: len(desk.project.document.keyframes) == 1, timeout=20_000)
    choose_draft(desk)
    qtbot.waitUntil(lambda: desk.session.connected, timeout=40_000)
    desk.runs.run()
    folder = tmp_path / "blue.maskedit"
    with qtbot.waitSignal(desk.project.folder_changed):
        window.projects.save_to(folder)
    qtbot.waitUntil(lambda: any(take.result for take in desk.takes.takes), timeout=90_000)
    assert (folder / desk.takes.takes[0].result).is_file()
