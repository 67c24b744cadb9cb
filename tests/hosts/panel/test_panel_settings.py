# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings, models and the status line say what is true and keep what is entered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from maskedit.model_fetch import KNOWN
from plugin_client.core.job import JobState
from plugin_client.core.system import Model, System
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.session import ServerState, _Seen
from plugin_client.panel.shell.models_page import PUBLISHED, ModelsPage
from plugin_client.panel.shell.settings_dialog import SettingsDialog
from plugin_client.panel.shell.status_line import StatusLine
from plugin_client.panel.shell.welcome import SampleCard, StartPage

READY = Model(name="bundled", family="wan-i2v", licence="GPL-3.0-or-later", commercial="Yes.", size_bytes=30_000_000)
BROKEN = replace(READY, name="Wan2.2-TI2V-5B", size_bytes=34 * 10**9, problems=("The vae's weights are missing.",))
SYSTEM = System(
    address="127.0.0.1:5000",
    version="0.1.0",
    is_newer=False,
    features=frozenset(),
    devices=(),
    models=(READY, BROKEN),
    queue_paused=False,
    queued_jobs=0,
    running_jobs=0,
    free_disk_bytes=1,
    same_machine=True,
)


def connected(desk: Desk, system: System = SYSTEM) -> None:
    """As when the server has just answered; the keeper's thread looks for nobody meanwhile."""
    desk.session.close()
    desk.session._take(_Seen(ServerState.CONNECTED, "Connected.", system))


@pytest.fixture
def dialog(desk: Desk, qtbot: QtBot) -> SettingsDialog:
    made = SettingsDialog(desk)
    qtbot.addWidget(made)
    return made


def test_settings_are_kept_with_ok_and_only_then(dialog: SettingsDialog, desk: Desk, qtbot: QtBot) -> None:
    dialog.server.setText(" render.example:50051 ")
    dialog.token.setText("abc")
    dialog.client_certificate.setText("/me.pem ")
    dialog.client_key.setText("/me.key")
    dialog.editor.setText("/usr/bin/krita")
    dialog.cache.setValue(2048)
    dialog.autosave.setChecked(False)
    assert desk.preferences.token == ""
    buttons = dialog.findChild(QDialogButtonBox)
    buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    kept = desk.preferences
    assert (kept.server, kept.token, kept.image_editor) == ("render.example:50051", "abc", "/usr/bin/krita")
    assert (kept.client_certificate, kept.client_key) == ("/me.pem", "/me.key")
    assert (kept.cache_bytes, kept.autosave) == (2048 << 20, False)


def test_long_words_of_the_server_are_shown_whole(dialog: SettingsDialog, desk: Desk, qtbot: QtBot) -> None:
    dialog.show()
    desk.session._take(_Seen(ServerState.REFUSED, "The server refused the access token, for once. " * 5))
    words = dialog.words
    assert words.heightForWidth(words.width()) > 2 * words.fontMetrics().lineSpacing()
    qtbot.waitUntil(lambda: words.height() >= words.heightForWidth(words.width()))


def test_what_did_not_change_is_not_set_again(dialog: SettingsDialog, desk: Desk) -> None:
    changed: list[str] = []
    desk.preferences.changed.connect(changed.append)
    dialog.editor.setText("gimp")
    dialog.accept()
    assert changed == ["image_editor"]


def test_an_address_that_cannot_be_one_keeps_the_dialog_open(dialog: SettingsDialog, desk: Desk) -> None:
    before = desk.preferences.server
    dialog.show()
    dialog.server.setText("somewhere")
    dialog.accept()
    assert dialog.isVisible()
    assert "HOST:PORT" in dialog.error.text()
    assert desk.preferences.server == before


def test_the_models_page_names_what_is_missing(desk: Desk, qtbot: QtBot) -> None:
    page = ModelsPage(desk)
    qtbot.addWidget(page)
    assert page.installed.topLevelItemCount() == 0 and not page.add.isEnabled()
    connected(desk)
    rows = [page.installed.topLevelItem(row) for row in range(2)]
    assert [row.text(1) for row in rows] == ["Ready", "Cannot be used"]
    assert [row.text(2) for row in rows] == ["30 MB", "34.0 GB"]
    assert rows[1].child(0).text(0) == BROKEN.problems[0]
    assert page.state.text() == "1 of 2 models can be used."
    connected(desk, replace(SYSTEM, models=(BROKEN,)))
    assert page.state.text().startswith("No model can be used yet")


def test_models_are_added_on_the_servers_own_machine_only(desk: Desk, qtbot: QtBot) -> None:
    page = ModelsPage(desk)
    qtbot.addWidget(page)
    connected(desk)
    assert page.add.isEnabled()
    connected(desk, replace(SYSTEM, same_machine=False))
    assert not page.add.isEnabled() and "own machine" in page.add.toolTip()


def test_a_folder_that_is_no_model_is_refused_in_a_sentence(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    page = ModelsPage(desk)
    qtbot.addWidget(page)
    connected(desk)
    page.add_folder(str(tmp_path))
    assert page.outcome.text() == f"Looking at {tmp_path} …"
    qtbot.waitUntil(lambda: "Looking" not in page.outcome.text(), timeout=25_000)
    assert "model_index.json" in page.outcome.text() and page.outcome.text().endswith(".")
    assert page.add.isEnabled()


def test_the_models_that_can_be_got_are_those_that_can_be_fetched() -> None:
    assert {model.name: model.repository for model in PUBLISHED} == KNOWN


def test_the_status_line_says_how_the_server_stands(desk: Desk, qtbot: QtBot) -> None:
    line = StatusLine(desk)
    qtbot.addWidget(line)
    connected(desk)
    assert line.server.text() == "Connected."
    line.say_busy("Opening clip.mov …")
    assert line.server.text() == "Opening clip.mov …"
    line.say_busy("")
    assert line.server.text() == "Connected."


def test_stop_is_there_whenever_a_run_is(sample_desk: Desk, qtbot: QtBot) -> None:
    line = StatusLine(sample_desk)
    qtbot.addWidget(line)
    assert line.stop.isHidden()
    document = sample_desk.project.document
    take = Take(job_id="j", name="Take 1", created="2026-01-01T00:00:00+00:00", document=document)
    sample_desk.takes.add(take)
    assert not line.stop.isHidden() and not line.progress.isHidden()
    line.stop.click()
    assert sample_desk.takes.get("j").state is JobState.CANCELLING
    sample_desk.takes.update("j", state=JobState.CANCELLED)
    sample_desk.runs.changed.emit()
    assert line.stop.isHidden()


def test_the_sample_has_one_button_that_fits_the_moment(sample_desk: Desk, qtbot: QtBot) -> None:
    card = SampleCard(sample_desk)
    qtbot.addWidget(card)
    assert not card.isHidden()
    assert not card.make.isEnabled() and "server" in card.make.text()
    connected(sample_desk, replace(SYSTEM, models=(BROKEN,)))
    assert card.make.text() == "See what is missing …"
    with qtbot.waitSignal(card.show_models):
        card.make.click()
    connected(sample_desk)
    assert card.make.isEnabled() and card.make.text() == "Make the edit"
    document = sample_desk.project.document
    sample_desk.takes.add(Take(job_id="j", name="Take 1", created="2026-01-01T00:00:00+00:00", document=document))
    assert card.isHidden()


def test_the_start_page_lists_what_was_opened_last(desk: Desk, qtbot: QtBot) -> None:
    page = StartPage(desk)
    qtbot.addWidget(page)
    assert page.recent.isHidden()
    desk.preferences.opened("/footage/a.mov")
    desk.preferences.opened("/projects/b.maskedit")
    assert page.recent.count() == 2 and not page.recent.isHidden()
    with qtbot.waitSignal(page.chosen) as chosen:
        page.recent.itemActivated.emit(page.recent.item(0))
    assert chosen.args == ["/projects/b.maskedit"]
