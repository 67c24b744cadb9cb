# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing shapes and editing their points, driven by a real mouse on the real canvas with the sample on the desk."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtTest import QTest

from plugin_client.panel.roto.curves import is_smooth
from plugin_client.panel.roto.keying import key_frames
from tests.hosts.panel.roto_hand import ALT, CTRL, LEFT, NONE, SHIFT, SQUARE, close_to, coverage, move
from tests.hosts.panel.roto_hand import hand as hand


def test_a_triangle_is_drawn_by_clicks_and_closed_on_its_first_point(hand):
    count = len(hand.drawing.document.shapes)
    hand.take("draw")
    for place in ((100, 100), (200, 100), (150, 200), (100, 100)):
        hand.click(*place)
    assert len(hand.drawing.document.shapes) == count + 1
    ref = hand.selection.active
    close_to(hand.places(ref), [(100, 100), (200, 100), (150, 200)])
    assert not hand.drawing.values(ref)[:, 1:].any()
    assert coverage(hand, ref).sum() == pytest.approx(100 * 100 / 2, rel=0.03)
    hand.desk.project.undo()
    assert len(hand.drawing.document.shapes) == count and hand.selection.active is None


def test_an_oval_is_drawn_by_drags(hand):
    hand.take("draw")
    corners = ((150, 100), (200, 150), (150, 200), (100, 150))
    pulls = ((177.6, 100), (200, 177.6), (122.4, 200), (100, 122.4))
    for corner, pull in zip(corners, pulls, strict=True):
        hand.drag(corner, pull)
    hand.key(Qt.Key.Key_Return)
    ref = hand.selection.active
    assert all(is_smooth(point) for point in hand.drawing.values(ref))
    assert coverage(hand, ref).sum() == pytest.approx(np.pi * 50**2, rel=0.03)


def test_points_are_taken_back_and_given_up(hand):
    before = hand.desk.project.document
    hand.take("draw")
    for place in (*SQUARE, (50, 50)):
        hand.click(*place)
    hand.key(Qt.Key.Key_Backspace)
    close_to(hand.pane.toolbox.tools["draw"].outline[:, 0], SQUARE)
    hand.key(Qt.Key.Key_Escape)
    hand.key(Qt.Key.Key_Return)
    assert hand.desk.project.document is before


def test_what_is_drawn_is_kept_when_another_tool_is_taken(hand):
    hand.take("draw")
    for place in SQUARE[:3]:
        hand.click(*place)
    hand.take("edit")
    assert len(hand.places(hand.selection.active)) == 3


def test_a_double_click_closes(hand):
    hand.take("draw")
    for place in SQUARE[:3]:
        hand.click(*place)
    hand.click(*SQUARE[3])
    QTest.mouseDClick(hand.canvas, LEFT, NONE, hand.at(*SQUARE[3]))
    assert len(hand.places(hand.selection.active)) == 4


def test_new_shapes_may_be_subtracted_and_have_names_and_colours_of_their_own(hand):
    hand.drawing.options.set(subtracts=True)
    first, second = hand.shape(hand.square()), hand.shape(hand.square())
    assert first.blend == second.blend == "subtract"
    assert (first.name, second.name) == ("Shape 1", "Shape 2")
    assert first.model_extra["colour"] != second.model_extra["colour"]


def test_dragged_points_write_a_key_at_the_playhead_in_one_step(hand):
    ref = hand.square()
    hand.desk.playhead.seek(8)
    hand.take("edit")
    hand.click(200, 200)
    hand.one_step(lambda: hand.drag((200, 200), (210, 205), (230, 220)), ref)
    assert key_frames(hand.shape(ref)) == (0, 8)
    close_to(hand.places(ref), [*SQUARE[:2], (230, 220), SQUARE[3]])
    close_to(hand.shape(ref).outline(0)[:, 0], SQUARE)
    close_to(hand.shape(ref).outline(4)[2, 0], (215, 210))


def test_several_points_are_chosen_by_a_box_and_by_shift_and_go_together(hand):
    ref = hand.square()
    hand.take("edit")
    hand.drag((90, 90), (210, 110))
    assert hand.selection.points_of(ref) == [0, 1]
    hand.click(200, 200, SHIFT)
    hand.click(100, 100, SHIFT)
    assert hand.selection.points_of(ref) == [1, 2]
    hand.one_step(lambda: hand.drag((200, 100), (220, 130)), ref)
    close_to(hand.places(ref), [(100, 100), (220, 130), (220, 230), (100, 200)])
    hand.click(400, 300)
    assert hand.selection.layers == ()


def test_arrow_keys_nudge_by_one_pixel_or_ten(hand):
    ref = hand.square()
    start = hand.places(ref)[0]
    hand.take("edit")
    hand.click(100, 100)
    hand.one_step(lambda: hand.key(Qt.Key.Key_Right), ref)
    hand.key(Qt.Key.Key_Up, SHIFT)
    np.testing.assert_allclose(hand.places(ref)[0], np.add(start, (1, -10)))
    hand.key(Qt.Key.Key_Escape)
    assert hand.selection.points == frozenset()
    assert not hand.pane.toolbox.tools["edit"].key(key_event(Qt.Key.Key_Right)), "the arrows step frames again"


def key_event(key: Qt.Key):
    return QKeyEvent(QEvent.Type.KeyPress, key, NONE)


def test_a_point_is_inserted_on_the_outline_and_deleted_again(hand):
    ref = hand.square()
    hand.desk.playhead.seek(5)
    hand.take("transform")
    hand.drag((150, 150), (160, 150))
    hand.take("edit")
    before = coverage(hand, ref)
    hand.one_step(lambda: hand.click(160, 100, CTRL), ref)
    assert [len(key.points) for key in hand.shape(ref).keys] == [5, 5]
    close_to(hand.places(ref)[1], (160, 100))
    np.testing.assert_allclose(coverage(hand, ref), before, atol=0.01)
    hand.click(160, 100)
    hand.one_step(lambda: hand.key(Qt.Key.Key_Delete), ref)
    assert [len(key.points) for key in hand.shape(ref).keys] == [4, 4]


def test_deleting_all_points_deletes_the_shape(hand):
    ref, count = hand.square(), len(hand.drawing.document.shapes)
    hand.take("edit")
    hand.key(Qt.Key.Key_A, CTRL)
    assert hand.selection.points_of(ref) == [0, 1, 2, 3]
    hand.key(Qt.Key.Key_Delete)
    assert len(hand.drawing.document.shapes) == count - 1
    assert hand.selection.layers == () and hand.selection.points == frozenset()


def test_a_double_click_makes_points_smooth_and_corners_again(hand):
    ref = hand.square()
    hand.take("edit")
    for smooth in (True, False):
        hand.one_step(lambda: QTest.mouseDClick(hand.canvas, LEFT, NONE, hand.at(200, 100)), ref)
        assert is_smooth(hand.drawing.values(ref)[1]) is smooth


def test_handles_turn_together_until_alt_breaks_them(hand):
    ref = hand.square()
    hand.take("edit")
    hand.click(200, 100)
    hand.one_step(lambda: hand.drag((200, 100), (240, 100), held=ALT), ref)
    close_to(hand.drawing.values(ref)[1, 1:], [(-40, 0), (40, 0)])
    hand.one_step(lambda: hand.drag((240, 100), (200, 140)), ref)
    close_to(hand.drawing.values(ref)[1, 1:], [(0, -40), (0, 40)])
    hand.one_step(lambda: hand.drag((200, 140), (230, 140), held=ALT), ref)
    close_to(hand.drawing.values(ref)[1, 1:], [(0, -40), (30, 40)])


def test_edits_may_go_into_every_key(hand):
    ref = hand.square()
    hand.desk.playhead.seek(8)
    hand.take("edit")
    hand.drag((200, 200), (230, 220))
    hand.drawing.options.set(every_key=True)
    hand.one_step(lambda: hand.drag((100, 100), (90, 80)), ref)
    close_to(hand.shape(ref).outline(0)[:, 0], [(90, 80), *SQUARE[1:]])
    close_to(hand.shape(ref).outline(8)[:, 0], [(90, 80), SQUARE[1], (230, 220), SQUARE[3]])


def test_undo_in_the_middle_of_a_drag_is_survived(hand):
    before = hand.desk.project.document
    ref = hand.square()
    hand.take("edit")
    QTest.mousePress(hand.canvas, LEFT, NONE, hand.at(100, 100))
    move(hand.canvas, hand.at(120, 100), NONE)
    for _ in range(2):
        hand.desk.project.undo()
    move(hand.canvas, hand.at(130, 100), NONE)
    QTest.mouseRelease(hand.canvas, LEFT, NONE, hand.at(130, 100))
    assert hand.desk.project.document == before and ref not in hand.selection.layers


def test_the_pointer_tells_what_can_be_taken_hold_of(hand):
    hand.square()
    hand.take("edit")
    tool, shapes = hand.pane.toolbox.tools["edit"], Qt.CursorShape
    found = []
    for place, held in (((100, 100), NONE), ((150, 150), NONE), ((150, 100), CTRL), ((150, 150), CTRL)):
        move(hand.canvas, hand.at(*place), held)
        found.append(tool.cursor)
    assert found == [shapes.PointingHandCursor, shapes.ArrowCursor, shapes.CrossCursor, shapes.ArrowCursor]
    hand.take("transform")
    tool, found = hand.pane.toolbox.tools["transform"], []
    for place in ((150, 150), (200, 150), (150, 200), (200, 200), (214, 214), (300, 300)):
        move(hand.canvas, hand.at(*place), NONE)
        found.append(tool.cursor)
    assert found == [
        shapes.SizeAllCursor,
        shapes.SizeHorCursor,
        shapes.SizeVerCursor,
        shapes.SizeFDiagCursor,
        shapes.CrossCursor,
        shapes.ArrowCursor,
    ]
