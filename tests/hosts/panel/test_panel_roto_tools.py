# SPDX-License-Identifier: GPL-3.0-or-later
"""Transform, feather, brush and eraser, driven by a real mouse on the real canvas with the sample on the desk."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtGui import QMouseEvent, QPointingDevice, QTabletEvent
from PyQt6.QtTest import QTest

from maskedit.mattes.roto import RotoFile
from plugin_client.panel.roto.keying import key_frames
from plugin_client.panel.roto.projecting import Projection
from plugin_client.panel.viewer.canvas import Canvas
from tests.hosts.panel.roto_hand import ALT, CTRL, LEFT, NONE, SHIFT, SQUARE, Hand, close_to, move
from tests.hosts.panel.roto_hand import hand as hand


@pytest.mark.parametrize(
    ("start", "end", "held", "wanted"),
    [
        ((150, 150), (170, 180), NONE, [(120, 130), (220, 130), (220, 230), (120, 230)]),
        ((150, 150), (170, 152), SHIFT, [(120, 100), (220, 100), (220, 200), (120, 200)]),
        ((200, 200), (250, 220), NONE, [(100, 100), (250, 100), (250, 220), (100, 220)]),
        ((200, 200), (250, 201), SHIFT, [(100, 100), (250, 100), (250, 250), (100, 250)]),
        ((200, 150), (220, 180), ALT, [(80, 100), (220, 100), (220, 200), (80, 200)]),
    ],
    ids=["move", "move along an axis", "scale", "scale evenly", "scale a side about the middle"],
)
def test_the_box_moves_and_scales(hand, start, end, held, wanted):
    ref = hand.square()
    hand.take("transform")
    if held == SHIFT and start == (150, 150):  # Shift would let go of the shape: press first
        QTest.mousePress(hand.canvas, LEFT, NONE, hand.at(*start))
        move(hand.canvas, hand.at(*end), held)
        QTest.mouseRelease(hand.canvas, LEFT, NONE, hand.at(*end))
    else:
        hand.one_step(lambda: hand.drag(start, end, held=held), ref)
    close_to(hand.places(ref), wanted)


def test_outside_a_corner_the_box_turns_about_its_middle(hand):
    ref = hand.square()
    hand.take("transform")
    hand.one_step(lambda: hand.drag((212, 212), (88, 212)), ref)
    close_to(hand.places(ref), [SQUARE[1], SQUARE[2], SQUARE[3], SQUARE[0]])
    hand.drag((212, 212), (214, 150), held=SHIFT)
    middle = hand.places(ref).mean(axis=0)
    angle = np.rad2deg(np.arctan2(*(hand.places(ref)[0] - middle)[::-1]))
    assert angle % 15 == pytest.approx(0, abs=0.01) or angle % 15 == pytest.approx(15, abs=0.01)


def test_the_transform_tool_selects_shapes_and_strokes_and_moves_them_together(hand):
    ref = hand.square()
    hand.take("brush")
    hand.drag((300, 150), (350, 150), (360, 180))
    stroke = hand.selection.active
    assert stroke.kind == "stroke"
    hand.take("transform")
    hand.click(150, 150)
    assert hand.selection.layers == (ref,)
    hand.click(350, 150, SHIFT)
    assert set(hand.selection.layers) == {ref, stroke}
    before = hand.drawing.values(stroke)[0, :2]
    hand.one_step(lambda: hand.drag((250, 120), (260, 140)), ref)
    close_to(hand.places(ref)[0], (110, 120))
    close_to(hand.drawing.values(stroke)[0, :2], np.add(before, (10, 20)))


def test_a_feather_is_dragged_outwards_and_keyed(hand):
    ref = hand.square()
    hand.desk.playhead.seek(6)
    hand.take("feather")
    tool = hand.pane.toolbox.tools["feather"]
    projection = Projection.of(hand.canvas.view)
    handle = projection.back(tool.handles(ref, projection))[2]
    hand.one_step(lambda: hand.drag(tuple(handle), tuple(handle + 10)), ref)
    widths = hand.shape(ref).feathers(6)
    assert widths[2] == pytest.approx(10 * np.sqrt(2), abs=1.5) and widths[0] == 0
    assert hand.shape(ref).feathers(0).max() == 0
    handle = projection.back(tool.handles(ref, projection))[0]
    hand.drag(tuple(handle), tuple(handle - 5), held=SHIFT)
    assert (hand.shape(ref).feathers(6) > 5).all()
    handle = projection.back(tool.handles(ref, projection))[0]
    QTest.mouseDClick(hand.canvas, LEFT, NONE, hand.at(*handle))
    assert (hand.shape(ref).feathers(6) == 0).all()


def test_a_feather_may_go_into_every_key(hand):
    ref = hand.square()
    hand.desk.playhead.seek(6)
    hand.take("transform")
    hand.drag((150, 150), (170, 150))
    hand.drawing.options.set(every_key=True)
    hand.take("feather")
    projection = Projection.of(hand.canvas.view)
    handle = projection.back(hand.pane.toolbox.tools["feather"].handles(ref, projection))[2]
    hand.one_step(lambda: hand.drag(tuple(handle), tuple(handle + 10)), ref)
    assert key_frames(hand.shape(ref)) == (0, 6)
    assert hand.shape(ref).feathers(0)[2] == hand.shape(ref).feathers(6)[2] > 10


def test_a_feather_never_goes_below_nothing(hand):
    ref = hand.square()
    hand.take("feather")
    projection = Projection.of(hand.canvas.view)
    handle = projection.back(hand.pane.toolbox.tools["feather"].handles(ref, projection))[0]
    hand.drag(tuple(handle), (150, 150))
    assert (hand.shape(ref).feathers(0) == 0).all()


def test_brush_and_eraser_leave_strokes(hand):
    hand.take("brush")
    hand.drag((100, 100), (150, 100), (200, 100), (200, 150))
    hand.take("eraser")
    hand.drag((150, 80), (150, 120))
    brush, eraser = hand.drawing.document.strokes
    assert (brush.blend, eraser.blend) == ("add", "subtract")
    assert (brush.name, eraser.name) == ("Brush 1", "Eraser 1")
    close_to(np.array(brush.keys[0].points)[:, :2], [(100, 100), (200, 100), (200, 150)])
    assert {pressure for _, _, pressure in brush.keys[0].points} == {1.0}
    hand.desk.project.undo()
    assert hand.drawing.document.strokes == (brush,)


def tablet(hand: Hand, kind: QEvent.Type, x: float, pressure: float) -> None:
    """What Qt sends of a pen: the tablet's event, and a mouse's as nobody takes that."""
    device, place = QPointingDevice.primaryPointingDevice(), hand.at(x, 100).toPointF()
    down = LEFT if kind is not QEvent.Type.TabletRelease and pressure else Qt.MouseButton.NoButton
    pen = QTabletEvent(kind, device, place, place, pressure, 0, 0, 0, 0, 0, NONE, LEFT, down)
    QCoreApplication.sendEvent(hand.canvas, pen)
    mouse = {
        QEvent.Type.TabletPress: QEvent.Type.MouseButtonPress,
        QEvent.Type.TabletMove: QEvent.Type.MouseMove,
        QEvent.Type.TabletRelease: QEvent.Type.MouseButtonRelease,
    }
    QCoreApplication.sendEvent(hand.canvas, QMouseEvent(mouse[kind], place, place, LEFT, down, NONE))


def test_a_pen_s_pressure_makes_the_stroke_and_a_mouse_presses_fully(hand):
    hand.take("brush")
    for kind, x, pressure in (
        (QEvent.Type.TabletPress, 100, 0.75),
        (QEvent.Type.TabletMove, 150, 0.25),
        (QEvent.Type.TabletMove, 200, 0.5),
        (QEvent.Type.TabletRelease, 200, 0.0),
        (QEvent.Type.TabletMove, 220, 0.0),
    ):
        tablet(hand, kind, x, pressure)
    hand.drag((100, 150), (150, 150))
    first, second = hand.drawing.document.strokes
    assert [pressure for _, _, pressure in first.keys[0].points] == [0.75, 0.25, 0.5]
    assert [pressure for _, _, pressure in second.keys[0].points] == [1, 1]


def test_the_brush_is_sized_by_keys_and_by_a_drag(hand):
    options = hand.drawing.options
    options.set(width=40, hardness=0.5)
    hand.take("brush")
    hand.key(Qt.Key.Key_BracketRight)
    assert options.now.width == pytest.approx(46)
    hand.key(Qt.Key.Key_BraceLeft, SHIFT)
    assert options.now.hardness == pytest.approx(0.4)
    hand.drag((100, 100), (120, 100), held=CTRL)
    assert options.now.width == pytest.approx(86, abs=3)
    assert hand.drawing.document.strokes == ()
    for _ in range(60):
        hand.key(Qt.Key.Key_BracketLeft)
    assert options.now.width == 1


def test_a_transform_of_the_shape_s_own_is_drawn_and_edited_where_it_shows(hand):
    ref = hand.square()
    moved = {"keys": [{"frame": 0, "translate": [40, 20], "rotate": 90, "scale": [2, 2], "anchor": [150, 150]}]}
    hand.drawing.amend("Move", {ref: hand.shape(ref).model_copy(update={"transform": moved})})
    close_to(hand.places(ref)[0], (290, 70))
    before = hand.shape(ref).outline(0)
    hand.take("edit")
    hand.one_step(lambda: hand.drag((290, 70), (310, 90)), ref)
    close_to(hand.places(ref), [(310, 90), (290, 270), (90, 270), (90, 70)])
    after = hand.shape(ref).outline(0)
    np.testing.assert_allclose(after[1:], before[1:], atol=1e-9)
    close_to(after[0, 0] - before[0, 0], (10, -10))


def test_nothing_is_drawn_without_a_clip(desk, qtbot):
    canvas = Canvas(desk)
    qtbot.addWidget(canvas)
    hand = Hand(desk, canvas)
    qtbot.addWidget(hand.pane)
    for tool in ("draw", "edit", "transform", "feather", "brush", "eraser"):
        hand.pane.toolbox.take(tool)
        hand.drag((10, 10), (20, 20))
    assert not desk.project.document.shapes and not desk.project.document.strokes


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_wild_hand_does_the_drawing_reads_and_all_of_it_is_undone(hand, seed):
    chance, project = np.random.default_rng(seed), hand.desk.project
    facts, before, steps = project.facts, project.document, 0
    tools = ["draw", "edit", "transform", "feather", "brush", "eraser"]
    keys = [Qt.Key.Key_Return, Qt.Key.Key_Delete, Qt.Key.Key_Escape, Qt.Key.Key_Left, Qt.Key.Key_A]
    for _ in range(120):
        places = [tuple(chance.uniform((80, 30), (300, 150))) for _ in range(3)]
        held = (NONE, NONE, NONE, SHIFT, CTRL, ALT)[chance.integers(6)]
        act = chance.integers(8)
        if act == 0:
            hand.take(str(chance.choice(tools)))
        elif act == 1:
            hand.key(keys[chance.integers(len(keys))], held)
        elif act == 2:
            hand.desk.playhead.seek(int(chance.integers(25)))
        elif act == 3:
            QTest.mouseDClick(hand.canvas, LEFT, held, hand.at(*places[0]))
            QTest.mouseRelease(hand.canvas, LEFT, held, hand.at(*places[0]))
        elif act == 4:
            hand.click(*places[0], held)
        else:
            hand.drag(*places, held=held)
        document = project.document
        RotoFile(
            format="maskedit-roto",
            version=1,
            size=(facts.width, facts.height),
            shapes=document.shapes or before.shapes,
            strokes=document.strokes,
        )
        assert all(len({len(key.points) for key in layer.keys}) == 1 for layer in document.shapes + document.strokes)
    hand.take("")
    while project.undo_name:
        project.undo()
        steps += 1
    assert project.document == before and steps > 10
