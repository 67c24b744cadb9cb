# SPDX-License-Identifier: GPL-3.0-or-later
"""The dope sheet: a row for each shape and stroke, a mark for each of its keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QMenu, QScrollBar, QToolTip, QWidget

from maskedit.mattes.animation import Interp
from plugin_client.panel.keyframes.strips import paint_playhead
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto import key_actions
from plugin_client.panel.roto.dope_rows import ROW_PX, paint_empty, paint_row
from plugin_client.panel.roto.drawing import Gesture, drawing_of
from plugin_client.panel.roto.fields import action
from plugin_client.panel.roto.keying import INTERPS, key_frames
from plugin_client.panel.roto.layers import LayerRef, paint_order
from plugin_client.panel.roto.selection import KeyRef

_GRAB_PX = 6.0
_CLICK_PX = 3
_LEAST_ROWS, _ROWS = 3, 5
_WHEEL_STEP = 120
_ZOOM = 1.25
_NUDGES: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_ROW_STEPS: dict[int, int] = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class DopeSheet(QWidget):
    """Click: seek, or select a key; drag keys in time; drag a box to select. Delete, copy and paste as usual;
    Alt+Left and Alt+Right move keys by a frame, Up and Down go through the rows, , and . jump to the previous and the
    next key. The wheel scrolls, with Ctrl it zooms, with Shift it pans.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._drawing = desk, drawing_of(desk)
        self._gesture: Gesture | None = None
        self._dragged: Mapping[LayerRef, frozenset[int]] = {}
        self._pressed: QPointF | None = None
        self._hit: KeyRef | None = None
        self._box: QRectF | None = None
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.valueChanged.connect(lambda _: self.update())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Dope sheet")
        self.setMinimumHeight(_LEAST_ROWS * ROW_PX)
        self.previous_key = action(
            self, "Previous key", "skip-previous", partial(key_actions.jump, self._drawing, -1), key=","
        )
        self.next_key = action(self, "Next key", "skip-next", partial(key_actions.jump, self._drawing, 1), key=".")
        self.addActions([self.previous_key, self.next_key])
        for signal in (self._drawing.changed, desk.axis.changed):
            signal.connect(self.update)
        desk.project.changed.connect(self._fit_bar)
        self._drawing.selection.changed.connect(self._reveal)

    def sizeHint(self) -> QSize:
        """A few rows high; the rest is scrolled to."""
        return QSize(640, _ROWS * ROW_PX)

    def rows(self) -> list[LayerRef]:
        """What has a row, from the top: what is painted last lies on top, as in the list of shapes."""
        return list(reversed(paint_order(self._drawing.document)))

    def place_of(self, ref: LayerRef, frame: int) -> QPointF:
        """Where the mark of a key lies in this widget."""
        return QPointF(self._desk.axis.x_of(frame, self.width()), self._middle(self.rows().index(ref)))

    def _middle(self, row: int) -> float:
        return (row + 0.5) * ROW_PX - self._top

    @property
    def _top(self) -> int:
        return self._bar.value()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Rows, marks, playhead, and the box that is dragged."""
        painter = QPainter(self)
        rows = self.rows()
        if not self._drawing.can_draw:
            return
        if not rows:
            paint_empty(painter, self)
        for number, ref in enumerate(rows):
            top = number * ROW_PX - self._top
            if -ROW_PX < top < self.height():
                paint_row(painter, self, drawing=self._drawing, axis=self._desk.axis, ref=ref, top=top)
        axis = self._desk.axis
        painter.setClipRect(axis.left, 0, self.width() - axis.left - axis.right, self.height())
        paint_playhead(painter, self, self._desk)
        if self._box is not None:
            painter.setPen(self.palette().highlight().color())
            painter.fillRect(self._box, self.palette().highlight().color().lighter(150).rgba() & 0x40FFFFFF)
            painter.drawRect(self._box)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The scroll bar takes the axis's right margin."""
        width = self._desk.axis.right
        self._bar.setGeometry(self.width() - width, 0, width, self.height())
        self._fit_bar()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Select a key or a row, or begin a box."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed, self._hit = event.position(), self._key_at(event.position())
        adds = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        selection = self._drawing.selection
        if self._hit is not None:
            self._take(self._hit, adds=adds)
        elif (ref := self._row_at(event.position())) is not None and event.position().x() < self._desk.axis.left:
            selection.choose([*selection.layers, ref] if adds else [ref])
            self._pressed = None

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag keys in time, or a box."""
        if event is None:
            return
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            near = self._key_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)
            return
        way = event.position() - self._pressed
        if self._gesture is None and self._box is None and way.manhattanLength() < _CLICK_PX:
            return
        if self._hit is None:
            self._box = QRectF(self._pressed, event.position()).normalized()
            self.update()
            return
        if self._hit not in self._drawing.selection.keys and self._gesture is None:
            return
        if self._gesture is None:
            self._gesture, self._dragged = key_actions.begin_drag(self._drawing)
        axis, start = self._desk.axis, self._hit[1]
        by = key_actions.drag_keys(self._gesture, self._dragged, round(way.x() / axis.frame_width(self.width())))
        QToolTip.showText(event.globalPosition().toPoint(), f"Frame {start + by} ({by:+d})", self)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End the drag; a click on a key or on nothing goes to its frame."""
        if event is None or self._pressed is None:
            return
        adds = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._gesture is not None:
            self._gesture.end()
        elif self._box is not None:
            self._choose_in_box(self._box, adds=adds)
        elif self._hit is not None and not adds:
            self._desk.playhead.seek(self._hit[1])
        elif self._hit is None:
            self._drawing.selection.choose_keys([])
            self._desk.playhead.seek(self._desk.axis.frame_at(event.position().x(), self.width()))
        self._gesture = self._pressed = self._hit = self._box = None
        self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll rows; with Ctrl zoom in time, with Shift pan in time."""
        if event is None:
            return
        steps, axis = (event.angleDelta().y() or event.angleDelta().x()) / _WHEEL_STEP, self._desk.axis
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            axis.zoom(_ZOOM**steps, axis.frame_at(event.position().x(), self.width()))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            axis.pan(-steps * (axis.last - axis.first) / 10)
        else:
            self._bar.setValue(self._bar.value() - round(steps * ROW_PX))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete, copy, paste, select all."""
        if event is None:
            return
        selection = self._drawing.selection
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and selection.keys:
            self._delete()
        elif event.matches(QKeySequence.StandardKey.Copy):
            key_actions.copy_keys(self._drawing)
        elif event.matches(QKeySequence.StandardKey.Paste):
            self._paste()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            refs = selection.layers or self.rows()
            selection.choose_keys((ref, frame) for ref in refs for frame in key_frames(self._drawing.layer(ref)))
        elif event.key() == Qt.Key.Key_Escape and selection.keys:
            selection.choose_keys([])
        elif event.key() in _NUDGES and event.modifiers() & Qt.KeyboardModifier.AltModifier and selection.keys:
            gesture, keys = key_actions.begin_drag(self._drawing)
            key_actions.drag_keys(gesture, keys, _NUDGES[event.key()])
            gesture.end()
        elif event.key() in _ROW_STEPS and self.rows():
            self._step_row(_ROW_STEPS[event.key()])
        else:
            super().keyPressEvent(event)

    def _step_row(self, way: int) -> None:
        rows, active = self.rows(), self._drawing.selection.active
        row = rows.index(active) + way if active is not None else 0
        row = min(max(row, 0), len(rows) - 1)
        self._drawing.selection.choose([rows[row]])

    def _reveal(self) -> None:
        """Scroll just far enough that the row of what was chosen last is seen."""
        rows, active = self.rows(), self._drawing.selection.active
        if active is not None and active in rows:
            top = rows.index(active) * ROW_PX
            self._bar.setValue(min(max(self._top, top + ROW_PX - self.height()), top))

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """What can be done with the key or the row under the pointer."""
        if event is None or (ref := self._row_at(QPointF(event.pos()))) is None:
            return
        selection = self._drawing.selection
        if (hit := self._key_at(QPointF(event.pos()))) is not None:
            self._take(hit, adds=hit in selection.keys)
        elif ref not in selection.layers:
            selection.choose([ref])
        self.menu().exec(event.globalPos())

    def menu(self) -> QMenu:
        """The menu of the selected rows and keys."""
        menu, drawing = QMenu(self), self._drawing
        keys = drawing.selection.keys_by_layer()
        menu.addAction("Set key at playhead", lambda: key_actions.set_key(drawing, drawing.selection.layers))
        for interp in INTERPS:
            entry = menu.addAction(f"{interp.capitalize()} from here", partial(self._set_interp, interp))
            assert entry is not None
            entry.setEnabled(bool(keys))
        menu.addSeparator()
        entries = (("Copy keys", "Ctrl+C", self._copy), ("Delete keys", "Del", self._delete))
        for words, shortcut, do in entries:
            entry = menu.addAction(f"{words}\t{shortcut}", do)
            assert entry is not None
            entry.setEnabled(bool(keys))
        menu.addAction("Paste keys at playhead\tCtrl+V", self._paste)
        return menu

    def event(self, event: QEvent | None) -> bool:
        """The tooltip says which key lies under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._words_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def _words_at(self, place: QPointF) -> str:
        if (ref := self._row_at(place)) is None:
            return ""
        layer, hit = self._drawing.layer(ref), self._key_at(place)
        if hit is None:
            return f"{layer.name}: {len(layer.keys)} key{'s' if len(layer.keys) > 1 else ''}"
        interp = next(key.interp for key in layer.keys if key.frame == hit[1])
        return f"{layer.name}, key on frame {hit[1]}, {interp} from here"

    def _set_interp(self, interp: Interp) -> None:
        key_actions.set_interp(self._drawing, self._drawing.selection.keys_by_layer(), interp)

    def _copy(self) -> None:
        key_actions.copy_keys(self._drawing)

    def _paste(self) -> None:
        if words := key_actions.paste_keys(self._drawing):
            self._desk.notices.say(words, severity="warning")

    def _delete(self) -> None:
        if words := key_actions.delete_keys(self._drawing, self._drawing.selection.keys_by_layer()):
            self._desk.notices.say(words, severity="warning")

    def _take(self, key: KeyRef, *, adds: bool) -> None:
        selection = self._drawing.selection
        if adds:
            selection.choose_keys(selection.keys ^ {key})
        elif key not in selection.keys:
            selection.choose_keys([key])
        if key[0] not in selection.layers:
            selection.choose([*selection.layers, key[0]] if adds else [key[0]])

    def _choose_in_box(self, box: QRectF, *, adds: bool) -> None:
        axis, width = self._desk.axis, self.width()
        found = {
            (ref, frame)
            for row, ref in enumerate(self.rows())
            for frame in key_frames(self._drawing.layer(ref))
            if box.contains(QPointF(axis.x_of(frame, width), self._middle(row)))
        }
        selection = self._drawing.selection
        selection.choose_keys(selection.keys | found if adds else found)

    def _row_at(self, place: QPointF) -> LayerRef | None:
        number, rows = int((place.y() + self._top) // ROW_PX), self.rows()
        return rows[number] if 0 <= number < len(rows) else None

    def _key_at(self, place: QPointF) -> KeyRef | None:
        ref, axis = self._row_at(place), self._desk.axis
        if ref is None or place.x() < axis.left - _GRAB_PX:
            return None
        frames = key_frames(self._drawing.layer(ref))
        nearest = min(frames, key=lambda frame: abs(axis.x_of(frame, self.width()) - place.x()))
        return (ref, nearest) if abs(axis.x_of(nearest, self.width()) - place.x()) <= _GRAB_PX else None

    def _fit_bar(self, *_: object) -> None:
        over = max(0, len(self.rows()) * ROW_PX - self.height())
        self._bar.setRange(0, over)
        self._bar.setPageStep(self.height())
        self._bar.setVisible(over > 0)
        self.update()
