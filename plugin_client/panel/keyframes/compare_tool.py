# SPDX-License-Identifier: GPL-3.0-or-later
"""A keyframe wiped against its plate on the canvas."""

from __future__ import annotations

from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen

from maskedit.errors import MaskEditError
from maskedit.media import read_picture
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.working import in_background
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.layers import Made, image_of
from plugin_client.panel.viewer.view import View


class CompareTool:
    """The plate to the left of the mouse, the painted picture to its right; all plate while the button is held.

    On frames without a keyframe it shows nothing of its own.
    """

    cursor = Qt.CursorShape.SplitHCursor

    def __init__(self, desk: Desk, canvas: Canvas) -> None:
        self._desk, self._canvas = desk, canvas
        self._painted: dict[str, QImage] = {}
        self._made = Made(most=2)
        self._wanted = ""
        self._line = 0.5
        self._is_held = False

    def paint(self, painter: QPainter, view: View) -> None:
        """Both pictures over the canvas, in the picture's place."""
        frame = self._desk.playhead.frame
        keyframe = self._desk.project.document.keyframe_at(frame)
        if keyframe is None:
            return
        edited, plate = self._edited(keyframe.path), self._canvas.shown.plate_picture(frame)
        if edited is None or edited.isNull() or plate is None:
            return
        whole = QRectF(0, 0, view.width, view.height)
        x = view.width if self._is_held else self._line * view.width
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setTransform(view.transform, combine=True)
        painter.drawImage(whole, edited)
        painter.setClipRect(QRectF(0, 0, x, view.height))
        painter.drawImage(whole, self._made.get(image_of, plate))
        painter.setClipping(False)
        if not self._is_held:
            pen = QPen(QColor(theme.ACCENT), 2)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawLine(QLineF(x, 0, x, view.height))

    def press(self, point: QPointF, event: QMouseEvent) -> bool:
        """Held: the plate alone."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        self._is_held = True
        self._canvas.update()
        return True

    def move(self, point: QPointF, event: QMouseEvent) -> bool:
        """The line follows the mouse."""
        self._line = min(max(point.x() / max(1, self._canvas.view.width), 0.0), 1.0)
        self._canvas.update()
        return self._is_held

    def release(self, point: QPointF, event: QMouseEvent) -> bool:
        """Both again."""
        was_held, self._is_held = self._is_held, False
        self._canvas.update()
        return was_held

    def double_click(self, point: QPointF, event: QMouseEvent) -> bool:
        """As pressed."""
        return self.press(point, event)

    def key(self, event: QKeyEvent) -> bool:
        """Escape puts the tool away."""
        if event.key() != Qt.Key.Key_Escape:
            return False
        self._canvas.set_tool(None)
        return True

    def finish(self) -> None:
        """Forget the pictures."""
        self._painted.clear()
        self._is_held = False

    def _edited(self, path: str) -> QImage | None:
        if path not in self._painted and self._wanted != path:
            self._wanted = path
            file = self._desk.project.path_of(path)

            def read() -> QImage:
                try:
                    picture = read_picture(file)[..., :3]
                except (MaskEditError, OSError):
                    return QImage()
                return image_of((picture * 255 + 0.5).astype("uint8"))

            def keep(image: QImage) -> None:
                self._painted = {path: image}
                self._wanted = ""
                self._canvas.update()

            in_background(read, owner=self._canvas, done=keep)
        return self._painted.get(path)
