# SPDX-License-Identifier: GPL-3.0-or-later
"""How far beyond what is drawn the result may reach, as a dashed line over the canvas."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, QThreadPool
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QShowEvent
from PyQt6.QtWidgets import QWidget

from maskedit.geometry import resized
from maskedit.mattes import loosen, paste_matte, widen
from maskedit.presets import Edges
from plugin_client.panel.keyframes.edges import edges_of
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.working import in_background
from plugin_client.panel.viewer.canvas import Canvas

# A line needs no more pixels to be found on.
_MOST_WIDTH = 960
_SHADE, _LINE = QColor(0, 0, 0, 150), QColor(255, 255, 255, 220)


def reach_of(drawn: NDArray[np.uint8], edges: Edges, *, width: int) -> list[NDArray[np.float64]]:
    """The outer outlines (n, 2), in source pixels, of everything that may be pasted of one frame's drawn matte.

    `drawn` (h, w) uint8 in any size; `width`: the clip's. What the frames before and after add is left out.
    """
    small = min(_MOST_WIDTH, drawn.shape[1])
    height = max(1, round(drawn.shape[0] * small / drawn.shape[1]))
    matte = resized(drawn.astype(np.float32) / 255, small, height)
    scale = small / width
    grown = loosen(widen(matte, edges.loosening), grow_px=round(edges.grow_px * scale))
    paste = paste_matte(grown, feather_px=edges.feather_px * scale)
    found, _ = cv2.findContours((paste > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [(contour[:, 0].astype(np.float64) + 0.5) / scale for contour in found]


class ReachOverlay(QWidget):
    """Lies over `canvas` and lets everything through. While the clip plays it shows nothing."""

    def __init__(self, desk: Desk, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._desk, self._canvas = desk, canvas
        self._lines: list[QPolygonF] = []
        self._shown: object = None
        self._is_working = self._is_stale = False
        # It is small, and follows the hand: it does not wait behind what takes long.
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setGeometry(canvas.rect())
        canvas.installEventFilter(self)
        canvas.view_changed.connect(self.update)
        for signal in (desk.mattes.ready, desk.mattes.changed, desk.playhead.moved, desk.playhead.speed_changed):
            signal.connect(lambda *_: self._refresh())
        desk.project.changed.connect(lambda *_: self._refresh())
        self.hide()

    @property
    def outlines(self) -> list[QPolygonF]:
        """What is drawn now, in source pixels."""
        return self._lines

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        """The canvas has another size."""
        if a0 is self._canvas and a1 is not None and a1.type() == QEvent.Type.Resize:
            self.setGeometry(self._canvas.rect())
        return False

    def showEvent(self, a0: QShowEvent | None) -> None:
        """Catch up with what changed meanwhile."""
        self._refresh()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        """The line, dark under white dashes so that it is seen on anything."""
        transform = self._canvas.view.transform
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for colour, style in ((_SHADE, Qt.PenStyle.SolidLine), (_LINE, Qt.PenStyle.DashLine)):
                painter.setPen(QPen(colour, 1.25, style))
                for line in self._lines:
                    painter.drawPolygon(transform.map(line))

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        facts, frame = self._desk.project.facts, self._desk.playhead.frame
        still = facts is not None and not self._desk.playhead.speed
        drawn = self._desk.mattes.picture(frame) if still else None
        if facts is None or drawn is None:
            self._show(None, [])
            return
        edges = edges_of(self._desk.project.document, frame_height=facts.height)
        # The picture itself is part of what is shown, so that no other one can take its place in memory.
        wanted = (drawn, edges)
        if self._is_working:
            self._is_stale = True
        elif not _same(wanted, self._shown):
            self._is_working = True
            in_background(
                partial(reach_of, drawn, edges, width=facts.width),
                owner=self,
                pool=self._pool,
                done=lambda lines: self._take(wanted, lines),
            )

    def _take(self, wanted: object, lines: list[NDArray[np.float64]]) -> None:
        self._is_working = False
        self._show(wanted, [QPolygonF([QPointF(x, y) for x, y in line.tolist()]) for line in lines])
        if self._is_stale:
            self._is_stale = False
            self._refresh()

    def _show(self, shown: object, lines: list[QPolygonF]) -> None:
        self._shown, self._lines = shown, lines
        self.update()


def _same(wanted: tuple[object, Edges], shown: object) -> bool:
    return isinstance(shown, tuple) and shown[0] is wanted[0] and shown[1] == wanted[1]
