# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand with a mouse on the real canvas, for the tests of the roto tools."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest

from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.roto import RotoFile, Shape
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.layers import LayerRef
from plugin_client.panel.roto.pane import RotoPane
from plugin_client.panel.viewer.canvas import Canvas

LEFT = Qt.MouseButton.LeftButton
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier
SQUARE = ((100, 100), (200, 100), (200, 200), (100, 200))


class Hand:
    """A hand with a mouse: places are in source pixels."""

    def __init__(self, desk: Desk, canvas: Canvas) -> None:
        self.desk, self.canvas = desk, canvas
        self.pane = RotoPane(desk, canvas)
        self.drawing, self.selection = self.pane.drawing, self.pane.drawing.selection

    def at(self, x: float, y: float) -> QPoint:
        return self.canvas.view.to_widget(QPointF(x, y)).toPoint()

    def take(self, tool: str) -> None:
        self.pane.toolbox.actions[tool].trigger()

    def click(self, x: float, y: float, held: Qt.KeyboardModifier = NONE) -> None:
        QTest.mouseClick(self.canvas, LEFT, held, self.at(x, y))

    def drag(self, start: tuple[float, float], *ways: tuple[float, float], held: Qt.KeyboardModifier = NONE) -> None:
        QTest.mousePress(self.canvas, LEFT, held, self.at(*start))
        for way in ways:
            move(self.canvas, self.at(*way), held)
        QTest.mouseRelease(self.canvas, LEFT, held, self.at(*ways[-1]))

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.canvas, key, held)

    def square(self) -> LayerRef:
        """A square drawn by hand."""
        self.take("draw")
        for place in SQUARE:
            self.click(*place)
        self.key(Qt.Key.Key_Return)
        return self.selection.layers[0]

    def shape(self, ref: LayerRef) -> Shape:
        layer = self.drawing.layer(ref)
        assert isinstance(layer, Shape)
        return layer

    def places(self, ref: LayerRef) -> np.ndarray:
        return self.drawing.values(ref)[:, 0]

    def one_step(self, act: Callable[[], None], ref: LayerRef) -> None:
        """Do something, and see that a single undo takes all of it back and a redo brings it again."""
        before, project = self.desk.project.document, self.desk.project
        act()
        after = project.document
        assert after != before
        project.undo()
        assert project.document == before
        project.redo()
        assert project.document == after
        assert self.drawing.layer(ref) is not None


def move(canvas: Canvas, place: QPoint, held: Qt.KeyboardModifier) -> None:
    """A move with keys held: QTest.mouseMove knows none."""
    event = QMouseEvent(QEvent.Type.MouseMove, place.toPointF(), canvas.mapToGlobal(place).toPointF(), LEFT, LEFT, held)
    QCoreApplication.sendEvent(canvas, event)


@pytest.fixture
def hand(sample_desk: Desk, qtbot) -> Hand:
    canvas = Canvas(sample_desk)
    qtbot.addWidget(canvas)
    canvas.resize(800, 500)
    canvas.show()
    qtbot.waitUntil(lambda: sample_desk.project.facts is not None)
    hand = Hand(sample_desk, canvas)
    qtbot.addWidget(hand.pane)
    hand.pane.resize(320, 640)
    return hand


def close_to(places: np.ndarray, wanted: object) -> None:
    """Within a pixel of the widget."""
    np.testing.assert_allclose(places, wanted, atol=1.0)


def coverage(hand: Hand, ref: LayerRef) -> np.ndarray:
    facts = hand.desk.project.facts
    roto = RotoFile(
        format="maskedit-roto", version=1, size=(facts.width, facts.height), shapes=(hand.shape(ref),), strokes=()
    )
    return rasterise(roto, hand.drawing.frame, width=facts.width, height=facts.height)
