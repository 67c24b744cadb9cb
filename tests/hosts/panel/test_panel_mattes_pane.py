# SPDX-License-Identifier: GPL-3.0-or-later
"""The mattes pane on a real desk: by mouse, by keys, by dropped files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QFileDialog, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from maskedit.mattes.roto import Shape, read_roto
from maskedit.media import probe
from plugin_client.core.requests import MatteFile
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.mattes.exporting import Place
from plugin_client.panel.mattes.following import is_made
from plugin_client.panel.mattes.pane import MattesPane
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.notices import Notice
from plugin_client.panel.model.working import end_work
from plugin_client.panel.roto.drawing import drawing_of
from plugin_client.panel.roto.layers import LayerRef
from plugin_client.panel.viewer.canvas import Canvas


@pytest.fixture
def said(desk: Desk) -> list[Notice]:
    notices: list[Notice] = []
    desk.notices.said.connect(notices.append)
    return notices


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot) -> Iterator[MattesPane]:
    canvas = Canvas(desk)
    canvas.resize(640, 400)
    qtbot.addWidget(canvas)
    pane = MattesPane(desk, canvas)
    qtbot.addWidget(pane)
    pane.resize(340, 700)
    canvas.show()
    pane.show()
    yield pane
    pane.matte_actions.task.stop()
    for widget in (pane, canvas):
        assert end_work(widget, within_ms=20_000), "work in the background does not end"


def canvas_of(pane: MattesPane) -> Canvas:
    return pane.matte_actions._canvas


def lay(desk: Desk, clip: Path, **fields: object) -> None:
    desk.project.replace(Document(clip=str(clip), **fields), probe(clip))  # type: ignore[arg-type]


def idle(pane: MattesPane, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not pane.matte_actions.task.is_running, timeout=20_000)


@pytest.fixture
def moving_clip(write_clip: Callable[..., Path]) -> Path:
    """160x120, 12 frames: a patch of blotches moves 3 px a frame to the right over other blotches."""
    rng = np.random.default_rng(4)
    back, patch = (
        cv2.normalize(cv2.GaussianBlur(rng.normal(size=size), (0, 0), 2), None, low, high, cv2.NORM_MINMAX)
        for size, low, high in (((120, 160), 20, 120), ((60, 50), 90, 250))
    )
    frames = np.repeat(back.astype(np.uint8)[None, :, :, None], 12, axis=0).repeat(3, axis=3)
    for number, frame in enumerate(frames):
        frame[30:90, 30 + 3 * number : 80 + 3 * number] = patch.astype(np.uint8)[..., None]
    return write_clip("moving.mkv", frames)


def patch_at(frame: int) -> Shape:
    """The patch's outline on a frame of the moving clip, keyed there."""
    points = [{"co": (x + 3 * frame, y)} for x, y in ((30, 30), (80, 30), (80, 90), (30, 90))]
    return Shape.model_validate({"name": "patch", "keys": [{"frame": frame, "points": points}]})


def white_matte(write_clip: Callable[..., Path], name: str = "matte.mkv", *, count: int = 12) -> Path:
    frames = np.zeros((count, 64, 96, 3), np.uint8)
    frames[:, 20:50, 30:60] = 255
    return write_clip(name, frames)


def test_without_a_clip_nothing_can_be_done_but_everything_is_there(pane: MattesPane) -> None:
    assert not any(action.isEnabled() for action in pane.matte_actions.all)
    assert pane.empty.isVisible()
    assert not pane.progress.isVisible()
    assert all(action.toolTip() for action in pane.matte_actions.all)


def test_a_thing_is_cut_out_by_dragging_a_box_on_the_canvas(
    desk: Desk, pane: MattesPane, small_clip: Path, qtbot: QtBot
) -> None:
    lay(desk, small_clip)
    desk.playhead.seek(6)  # there the square covers 24…48 x 24…48
    canvas = canvas_of(pane)
    pane.matte_actions.cut.trigger()
    assert canvas.tool is pane.matte_actions.tool

    def at(x: float, y: float) -> QPoint:
        return canvas.view.to_widget(QPointF(x, y)).toPoint()

    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(16, 18))
    qtbot.mouseMove(canvas, at(40, 40))
    qtbot.mouseMove(canvas, at(56, 56))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(56, 56))
    assert pane.progress.isVisible()
    idle(pane, qtbot)
    assert not pane.progress.isVisible()
    (shape,) = desk.project.document.shapes
    assert [key.frame for key in shape.keys] == [6]
    matte = desk.mattes.exact(6)
    true = np.zeros((64, 96), bool)
    true[24:48, 24:48] = True
    assert ((matte > 127) & true).sum() / ((matte > 127) | true).sum() > 0.75, "24 pixels are few to learn colours from"
    assert desk.project.undo_name == "Cut out"
    assert drawing_of(desk).selection.active == LayerRef("shape", 0)
    desk.project.undo()
    assert desk.project.document.shapes == ()


def test_the_thing_is_followed_and_that_is_one_step(
    desk: Desk, pane: MattesPane, moving_clip: Path, qtbot: QtBot
) -> None:
    lay(desk, moving_clip, shapes=(patch_at(4),))
    desk.playhead.seek(4)
    before = desk.project.document
    pane.matte_actions.both.trigger()
    idle(pane, qtbot)
    (shape,) = desk.project.document.shapes
    assert (shape.keys[0].frame, shape.keys[-1].frame) == (0, 11)
    assert [key for key in shape.keys if not is_made(key)] == [before.shapes[0].keys[0]]
    for frame in range(12):
        assert shape.outline(frame)[:, 0] == pytest.approx(patch_at(frame).outline(0)[:, 0], abs=2)
    assert desk.project.undo_name == "Follow shape"
    desk.project.undo()
    assert desk.project.document == before


def test_following_stays_between_in_and_out(desk: Desk, pane: MattesPane, moving_clip: Path, qtbot: QtBot) -> None:
    lay(desk, moving_clip, shapes=(patch_at(3),), frames=FrameRange(2, 8))
    desk.playhead.seek(3)
    pane.matte_actions.both.trigger()
    idle(pane, qtbot)
    frames = [key.frame for key in desk.project.document.shapes[0].keys]
    assert (frames[0], frames[-1]) == (2, 8)


def test_several_shapes_and_none_selected_asks_which(sample_desk: Desk, pane: MattesPane) -> None:
    assert not pane.matte_actions.forth.isEnabled()
    assert "Select a shape" in pane.followed.text()
    drawing_of(sample_desk).selection.choose([LayerRef("shape", 1)])
    assert pane.matte_actions.forth.isEnabled()
    assert "left ear" in pane.followed.text()


def test_a_shape_changed_while_it_is_followed_stays_as_it_was_changed(
    sample_desk: Desk, pane: MattesPane, said: list[Notice], qtbot: QtBot
) -> None:
    drawing_of(sample_desk).selection.choose([LayerRef("shape", 1)])
    project = sample_desk.project
    pane.matte_actions.one_click.follow(1)
    changed = project.document.shapes[1].model_copy(update={"feather": 9.0})
    shapes = project.document.shapes
    project.change("Feather", replace(project.document, shapes=(shapes[0], changed, shapes[2])))
    idle(pane, qtbot)
    assert project.document.shapes[1] == changed
    assert any("changed while it was followed" in notice.text for notice in said)


def test_stop_changes_nothing(sample_desk: Desk, pane: MattesPane, said: list[Notice], qtbot: QtBot) -> None:
    drawing_of(sample_desk).selection.choose([LayerRef("shape", 0)])
    before = sample_desk.project.document
    shapes = (before.shapes[0].model_copy(update={"keys": before.shapes[0].keys[:1]}),)
    sample_desk.project.change("Thin out", replace(before, shapes=shapes))
    pane.matte_actions.forth.trigger()
    qtbot.mouseClick(pane.progress.stop, Qt.MouseButton.LeftButton)
    idle(pane, qtbot)
    assert sample_desk.project.document.shapes == shapes
    assert said == []


def drop(pane: MattesPane, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    pane.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )


def test_dropped_files_are_taken_in_as_what_they_are(
    desk: Desk, pane: MattesPane, small_clip: Path, write_clip: Callable[..., Path], tmp_path: Path, qtbot: QtBot
) -> None:
    lay(desk, small_clip)
    points = [{"co": [1, 1]}, {"co": [30, 1]}, {"co": [30, 30]}]
    roto = {
        "format": "maskedit-roto",
        "version": 1,
        "size": [96, 64],
        "shapes": [{"keys": [{"frame": 0, "points": points}]}],
    }
    (tmp_path / "roto.json").write_text(json.dumps(roto))
    matte = white_matte(write_clip)
    drop(pane, matte, tmp_path / "roto.json")
    qtbot.waitUntil(lambda: bool(desk.project.document.mattes and desk.project.document.shapes))
    assert desk.project.document.mattes == (MatteFile(str(matte), channel="luma"),)
    assert len(pane.rows) == 1
    assert not pane.empty.isVisible()
    drop(pane, matte)
    qtbot.wait(200)
    assert len(desk.project.document.mattes) == 1, "once is enough"


def test_a_file_that_does_not_fit_is_told_in_a_sentence(
    desk: Desk, pane: MattesPane, small_clip: Path, write_clip: Callable[..., Path], said: list[Notice], qtbot: QtBot
) -> None:
    lay(desk, small_clip)
    drop(pane, white_matte(write_clip, "short.mkv", count=3))
    qtbot.waitUntil(lambda: bool(said))
    assert said[0].severity == "error"
    assert "has 3 frames but the clip has 12" in said[0].text
    assert desk.project.document.mattes == ()


def test_a_row_says_what_a_matte_is_for(
    desk: Desk, pane: MattesPane, small_clip: Path, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    matte = str(white_matte(write_clip))
    lay(desk, small_clip, mattes=(MatteFile(matte), MatteFile(matte, purpose="ignore")))
    first, second = pane.rows
    assert first.name.text() == "matte.mkv"
    assert second.purpose.currentText() == "Ignore"
    assert not second.subtract.isEnabled()
    first.invert.click()
    assert desk.project.document.mattes[0] == MatteFile(matte, invert=True)
    first.subtract.click()
    first.purpose.setCurrentIndex(first.purpose.findData("holdout"))
    first.purpose.activated.emit(first.purpose.currentIndex())
    assert desk.project.document.mattes[0] == MatteFile(matte, purpose="holdout", invert=True)
    desk.project.undo()
    assert first.subtract.isChecked()
    qtbot.mouseClick(pane.rows[0].remove, Qt.MouseButton.LeftButton)
    assert desk.project.document.mattes == (MatteFile(matte, purpose="ignore"),)
    assert len(pane.rows) == 1


def test_a_lost_file_is_marked_on_its_row(desk: Desk, pane: MattesPane, small_clip: Path, qtbot: QtBot) -> None:
    lay(desk, small_clip, mattes=(MatteFile("/nowhere/gone.mkv"),))
    desk.mattes.picture(0)
    qtbot.waitUntil(lambda: pane.rows[0].fault.isVisible())
    assert "gone.mkv" in pane.rows[0].fault.text()


def test_the_edge_is_chosen_or_left_to_the_preset(desk: Desk, pane: MattesPane, small_clip: Path) -> None:
    lay(desk, small_clip)
    edges = pane.edges
    assert "by preset" in edges.grow.text()
    edges.grow.setValue(12)
    edges.grow.setValue(13)
    assert desk.project.document.choices.grow_px == 13
    assert desk.project.undo_name == "Grow of matte"
    desk.project.undo()
    assert desk.project.document.choices.grow_px is None
    assert "by preset" in edges.grow.text()
    edges.loosening.setCurrentIndex(edges.loosening.findData("hull"))
    edges.loosening.activated.emit(edges.loosening.currentIndex())
    assert desk.project.document.choices.loosening == "hull"


def test_the_line_shows_how_far_the_result_may_reach(sample_desk: Desk, pane: MattesPane, qtbot: QtBot) -> None:
    reach, project = pane.reach, sample_desk.project

    def bounds() -> list[float]:
        points = np.array([(point.x(), point.y()) for line in reach.outlines for point in line])
        return [*points.min(axis=0), *points.max(axis=0)]

    def choose(**fields: int) -> None:
        choices = replace(project.document.choices, **fields)  # type: ignore[arg-type]
        project.change("Edge", replace(project.document, choices=choices))

    choose(grow_px=0, feather_px=0)
    drawn = sample_desk.mattes.exact(0) > 127
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    tight = [columns[0], rows[0], columns[-1], rows[-1]]
    qtbot.waitUntil(lambda: bool(reach.outlines) and bounds() == pytest.approx(tight, abs=2))
    choose(grow_px=20, feather_px=10)
    wide = [tight[0] - 30, max(tight[1] - 30, 0), tight[2] + 30, tight[3] + 30]
    qtbot.waitUntil(lambda: bounds() == pytest.approx(wide, abs=2))
    pane.hide()
    assert not reach.isVisible()
    choose(grow_px=0)
    pane.show()
    qtbot.waitUntil(lambda: bounds()[0] == pytest.approx(tight[0] - 10, abs=2))
    sample_desk.playhead.play(1)
    assert reach.outlines == []
    sample_desk.playhead.stop()


def test_the_box_tool_is_put_down_behind_another_tab(sample_desk: Desk, pane: MattesPane) -> None:
    pane.matte_actions.cut.trigger()
    assert pane.matte_actions.cut.isChecked()
    pane.hide()
    assert canvas_of(pane).tool is None
    assert not pane.matte_actions.cut.isChecked()


def test_what_is_asked_for_by_a_key_brings_its_tab_to_the_front(
    desk: Desk, pane: MattesPane, moving_clip: Path, qtbot: QtBot
) -> None:
    tabs = QTabWidget()
    qtbot.addWidget(tabs)
    tabs.addTab(QWidget(), "Roto")
    tabs.addTab(pane, "Mattes")
    tabs.show()
    lay(desk, moving_clip, shapes=(patch_at(3),))
    assert not pane.isVisible()
    pane.matte_actions.cut.trigger()
    assert pane.isVisible()
    assert canvas_of(pane).tool is pane.matte_actions.tool
    tabs.setCurrentIndex(0)
    pane.matte_actions.forth.trigger()
    assert pane.progress.stop.isVisible()
    idle(pane, qtbot)
    tabs.removeTab(1)
    pane.setParent(None)


def test_files_are_chosen_and_named_in_dialogs(
    sample_desk: Desk, pane: MattesPane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    chosen = tmp_path / "shots" / "head"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    pane.matte_actions.to_drawing.trigger()
    qtbot.waitUntil(chosen.with_suffix(".json").exists)
    pane.matte_actions.to_video.trigger()
    idle(pane, qtbot)
    assert probe(chosen.with_suffix(".mkv")).frame_count == sample_desk.project.facts.frame_count  # type: ignore[union-attr]
    pane.matte_actions.to_sequence.trigger()
    idle(pane, qtbot)
    assert len(list(chosen.iterdir())) == 25
    assert sample_desk.preferences.last_folder == str(chosen.parent)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(chosen / "head.0004.png")], ""))
    pane.matte_actions.bring_in.trigger()
    qtbot.waitUntil(lambda: bool(sample_desk.project.document.mattes))
    assert sample_desk.project.document.mattes[0].path == str(chosen / "head.%04d.png")


def test_the_matte_is_exported_from_in_to_out_and_comes_back(
    sample_desk: Desk, pane: MattesPane, said: list[Notice], tmp_path: Path, qtbot: QtBot
) -> None:
    project = sample_desk.project
    project.change("Set in and out", replace(project.document, frames=FrameRange(3, 7)))
    pane.matte_actions.transfers.export_to(Place("video", tmp_path / "matte.mkv"))
    idle(pane, qtbot)
    assert probe(tmp_path / "matte.mkv").frame_count == 5
    assert said[-1].text == f"Exported to {tmp_path / 'matte.mkv'}."
    pane.matte_actions.transfers.export_drawing(tmp_path / "roto.json")
    qtbot.waitUntil((tmp_path / "roto.json").exists)
    assert read_roto(str(tmp_path / "roto.json")).shapes == project.document.shapes


def test_a_place_that_cannot_be_written_is_told(
    sample_desk: Desk, pane: MattesPane, said: list[Notice], tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "file").touch()
    pane.matte_actions.transfers.export_to(Place("video", tmp_path / "file" / "matte.mkv"))
    idle(pane, qtbot)
    assert said[-1].severity == "error"
    assert "choose another place" in said[-1].text


def test_another_project_ends_what_is_done_for_the_one_before(
    sample_desk: Desk, pane: MattesPane, small_clip: Path, qtbot: QtBot
) -> None:
    drawing_of(sample_desk).selection.choose([LayerRef("shape", 0)])
    pane.matte_actions.forth.trigger()
    lay(sample_desk, small_clip)
    idle(pane, qtbot)
    assert sample_desk.project.document.shapes == ()
    assert sample_desk.project.undo_name == ""
