# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto pane: what it shows is what the document says, and what is set there is undone in one step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QTabWidget, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.brushes import brush_stroke
from plugin_client.panel.roto.keying import key_frames
from plugin_client.panel.roto.layers import LayerRef, paint_order
from plugin_client.panel.roto.layers_model import Column
from plugin_client.panel.roto.options import ToolOptions
from plugin_client.panel.roto.pane import RotoPane
from plugin_client.panel.roto.toolbox import KINDS
from plugin_client.panel.viewer.canvas import Canvas

HEAD = LayerRef("shape", 0)


@pytest.fixture
def pane(sample_desk: Desk, qtbot) -> RotoPane:
    qtbot.waitUntil(lambda: sample_desk.project.facts is not None)
    window = QTabWidget()
    canvas = Canvas(sample_desk)
    pane = RotoPane(sample_desk, canvas)
    window.addTab(pane, "Roto")
    window.addTab(QWidget(), "Run")
    qtbot.addWidget(window)
    qtbot.addWidget(canvas)
    window.resize(360, 640)
    window.show()
    pane.canvas = canvas
    yield pane


def shape(pane: RotoPane, ref: LayerRef = HEAD):
    return pane.drawing.layer(ref)


def names(pane: RotoPane) -> list[str]:
    model = pane.list.model
    return [model.data(model.index(row, Column.NAME)) for row in range(model.rowCount())]


def index(pane: RotoPane, ref: LayerRef, column: Column) -> QModelIndex:
    return pane.list.model.index(pane.list.model.refs.index(ref), column)


def undone(pane: RotoPane, before) -> None:
    """One undo takes back all that was done since `before`, one redo brings it again."""
    project = pane.drawing.project
    after = project.document
    assert after != before
    project.undo()
    assert project.document == before
    project.redo()
    assert project.document == after


def test_the_list_shows_the_drawing_topmost_first(pane):
    assert names(pane) == [shape(pane, ref).name for ref in reversed(paint_order(pane.drawing.document))]
    assert not pane.words.isVisible()


def test_selection_goes_both_ways(pane):
    view = pane.list.view
    view.selectionModel().select(
        index(pane, HEAD, Column.NAME),
        view.selectionModel().SelectionFlag.ClearAndSelect | view.selectionModel().SelectionFlag.Rows,
    )
    assert pane.drawing.selection.layers == (HEAD,)
    other = LayerRef("shape", 1)
    pane.drawing.selection.choose([other])
    assert [each.row() for each in view.selectionModel().selectedRows()] == [pane.list.model.refs.index(other)]


def test_points_stay_selected_while_the_list_follows(pane):
    pane.drawing.selection.choose([], [(HEAD, 2)])
    assert pane.drawing.selection.points == {(HEAD, 2)}


def test_eye_and_sign_toggle_in_one_step(pane):
    before = pane.drawing.document
    pane.list.model.click(index(pane, HEAD, Column.SHOWN))
    assert not shape(pane).is_visible(0)
    undone(pane, before)
    before = pane.drawing.document
    pane.list.model.click(index(pane, HEAD, Column.BLEND))
    assert shape(pane).blend == "subtract"
    undone(pane, before)


def test_a_name_is_edited_in_place(pane):
    before = pane.drawing.document
    pane.list.model.setData(index(pane, HEAD, Column.NAME), "face")
    assert shape(pane).name == "face" and "face" in names(pane)
    undone(pane, before)


def test_a_colour_is_chosen_from_a_menu(pane):
    before = pane.drawing.document
    pane.list.colour_menu(pane.list.model.refs.index(HEAD)).actions()[3].trigger()
    assert shape(pane).model_extra["colour"].startswith("#")
    undone(pane, before)


def test_rows_are_dragged_into_another_order(pane):
    before, order = pane.drawing.document, names(pane)
    model = pane.list.model
    data = model.mimeData([model.index(0, 0), model.index(0, 3)])
    assert model.dropMimeData(data, Qt.DropAction.MoveAction, len(order), 0, QModelIndex())
    assert names(pane) == [*order[1:], order[0]]
    undone(pane, before)
    assert not model.dropMimeData(None, Qt.DropAction.MoveAction, 0, 0, QModelIndex())


def test_shapes_are_brought_forward_and_sent_backward(pane):
    before, order = pane.drawing.document, names(pane)
    pane.drawing.selection.choose([HEAD])
    assert order[-1] == shape(pane).name
    pane.list.up.trigger()
    assert names(pane) == [*order[:-2], order[-1], order[-2]]
    undone(pane, before)
    pane.list.down.trigger()
    pane.list.down.trigger()
    assert names(pane) == order and pane.drawing.document.shapes == before.shapes
    assert [shape(pane, ref).name for ref in pane.drawing.selection.layers] == [order[-1]]


def test_shapes_are_duplicated_and_deleted(pane):
    count = len(pane.drawing.document.shapes)
    pane.drawing.selection.choose([HEAD])
    pane.list.duplicate.trigger()
    copy = pane.drawing.selection.active
    assert shape(pane, copy).keys == shape(pane).keys and len(pane.drawing.document.shapes) == count + 1
    pane.list.view.setFocus()
    QTest.keyClick(pane.list.view, Qt.Key.Key_Delete)
    assert len(pane.drawing.document.shapes) == count
    assert pane.drawing.selection.layers == () and not pane.list.remove.isEnabled()


def test_typed_numbers_are_one_step_for_all_that_is_selected(pane):
    both = [HEAD, LayerRef("shape", 1)]
    pane.drawing.selection.choose(both)
    before = pane.drawing.document
    field = pane.properties.feather
    field.selectAll()
    QTest.keyClicks(field, "12.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [shape(pane, ref).feather for ref in both] == [12.5, 12.5]
    undone(pane, before)
    pane.properties.opacity.setValue(40)
    assert [shape(pane, ref).opacity for ref in both] == [0.4, 0.4]


def test_properties_follow_undo(pane):
    pane.drawing.selection.choose([HEAD])
    pane.properties.opacity.setValue(40)
    pane.drawing.project.undo()
    assert pane.properties.opacity.value() == 100


def test_a_stroke_has_a_brush_and_a_shape_a_feather(pane):
    def shown() -> list[bool]:
        form = pane.properties
        return [field.isVisible() for field in (form.feather, form.brush_width, form.hardness)]

    pane.drawing.selection.choose([HEAD])
    assert shown() == [True, False, False]
    path = np.array([(10, 10, 1), (20, 20, 1)])
    pane.drawing.add("Paint", brush_stroke(path, ToolOptions(), frame=0, last=9, name="Brush 1"))
    assert shown() == [False, True, True]
    pane.properties.brush_width.setValue(12)
    assert pane.drawing.document.strokes[0].width == 12


def test_frames_are_typed_or_set_at_the_playhead(pane, qtbot):
    pane.drawing.selection.choose([HEAD])
    form, playhead = pane.properties, pane.drawing.playhead
    QTest.keyClicks(form.frames, "2-5, 9")
    QTest.keyClick(form.frames, Qt.Key.Key_Return)
    assert shape(pane).visible == ((2, 5), (9, 9))
    with qtbot.waitSignal(pane.drawing.project.changed):
        playhead.seek(4)
        form.starts.trigger()
    assert shape(pane).visible == ((4, 5), (9, 9)) and form.frames.text() == "4-5, 9"
    form.ends.trigger()
    assert shape(pane).visible == ((4, 4),)


def test_frames_that_cannot_be_read_are_refused_in_words(pane, qtbot):
    pane.drawing.selection.choose([HEAD])
    before = pane.drawing.document
    QTest.keyClicks(pane.properties.frames, "from 5")
    with qtbot.waitSignal(pane._desk.notices.said) as said:
        QTest.keyClick(pane.properties.frames, Qt.Key.Key_Return)
    assert "write them as 0-24" in said.args[0].text
    assert pane.drawing.document is before and pane.properties.frames.text() == ""


def test_the_key_at_the_playhead_is_set_and_deleted(pane, qtbot):
    ref = LayerRef("shape", len(pane.drawing.document.shapes))
    pane.drawing.add("Draw", shape(pane).model_copy(update={"name": "still", "keys": shape(pane).keys[:1]}))
    pane.drawing.playhead.seek(7)
    assert pane.properties.key.text() == "Set a key here"
    pane.properties.key.trigger()
    assert key_frames(shape(pane, ref)) == (0, 7)
    pane.properties.interp.setCurrentIndex(1)
    pane.properties.interp.activated.emit(1)
    assert [key.interp for key in shape(pane, ref).keys] == ["linear", "hold"]
    assert pane.properties.key.text() == "Delete the key here"
    pane.properties.key.trigger()
    assert key_frames(shape(pane, ref)) == (0,)
    pane.drawing.playhead.seek(0)
    with qtbot.waitSignal(pane._desk.notices.said):
        pane.properties.key.trigger()
    assert key_frames(shape(pane, ref)) == (0,)


def test_each_tool_has_a_key_and_only_one_is_in_hand(pane):
    keys = [action.shortcut().toString() for action in pane.toolbox.actions.values()]
    assert keys == ["H", "P", "V", "T", "F", "B", "E"]
    for kind in KINDS:
        pane.toolbox.actions[kind.name].trigger()
        pane.toolbox.actions[kind.name].trigger()
        assert pane.canvas.tool is pane.toolbox.tools[kind.name]
        checked = [name for name, action in pane.toolbox.actions.items() if action.isChecked()]
        assert checked == [kind.name]
        assert pane.options.hint.text() == kind.hint
    assert set(pane.toolbox.actions.values()) <= set(pane.actions()), "the window lists them in its menu"


def test_another_room_s_tool_unchecks_ours(pane):
    class Other:
        cursor = Qt.CursorShape.ArrowCursor

        def finish(self) -> None: ...

        def paint(self, painter, view) -> None: ...

    pane.toolbox.take("edit")
    pane.canvas.set_tool(Other())
    assert not any(action.isChecked() for action in pane.toolbox.actions.values())


def test_behind_another_tab_the_tool_is_put_down_until_it_comes_back(pane):
    tabs = pane.window()
    pane.toolbox.take("edit")
    tabs.setCurrentIndex(1)
    assert pane.canvas.tool is None
    tabs.setCurrentIndex(0)
    assert pane.canvas.tool is pane.toolbox.tools["edit"]
    tabs.setCurrentIndex(1)
    pane.toolbox.actions["brush"].trigger()
    assert tabs.currentWidget() is pane and pane.canvas.tool is pane.toolbox.tools["brush"]


def test_options_of_the_brush_follow_its_keys(pane):
    pane.toolbox.take("brush")
    pane.drawing.options.set(width=77.0, hardness=0.25, span="this frame")
    row = pane.options
    assert (row.brush_width.value(), row.hardness.value(), row.span.currentText()) == (77, 25, "This frame")
    row.brush_width.setValue(12)
    row.span.activated.emit(2)
    assert (pane.drawing.options.now.width, pane.drawing.options.now.span) == (12, "from here on")
    assert row.brush_width.isVisible() and not row.every_key.isVisible()


def test_what_is_missing_is_said(pane):
    project = pane.drawing.project
    project.change("Clear", replace(project.document, shapes=(), strokes=()))
    assert pane.words.isVisible() and "Draw tool" in pane.words.text()
    project.undo()
    holes = tuple(each.model_copy(update={"blend": "subtract"}) for each in project.document.shapes)
    project.change("Subtract", replace(project.document, shapes=holes))
    assert "Everything here is subtracted" in pane.words.text()


def test_without_a_clip_the_pane_waits(desk: Desk, qtbot):
    canvas = Canvas(desk)
    pane = RotoPane(desk, canvas)
    for widget in (canvas, pane):
        qtbot.addWidget(widget)
    assert not pane.isEnabled()
