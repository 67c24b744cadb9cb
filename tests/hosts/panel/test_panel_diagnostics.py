# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody expected ends in the log and in one sentence, and what is collected about it holds no secrets."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from PyQt6.QtCore import QTimer, qWarning
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from maskedit.errors import OutputError
from plugin_client.core.system import Device, System
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.shell import diagnostics
from plugin_client.panel.shell.defects import Defects, log_file

SYSTEM = System(
    address="127.0.0.1:5000",
    version="0.1.0",
    is_newer=False,
    features=frozenset({"by_reference"}),
    devices=(Device(name="cpu", memory_bytes=8, free_memory_bytes=4),),
    models=(),
    queue_paused=False,
    queued_jobs=0,
    running_jobs=0,
    free_disk_bytes=1,
    same_machine=True,
)


@pytest.fixture
def defects(qapp: QApplication, panel_data: Path) -> Iterator[Defects]:
    before = logging.getLogger().level
    made = Defects()
    yield made
    made.release()
    logging.getLogger().setLevel(before)


@pytest.mark.qt_no_exception_capture
def test_an_exception_in_a_slot_is_logged_and_told_once(defects: Defects, qtbot: QtBot) -> None:
    def fail() -> None:
        raise RuntimeError("the answer was 42")

    with qtbot.waitSignal(defects.found):
        QTimer.singleShot(0, fail)
    assert "the answer was 42" in log_file().read_text()


@pytest.mark.qt_no_exception_capture
def test_an_exception_of_another_thread_arrives_too(defects: Defects, qtbot: QtBot) -> None:
    with qtbot.waitSignal(defects.found):
        thread = threading.Thread(target=lambda: 1 / 0, name="decoder")
        thread.start()
        thread.join()
    said = log_file().read_text()
    assert "ZeroDivisionError" in said and "decoder" in said


def test_what_qt_says_is_logged(defects: Defects) -> None:
    qWarning("a strange pixel")
    assert "WARNING MainThread qt: a strange pixel" in log_file().read_text()


def test_the_hooks_are_given_back(qapp: QApplication, panel_data: Path) -> None:
    before = sys.excepthook, threading.excepthook, len(logging.getLogger().handlers)
    Defects().release()
    assert (sys.excepthook, threading.excepthook, len(logging.getLogger().handlers)) == before


def test_without_a_place_for_a_log_the_panel_still_starts(qapp: QApplication, panel_data: Path) -> None:
    panel_data.write_text("a file where the data folder should be")
    Defects().release()


def test_the_zip_holds_versions_server_settings_and_the_ends_of_logs(
    preferences: Preferences, panel_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preferences.token = "very-secret"
    (panel_data / "logs").mkdir(parents=True)
    (panel_data / "logs" / "server.log").write_text("x" * 500 + "the end")
    (panel_data / "server.json").write_text('{"token": "very-secret"}')
    monkeypatch.setattr(diagnostics, "TAIL_BYTES", 100)
    path = diagnostics.collect(
        preferences=diagnostics.harmless_settings(preferences),
        session="Connected.",
        system=SYSTEM,
        project={"shapes": 3},
    )
    assert path.is_relative_to(panel_data / "diagnostics")
    with ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert set(held) == {"versions.json", "settings.json", "server.json", "project.json", "logs/server.log"}
    assert not any(b"very-secret" in content for content in held.values())
    assert json.loads(held["settings.json"])["token"] == "set"
    assert held["logs/server.log"] == b"x" * 93 + b"the end"
    assert json.loads(held["server.json"])["system"]["version"] == "0.1.0"
    assert json.loads(held["versions.json"])["Qt"].startswith("6.")


def test_a_data_folder_that_cannot_be_written_is_a_sentence(preferences: Preferences, panel_data: Path) -> None:
    panel_data.write_text("a file where the data folder should be")
    with pytest.raises(OutputError, match="cannot be written"):
        diagnostics.collect(preferences={}, session="", system=None, project={})
