# SPDX-License-Identifier: GPL-3.0-or-later
"""The canvas: the picture under the playhead with everything that lies over it, and the hand that a tool lends it."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCursor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PyQt6.QtWidgets import QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.viewer.look import Compare, Looks
from plugin_client.panel.viewer.painting import Scenery
from plugin_client.panel.viewer.shown import Shown
from plugin_client.panel.viewer.tool import Tool
from plugin_client.panel.viewer.view import View

# Each notch of a wheel; eight of them are a tenfold zoom.
_NOTCH = 10 ** (1 / 8)
_MARGIN = 16
_WIPE_REACH = 6
_BLINK_MS = 250


class Canvas(QWidget):
    """Shows the frame under the playhead. A tool gets the mouse and the keys first; what it leaves zooms (wheel), pans
    (middle button, or Space with the left one) and drags the wipe's line. `painted(frame)`: that very frame is on
    screen now."""

    view_changed = pyqtSignal()
    tool_changed = pyqtSignal()
    painted = pyqtSignal(int)

    def __init__(self, desk: Desk, looks: Looks | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.looks = looks or Looks(desk.preferences, self)
        self.shown = Shown(desk, self)
        self._scenery = Scenery(desk, self.shown, self)
        self._view = View()
        self._fits = True
        self._tool: Tool | None = None
        self._tool_took: int | None = None
        self._panned_from: QPointF | None = None
        self._space_held = self._space_used = False
        self._drags_wipe = False
        self._blink = QTimer(self)
        self._blink.setInterval(_BLINK_MS)
        self._blink.timeout.connect(self._flip)
        self._blinked = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Viewer")
        desk.project.facts_changed.connect(self._refit)
        desk.playhead.moved.connect(self.update)
        desk.mattes.ready.connect(self._on_matte)
        desk.mattes.changed.connect(self.update)
        self.shown.changed.connect(self.update)
        self._scenery.changed.connect(self.update)
        self.looks.changed.connect(self._on_look)
        self._refit()
        self._on_look()

    @property
    def view(self) -> View:
        """Where the picture lies: source pixels to widget px and back."""
        return self._view

    @property
    def tool(self) -> Tool | None:
        """The tool in hand."""
        return self._tool

    def set_tool(self, tool: Tool | None) -> None:
        """Take another tool in hand; the one before finishes."""
        if tool is self._tool:
            return
        if self._tool is not None:
            self._tool.finish()
        self._tool = tool
        self.tool_changed.emit()
        self._follow_pointer()
        self.update()

    def fit(self) -> None:
        """Show the whole picture, also when the window changes its size."""
        self._fits = True
        self._look_from(self._view.fitted(self._space()))

    def zoom_to(self, scale: float) -> None:
        """Show the picture at `scale`, 1 = a screen pixel for each of its own, about the middle of what is seen."""
        self._fits = False
        scale /= self.devicePixelRatioF()
        self._look_from(self._view.zoomed(scale / self._view.scale, self._space().center()))

    def zoom_by(self, notches: float, about: QPointF | None = None) -> None:
        """Zoom in (positive) or out about a point of the widget, its middle where none is given."""
        self._fits = False
        self._look_from(self._view.zoomed(_NOTCH**notches, about or self._space().center()))

    def hold_blink(self, on: bool) -> None:
        """While held, plate and result take turns, twice a second each way and back."""
        if on and not self._blink.isActive():
            self._blinked = not self.looks.look.plate
            self._blink.start()
        elif not on and self.looks.look.compare is not Compare.BLINK:
            self._blink.stop()
        self.update()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            shows_plate = self._blinked if self._blink.isActive() else self.looks.look.plate
            self._scenery.paint(
                painter, QRectF(self.rect()), view=self._view, look=self.looks.look, shows_plate=shows_plate
            )
            if self._tool is not None and self._desk.project.facts is not None:
                painter.save()
                self._tool.paint(painter, self._view)
                painter.restore()
        if not self.shown.is_late:
            self.painted.emit(self._desk.playhead.frame)

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        if self._fits:
            self.fit()
        elif a0 is not None and a0.oldSize().isValid():
            grown = (a0.size() - a0.oldSize()) / 2
            self._look_from(self._view.panned(QPointF(grown.width(), grown.height())))

    def wheelEvent(self, a0: QWheelEvent | None) -> None:
        assert a0 is not None
        self.zoom_by(a0.angleDelta().y() / 120, a0.position())
        a0.accept()

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        assert a0 is not None
        at = a0.position()
        left = a0.button() is Qt.MouseButton.LeftButton
        if a0.button() is Qt.MouseButton.MiddleButton or (left and self._space_held):
            self._space_used = self._space_held
            self._panned_from = at
        elif left and self._is_on_wipe(at):
            self._drags_wipe = True
        elif self._tool is None or not self._tool.press(self._view.to_source(at), a0):
            self._panned_from = at if left and self._tool is None else None
        self._set_cursor(at)

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        assert a0 is not None
        at = a0.position()
        if self._panned_from is not None:
            self._fits = False
            self._look_from(self._view.panned(at - self._panned_from))
            self._panned_from = at
        elif self._drags_wipe:
            rect = self._view.rect
            self.looks.change(wipe=min(max((at.x() - rect.left()) / rect.width(), 0.0), 1.0))
        elif self._tool is not None:
            self._tool.move(self._view.to_source(at), a0)
        self._set_cursor(at)

    def mouseReleaseEvent(self, a0: QMouseEvent | None) -> None:
        assert a0 is not None
        if self._panned_from is not None or self._drags_wipe:
            self._panned_from, self._drags_wipe = None, False
        elif self._tool is not None:
            self._tool.release(self._view.to_source(a0.position()), a0)
        self._set_cursor(a0.position())

    def mouseDoubleClickEvent(self, a0: QMouseEvent | None) -> None:
        assert a0 is not None
        taken = self._tool is not None and self._tool.double_click(self._view.to_source(a0.position()), a0)
        if not taken:
            self.mousePressEvent(a0)

    def event(self, a0: QEvent | None) -> bool:
        # Shortcuts of the window come before key events: a tool is asked before either.
        if isinstance(a0, QKeyEvent) and a0.type() is QEvent.Type.ShortcutOverride and self._tool_takes(a0):
            self._tool_took = a0.key()
            a0.accept()
            return True
        return super().event(a0)

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        assert a0 is not None
        if self._tool_took == a0.key():
            self._tool_took = None
        elif not (self._tool_takes(a0) or self.hold(a0)):
            super().keyPressEvent(a0)

    def keyReleaseEvent(self, a0: QKeyEvent | None) -> None:
        assert a0 is not None
        if not self.let_go(a0):
            super().keyReleaseEvent(a0)

    def hold(self, event: QKeyEvent) -> bool:
        """A key went down here or beside the canvas: whether it is one of those that mean something while held."""
        is_ours = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_A) and not event.modifiers()
        if is_ours and not event.isAutoRepeat():
            if event.key() == Qt.Key.Key_Space:
                self._space_held, self._space_used = True, False
            else:
                self.hold_blink(True)
            self._follow_pointer()
        return is_ours

    def let_go(self, event: QKeyEvent) -> bool:
        """The same key came up again. Space that moved nothing plays or stops."""
        is_space = event.key() == Qt.Key.Key_Space and self._space_held
        is_ours = is_space or event.key() == Qt.Key.Key_A
        if is_ours and not event.isAutoRepeat():
            if is_space:
                self._space_held = False
                if not self._space_used:
                    self.toggle_play()
            else:
                self.hold_blink(False)
            self._follow_pointer()
        return is_ours

    def toggle_play(self) -> None:
        """Play from here, or stand still."""
        playhead = self._desk.playhead
        playhead.stop() if playhead.speed else playhead.play(1)

    def _tool_takes(self, event: QKeyEvent) -> bool:
        return self._tool is not None and self._tool.key(event)

    def _look_from(self, view: View) -> None:
        ratio = self.devicePixelRatioF()
        if (view.scale * ratio).is_integer():
            # Whole pixels on whole pixels: nothing is smoothed that need not be.
            view = replace(view, left=round(view.left * ratio) / ratio, top=round(view.top * ratio) / ratio)
        if view != self._view:
            self._view = view
            self.view_changed.emit()
            self.update()

    def _refit(self) -> None:
        facts = self._desk.project.facts
        if facts is None:
            self._view = View()
        else:
            aspect = float(facts.pixel_aspect)
            self._view = View(width=facts.width, height=facts.height, pixel_aspect=aspect, rotation=facts.rotation)
        self.fit()
        self.update()

    def _space(self) -> QRectF:
        """The part of the widget that the picture may fill."""
        width = self.width() / 2 if self.looks.look.compare is Compare.SIDE else float(self.width())
        return QRectF(0, 0, width, self.height()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)

    def _is_on_wipe(self, at: QPointF) -> bool:
        rect = self._view.rect
        line = rect.left() + self.looks.look.wipe * rect.width()
        on = self.looks.look.compare is Compare.WIPE and self.shown.has_result
        return on and abs(at.x() - line) <= _WIPE_REACH

    def _follow_pointer(self) -> None:
        self._set_cursor(self.mapFromGlobal(QCursor.pos()).toPointF())

    def _set_cursor(self, at: QPointF) -> None:
        if self._panned_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space_held:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self._drags_wipe or self._is_on_wipe(at):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            self.setCursor(self._tool.cursor if self._tool is not None else Qt.CursorShape.ArrowCursor)

    def _flip(self) -> None:
        self._blinked = not self._blinked
        self.update()

    def _on_matte(self, frame: int) -> None:
        if frame == self._desk.playhead.frame:
            self.update()

    def _on_look(self) -> None:
        if self.looks.look.compare is Compare.BLINK:
            self._blink.start()
        else:
            self._blink.stop()
        if self._fits:
            self.fit()
        self.update()
