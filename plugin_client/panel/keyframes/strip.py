# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyframes on the time axis, as small pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QVariantAnimation
from PyQt6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)  # fmt: skip
from PyQt6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from plugin_client.panel.keyframes.actions import actions_of
from plugin_client.panel.keyframes.dropping import can_take, paste, take_dropped
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.keyframes.strips import paint_gutter, paint_playhead, turn_wheel
from plugin_client.panel.keyframes.thumbnails import scaled
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.shell import theme

_HEIGHT, _MARGIN, _FOOT = 56, 4, 8
_DRAG_PX = 6
_FLASH_MS = 700
_MARKS = {"warning": theme.WARNING, "error": theme.ERROR}


class KeyframeStrip(QWidget):
    """A click seeks, a drag lets the picture stand for another frame, Delete removes the one under the playhead."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._keyframing = desk, keyframing_of(desk)
        self._actions = actions_of(desk)
        self._pressed: KeyframePicture | None = None
        self._pressed_at = QPointF()
        self._dragged_to: int | None = None
        self._lit: int | None = None
        self._glow = QVariantAnimation(self)
        self._glow.setStartValue(1.0)
        self._glow.setEndValue(0.0)
        self._glow.setDuration(_FLASH_MS)
        self._glow.valueChanged.connect(self._repaint)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setAccessibleName("Keyframes")
        for signal in (
            desk.project.changed, desk.project.facts_changed, desk.playhead.moved, desk.axis.changed,
            self._keyframing.changed, self._keyframing.thumbnails.ready, self._keyframing.inspection.changed,
        ):  # fmt: skip
            signal.connect(self._repaint)
        self._keyframing.picked_up.connect(self._light_up)

    def sizeHint(self) -> QSize:
        """A row of thumbnails."""
        return QSize(400, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """As high as ever."""
        return QSize(200, _HEIGHT)

    def keyframe_under(self, point: QPointF) -> KeyframePicture | None:
        """The keyframe whose picture lies there, the topmost of several."""
        return next((each for each, place in reversed([*self._laid_out()]) if place.contains(point)), None)

    def place_of(self, frame: int) -> QRectF:
        """Where the picture of a keyframe on `frame` lies."""
        facts, axis = self._desk.project.facts, self._desk.axis
        high = _HEIGHT - 2 * _MARGIN - _FOOT
        wide = high * min(2.4, facts.width * float(facts.pixel_aspect) / facts.height) if facts else high * 16 / 9
        x = axis.x_of(frame, self.width())
        # Pictures at the clip's ends stay whole.
        least, most = axis.left + _MARGIN, self.width() - _MARGIN - wide
        shown = axis.left <= x <= self.width() - axis.right
        left = min(max(x - wide / 2, least), max(least, most)) if shown else x - wide / 2
        return QRectF(left, _MARGIN, wide, high)

    def _laid_out(self) -> Iterator[tuple[KeyframePicture, QRectF]]:
        """From the bottom to the top: what is nearer to the playhead lies above."""
        here = self._desk.playhead.frame
        keyframes = sorted(self._desk.project.document.keyframes, key=lambda each: -abs(each.frame - here))
        return ((each, self.place_of(each.frame)) for each in keyframes)

    # Painting.

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Pictures, playhead, name; a sentence where there is nothing yet."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.SUNKEN))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        paint_playhead(painter, self, self._desk)
        for keyframe, place in self._laid_out():
            self._paint_keyframe(painter, keyframe, place)
        if self._pressed is not None and self._dragged_to is not None:
            ghost = self.place_of(self._dragged_to)
            painter.setOpacity(0.75)
            self._paint_keyframe(painter, self._pressed, ghost, label=self._dragged_to)
            painter.setOpacity(1.0)
        if not self._desk.project.document.keyframes:
            self._paint_hint(painter)
        paint_gutter(painter, self, self._desk, "Keyframes")

    def _paint_keyframe(
        self, painter: QPainter, keyframe: KeyframePicture, place: QRectF, *, label: int | None = None
    ) -> None:
        frame = keyframe.frame if label is None else label
        here, frames = frame == self._desk.playhead.frame, self._desk.project.document.frames
        painter.fillRect(place, QColor(theme.RAISED))
        picture = self._keyframing.thumbnails.painted(keyframe.path)
        if picture is not None and not picture.isNull():
            fitting = scaled(picture, place.size().toSize(), self.devicePixelRatioF())
            size = fitting.deviceIndependentSize()
            at = place.center() - QPointF(size.width() / 2, size.height() / 2)
            painter.drawPixmap(at, fitting)
        elif picture is not None:
            painter.setPen(QColor(theme.ERROR))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "missing")
        if frames is not None and frame not in frames:
            painter.fillRect(place, QColor(0, 0, 0, 150))
        if keyframe.frame == self._lit and self._glow.state() is QVariantAnimation.State.Running:
            painter.fillRect(place, QColor(255, 255, 255, round(200 * self._glow.currentValue())))
        painter.setPen(QPen(QColor(theme.ACCENT if here else theme.FAINT), 2 if here else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place)
        self._paint_label(painter, place, frame)
        self._paint_foot(painter, keyframe, frame, here=here)

    def _paint_label(self, painter: QPainter, place: QRectF, frame: int) -> None:
        font = self.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.8))
        painter.setFont(font)
        text = f"{frame} ✎" if frame in self._keyframing.painting else str(frame)
        wide = painter.fontMetrics().horizontalAdvance(text) + 6
        box = QRectF(place.left() + 1, place.bottom() - 14, wide, 13)
        painter.fillRect(box, QColor(0, 0, 0, 170))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setFont(self.font())

    def _paint_foot(self, painter: QPainter, keyframe: KeyframePicture, frame: int, *, here: bool) -> None:
        """A diamond on the very frame, in the colour of what is wrong with the picture."""
        found = self._keyframing.inspection.on(keyframe.frame) or ()
        worst = next((mark for name in ("error", "warning") if any(each.severity == name for each in found)
                      for mark in (_MARKS[name],)), theme.ACCENT if here else theme.DIM)  # fmt: skip
        x, y, reach = self._desk.axis.x_of(frame, self.width()), _HEIGHT - _FOOT / 2 - 2, 3.5
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(worst))
        corners = [(0, -reach), (reach, 0), (0, reach), (-reach, 0)]
        painter.drawPolygon(QPolygonF([QPointF(x + across, y + down) for across, down in corners]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _paint_hint(self, painter: QPainter) -> None:
        axis = self._desk.axis
        space = self.rect().adjusted(axis.left + theme.SPACE, 0, -axis.right, 0)
        key = self._actions.edit.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        text = f"No keyframe yet: paint the frame under the playhead ({key}), or drop a picture here"
        if self._desk.project.facts is None:
            text = "Open a clip to paint its frames"
        text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, space.width())
        painter.setPen(QColor(theme.FAINT))
        painter.drawText(space, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _repaint(self, *_: object) -> None:
        self.update()

    def _light_up(self, frame: int) -> None:
        """A picture has come in: its thumbnail flashes."""
        self._lit = frame
        self._glow.stop()
        self._glow.start()

    # What the user does.

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of a keyframe, or scrub."""
        assert event is not None
        at = event.position()
        if event.button() is not Qt.MouseButton.LeftButton or at.x() < self._desk.axis.left:
            return
        self._pressed, self._pressed_at = self.keyframe_under(at), at
        self._desk.playhead.stop()
        self._desk.playhead.seek(self._pressed.frame if self._pressed else self._frame_at(at))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the keyframe along, or scrub on."""
        assert event is not None
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        at = event.position()
        if self._pressed is None:
            self._desk.playhead.seek(self._frame_at(at))
        elif self._dragged_to is not None or (at - self._pressed_at).manhattanLength() > _DRAG_PX:
            self._dragged_to = self._frame_at(at)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go of it."""
        pressed, to = self._pressed, self._dragged_to
        self._pressed = self._dragged_to = None
        if pressed is not None and to is not None:
            self._keyframing.move(pressed.frame, to)
            self._desk.playhead.seek(to)
        self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom and pan in time."""
        if event is not None:
            turn_wheel(event, self, self._desk)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Open the frame in the image editor."""
        if event is not None and event.button() is Qt.MouseButton.LeftButton:
            self._actions.edit.trigger()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete, Return and Paste mean the frame under the playhead; Escape lets go of a drag."""
        assert event is not None
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._actions.remove.trigger()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._actions.edit.trigger()
        elif event.matches(QKeySequence.StandardKey.Paste):
            paste(self._desk, self._desk.playhead.frame)
        elif event.key() == Qt.Key.Key_Escape and self._dragged_to is not None:
            self._pressed = self._dragged_to = None
            self.update()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """All that can be done to the frame under the mouse."""
        assert event is not None
        at = QPointF(event.pos())
        if at.x() >= self._desk.axis.left:
            keyframe = self.keyframe_under(at)
            self._desk.playhead.seek(keyframe.frame if keyframe else self._frame_at(at))
        menu = QMenu(self)
        self._actions.fill(menu)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take pictures."""
        if event is not None and can_take(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """The picture becomes the keyframe of the frame that it is dropped on."""
        if event is not None and take_dropped(self._desk, event.mimeData(), self._frame_at(event.position())):
            event.acceptProposedAction()

    def event(self, event: QEvent | None) -> bool:
        """Say in words what lies under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            keyframe = self.keyframe_under(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self._words(keyframe) if keyframe else "", self)
            return True
        return super().event(event)

    def _words(self, keyframe: KeyframePicture) -> str:
        lines = [f"Keyframe {keyframe.frame} ({Path(keyframe.path).suffix[1:].upper()})"]
        if keyframe.frame in self._keyframing.painting:
            lines.append(f"Open in {self._keyframing.editor_name}: each save is picked up")
        lines += [each.sentence for each in self._keyframing.inspection.on(keyframe.frame) or ()]
        return "\n".join([*lines, "Drag to another frame, double-click to paint, Delete to remove"])

    def _frame_at(self, at: QPointF) -> int:
        return self._desk.axis.frame_at(at.x(), self.width())
