# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of takes and what can be done with them, on a desk without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QMessageBox

from maskedit.media import ClipReader
from maskedit.request import DeliverableFormat
from plugin_client.core.job import JobState
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Choices, Document
from plugin_client.panel.model.takes import Take
from plugin_client.panel.takes.export_dialog import ExportDialog
from plugin_client.panel.takes.pane import TakesPane
from plugin_client.panel.takes.take_list import star_place

RECORD = {
    "format": "maskedit-take",
    "scorecard": {"scores": {"samples_changed_outside": 0, "drift": 30.0}, "equal": {"size": True}},
    "stage_seconds": {"render": 12.0},
    "deliverables": [{"name": "result.mkv", "kind": "full"}],
}


def take(name: str, *, prompt: str = "", **fields: object) -> Take:
    document = Document(clip="a.mov", choices=Choices(preset="best", prompt=prompt, seed=7))
    return Take(job_id=name.replace(" ", "") * 4, name=name, created="2026-01-01", document=document, **fields)


@pytest.fixture
def finished(desk: Desk, write_clip: Callable[..., Path]) -> Take:
    """A take with a real result in the workspace."""
    made = take("Take 1", state=JobState.SUCCEEDED, record=RECORD, prompt="a red fox")
    folder = desk.project.workspace / made.folder
    folder.mkdir(parents=True)
    clip = write_clip("made.mkv", np.full((3, 32, 48, 3), 90, np.uint8))
    clip.rename(folder / "result.mkv")
    (folder / "result.maskedit.json").write_text(json.dumps(RECORD))
    return replace(made, result=f"{made.folder}/result.mkv")


@pytest.fixture
def pane(qtbot, desk: Desk, finished: Take) -> TakesPane:
    """The pane with the finished take and two others."""
    desk.takes.replace([finished, take("Take 2", state=JobState.FAILED, error="It failed: try again."), take("Take 3")])
    made = TakesPane(desk)
    qtbot.addWidget(made)
    made.resize(320, 700)
    made.show()
    return made


def names(pane: TakesPane) -> list[str]:
    return [pane.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(pane.list.count())]


def enabled(pane: TakesPane) -> set[str]:
    return {name for name, action in pane.verbs.items() if action.isEnabled()}


def test_the_plate_comes_first_then_takes_newest_first_and_choosing_shows_one(pane: TakesPane, desk: Desk):
    assert names(pane) == ["Plate", "Take 3", "Take 2", "Take 1"]
    pane.list.setCurrentRow(3)
    assert desk.takes.current == "Take1" * 4
    assert "drifts" in pane.details.card.text() and "a red fox" in pane.details.card.text()
    desk.takes.choose("")
    assert pane.list.currentRow() == 0 and not pane.details.isVisible()


def test_every_verb_knows_when_it_can(pane: TakesPane, desk: Desk):
    assert enabled(pane) == set()
    for job, can in {
        "Take1": {"star", "export", "copy", "again", "reveal", "delete"},
        "Take2": {"star", "copy", "retry", "delete"},
        "Take3": {"star", "copy", "stop", "delete"},
    }.items():
        desk.takes.choose(job * 4)
        assert enabled(pane) == can
    desk.takes.update("Take1" * 4, result="", error="It cannot be written: make room.")
    desk.takes.choose("Take1" * 4)
    assert "fetch" in enabled(pane) and "export" not in enabled(pane)


def test_search_finds_names_prompts_notes_and_states(pane: TakesPane, desk: Desk):
    desk.takes.update("Take3" * 4, notes="Client likes the tail")
    for words, found in {"fox": ["Take 1"], "tail LIKES": ["Take 3"], "failed": ["Take 2"], "nothing": []}.items():
        pane.search.setText(words)
        assert names(pane) == ["Plate", *found]
    pane.search.clear()
    desk.takes.update("Take2" * 4, star=True)
    pane.only_starred.setChecked(True)
    assert names(pane) == ["Plate", "Take 2"]


def test_a_click_on_the_star_stars_and_notes_are_kept(qtbot, pane: TakesPane, desk: Desk):
    item = pane.list.item(1)
    place = star_place(pane.list.visualItemRect(item)).center()
    qtbot.mouseClick(pane.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert desk.takes.get("Take3" * 4).star
    pane.details.notes.setPlainText("softer edge")
    assert desk.takes.get("Take3" * 4).notes == "softer edge"
    desk.takes.choose("Take2" * 4)
    assert pane.details.notes.toPlainText() == ""


def test_settings_are_copied_in_one_undo_step(pane: TakesPane, desk: Desk):
    before = desk.project.document
    desk.takes.choose("Take1" * 4)
    pane.verbs["copy"].trigger()
    assert desk.project.document.choices == desk.takes.get("Take1" * 4).document.choices
    assert desk.project.undo_name == "Copy settings of Take 1"
    desk.project.undo()
    assert desk.project.document == before


def test_a_take_is_dragged_out_as_its_file(pane: TakesPane, desk: Desk):
    (url,) = pane.list.mimeData([pane.list.item(3)]).urls()
    assert Path(url.toLocalFile()) == desk.project.path_of(desk.takes.get("Take1" * 4).result)
    assert pane.list.mimeData([pane.list.item(1)]).urls() == []
    drags = [bool(pane.list.item(row).flags() & Qt.ItemFlag.ItemIsDragEnabled) for row in range(4)]
    assert drags == [False, False, False, True]


def test_deleting_asks_first(pane: TakesPane, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.takes.choose("Take1" * 4)
    folder = desk.project.workspace / desk.takes.get("Take1" * 4).folder
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    pane.verbs["delete"].trigger()
    assert folder.exists() and len(desk.takes.takes) == 3
    pane.verbs["delete"].trigger()
    assert not folder.exists() and desk.takes.get("Take1" * 4) is None and desk.takes.current == ""


@pytest.fixture
def dialog(qtbot, desk: Desk, finished: Take, tmp_path: Path) -> ExportDialog:
    desk.preferences.last_folder = str(tmp_path)
    made = ExportDialog(desk, finished)
    qtbot.addWidget(made)
    qtbot.waitUntil(made.go.isEnabled, timeout=10_000)
    return made


def test_the_dialog_writes_what_was_chosen(qtbot, dialog: ExportDialog, tmp_path: Path):
    assert Path(dialog.out.text()) == tmp_path / "a_Take_1.mov"
    dialog.format.setCurrentIndex(dialog.format.findData(DeliverableFormat.MKV))
    assert Path(dialog.out.text()) == tmp_path / "a_Take_1.mkv"
    with qtbot.waitSignal(dialog.exported, timeout=20_000):
        dialog.go.click()
    with ClipReader(tmp_path / "a_Take_1.mkv") as clip:
        assert clip.facts.frame_count == 3


def test_the_dialog_says_what_stands_in_the_way(qtbot, dialog: ExportDialog, tmp_path: Path):
    dialog.format.setCurrentIndex(dialog.format.findData(DeliverableFormat.MP4))
    dialog.content.setCurrentIndex(1)
    assert "alpha" in dialog.words.text() and not dialog.go.isEnabled()
    dialog.content.setCurrentIndex(0)
    assert dialog.go.isEnabled() and dialog.words.text() == ""
    dialog.out.setText(str(tmp_path / "nowhere" / "out.mp4"))
    assert "There is no folder" in dialog.words.text() and not dialog.go.isEnabled()
    (tmp_path / "there.mp4").touch()
    dialog.out.setText(str(tmp_path / "there.mp4"))
    assert "replaced" in dialog.words.text() and dialog.go.isEnabled()


def test_a_failed_export_is_said_in_the_dialog_which_stays(qtbot, dialog: ExportDialog, tmp_path: Path):
    dialog.format.setCurrentIndex(dialog.format.findData(DeliverableFormat.MKV))
    dialog.content.setCurrentIndex(1)
    qtbot.waitUntil(dialog.go.isEnabled, timeout=5_000)
    dialog.go.click()
    qtbot.waitUntil(lambda: "no matte" in dialog.words.text(), timeout=10_000)
    assert dialog.go.isEnabled() and not dialog.bar.isVisible() and not list(tmp_path.glob("*Take*"))
