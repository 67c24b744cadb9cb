# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer's keys, as an editor's hands know them, and its buttons and fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtWidgets import QComboBox, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from maskedit.media import probe
from plugin_client.core.job import JobState
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.takes import Take
from plugin_client.panel.viewer.look import Compare, Look, Looks, Onion, Overlay
from plugin_client.panel.viewer.pane import ViewerPane
from plugin_client.panel.viewer.transport import PlaceField, Transport

COUNT = 40
Key = Qt.Key
SHIFT, ALT, CTRL = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Shift", "Alt", "Control"))


@pytest.fixture
def pane(desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot) -> ViewerPane:
    clip = write_clip("plate.mkv", np.zeros((COUNT, 32, 48, 3), np.uint8), rate=Fraction(24000, 1001))
    facts = replace(probe(clip), start_timecode="01:00:00:00")
    desk.project.replace(Document(clip=str(clip)), facts)
    pane = ViewerPane(desk)
    qtbot.addWidget(pane)
    pane.resize(900, 500)
    pane.show()
    qtbot.waitExposed(pane)
    pane.activateWindow()
    pane.canvas.setFocus()
    qtbot.waitUntil(pane.isActiveWindow)
    return pane


def strike(qtbot: QtBot, pane: ViewerPane, *keys: object) -> None:
    for key in keys:
        name, modifier = key if isinstance(key, tuple) else (key, Qt.KeyboardModifier.NoModifier)
        qtbot.keyClick(pane.canvas, name, modifier)


def test_j_k_l_play_faster_each_time_and_stop(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    speeds = []
    desk.playhead.seek(20)
    desk.playhead.speed_changed.connect(speeds.append)
    strike(qtbot, pane, Key.Key_L, Key.Key_L, Key.Key_L, Key.Key_J, Key.Key_J, Key.Key_K, Key.Key_L, Key.Key_Space)
    assert speeds == [1, 2, 4, -1, -2, 0, 1, 0]


def test_arrows_step_and_home_and_end_jump(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    frames = []
    desk.playhead.moved.connect(frames.append)
    strike(qtbot, pane, Key.Key_Right, (Key.Key_Right, SHIFT), Key.Key_Left, Key.Key_End, (Key.Key_Left, SHIFT))
    strike(qtbot, pane, Key.Key_Home, Key.Key_Left)
    assert frames == [1, 11, 10, 39, 29, 0]
    strike(qtbot, pane, Key.Key_L, Key.Key_Right)
    assert desk.playhead.speed == 0


def test_in_and_out_are_undo_steps(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    desk.playhead.seek(8)
    strike(qtbot, pane, Key.Key_I)
    desk.playhead.seek(30)
    strike(qtbot, pane, Key.Key_O)
    assert desk.project.document.frames == FrameRange(8, 30)
    assert desk.project.undo_name == "Set out"
    # An out before the in lets go of the in.
    desk.playhead.seek(5)
    strike(qtbot, pane, Key.Key_O)
    assert desk.project.document.frames == FrameRange(0, 5)
    desk.project.undo()
    desk.project.undo()
    assert desk.project.document.frames == FrameRange(8, COUNT - 1)
    strike(qtbot, pane, (Key.Key_X, ALT))
    assert desk.project.document.frames is None


def test_the_matte_and_the_onion_skin_have_their_keys(pane: ViewerPane, qtbot: QtBot) -> None:
    looks = pane.canvas.looks
    strike(qtbot, pane, Key.Key_M)
    assert not looks.look.overlay_on
    strike(qtbot, pane, (Key.Key_M, SHIFT))
    assert (looks.look.overlay_on, looks.look.overlay) == (True, Overlay.OUTLINE)
    strike(qtbot, pane, *[(Key.Key_M, SHIFT)] * 3)
    assert looks.look.overlay is Overlay.COLOUR
    strike(qtbot, pane, (Key.Key_O, SHIFT))
    assert looks.look.onion is Onion.FRAMES
    strike(qtbot, pane, Key.Key_C)
    assert looks.look.compare is Compare.WIPE


def test_zoom_keys(pane: ViewerPane, qtbot: QtBot) -> None:
    fitted = pane.canvas.view.scale
    strike(qtbot, pane, (Key.Key_1, CTRL))
    assert pane.canvas.view.scale == 1.0
    strike(qtbot, pane, (Key.Key_Equal, CTRL), (Key.Key_Minus, CTRL))
    assert pane.canvas.view.scale == pytest.approx(1.0)
    strike(qtbot, pane, (Key.Key_0, CTRL))
    assert pane.canvas.view.scale == fitted


def test_takes_are_flipped_by_digit_and_bracket(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    for job, result in (("old", "takes/old/result.mkv"), ("running", ""), ("new", "takes/new/result.mkv")):
        take = Take(job_id=job, name=f"{job} take", created="2026-01-01T10:00:00+00:00", document=Document())
        desk.takes.add(replace(take, state=JobState.SUCCEEDED, result=result))
    currents = []
    desk.takes.chosen.connect(currents.append)
    strike(qtbot, pane, Key.Key_2, Key.Key_1, Key.Key_3, Key.Key_BracketRight, Key.Key_BracketRight)
    strike(qtbot, pane, Key.Key_BracketLeft, Key.Key_BracketLeft, Key.Key_BracketLeft)
    assert currents == ["old", "new", "old", "new", ""]
    strike(qtbot, pane, Key.Key_0)
    assert pane.canvas.looks.look.plate
    strike(qtbot, pane, Key.Key_1)
    assert not pane.canvas.looks.look.plate
    names = next(box for box in pane.findChildren(QComboBox) if box.accessibleName() == "Result")
    assert [names.itemText(row) for row in range(names.count())] == ["Live draft", "1  new take", "2  old take"]
    assert names.currentText() == "1  new take"


def test_space_and_a_reach_the_canvas_from_the_bars(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    beside = pane.findChild(Transport).findChild(QLabel)
    qtbot.keyClick(beside, Key.Key_Space)
    assert desk.playhead.speed == 1
    qtbot.keyPress(beside, Key.Key_A)
    assert pane.canvas._blink.isActive()
    qtbot.keyRelease(beside, Key.Key_A)
    assert not pane.canvas._blink.isActive()


def test_space_still_presses_a_button(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    button = next(each for each in pane.findChildren(QToolButton) if "(End)" in each.toolTip())
    qtbot.keyClick(button, Key.Key_Space)
    assert (desk.playhead.frame, desk.playhead.speed) == (COUNT - 1, 0)


@pytest.mark.parametrize(("typed", "frame"), [("17", 17), ("01:00:01:06", 30), (" 01:00:00:00 ", 0), ("39", 39)])
def test_a_typed_place_is_gone_to(typed: str, frame: int, pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    desk.playhead.seek(3)
    timecode, number = pane.findChildren(PlaceField)
    assert (timecode.text(), number.text()) == ("01:00:00:03", "3")
    timecode.setFocus()
    timecode.selectAll()
    qtbot.keyClicks(timecode, typed)
    qtbot.keyClick(timecode, Key.Key_Return)
    assert desk.playhead.frame == frame
    assert number.text() == str(frame)


@pytest.mark.parametrize("typed", ["40", "00:00:00:05", "soon", "-1"])
def test_a_place_outside_is_refused_in_a_sentence(typed: str, pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    said = []
    desk.notices.said.connect(lambda notice: said.append(notice.text))
    desk.playhead.seek(3)
    number = pane.findChildren(PlaceField)[1]
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, typed)
    qtbot.keyClick(number, Key.Key_Return)
    assert len(said) == 1
    assert said[0].endswith(".")
    assert (desk.playhead.frame, number.text()) == (3, "3")


def test_letters_typed_into_a_field_are_no_shortcuts(pane: ViewerPane, desk: Desk, qtbot: QtBot) -> None:
    number = pane.findChildren(PlaceField)[1]
    number.setFocus()
    qtbot.keyClicks(number, "lio")
    assert desk.playhead.speed == 0
    assert desk.project.document.frames is None
    qtbot.keyClick(number, Key.Key_Escape)
    assert number.text() == "0"


def test_every_button_says_what_it_does_and_its_key(pane: ViewerPane) -> None:
    commands = pane.commands
    for group in (commands.play, commands.range, commands.view, commands.matte, commands.compare):
        for action in group.values():
            keys = [key.toString() for key in action.shortcuts()]
            assert keys and all(keys), action.text()
            assert f"({keys[0]}" in action.toolTip()
    keys = [key.toString() for action in pane.actions() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    for button in pane.findChildren(QToolButton):
        assert button.toolTip() or button.parent() is not None


def test_without_a_clip_nothing_can_be_played(desk: Desk, qtbot: QtBot) -> None:
    pane = ViewerPane(desk)
    qtbot.addWidget(pane)
    assert not any(action.isEnabled() for action in (*pane.commands.play.values(), *pane.commands.range.values()))
    assert not any(field.isEnabled() for field in pane.findChildren(PlaceField))


def test_the_look_is_remembered(preferences: Preferences, tmp_path: Path) -> None:
    looks = Looks(preferences)
    assert looks.look == Look()
    looks.change(overlay=Overlay.OUTLINE, overlay_opacity=0.8, compare=Compare.SIDE, gain=9, loop=False)
    preferences._settings.sync()
    again = Preferences(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    assert Looks(again).look == looks.look


@pytest.mark.parametrize("kept", ["", "no json", "[]", '{"overlay": "sparkles", "gain": 7, "other": 1}', "null"])
def test_a_look_that_is_not_understood_is_the_usual_one(kept: str, preferences: Preferences) -> None:
    preferences.look = kept
    assert replace(Looks(preferences).look, gain=4) == Look()


def test_the_bars_fit_into_a_small_window(pane: ViewerPane) -> None:
    # Beside a column of panels in a window of 1280.
    assert pane.minimumSizeHint().width() <= 760
    pane.resize(760, 500)
    for child in pane.findChildren(QWidget):
        if child.isVisible() and child.parent() in pane.children() and child is not pane.canvas:
            assert child.x() + child.width() <= 760
