# SPDX-License-Identifier: GPL-3.0-or-later
"""The observable objects: what they tell and when."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QObject, QSettings, QThread, QThreadPool

from plugin_client.core.job import JobState
from plugin_client.panel.model.axis import TimeAxis
from plugin_client.panel.model.document import Choices, Document
from plugin_client.panel.model.playhead import Playhead
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.takes import Take, Takes
from plugin_client.panel.model.working import in_background


def test_a_project_tells_old_and_new_and_what_can_be_undone(qtbot) -> None:
    project = Project()
    told: list[tuple[str, str]] = []
    project.changed.connect(lambda old, new: told.append((old.choices.prompt, new.choices.prompt)))
    project.change("Set prompt", Document(choices=Choices(prompt="fox")))
    assert project.undo_name == "Set prompt"
    assert project.dirty
    project.undo()
    assert project.redo_name == "Set prompt"
    assert not project.dirty
    project.redo()
    assert told == [("", "fox"), ("fox", ""), ("", "fox")]


def test_a_project_has_a_workspace_of_its_own_until_it_is_saved(qtbot, tmp_path: Path) -> None:
    project = Project()
    first = project.workspace
    assert first.is_dir()
    assert project.path_of("keyframes/a.png") == first / "keyframes/a.png"
    with qtbot.waitSignal(project.folder_changed):
        project.saved(tmp_path, project.document)
    assert project.workspace == tmp_path
    assert project.path_of("/elsewhere/b.png") == Path("/elsewhere/b.png")


def test_another_project_starts_a_new_history(qtbot) -> None:
    project = Project()
    project.change("Set prompt", Document(choices=Choices(prompt="fox")))
    with qtbot.waitSignals([project.opened, project.facts_changed, project.changed]):
        project.replace(Document(clip="/a.mov"), None)
    assert not project.undo_name
    assert not project.dirty


@given(st.integers(1, 5000), st.integers(300, 3000), st.data())
def test_every_frame_is_found_again_under_its_own_x(count: int, width: int, data: st.DataObject) -> None:
    axis = TimeAxis()
    axis.fit(count)
    for _ in range(data.draw(st.integers(0, 4))):
        if data.draw(st.booleans()):
            axis.zoom(data.draw(st.floats(0.1, 10)), data.draw(st.integers(0, count - 1)))
        else:
            axis.pan(data.draw(st.floats(-100, 100)))
    frame = data.draw(st.integers(0, count - 1))
    assert axis.frame_at(axis.x_of(frame, width), width) == frame
    assert axis.first >= -0.5 - 1e-6
    axis.reveal(frame)
    assert axis.left - 1 <= axis.x_of(frame, width) <= width - axis.right + 1 or axis.last - axis.first < 1


@given(st.integers(20, 500), st.floats(1.1, 5))
def test_zooming_keeps_the_frame_under_the_pointer(count: int, factor: float) -> None:
    axis = TimeAxis()
    axis.fit(count)
    before = axis.x_of(count // 2, 1000)
    axis.zoom(min(factor, count / 5), count // 2)
    assert axis.x_of(count // 2, 1000) == pytest.approx(before, abs=1e-6)


def test_playing_again_in_a_direction_is_faster_and_the_other_way_starts_anew(qtbot) -> None:
    playhead = Playhead()
    speeds: list[int] = []
    playhead.speed_changed.connect(speeds.append)
    for direction in (1, 1, 1, 1, 1, -1, -1):
        playhead.play(direction)
    playhead.stop()
    assert speeds == [1, 2, 4, 8, -1, -2, 0]


def test_the_playhead_stays_in_the_clip(qtbot) -> None:
    playhead = Playhead()
    playhead.set_last(10)
    playhead.seek(99)
    assert playhead.frame == 10
    playhead.step(-99)
    assert playhead.frame == 0
    playhead.seek(8)
    with qtbot.waitSignal(playhead.moved):
        playhead.set_last(4)
    assert playhead.frame == 4


def test_takes_are_newest_first_and_told_of(qtbot) -> None:
    takes = Takes()
    for job_id in ("a", "b"):
        takes.add(Take(job_id=job_id, name="Shot", created="2026-01-01T00:00:00+00:00", document=Document()))
    assert [take.job_id for take in takes.takes] == ["b", "a"]
    with qtbot.waitSignal(takes.updated) as told:
        takes.update("a", state=JobState.RUNNING)
    assert told.args == ["a"]
    with qtbot.assertNotEmitted(takes.updated):
        takes.update("a", state=JobState.RUNNING)
        takes.update("nobody", star=True)
    takes.choose("a")
    with qtbot.waitSignal(takes.chosen) as chosen:
        takes.remove("a")
    assert chosen.args == [""]


def test_a_take_that_is_not_there_cannot_be_chosen(qtbot) -> None:
    takes = Takes()
    takes.choose("nobody")
    assert takes.current == ""


def test_work_is_done_elsewhere_and_answered_here(qtbot) -> None:
    owner, threads = QObject(), []
    here = QThread.currentThread()
    with qtbot.waitCallback() as answered:
        in_background(
            lambda: threads.append(threading.get_ident()) or 42,
            owner=owner,
            done=lambda answer: answered(answer, QThread.currentThread() is here),
        )
    answered.assert_called_with(42, True)
    assert threads != [threading.get_ident()]


def test_what_goes_wrong_elsewhere_is_told_here(qtbot) -> None:
    owner = QObject()
    with qtbot.waitCallback() as told:
        in_background(lambda: 1 // 0, owner=owner, failed=lambda error: told(type(error)))
    told.assert_called_with(ZeroDivisionError)


def test_nobody_is_told_once_the_owner_is_gone(qtbot) -> None:
    owner, told, go_on = QObject(), [], threading.Event()
    in_background(lambda: go_on.wait(10), owner=owner, done=told.append)
    owner.deleteLater()
    del owner
    qtbot.wait(20)
    go_on.set()
    assert QThreadPool.globalInstance().waitForDone(10_000)
    qtbot.wait(20)
    assert told == []


def test_preferences_are_kept_with_their_types(tmp_path: Path) -> None:
    file = str(tmp_path / "settings.ini")
    kept = Preferences(QSettings(file, QSettings.Format.IniFormat))
    assert kept.cache_bytes == 1 << 30
    assert kept.recent == ()
    kept.cache_bytes, kept.autosave, kept.server = 256 << 20, False, "localhost:1"
    for path in ("/a", "/b", "/a"):
        kept.opened(path)
    kept._settings.sync()
    again = Preferences(QSettings(file, QSettings.Format.IniFormat))
    assert (again.cache_bytes, again.autosave, again.server) == (256 << 20, False, "localhost:1")
    assert again.recent == ("/a", "/b")
