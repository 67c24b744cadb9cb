# SPDX-License-Identifier: GPL-3.0-or-later
"""The window as a whole: what it shows, what its keys do, how it is left and found again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QAction, QDropEvent, QShortcut
from PyQt6.QtWidgets import QAbstractButton, QLineEdit, QMessageBox, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.shell.app import begin
from plugin_client.panel.shell.sample import open_sample
from plugin_client.panel.shell.shortcuts_page import ShortcutsPage, shortcuts_of
from plugin_client.panel.shell.window import MainWindow
from plugin_client.panel.storing.loading import load_project
from plugin_client.panel.storing.unsaved import left_behind


def change(desk: Desk) -> None:
    document = desk.project.document
    desk.project.change("Type prompt", replace(document, choices=replace(document.choices, prompt="a fox")))


def test_without_a_clip_the_start_page_stands_there(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.start
    assert window.windowTitle() == "MaskEdit"
    assert window.card.isHidden()


def test_the_sample_fills_every_room(window: MainWindow, desk: Desk) -> None:
    open_sample(desk)
    assert window.pages.currentWidget() is not window.start
    for room in (window.rooms.viewer, window.rooms.ruler, window.rooms.keyframe_strip, window.rooms.takes):
        assert room.isVisible()
    assert window.card.isVisible()
    assert not window.isWindowModified()


def test_the_title_names_the_project_and_marks_what_is_not_saved(
    window: MainWindow, desk: Desk, tmp_path: Path
) -> None:
    open_sample(desk)
    assert window.windowTitle() == "Sample[*] – MaskEdit"
    change(desk)
    assert window.isWindowModified()
    desk.project.saved(tmp_path / "fox.maskedit", desk.project.document)
    assert window.windowTitle() == "fox[*] – MaskEdit"
    assert not window.isWindowModified()


def test_undo_is_named_and_works_by_its_key(window: MainWindow, desk: Desk, qtbot: QtBot) -> None:
    open_sample(desk)
    change(desk)
    undo = next(action for action in window.findChildren(QAction) if action.text().startswith("Undo"))
    assert undo.text() == "Undo Type prompt"
    undo.trigger()
    assert desk.project.document.choices.prompt == ""
    assert undo.text() == "Undo" and not undo.isEnabled()


def test_no_key_means_two_things(window: MainWindow) -> None:
    """Two actions on one key would both stay silent."""
    everywhere: Counter[str] = Counter()
    for action in window.findChildren(QAction):
        if action.shortcutContext() is not Qt.ShortcutContext.WidgetShortcut:
            everywhere.update(key.toString() for key in action.shortcuts())
    everywhere.update(shortcut.key().toString() for shortcut in window.findChildren(QShortcut))
    for action in window.findChildren(QAction):
        if action.shortcutContext() is Qt.ShortcutContext.WidgetShortcut:
            assert not [key.toString() for key in action.shortcuts() if everywhere[key.toString()]], action.text()
    assert [key for key, count in everywhere.items() if key and count > 1] == []


def test_every_key_stands_on_the_shortcuts_page(window: MainWindow, qtbot: QtBot) -> None:
    listed = {keys for entries in shortcuts_of(window).values() for _, keys in entries}
    for action in window.findChildren(QAction):
        for key in action.shortcuts():
            assert any(key.toString(key.SequenceFormat.NativeText) in keys for keys in listed), action.text()
    page = ShortcutsPage(window)
    qtbot.addWidget(page)
    page.search.setText("play")
    groups = [page.list.topLevelItem(row) for row in range(page.list.topLevelItemCount())]
    shown = [
        group.child(row).text(0)
        for group in groups
        if not group.isHidden()
        for row in range(group.childCount())
        if not group.child(row).isHidden()
    ]
    assert shown and all("play" in name.casefold() for name in shown)


def test_the_question_mark_shows_the_shortcuts(window: MainWindow, qtbot: QtBot) -> None:
    action = next(
        action for action in window.findChildren(QAction) if "F1" in [k.toString() for k in action.shortcuts()]
    )
    assert "?" in [key.toString() for key in action.shortcuts()]
    action.trigger()
    assert window.findChild(ShortcutsPage).isVisible()


def test_it_fits_on_a_small_screen(window: MainWindow, desk: Desk) -> None:
    open_sample(desk)
    desk.notices.say("A long sentence about something that went wrong and what to do about it. " * 4, severity="error")
    least = window.minimumSizeHint()
    assert (least.width() <= 1280, least.height() <= 720) == (True, True), (least.width(), least.height())
    window.resize(1280, 720)
    for index in range(window.tabs.count()):
        window.tabs.setCurrentIndex(index)
        for area in window.tabs.widget(index).findChildren(QScrollArea) or [window.tabs.widget(index)]:
            least = area.widget().minimumSizeHint().width()
            assert least <= area.viewport().width(), window.tabs.tabText(index)


def test_every_button_says_what_it_does(window: MainWindow, desk: Desk) -> None:
    """By its words or its tooltip, and to a screen reader."""
    open_sample(desk)
    silent = [
        f"{type(button.parent()).__name__}: {button.objectName()}"
        for button in window.findChildren(QAbstractButton)
        if not (button.text() or button.toolTip() or button.accessibleName())
        and button.isVisible()
        and not button.objectName().startswith("qt_")
        and not isinstance(button.parent(), QLineEdit)
    ]
    assert silent == []


def test_a_clip_is_opened_by_dropping_it(window: MainWindow, desk: Desk, small_clip: Path, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(small_clip))])
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    with qtbot.waitSignal(desk.project.opened):
        window.dropEvent(event)
    assert window.windowTitle().startswith("small.mp4")


def test_closing_asks_once_and_gives_the_private_folder_back(
    window: MainWindow, desk: Desk, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    open_sample(desk)
    change(desk)
    workspace = desk.project.workspace
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard]
    monkeypatch.setattr(QMessageBox, "question", lambda *given: answers.pop(0))
    assert not window.close()
    assert window.isVisible() and workspace.exists()
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert answers == [] and not workspace.exists()


def test_a_saved_project_is_written_when_the_window_closes(
    window: MainWindow, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    open_sample(desk)
    folder = tmp_path / "fox.maskedit"
    with qtbot.waitSignal(desk.project.folder_changed):
        window.projects.save_to(folder)
    change(desk)
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert load_project(folder).document.choices.prompt == "a fox"


def test_the_layout_comes_back(window: MainWindow, desk: Desk, preferences: Preferences, qtbot: QtBot) -> None:
    window.queue.setVisible(False)
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    again = MainWindow(desk)
    qtbot.addWidget(again)
    again.show()
    assert not again.queue.isVisible() and again.takes.isVisible()


def test_the_very_first_start_opens_the_sample(window: MainWindow, desk: Desk, qtbot: QtBot) -> None:
    with qtbot.waitSignal(desk.project.opened):
        begin(window, "")
    assert window.card.isVisible()


def test_a_later_start_opens_what_it_is_given_or_nothing(
    window: MainWindow, desk: Desk, small_clip: Path, qtbot: QtBot
) -> None:
    desk.preferences.opened(str(small_clip))
    with qtbot.assertNotEmitted(desk.project.opened, wait=100):
        begin(window, "")
    assert window.start.recent.count() == 1 and window.start.recent.isVisible()
    with qtbot.waitSignal(desk.project.opened):
        begin(window, str(small_clip))


def test_a_start_after_a_crash_offers_the_project_back(window: MainWindow, desk: Desk, qtbot: QtBot) -> None:
    open_sample(desk)
    change(desk)
    window.autosave.save_now()
    lost = desk.project.workspace
    scratch = desk.project._scratch
    scratch.release()  # as when the process died
    desk.project._scratch = None
    assert left_behind() == [lost]
    desk.project.replace(type(desk.project.document)(), None)
    begin(window, "")
    assert window.notices.shown.action == "Bring it back"
    with qtbot.waitSignal(desk.project.opened):
        window.notices.shown.do()
    assert desk.project.document.choices.prompt == "a fox"
    assert desk.project.workspace == lost and desk.project.dirty


def test_what_nobody_expected_is_one_sentence_with_something_to_do(window: MainWindow, qtbot: QtBot) -> None:
    window.tell_defect()
    notice = window.notices.shown
    assert notice.action == "Collect diagnostics"
    qtbot.mouseClick(window.notices.findChild(QPushButton), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.notices.shown is not None and "diagnostics are in" in window.notices.shown.text)
    path = Path(window.notices.shown.text.split(" are in ")[1].split(".zip")[0] + ".zip")
    assert path.is_file()


def test_settings_models_and_shortcuts_open_over_the_window(window: MainWindow, qtbot: QtBot) -> None:
    for show in (window.show_settings, window.show_models, window.show_shortcuts):
        page = show()
        assert page.isVisible()
        page.close()
