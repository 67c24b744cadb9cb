# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting things out of a box: what comes out is what stands out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPointF, QRectF, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent

from maskedit.errors import InputError
from maskedit.mattes.outlining import Outline
from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.roto import RotoFile, Shape
from maskedit.mattes.roto_keys import Key
from plugin_client.panel.mattes.box_tool import BoxTool
from plugin_client.panel.mattes.cutting import cut_out
from plugin_client.panel.mattes.stopping import Stopped

WIDTH, HEIGHT = 320, 240


def always(_: float) -> bool:
    return True


def scene(matte: np.ndarray, *, seed: int = 3) -> np.ndarray:
    """A reddish thing with grain before grainy greens."""
    rng = np.random.default_rng(seed)
    height, width = matte.shape
    grain = rng.normal(0, 12, (height, width, 3))
    back = np.array([60, 130, 70]) + 40 * np.sin(np.arange(width) / 25)[None, :, None] + grain
    thing = np.array([190, 80, 60]) + 25 * np.cos(np.arange(height) / 18)[:, None, None] + grain
    picture = np.where(matte[..., None] > 0, thing, back)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 0.7), 0, 255).astype(np.uint8)


def blob(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A body with an arm."""
    matte = np.zeros((height, width), np.uint8)
    scale = width / WIDTH
    cv2.ellipse(
        matte, (round(150 * scale), round(120 * scale)), (round(50 * scale), round(70 * scale)), 10, 0, 360, 1, -1
    )
    cv2.ellipse(
        matte, (round(210 * scale), round(110 * scale)), (round(35 * scale), round(14 * scale)), -25, 0, 360, 1, -1
    )
    return matte


def drawn(found: list[Outline], shape: tuple[int, ...]) -> np.ndarray:
    shapes = tuple(
        Shape(blend="subtract" if each.is_hole else "add", keys=(Key(frame=0, points=each.points),)) for each in found
    )
    roto = RotoFile(format="maskedit-roto", version=1, size=(shape[1], shape[0]), shapes=shapes)
    return rasterise(roto, 0, width=shape[1], height=shape[0]) >= 0.5


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("scale", [1, 5])
def test_a_thing_in_a_rough_box_is_cut_out_with_few_points(scale: int) -> None:
    matte = blob(WIDTH * scale, HEIGHT * scale)
    box = (80 * scale, 35 * scale, 262 * scale, 210 * scale)
    found = cut_out(scene(matte), box, going=always)  # type: ignore[arg-type]
    assert len(found) == 1
    assert len(found[0].points) <= 28
    assert overlap(drawn(found, matte.shape), matte > 0) > 0.95


def test_holes_are_holes_and_parts_are_parts() -> None:
    matte = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(matte, (110, 120), 55, 1, -1)
    cv2.circle(matte, (110, 120), 22, 0, -1)
    cv2.circle(matte, (225, 120), 35, 1, -1)
    found = cut_out(scene(matte), (45, 55, 270, 185), going=always)
    assert [each.is_hole for each in found] == [False, True, False]
    assert overlap(drawn(found, matte.shape), matte > 0) > 0.93


def test_it_comes_out_the_same_each_time() -> None:
    picture = scene(blob())
    assert cut_out(picture, (80, 35, 262, 210), going=always) == cut_out(picture, (80, 35, 262, 210), going=always)


def test_a_thing_like_its_surroundings_is_taken_from_the_middle_of_the_box() -> None:
    matte = np.zeros((HEIGHT, WIDTH), np.uint8)
    matte[60:240, 120:200] = 1  # goes on below the box
    found = cut_out(scene(matte), (100, 45, 220, 150), going=always)
    inside = drawn(found, matte.shape)
    assert inside[80:130, 140:180].all()
    assert not inside[200:].any()


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ((10, 10, 14, 60), "too small"),
        ((400, 10, 500, 60), "too small"),
        ((-5, -5, WIDTH + 5, HEIGHT + 5), "holds the whole picture"),
    ],
)
def test_boxes_that_say_nothing_are_refused(box: tuple[int, int, int, int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        cut_out(scene(blob()), box, going=always)


def test_a_flat_picture_gives_something_or_a_sentence() -> None:
    flat = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    try:
        found = cut_out(flat, (80, 60, 200, 160), going=always)
    except InputError as refused:
        assert "stands out" in str(refused)
    else:
        assert drawn(found, flat.shape).any()


def test_it_can_be_stopped() -> None:
    with pytest.raises(Stopped):
        cut_out(scene(blob()), (80, 35, 262, 210), going=lambda done: done < 0.2)


def mouse(kind: QEvent.Type, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> QMouseEvent:
    here = QPointF(0, 0)
    return QMouseEvent(kind, here, here, button, button, Qt.KeyboardModifier.NoModifier)


def escape() -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)


def drag(tool: BoxTool, start: QPointF, end: QPointF) -> None:
    assert tool.press(start, mouse(QEvent.Type.MouseButtonPress))
    assert tool.move((start + end) / 2, mouse(QEvent.Type.MouseMove))
    assert tool.release(end, mouse(QEvent.Type.MouseButtonRelease))


def test_the_box_is_what_was_dragged_from_any_corner(qapp: object) -> None:
    boxes: list[QRectF] = []
    tool = BoxTool(boxes.append, leave=lambda: None, update=lambda: None)
    drag(tool, QPointF(60, 50), QPointF(20, 10))
    drag(tool, QPointF(20, 10), QPointF(60, 50))
    drag(tool, QPointF(20, 10), QPointF(21, 11))
    assert boxes == [QRectF(20, 10, 40, 40)] * 2, "a click is no box"


def test_escape_lets_the_box_go_then_the_tool(qapp: object) -> None:
    boxes: list[QRectF] = []
    left: list[bool] = []
    tool = BoxTool(boxes.append, leave=lambda: left.append(True), update=lambda: None)
    tool.press(QPointF(20, 10), mouse(QEvent.Type.MouseButtonPress))
    tool.move(QPointF(60, 50), mouse(QEvent.Type.MouseMove))
    assert tool.key(escape())
    assert not tool.release(QPointF(60, 50), mouse(QEvent.Type.MouseButtonRelease))
    assert (boxes, left) == ([], [])
    assert tool.key(escape())
    assert left == [True]


def test_other_buttons_are_left_to_the_canvas(qapp: object) -> None:
    tool = BoxTool(lambda _: None, leave=lambda: None, update=lambda: None)
    assert not tool.press(QPointF(0, 0), mouse(QEvent.Type.MouseButtonPress, Qt.MouseButton.MiddleButton))
    assert not tool.move(QPointF(9, 9), mouse(QEvent.Type.MouseMove))
