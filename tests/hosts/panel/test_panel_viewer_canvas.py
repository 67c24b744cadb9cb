# SPDX-License-Identifier: GPL-3.0-or-later
"""The canvas paints what numpy says it should, and gives the hand to its tool before it zooms and pans itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QImage, QMouseEvent, QPainter, QWheelEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from maskedit.mattes.roto import Shape
from maskedit.media import probe, write_picture
from plugin_client.core.job import JobState
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document, KeyframePicture
from plugin_client.panel.model.takes import Take
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.look import Compare, Onion, Overlay
from plugin_client.panel.viewer.view import View

COUNT, HEIGHT, WIDTH, MARGIN = 6, 120, 200, 16
# Where names are written over the picture.
NAMES = 40
PLATE = np.random.default_rng(1).integers(0, 255, (COUNT, HEIGHT, WIDTH, 3), np.uint8)
RESULT = np.random.default_rng(2).integers(0, 255, (COUNT, HEIGHT, WIDTH, 3), np.uint8)
TAKE = "job-1"


@pytest.fixture
def canvas(desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot) -> Canvas:
    """A canvas that shows a clip at 100 %, without its matte."""
    clip = write_clip("plate.mkv", PLATE)
    desk.project.replace(Document(clip=str(clip)), probe(clip))
    canvas = Canvas(desk)
    canvas.looks.change(overlay_on=False)
    canvas.resize(WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    qtbot.addWidget(canvas)
    canvas.show()
    qtbot.waitExposed(canvas)
    settle(canvas, qtbot)
    return canvas


def settle(canvas: Canvas, qtbot: QtBot) -> None:
    def painted() -> bool:
        canvas.grab()
        take = canvas.shown.take
        at_hand = take is None or bool(take.fault(0)) or len(take.held_frames()) > 0
        return canvas.shown.plate is not None and not canvas.shown.is_late and at_hand

    qtbot.waitUntil(painted, timeout=10_000)


def lay_take(
    desk: Desk, write_clip: Callable[..., Path], frames: np.ndarray, *, span: FrameRange | None = None
) -> Path:
    """A finished take of those pictures on the desk; its result."""
    folder = desk.project.workspace / "takes" / TAKE
    folder.mkdir(parents=True)
    result = write_clip("take.mkv", frames).rename(folder / "result.mkv")
    document = replace(desk.project.document, frames=span)
    take = Take(job_id=TAKE, name="Orange rabbit", created="2026-01-01T10:00:00+00:00", document=document)
    desk.takes.add(replace(take, state=JobState.SUCCEEDED, result=f"takes/{TAKE}/result.mkv"))
    desk.takes.choose(TAKE)
    return result


def seen(canvas: Canvas, *, left: int = MARGIN) -> np.ndarray:
    """(H, W, 3): what is painted where the picture lies."""
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    lines = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : 3 * image.width()].reshape(image.height(), -1, 3)[MARGIN:, left:][:HEIGHT, :WIDTH].copy()


def test_every_frame_is_painted_pixel_for_pixel(canvas: Canvas, desk: Desk, qtbot: QtBot) -> None:
    assert canvas.view.scale == pytest.approx(1.0)
    for frame in (3, 0, 5, 2):
        desk.playhead.seek(frame)
        settle(canvas, qtbot)
        assert np.array_equal(seen(canvas), PLATE[frame])


def test_a_take_is_shown_and_the_plate_when_it_is_asked_for(
    canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    lay_take(desk, write_clip, RESULT)
    settle(canvas, qtbot)
    assert np.array_equal(seen(canvas)[NAMES:], RESULT[0][NAMES:])
    canvas.looks.change(plate=True)
    assert np.array_equal(seen(canvas)[NAMES:], PLATE[0][NAMES:])
    assert canvas.shown.result_name == "Orange rabbit"


def test_a_take_of_a_range_lies_where_it_was_made(
    canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    lay_take(desk, write_clip, RESULT[:2], span=FrameRange(2, 3))
    for frame, expected in ((3, RESULT[1]), (2, RESULT[0]), (4, PLATE[4]), (1, PLATE[1])):
        desk.playhead.seek(frame)
        settle(canvas, qtbot)
        qtbot.waitUntil(lambda expected=expected: np.array_equal(seen(canvas)[NAMES:], expected[NAMES:]))


@pytest.mark.parametrize("wipe", [0.0, 0.25, 0.6, 1.0])
def test_a_wipe_is_plate_on_the_left_and_result_on_the_right(
    wipe: float, canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    lay_take(desk, write_clip, RESULT)
    canvas.looks.change(compare=Compare.WIPE, wipe=wipe)
    settle(canvas, qtbot)
    columns = np.arange(WIDTH)
    twin = np.where((columns >= wipe * WIDTH)[None, :, None], RESULT[0], PLATE[0])
    off_line = np.abs(columns - wipe * WIDTH) > 6
    assert np.array_equal(seen(canvas)[NAMES:, off_line], twin[NAMES:, off_line])


def test_the_wipes_line_is_dragged(canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot) -> None:
    lay_take(desk, write_clip, RESULT)
    canvas.looks.change(compare=Compare.WIPE)
    settle(canvas, qtbot)
    middle = QPoint(MARGIN + WIDTH // 2 + 2, 90)
    qtbot.mouseMove(canvas, middle)
    assert canvas.cursor().shape() is Qt.CursorShape.SplitHCursor
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(canvas, QPoint(MARGIN + 50, 70))
    assert canvas.looks.look.wipe == pytest.approx(0.25)
    qtbot.mouseMove(canvas, QPoint(-500, 70))
    assert canvas.looks.look.wipe == 0.0
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(MARGIN + 50, 70))
    assert canvas.view.left == MARGIN


def test_the_difference_is_that_of_the_pictures(
    canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    lay_take(desk, write_clip, RESULT)
    canvas.looks.change(compare=Compare.DIFFERENCE, gain=3)
    settle(canvas, qtbot)
    twin = np.minimum(3 * np.abs(PLATE[0].astype(int) - RESULT[0]), 255)
    assert np.array_equal(seen(canvas)[NAMES:], twin[NAMES:])


def test_side_by_side_both_lie_alike(canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot) -> None:
    lay_take(desk, write_clip, RESULT)
    canvas.looks.change(compare=Compare.SIDE)
    half = WIDTH + 2 * MARGIN
    canvas.resize(2 * half, HEIGHT + 2 * MARGIN)
    settle(canvas, qtbot)
    assert canvas.view.scale == pytest.approx(1.0)
    assert np.array_equal(seen(canvas)[NAMES:], PLATE[0][NAMES:])
    assert np.array_equal(seen(canvas, left=half + MARGIN)[NAMES:], RESULT[0][NAMES:])


def test_held_a_lets_plate_and_result_take_turns(
    canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    lay_take(desk, write_clip, RESULT)
    settle(canvas, qtbot)

    def shows(picture: np.ndarray) -> bool:
        return np.array_equal(seen(canvas)[NAMES:], picture[NAMES:])

    assert shows(RESULT[0])
    canvas.setFocus()
    qtbot.keyPress(canvas, Qt.Key.Key_A)
    assert shows(PLATE[0])
    qtbot.waitUntil(lambda: shows(RESULT[0]), timeout=2000)
    qtbot.waitUntil(lambda: shows(PLATE[0]), timeout=2000)
    qtbot.keyRelease(canvas, Qt.Key.Key_A)
    assert shows(RESULT[0])


def test_the_matte_is_laid_over_what_is_shown(canvas: Canvas, desk: Desk, qtbot: QtBot) -> None:
    corners = ((40, 50), (140, 50), (140, 110), (40, 110))
    key = {"frame": 0, "points": [{"co": corner, "in": (0, 0), "out": (0, 0)} for corner in corners]}
    shape = Shape.model_validate({"keys": [key]})
    desk.project.change("Draw", replace(desk.project.document, shapes=(shape,)))
    canvas.looks.change(overlay_on=True, overlay=Overlay.MATTE)
    inside, outside = (slice(54, 106), slice(44, 136)), (slice(0, 46), slice(0, WIDTH))
    qtbot.waitUntil(lambda: (seen(canvas)[inside] == 255).all(), timeout=10_000)
    assert (seen(canvas)[outside] == 0).all()
    canvas.looks.change(overlay=Overlay.COLOUR, overlay_colour="#ff0000", overlay_opacity=0.5)
    twin = PLATE[0].astype(float) * 0.5 + np.array([127.5, 0, 0])
    assert np.abs(seen(canvas)[inside] - twin[inside]).max() <= 3
    assert np.array_equal(seen(canvas)[outside], PLATE[0][outside])
    canvas.looks.change(overlay=Overlay.OUTLINE)
    assert np.array_equal(seen(canvas)[inside], PLATE[0][inside])
    assert not np.array_equal(seen(canvas), PLATE[0])
    canvas.looks.change(overlay=Overlay.CUTOUT)
    assert np.array_equal(seen(canvas)[inside], PLATE[0][inside])
    assert len(np.unique(seen(canvas)[outside])) == 2
    canvas.looks.change(overlay_on=False)
    assert np.array_equal(seen(canvas), PLATE[0])


def test_neighbours_shine_through(canvas: Canvas, desk: Desk, qtbot: QtBot) -> None:
    desk.playhead.seek(2)
    settle(canvas, qtbot)
    canvas.looks.change(onion=Onion.FRAMES, onion_opacity=0.4)
    before = PLATE[2] * 0.6 + PLATE[1] * 0.4
    twin = before * 0.6 + PLATE[3] * 0.4
    qtbot.waitUntil(lambda: np.abs(seen(canvas) - twin).max() <= 4, timeout=10_000)


def test_painted_keyframes_shine_through_and_are_read_again(canvas: Canvas, desk: Desk, qtbot: QtBot) -> None:
    path = desk.project.workspace / "painted.png"
    write_picture(path, np.full((HEIGHT, WIDTH, 3), 1.0, np.float32))
    keyframes = (KeyframePicture(frame=4, path="painted.png"),)
    desk.project.change("Paint", replace(desk.project.document, keyframes=keyframes))
    canvas.looks.change(onion=Onion.KEYFRAMES, onion_opacity=0.5)
    qtbot.waitUntil(lambda: np.abs(seen(canvas) - (PLATE[0] * 0.5 + 127.5)).max() <= 3, timeout=10_000)
    write_picture(path, np.zeros((HEIGHT, WIDTH, 3), np.float32))
    qtbot.waitUntil(lambda: np.abs(seen(canvas) - PLATE[0] * 0.5).max() <= 3, timeout=10_000)


class Recorder:
    """A tool that notes what it gets and takes what it is told to take."""

    def __init__(self, *, takes: bool) -> None:
        self.takes, self.got = takes, []
        self.cursor = Qt.CursorShape.CrossCursor

    def _note(self, name: str, what: object) -> bool:
        self.got.append((name, what))
        return self.takes

    def paint(self, painter: QPainter, view: View) -> None:
        painter.fillRect(0, 0, 3, 3, Qt.GlobalColor.green)

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        return self._note("press", (point.x(), point.y()))

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        return self._note("move", (point.x(), point.y()))

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        return self._note("release", (point.x(), point.y()))

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        return self._note("double", (point.x(), point.y()))

    def key(self, event: QEvent) -> bool:
        return self._note("key", event.key())

    def finish(self) -> None:
        self.got.append(("finish", None))


def test_a_tool_gets_the_mouse_in_source_pixels_and_paints_on_top(canvas: Canvas, qtbot: QtBot) -> None:
    tool = Recorder(takes=True)
    canvas.set_tool(tool)
    canvas.zoom_to(2.0)
    at = canvas.view.to_widget(QPointF(110, 60)).toPoint()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseMove(canvas, at + QPoint(4, 2))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(4, 2))
    (press, start), *_, (release, end) = tool.got
    assert (press, release) == ("press", "release")
    assert (end[0] - start[0], end[1] - start[1]) == (2, 1)
    assert start == pytest.approx((110, 60), abs=0.51)
    assert canvas.grab().toImage().pixelColor(1, 1).green() == 255
    assert canvas.cursor().shape() is Qt.CursorShape.CrossCursor
    canvas.set_tool(None)
    assert tool.got[-1] == ("finish", None)


def test_what_a_tool_leaves_is_the_canvas_own(canvas: Canvas, desk: Desk, qtbot: QtBot) -> None:
    canvas.set_tool(Recorder(takes=False))
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert desk.playhead.speed == 1
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert desk.playhead.speed == 0


def drag(canvas: Canvas, qtbot: QtBot, button: Qt.MouseButton, by: QPoint) -> None:
    at = canvas.rect().center()
    qtbot.mousePress(canvas, button, pos=at)
    qtbot.mouseMove(canvas, at + by)
    qtbot.mouseRelease(canvas, button, pos=at + by)


def test_the_middle_button_and_space_pan(canvas: Canvas, desk: Desk, qtbot: QtBot) -> None:
    tool = Recorder(takes=True)
    canvas.set_tool(tool)
    drag(canvas, qtbot, Qt.MouseButton.MiddleButton, QPoint(20, -10))
    assert (canvas.view.left, canvas.view.top) == (MARGIN + 20, MARGIN - 10)
    canvas.setFocus()
    tool.takes = False
    qtbot.keyPress(canvas, Qt.Key.Key_Space)
    drag(canvas, qtbot, Qt.MouseButton.LeftButton, QPoint(-20, 10))
    qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    assert (canvas.view.left, canvas.view.top) == (MARGIN, MARGIN)
    assert desk.playhead.speed == 0
    assert not [name for name, _ in tool.got if name in ("press", "release")]


def test_the_wheel_zooms_at_the_pointer(canvas: Canvas) -> None:
    at = QPointF(70, 100)
    before = canvas.view.to_source(at)
    turn = QWheelEvent(
        at, at, QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, turn)
    after = canvas.view.to_source(at)
    assert canvas.view.scale == pytest.approx(10 ** (2 / 8))
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()))


def test_it_stays_fitted_until_it_is_zoomed(canvas: Canvas) -> None:
    canvas.resize(2 * WIDTH + 2 * MARGIN, 2 * HEIGHT + 2 * MARGIN)
    assert canvas.view.scale == pytest.approx(2.0)
    canvas.zoom_to(1.0)
    middle = canvas.view.to_source(QPointF(canvas.rect().center()))
    canvas.resize(WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    assert canvas.view.scale == 1.0
    kept = canvas.view.to_source(QPointF(canvas.rect().center()))
    assert (kept.x(), kept.y()) == pytest.approx((middle.x(), middle.y()), abs=1)
    canvas.fit()
    canvas.resize(3 * WIDTH + 2 * MARGIN, 3 * HEIGHT + 2 * MARGIN)
    assert canvas.view.scale == pytest.approx(3.0)


def test_a_take_whose_pictures_are_gone_says_so(
    canvas: Canvas, desk: Desk, write_clip: Callable[..., Path], qtbot: QtBot
) -> None:
    result = lay_take(desk, write_clip, RESULT)
    desk.takes.choose("")
    result.unlink()
    desk.footage.forget(str(result))
    desk.takes.choose(TAKE)
    qtbot.waitUntil(lambda: "There is no file result.mkv" in canvas.shown.result_fault, timeout=10_000)
    settle(canvas, qtbot)
    assert not np.array_equal(seen(canvas)[NAMES:], PLATE[0][NAMES:])
    # The plate is none the worse for it.
    canvas.looks.change(plate=True)
    assert np.array_equal(seen(canvas)[NAMES:], PLATE[0][NAMES:])
    desk.takes.choose("")
    settle(canvas, qtbot)
    assert canvas.shown.result_fault == canvas.shown.plate_fault == ""
    assert np.array_equal(seen(canvas), PLATE[0])


def test_at_whole_zooms_pixels_lie_on_pixels(canvas: Canvas) -> None:
    canvas.resize(canvas.width() + 3, canvas.height() + 1)
    canvas.zoom_to(1.0)
    left = round(canvas.view.left)
    assert canvas.view.left == left
    assert np.array_equal(seen(canvas, left=left), PLATE[0])
