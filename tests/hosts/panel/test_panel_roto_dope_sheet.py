# SPDX-License-Identifier: GPL-3.0-or-later
"""The dope sheet, driven by a real mouse: seek, select, drag in time, copy, paste, delete, jump."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QGuiApplication, QKeySequence, QMouseEvent, QWheelEvent
from PyQt6.QtTest import QTest

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto import key_actions
from plugin_client.panel.roto.dope_sheet import DopeSheet
from plugin_client.panel.roto.drawing import Drawing, drawing_of
from plugin_client.panel.roto.keying import key_frames, with_key
from plugin_client.panel.roto.layers import LayerRef
from plugin_client.panel.roto.splines import drawn_shape

LEFT, NONE, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
FIRST, SECOND = LayerRef("shape", 0), LayerRef("shape", 1)


class Sheet:
    """The sheet and a hand on it. Two shapes of four and of three points, with keys on 0, 6, 12 and 0, 9."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.drawing = desk, drawing_of(desk)
        square = np.zeros((4, 3, 2))
        square[:, 0] = ((100, 100), (200, 100), (200, 200), (100, 200))
        body = drawn_shape(square, 0, name="body")
        body = with_key(with_key(body, 6, square + 6), 12, square + 12)
        ear = with_key(drawn_shape(square[:3], 0, name="ear"), 9, square[:3] + 9)
        desk.project.change("Draw", replace(desk.project.document, shapes=(body, ear)))
        self.widget = DopeSheet(desk)
        self.widget.resize(800, 100)

    def frames(self, ref: LayerRef = FIRST) -> tuple[int, ...]:
        return key_frames(self.drawing.layer(ref))

    def at(self, ref: LayerRef, frame: int) -> QPoint:
        return self.widget.place_of(ref, frame).toPoint()

    def click(self, ref: LayerRef, frame: int, held: Qt.KeyboardModifier = NONE) -> None:
        QTest.mouseClick(self.widget, LEFT, held, self.at(ref, frame))

    def drag(self, start: QPoint, *ways: QPoint) -> None:
        QTest.mousePress(self.widget, LEFT, NONE, start)
        for way in ways:
            place = self.widget.mapToGlobal(way).toPointF()
            event = QMouseEvent(QEvent.Type.MouseMove, way.toPointF(), place, LEFT, LEFT, NONE)
            QCoreApplication.sendEvent(self.widget, event)
        QTest.mouseRelease(self.widget, LEFT, NONE, ways[-1])


@pytest.fixture
def sheet(sample_desk: Desk, qtbot) -> Sheet:
    qtbot.waitUntil(lambda: sample_desk.project.facts is not None)
    sheet = Sheet(sample_desk)
    qtbot.addWidget(sheet.widget)
    sheet.widget.show()
    return sheet


def test_a_click_on_nothing_seeks_and_lets_keys_go(sheet):
    sheet.click(FIRST, 6)
    assert sheet.desk.playhead.frame == 6 and sheet.drawing.selection.keys == {(FIRST, 6)}
    sheet.click(SECOND, 4)
    assert sheet.desk.playhead.frame == 4 and not sheet.drawing.selection.keys


def test_marks_lie_where_the_shared_axis_has_their_frames(sheet):
    sheet.desk.axis.zoom(2, 6)
    for frame in sheet.frames():
        assert sheet.widget.place_of(FIRST, frame).x() == sheet.desk.axis.x_of(frame, sheet.widget.width())
    assert [ref for ref in sheet.widget.rows()] == [SECOND, FIRST], "what is painted last lies on top"


def test_a_dragged_key_is_one_step(sheet):
    before = sheet.desk.project.document
    sheet.drag(sheet.at(FIRST, 6), sheet.at(FIRST, 7), sheet.at(FIRST, 9))
    assert sheet.frames() == (0, 9, 12)
    assert sheet.drawing.selection.keys == {(FIRST, 9)}
    sheet.desk.project.undo()
    assert sheet.desk.project.document == before
    sheet.desk.project.redo()
    assert sheet.frames() == (0, 9, 12)


def test_a_key_that_passes_others_on_its_way_leaves_them_alone(sheet):
    sheet.drag(sheet.at(FIRST, 0), sheet.at(FIRST, 6), sheet.at(FIRST, 8))
    assert sheet.frames() == (6, 8, 12)


def test_keys_of_several_shapes_are_boxed_and_dragged_together(sheet):
    last = sheet.desk.playhead.last
    top = QPoint(sheet.at(FIRST, 5).x(), 2)
    sheet.drag(top, sheet.at(FIRST, 13) + QPoint(0, 8))
    assert sheet.drawing.selection.keys == {(FIRST, 6), (FIRST, 12), (SECOND, 9)}
    sheet.drag(sheet.at(SECOND, 9), sheet.at(SECOND, 11))
    assert (sheet.frames(), sheet.frames(SECOND)) == ((0, 8, 14), (0, 11))
    sheet.drag(sheet.at(SECOND, 11), QPoint(795, 10))
    assert sheet.frames()[-1] == last, "no key leaves the clip"


def test_shift_adds_and_takes_keys_out_again(sheet):
    sheet.click(FIRST, 6)
    sheet.click(FIRST, 12, SHIFT)
    assert sheet.drawing.selection.keys == {(FIRST, 6), (FIRST, 12)}
    assert sheet.desk.playhead.frame == 6
    sheet.click(FIRST, 6, SHIFT)
    assert sheet.drawing.selection.keys == {(FIRST, 12)}


def test_keys_are_deleted_and_the_last_one_stays(sheet, qtbot):
    sheet.click(FIRST, 6)
    QTest.keyClick(sheet.widget, Qt.Key.Key_Delete)
    assert sheet.frames() == (0, 12)
    sheet.click(SECOND, 0)
    QTest.keyClick(sheet.widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(sheet.desk.notices.said) as said:
        QTest.keyClick(sheet.widget, Qt.Key.Key_Delete)
    assert sheet.frames(SECOND) == (0,)
    assert "'ear' keeps its last key" in said.args[0].text


def test_keys_are_copied_and_pasted_at_the_playhead(sheet):
    sheet.drawing.selection.choose_keys([(FIRST, 0), (FIRST, 6)])
    QTest.keySequence(sheet.widget, QKeySequence(QKeySequence.StandardKey.Copy))
    sheet.desk.playhead.seek(15)
    QTest.keySequence(sheet.widget, QKeySequence(QKeySequence.StandardKey.Paste))
    assert sheet.frames() == (0, 6, 12, 15, 21)
    assert (sheet.drawing.layer(FIRST).outline(21) == sheet.drawing.layer(FIRST).outline(6)).all()
    assert sheet.drawing.selection.keys == {(FIRST, 15), (FIRST, 21)}
    sheet.desk.project.undo()
    assert sheet.frames() == (0, 6, 12)


def test_keys_of_several_shapes_are_pasted_where_they_came_from(sheet):
    sheet.drawing.selection.choose_keys([(FIRST, 6), (SECOND, 9)])
    key_actions.copy_keys(sheet.drawing)
    sheet.desk.playhead.seek(10)
    assert key_actions.paste_keys(sheet.drawing) == ""
    assert (sheet.frames(), sheet.frames(SECOND)) == ((0, 6, 10, 12), (0, 9, 13))


def test_what_cannot_be_pasted_is_said(sheet):
    before = sheet.desk.project.document
    QGuiApplication.clipboard().clear()
    assert "no copied keys" in key_actions.paste_keys(sheet.drawing)
    sheet.drawing.selection.choose_keys([(FIRST, 6)])
    key_actions.copy_keys(sheet.drawing)
    sheet.drawing.selection.choose([SECOND])
    assert key_actions.paste_keys(sheet.drawing).startswith("The keys hold 4 points, 'ear' does not")
    assert sheet.desk.project.document is before


def test_comma_and_full_stop_jump_over_the_keys_of_what_is_selected(sheet):
    def stops(action) -> list[int]:
        found = []
        for _ in range(5):
            action.trigger()
            found.append(sheet.desk.playhead.frame)
        return found

    assert (sheet.widget.previous_key.shortcut().toString(), sheet.widget.next_key.shortcut().toString()) == (",", ".")
    assert stops(sheet.widget.next_key) == [6, 9, 12, 12, 12]
    assert stops(sheet.widget.previous_key) == [9, 6, 0, 0, 0]
    sheet.drawing.selection.choose([SECOND])
    assert stops(sheet.widget.next_key)[:2] == [9, 9]


def test_the_menu_sets_keys_and_how_they_go_on(sheet):
    entries = {action.text().split("\t")[0]: action for action in sheet.widget.menu().actions()}
    assert not entries["Hold from here"].isEnabled()
    sheet.drawing.selection.choose([FIRST])
    sheet.drawing.selection.choose_keys([(FIRST, 0)])
    sheet.desk.playhead.seek(3)
    entries = {action.text().split("\t")[0]: action for action in sheet.widget.menu().actions()}
    entries["Hold from here"].trigger()
    assert (sheet.drawing.layer(FIRST).outline(5) == sheet.drawing.layer(FIRST).outline(0)).all()
    entries["Set key at playhead"].trigger()
    assert sheet.frames() == (0, 3, 6, 12)


def test_a_name_selects_its_shape(sheet):
    QTest.mouseClick(sheet.widget, LEFT, NONE, QPoint(20, sheet.at(FIRST, 0).y()))
    assert sheet.drawing.selection.layers == (FIRST,)
    QTest.mouseClick(sheet.widget, LEFT, SHIFT, QPoint(20, sheet.at(SECOND, 0).y()))
    assert set(sheet.drawing.selection.layers) == {FIRST, SECOND}


def test_many_rows_scroll(sheet):
    body, _ = sheet.desk.project.document.shapes
    many = tuple(body.model_copy(update={"name": f"body {number}"}) for number in range(12))
    sheet.desk.project.change("Draw", replace(sheet.desk.project.document, shapes=many))
    before = sheet.at(FIRST, 0).y()
    event = QWheelEvent(
        QPointF(300, 50),
        sheet.widget.mapToGlobal(QPointF(300, 50)),
        QPoint(),
        QPoint(0, -240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QCoreApplication.sendEvent(sheet.widget, event)
    assert sheet.at(FIRST, 0).y() == before - 40
    sheet.drawing.selection.choose([FIRST])
    assert sheet.at(FIRST, 0).y() == 90, "the lowest row is seen whole"
    sheet.drawing.selection.choose([LayerRef("shape", 11)])
    assert sheet.at(LayerRef("shape", 11), 0).y() == 10
    sheet.click(LayerRef("shape", 8), 6)
    assert sheet.drawing.selection.keys == {(LayerRef("shape", 8), 6)}


def test_both_sheets_of_a_desk_share_one_drawing(sheet):
    assert isinstance(drawing_of(sheet.desk), Drawing)
    assert drawing_of(sheet.desk) is sheet.drawing


def test_keys_and_rows_are_reached_without_a_mouse(sheet):
    QTest.keyClick(sheet.widget, Qt.Key.Key_Down)
    assert sheet.drawing.selection.layers == (SECOND,)
    QTest.keyClick(sheet.widget, Qt.Key.Key_Down)
    QTest.keyClick(sheet.widget, Qt.Key.Key_Down)
    assert sheet.drawing.selection.layers == (FIRST,)
    QTest.keyClick(sheet.widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    before = sheet.desk.project.document
    QTest.keyClick(sheet.widget, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert sheet.desk.project.document == before, "the first key lies on the clip's first frame"
    QTest.keyClick(sheet.widget, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert sheet.frames() == (1, 7, 13)
