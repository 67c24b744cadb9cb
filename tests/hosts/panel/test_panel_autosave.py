# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving by itself, and bringing back what was never saved."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from plugin_client.core import placing
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.notices import Notice
from plugin_client.panel.storing import autosave as autosave_module
from plugin_client.panel.storing.autosave import Autosave
from plugin_client.panel.storing.loading import load_project
from plugin_client.panel.storing.recovering import load_unsaved
from plugin_client.panel.storing.unsaved import UnsavedWorkspace, left_behind


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits two seconds in a test."""
    monkeypatch.setattr(autosave_module, "QUIET_MS", 20)


def prompt(desk: Desk, words: str) -> None:
    """A change to the document."""
    document = desk.project.document
    desk.project.change("Type", replace(document, choices=replace(document.choices, prompt=words)))


def test_an_unsaved_project_is_written_where_the_next_start_finds_it(sample_desk: Desk, qtbot: QtBot) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    with qtbot.waitSignal(autosave.saved):
        prompt(sample_desk, "a fox")
        assert not (sample_desk.project.workspace / "document.json").exists()
    assert sample_desk.project.dirty  # it is still never saved
    assert left_behind() == []  # and not lost while this panel holds it
    assert load_project(sample_desk.project.workspace).document == sample_desk.project.document


def test_a_saved_project_is_saved_again_after_a_change(sample_desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    folder = tmp_path / "fox.maskedit"
    with qtbot.waitSignal(autosave.saved):
        autosave.save_to(folder)
    assert sample_desk.project.folder == folder
    assert not sample_desk.project.dirty
    with qtbot.waitSignal(autosave.saved):
        prompt(sample_desk, "a red fox")
        assert sample_desk.project.dirty
    assert not sample_desk.project.dirty
    assert load_project(folder).document.choices.prompt == "a red fox"
    with qtbot.waitSignal(autosave.saved):
        sample_desk.playhead.seek(9)
    assert load_project(folder).view.frame == 9


def test_what_changes_while_it_is_written_stays_unsaved(sample_desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    with qtbot.waitSignal(autosave.saved):
        autosave.save_to(tmp_path / "fox.maskedit")
        prompt(sample_desk, "later")
    assert sample_desk.project.dirty
    qtbot.waitUntil(lambda: not sample_desk.project.dirty)
    assert load_project(tmp_path / "fox.maskedit").document.choices.prompt == "later"


def test_autosave_can_be_switched_off(sample_desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    with qtbot.waitSignal(autosave.saved):
        autosave.save_to(tmp_path / "fox.maskedit")
    sample_desk.preferences.autosave = False
    with qtbot.assertNotEmitted(autosave.saved, wait=200):
        prompt(sample_desk, "not yet")
    assert load_project(tmp_path / "fox.maskedit").document.choices.prompt == ""


def test_a_full_disk_is_said_once_and_saved_when_there_is_room(
    sample_desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    with qtbot.waitSignal(autosave.saved):
        autosave.save_to(tmp_path / "fox.maskedit")
    said: list[Notice] = []
    sample_desk.notices.said.connect(said.append)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(placing.os, "fsync", full)
        prompt(sample_desk, "one")
        qtbot.waitUntil(lambda: len(said) == 1)
        prompt(sample_desk, "two")
        qtbot.wait(300)  # several more attempts
    assert len(said) == 1
    assert "disk is full" in said[0].text
    assert sample_desk.project.dirty
    with qtbot.waitSignal(autosave.saved):
        pass
    assert load_project(tmp_path / "fox.maskedit").document.choices.prompt == "two"


def test_a_save_that_fails_can_be_tried_again(
    sample_desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    (tmp_path / "in the way").write_text("a file, no folder")
    folder = tmp_path / "in the way" / "fox.maskedit"
    with qtbot.waitSignal(sample_desk.notices.said) as waited:
        autosave.save_to(folder)
    (notice,) = waited.args
    assert notice.severity == "error"
    assert notice.text.startswith("Not saved:")
    assert sample_desk.project.folder is None
    (tmp_path / "in the way").unlink()
    with qtbot.waitSignal(autosave.saved):
        notice.do()
    assert sample_desk.project.folder == folder


_CRASH = """
import os, sys
from pathlib import Path
from plugin_client.panel.storing.unsaved import UnsavedWorkspace
workspace = UnsavedWorkspace()
Path(workspace.name, "document.json").write_bytes(Path(sys.argv[1]).read_bytes())
print(workspace.name, flush=True)
os._exit(9)
"""


def test_what_a_crashed_panel_left_behind_is_found_and_goes_on(sample_desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    autosave = Autosave(sample_desk, sample_desk.project)
    with qtbot.waitSignal(autosave.saved):
        prompt(sample_desk, "a fox")
    document = sample_desk.project.workspace / "document.json"
    crashed = subprocess.run([sys.executable, "-c", _CRASH, str(document)], capture_output=True, text=True, check=False)
    assert crashed.returncode == 9, crashed.stderr
    folder = Path(crashed.stdout.strip())
    assert left_behind() == [folder]
    opened = load_unsaved(folder)
    assert opened.folder is None and not opened.saved
    assert opened.document.choices.prompt == "a fox"
    assert left_behind() == []  # it is held again
    assert opened.scratch is not None
    opened.scratch.cleanup()
    assert not folder.exists()


def test_an_untouched_workspace_leaves_nothing_behind(panel_data: Path) -> None:
    workspace = UnsavedWorkspace()
    workspace.release()
    assert left_behind() == []
    assert not Path(workspace.name).exists()
