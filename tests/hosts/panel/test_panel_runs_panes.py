# SPDX-License-Identifier: GPL-3.0-or-later
"""The run pane and the queue pane: they show the models and change them, and keep nothing of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDoubleSpinBox, QLabel, QPushButton, QSpinBox, QToolButton, QWidget

from plugin_client.core.connection import Connection
from plugin_client.core.course import Course
from plugin_client.core.findings import Estimate
from plugin_client.core.job import Event, Job, JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.queue import Line
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.pane import RunPane
from plugin_client.panel.running.preflight import Said
from plugin_client.panel.running.queue_list import state_words
from plugin_client.panel.running.queue_pane import QueuePane
from tests.hosts.panel.paced import connected as connected
from tests.hosts.panel.paced import server as server
from tests.serving import ServerProcess, submit
from tests.serving import edit as edit

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def pane(qtbot, sample_desk: Desk) -> RunPane:
    made = RunPane(sample_desk)
    qtbot.addWidget(made)
    made.resize(360, 680)
    made.show()
    return made


def choices(desk: Desk):
    return desk.project.document.choices


def test_the_button_says_why_it_cannot(qtbot, desk: Desk):
    pane = RunPane(desk)
    qtbot.addWidget(pane)
    assert pane.why_not == "Open a clip first." == pane.reason.text() and not pane.button.isEnabled()
    qtbot.waitUntil(lambda: desk.session.state == "lost", timeout=10_000)
    assert not pane.stop_action.isEnabled()


def test_without_a_server_the_reason_is_the_sessions_own(qtbot, pane: RunPane, sample_desk: Desk):
    qtbot.waitUntil(lambda: sample_desk.session.state == "lost", timeout=10_000)
    assert pane.why_not == sample_desk.session.words


def test_choices_are_changed_by_hand_in_steps_that_are_undone(qtbot, pane: RunPane, sample_desk: Desk):
    form = _find(pane, "ChoicesForm")
    qtbot.keyClicks(form.prompt, "a fox")
    assert choices(sample_desk).prompt == "a fox" and sample_desk.project.undo_name == "Edit prompt"
    sample_desk.project.settle()
    before = choices(sample_desk).seed
    form.dice.click()
    assert choices(sample_desk).seed != before and form.seed.value() == choices(sample_desk).seed
    form.lock.click()
    assert choices(sample_desk).seed_locked
    for _ in range(3):
        sample_desk.project.undo()
    assert (choices(sample_desk).prompt, form.prompt.text(), form.seed.value()) == ("", "", before)


def _find(pane: RunPane, name: str) -> Any:
    return next(child for child in pane.findChildren(QWidget) if type(child).__name__ == name)


def test_cards_show_the_estimates_and_choose_the_preset(qtbot, pane: RunPane, sample_desk: Desk):
    cards = _find(pane, "PresetCards").cards
    assert cards["draft"].isChecked()
    pane.preflight.estimates = (
        Estimate(preset="fast", least_seconds=30, most_seconds=70, memory_bytes=2_100_000_000),
        Estimate(preset="best", problem="It needs 40 GB of memory: take a smaller model."),
    )
    pane.preflight.changed.emit()
    assert cards["fast"].cost == "30–70 s · 2.1 GB" and "40 GB" in cards["best"].toolTip()
    qtbot.mouseClick(cards["fast"], Qt.MouseButton.LeftButton)
    assert choices(sample_desk).preset == "fast" and pane.button.text() == "Run Fast"
    sample_desk.project.undo()
    assert cards["draft"].isChecked() and not cards["fast"].isChecked()


def test_advanced_settings_leave_to_the_preset_what_was_not_touched(pane: RunPane, sample_desk: Desk):
    advanced = _find(pane, "AdvancedSettings")
    rows = {advanced._form.labelForField(field).text(): field for field in _fields(advanced)}
    assert not advanced.isExpanded() and {field.text() for label, field in rows.items() if "steps" in label} == {
        "by preset"
    }
    rows["Motion steps"].setValue(40)
    rows["Grain"].setValue(0.5)
    rows["Grow"].setValue(0)
    assert dict(choices(sample_desk).settings) == {"motion_steps": 40}
    assert (dict(choices(sample_desk).finish), choices(sample_desk).grow_px) == ({"grain": 0.5}, 0)
    assert "3 changed" in advanced.text()
    rows["Motion steps"].setValue(rows["Motion steps"].minimum())
    rows["Grain"].setValue(1.0)
    assert (choices(sample_desk).settings, choices(sample_desk).finish) == ((), ())


def _fields(advanced: Any) -> list[Any]:
    return [*advanced.findChildren(QSpinBox), *advanced.findChildren(QDoubleSpinBox)]


def test_findings_have_their_click_and_notes_are_folded(qtbot, pane: RunPane, sample_desk: Desk):
    pane.preflight.said = (
        Said("warning", "There is a cut inside the range, at frame 18: edit each shot by itself.", "--frames 0-17"),
        Said("note", "The model sees it at half its size."),
    )
    pane.preflight.changed.emit()
    findings = _find(pane, "FindingsList")

    def visible(kind: type[QWidget]) -> list[str]:
        return [each.text() for each in findings.findChildren(kind) if each.isVisible() and each.text()]

    qtbot.waitUntil(lambda: any("cut inside" in text for text in visible(QLabel)))
    assert not any("half its size" in text for text in visible(QLabel)) and visible(QToolButton) == ["1 note"]
    (button,) = [each for each in findings.findChildren(QPushButton) if each.isVisible()]
    assert button.text() == "Set in and out to 0–17"
    button.click()
    frames = sample_desk.project.document.frames
    assert frames is not None and (frames.first, frames.last) == (0, 17)
    assert visible(QPushButton) == []  # done is done
    qtbot.waitUntil(lambda: visible(QToolButton) == ["1 note"])
    next(each for each in findings.findChildren(QToolButton) if each.isVisible()).click()
    qtbot.waitUntil(lambda: any("half its size" in text for text in visible(QLabel)))


def test_an_edit_that_would_be_refused_cannot_be_run(qtbot, connected: Desk, pane: RunPane):
    qtbot.waitUntil(lambda: pane.button.isEnabled(), timeout=20_000)
    pane.preflight.said = (Said("error", "The matte is empty on keyframe 3: choose another frame."),)
    pane.preflight.changed.emit()
    assert not pane.run_action.isEnabled() and "matte is empty" in pane.reason.text()


def test_the_server_checks_the_sample_by_itself(qtbot, connected: Desk, pane: RunPane):
    qtbot.waitUntil(lambda: bool(pane.preflight.estimates), timeout=60_000)
    assert {each.preset for each in pane.preflight.estimates} == {"draft", "fast", "standard", "best"}
    assert not pane.preflight.busy and pane.preflight.refused == ""


def test_the_card_shows_the_course_and_stop_at_once(qtbot, pane: RunPane, sample_desk: Desk):
    take = Take(job_id="a" * 32, name="Take 1", created="", document=sample_desk.project.document)
    assert not pane.card.isVisible()
    sample_desk.takes.add(take)
    course = sample_desk.runs.course(take.job_id)
    assert isinstance(course, Course)
    for step in range(1, 4):
        running = Event(sequence=step, state=JobState.RUNNING, stage="tune_motion", done=step, total=10)
        sample_desk.runs._happened(take.job_id, replace(running, message=f"loss 0.{step}000"))
    assert pane.card.isVisible() and pane.card.bar.value() == 300
    assert pane.card.words.text().startswith("Learning the shot's motion, 30 %")
    assert pane.card.sample.isEnabled() and pane.card.curve.isVisible() and pane.button.text() == "Queue Draft"
    pane.card.stop.click()
    assert sample_desk.takes.get(take.job_id).state is JobState.CANCELLING
    assert pane.card.words.text() == "Stopping …" and not pane.card.stop.isEnabled()


def job(name: str, state: JobState, *, position: int = 0, **more: Any) -> Job:
    return Job(job_id=name * 32, state=state, name=name, created_at=datetime.now(UTC), queue_position=position, **more)


@pytest.fixture
def queue_pane(qtbot, desk: Desk) -> QueuePane:
    made = QueuePane(desk)
    qtbot.addWidget(made)
    made.resize(300, 400)
    made.show()
    made.queue.line = Line(
        running=(job("a", JobState.RUNNING),),
        waiting=(job("b", JobState.QUEUED), job("c", JobState.QUEUED, position=1)),
        ended=(job("d", JobState.FAILED, error="It failed: use --preset draft."),),
    )
    made.queue.changed.emit()
    return made


def test_each_line_of_the_queue_says_how_it_stands(queue_pane: QueuePane):
    line = queue_pane.queue.line
    assert [state_words(each) for each in line.jobs] == [
        "running",
        "next",
        "waits behind 1",
        "failed: It failed: use the Draft preset.",
    ]


def test_what_can_be_done_follows_the_chosen_line_and_survives_news(queue_pane: QueuePane):
    can = [{"cancel"}, {"cancel", "later"}, {"cancel", "earlier"}, {"retry"}]
    for row, names in enumerate(can):
        queue_pane.list.setCurrentRow(row)
        assert {name for name, action in queue_pane.actions_by_name.items() if action.isEnabled()} == names
    queue_pane.list.setCurrentRow(2)
    moved = Line(queue_pane.queue.line.running, tuple(reversed(queue_pane.queue.line.waiting)))
    queue_pane.queue.line = moved
    queue_pane.queue.changed.emit()
    assert queue_pane.list.currentItem().text() == "c" and queue_pane.list.currentRow() == 1


def test_the_servers_queue_is_shown_moved_and_paused(qtbot, connected: Desk, server: ServerProcess, edit):
    with server.connect() as connection:
        Jobs(connection).pause_queue(True)
        ids = [_named(connection, edit, name) for name in ("one", "two", "three")]
        pane = QueuePane(connected)
        qtbot.addWidget(pane)
        pane.show()
        qtbot.waitUntil(lambda: _shown(pane) == ["one", "two", "three"], timeout=20_000)
        pane.list.setCurrentRow(2)
        pane.actions_by_name["earlier"].trigger()
        assert _shown(pane) == ["one", "three", "two"]  # at once
        qtbot.waitUntil(lambda: Jobs(connection).get(ids[2]).queue_position == 1, timeout=20_000)
        pane.list.setCurrentRow(0)
        pane.actions_by_name["cancel"].trigger()
        qtbot.waitUntil(lambda: Jobs(connection).get(ids[0]).state is JobState.CANCELLED, timeout=20_000)
        qtbot.waitUntil(lambda: pane.pause.isChecked(), timeout=20_000)
        pane.pause.click()
        qtbot.waitUntil(lambda: Jobs(connection).get(ids[1]).state is JobState.SUCCEEDED, timeout=30_000)


def _named(connection: Connection, edit: Any, name: str) -> str:
    edit.name = name
    return submit(connection, edit, "steps=1")


def _shown(pane: QueuePane) -> list[str]:
    return [pane.list.item(row).text() for row in range(pane.list.count())]
