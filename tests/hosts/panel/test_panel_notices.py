# SPDX-License-Identifier: GPL-3.0-or-later
"""The bar in which the panel speaks."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from plugin_client.panel.model.notices import Notices
from plugin_client.panel.shell import notice_bar
from plugin_client.panel.shell.notice_bar import NoticeBar


@pytest.fixture
def notices(qapp: QApplication) -> Notices:
    return Notices()


@pytest.fixture
def bar(notices: Notices, qtbot: QtBot) -> NoticeBar:
    made = NoticeBar(notices)
    qtbot.addWidget(made)
    return made


def texts(bar: NoticeBar) -> str | None:
    return bar.shown.text if bar.shown else None


def test_the_gravest_message_stands_in_front_and_the_others_wait(bar: NoticeBar, notices: Notices) -> None:
    assert not bar.isVisibleTo(None)
    notices.say("done")
    notices.say("disk full", severity="error")
    notices.say("matte empty", severity="warning")
    assert texts(bar) == "disk full"
    bar.dismiss()
    assert texts(bar) == "matte empty"
    bar.dismiss()
    assert texts(bar) == "done"
    bar.dismiss()
    assert bar.shown is None and not bar.isVisibleTo(None)


def test_of_equals_the_newest_is_shown_and_the_same_words_count_once(bar: NoticeBar, notices: Notices) -> None:
    for words in ("one", "two", "one"):
        notices.say(words, severity="error")
    assert texts(bar) == "one"
    bar.dismiss()
    assert texts(bar) == "two"
    bar.dismiss()
    assert bar.shown is None


def test_notes_leave_by_themselves_errors_stay(notices: Notices, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_bar, "NOTE_MS", 30)
    bar = NoticeBar(notices)
    qtbot.addWidget(bar)
    notices.say("done")
    qtbot.waitUntil(lambda: bar.shown is None)
    notices.say("disk full", severity="error")
    qtbot.wait(100)
    assert texts(bar) == "disk full"


def test_the_button_does_what_it_says_once(bar: NoticeBar, notices: Notices, qtbot: QtBot) -> None:
    done: list[str] = []
    notices.say("A take is done.", action="Show", do=lambda: done.append("shown"))
    button = next(each for each in bar.findChildren(QPushButton) if each.text() == "Show")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert done == ["shown"]
    assert bar.shown is None


def test_the_cross_puts_it_away_without_doing_anything(bar: NoticeBar, notices: Notices, qtbot: QtBot) -> None:
    notices.say("A take is done.", action="Show", do=lambda: pytest.fail("nobody asked for it"))
    qtbot.mouseClick(bar.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert bar.shown is None


def test_a_message_raised_by_the_button_is_shown(bar: NoticeBar, notices: Notices, qtbot: QtBot) -> None:
    notices.say(
        "Not saved.", severity="error", action="Try again", do=lambda: notices.say("Still not.", severity="error")
    )
    button = next(each for each in bar.findChildren(QPushButton) if each.text() == "Try again")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert texts(bar) == "Still not."
