# SPDX-License-Identifier: GPL-3.0-or-later
"""The File menu: what is asked, how often, and what follows from the answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from maskedit.demo import SOURCE
from plugin_client.core.job import JobState
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.notices import Notice
from plugin_client.panel.model.takes import Take
from plugin_client.panel.shell.projects import Projects
from plugin_client.panel.storing.autosave import Autosave
from plugin_client.panel.storing.loading import load_project
from plugin_client.panel.storing.unsaved import left_behind

Button = QMessageBox.StandardButton


class Answers:
    """What the user would click, in the order of the questions; counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.button = Button.Cancel
        self.path = ""
        monkeypatch.setattr(QMessageBox, "question", self._question)
        for name in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, name, lambda *given: (self.path, ""))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: self.path)

    def _question(self, parent: QWidget, title: str, text: str, *rest: object) -> QMessageBox.StandardButton:
        self.asked.append(text)
        return self.button


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


@pytest.fixture
def projects(desk: Desk, answers: Answers) -> Iterator[Projects]:
    """Over a plain widget, in place of the window."""
    window = QWidget()
    yield Projects(desk, Autosave(desk, window), window)
    window.deleteLater()


@pytest.fixture
def said(desk: Desk) -> list[Notice]:
    notices: list[Notice] = []
    desk.notices.said.connect(notices.append)
    return notices


@pytest.fixture
def opened(desk: Desk, qtbot: QtBot) -> Callable[[Callable[[], None]], None]:
    """Does something and waits until a project lies on the desk."""

    def wait(do: Callable[[], None]) -> None:
        with qtbot.waitSignal(desk.project.opened):
            do()

    return wait


def change(desk: Desk) -> None:
    document = desk.project.document
    words = f"{document.choices.prompt}x"
    desk.project.change("Type", replace(document, choices=replace(document.choices, prompt=words)))


def test_a_clip_opens_as_a_new_project_and_is_remembered(
    projects: Projects, desk: Desk, opened: Callable, small_clip: Path, answers: Answers
) -> None:
    opened(lambda: projects.open(small_clip))
    assert desk.project.document.clip == str(small_clip)
    assert (desk.playhead.last, desk.axis.count) == (11, 12)
    assert desk.preferences.recent == (str(small_clip),)
    assert desk.preferences.last_folder == str(small_clip.parent)
    assert projects.name == "small.mp4"
    assert not projects.unsaved and answers.asked == []


def test_the_untouched_sample_is_left_without_a_question(
    projects: Projects, desk: Desk, opened: Callable, small_clip: Path, answers: Answers
) -> None:
    opened(projects.open_sample)
    assert projects.name == "Sample"
    workspace = desk.project.workspace
    opened(lambda: projects.open(small_clip))
    assert answers.asked == []
    assert not workspace.exists()


def test_unsaved_changes_are_asked_about_once(
    projects: Projects, desk: Desk, opened: Callable, small_clip: Path, answers: Answers
) -> None:
    opened(projects.open_sample)
    change(desk)
    projects.open(small_clip)  # answered with Cancel
    assert len(answers.asked) == 1
    assert desk.project.document.clip == str(SOURCE)
    answers.button = Button.Discard
    opened(lambda: projects.open(small_clip))
    assert len(answers.asked) == 2
    assert desk.project.document.clip == str(small_clip)
    assert left_behind() == []


def test_a_take_of_a_project_that_was_never_saved_is_worth_a_question(
    projects: Projects, desk: Desk, opened: Callable, answers: Answers
) -> None:
    opened(projects.open_sample)
    running = Take(job_id="j", name="Take 1", created="2026-01-01T00:00:00+00:00", document=desk.project.document)
    desk.takes.add(running)
    projects.leave(lambda: pytest.fail("it was cancelled"))
    assert "A run is under way" in answers.asked[0]
    desk.takes.update("j", state=JobState.SUCCEEDED)
    projects.leave(lambda: pytest.fail("it was cancelled"))
    assert "A run is under way" not in answers.asked[1]


def test_saving_on_the_way_out_goes_on_when_it_is_done(
    projects: Projects, desk: Desk, opened: Callable, small_clip: Path, tmp_path: Path, answers: Answers
) -> None:
    opened(projects.open_sample)
    change(desk)
    answers.button, answers.path = Button.Save, str(tmp_path / "fox")
    opened(lambda: projects.open(small_clip))
    assert desk.project.document.clip == str(small_clip)
    assert load_project(tmp_path / "fox.maskedit").document.choices.prompt == "x"


def test_a_saved_project_is_left_without_a_question(
    projects: Projects, desk: Desk, opened: Callable, small_clip: Path, tmp_path: Path, qtbot: QtBot, answers: Answers
) -> None:
    opened(projects.open_sample)
    with qtbot.waitSignal(desk.project.folder_changed):
        projects.save_to(tmp_path / "fox.maskedit")
    change(desk)
    opened(lambda: projects.open(small_clip))
    assert answers.asked == []
    assert load_project(tmp_path / "fox.maskedit").document.choices.prompt == "x"


def test_once_saved_there_is_nothing_to_bring_back_after_a_crash(
    projects: Projects, desk: Desk, opened: Callable, tmp_path: Path, qtbot: QtBot
) -> None:
    opened(projects.open_sample)
    scratch = desk.project.workspace
    change(desk)
    qtbot.waitUntil((scratch / "document.json").exists, timeout=4000)
    with qtbot.waitSignal(desk.project.folder_changed):
        projects.save_to(tmp_path / "fox.maskedit")
    qtbot.waitUntil(lambda: not (scratch / "document.json").exists())
    assert desk.preferences.recent == (str(tmp_path / "fox.maskedit"),)


def test_a_folder_that_is_no_project_is_not_replaced(
    projects: Projects, desk: Desk, opened: Callable, tmp_path: Path, said: list[Notice]
) -> None:
    opened(projects.open_sample)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.txt").write_text("mine")
    projects.save_to(tmp_path / "holiday")
    assert "choose another name" in said[0].text
    assert (tmp_path / "holiday" / "beach.txt").exists()


def test_what_cannot_be_opened_is_one_sentence_and_leaves_the_desk_alone(
    projects: Projects, desk: Desk, opened: Callable, tmp_path: Path, said: list[Notice], qtbot: QtBot
) -> None:
    opened(projects.open_sample)
    broken = tmp_path / "broken.mov"
    broken.write_bytes(b"no video at all")
    with qtbot.waitSignal(desk.notices.said):
        projects.open(broken)
    assert said[0].severity == "error"
    assert "broken.mov" in said[0].text and "Traceback" not in said[0].text
    assert projects.name == "Sample"
    assert desk.preferences.recent == ()


def test_a_clip_that_moved_is_found_again_through_the_notice(
    projects: Projects,
    desk: Desk,
    opened: Callable,
    small_clip: Path,
    tmp_path: Path,
    said: list[Notice],
    qtbot: QtBot,
    answers: Answers,
) -> None:
    opened(lambda: projects.open(small_clip))
    folder = tmp_path / "small.maskedit"
    with qtbot.waitSignal(desk.project.folder_changed):
        projects.save_to(folder)
    (tmp_path / "archive").mkdir()
    moved = tmp_path / "archive" / "renamed.mp4"
    shutil.move(small_clip, moved)
    opened(lambda: projects.open(folder))
    assert desk.project.facts is None
    notice = said[-1]
    assert notice.action == "Find clip …" and notice.do is not None
    answers.path = str(moved)
    with qtbot.waitSignal(desk.project.facts_changed):
        notice.do()
    assert desk.project.document.clip == str(moved)
    assert desk.project.facts is not None and desk.project.facts.frame_count == 12
    assert said[-1] is notice  # it is the same clip: nothing more to say


def test_another_clip_in_its_place_is_warned_about(
    projects: Projects,
    desk: Desk,
    opened: Callable,
    small_clip: Path,
    tmp_path: Path,
    said: list[Notice],
    qtbot: QtBot,
    answers: Answers,
) -> None:
    opened(lambda: projects.open(small_clip))
    with qtbot.waitSignal(desk.project.folder_changed):
        projects.save_to(tmp_path / "small.maskedit")
    change(desk)
    answers.path = str(SOURCE)
    with qtbot.waitSignal(desk.notices.said):
        projects.find_clip()
    assert "another size or number of frames" in said[-1].text
    desk.project.undo()  # the clip and its facts always belong together
    assert desk.project.document.clip == str(SOURCE)
    assert desk.project.facts is not None and desk.project.facts.frame_count == 25


def test_losses_of_a_damaged_project_are_said(
    projects: Projects, desk: Desk, opened: Callable, tmp_path: Path, said: list[Notice], qtbot: QtBot
) -> None:
    opened(projects.open_sample)
    folder = tmp_path / "fox.maskedit"
    with qtbot.waitSignal(desk.project.folder_changed):
        projects.save_to(folder)
    shutil.rmtree(folder / "keyframes")
    opened(lambda: projects.open(folder))
    assert said[-1].text == "The picture of the keyframe on frame 0 is missing: paint it again."
    assert desk.project.document.shapes


def test_only_clips_and_projects_may_be_dropped(projects: Projects, tmp_path: Path, small_clip: Path) -> None:
    (tmp_path / "p.maskedit").mkdir()
    (tmp_path / "picture.png").touch()
    assert projects.accepts(small_clip) and projects.accepts(tmp_path / "p.maskedit")
    assert not projects.accepts(tmp_path / "picture.png") and not projects.accepts(tmp_path / "gone.txt")
