# SPDX-License-Identifier: GPL-3.0-or-later
"""The bar under the picture: where the playhead stands, in frames and timecode, and the buttons that move it."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QAction, QFontDatabase, QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from plugin_client.core.errors import BadInput
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.commands import Commands
from plugin_client.panel.viewer.player import Player
from plugin_client.panel.viewer.timecodes import place_of, timecode_of

_ICON = QSize(18, 18)
# Fewer than this share of the clip's frames shown is worth a word.
_STEADY = 0.95


class PlaceField(QLineEdit):
    """Shows a place in the clip and takes another: a frame number or a timecode, Enter to go there."""

    def __init__(self, desk: Desk, *, timecode: bool) -> None:
        super().__init__()
        self._desk, self._timecode = desk, timecode
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAccessibleName("Timecode" if timecode else "Frame")
        self.setToolTip("Timecode: click, type one, press Enter" if timecode else "Frame: click, type one, press Enter")
        self.returnPressed.connect(self._go)
        self.editingFinished.connect(self.show_place)
        desk.playhead.moved.connect(self._on_moved)
        desk.project.facts_changed.connect(self.show_place)
        self.show_place()

    def show_place(self) -> None:
        """The playhead's place."""
        facts, frame = self._desk.project.facts, self._desk.playhead.frame
        self.setEnabled(facts is not None)
        text = "" if facts is None else timecode_of(frame, facts) if self._timecode else str(frame)
        self.setText(text)
        last = str(max(self._desk.playhead.last, 999))
        widest = (timecode_of(0, facts) if facts else "00:00:00:00") if self._timecode else last
        self.setFixedWidth(self.fontMetrics().horizontalAdvance(widest) + 3 * theme.SPACE)

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() == Qt.Key.Key_Escape:
            self.show_place()
            self.clearFocus()
            return
        super().keyPressEvent(a0)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        had_focus = self.hasFocus()
        super().mousePressEvent(a0)
        if not had_focus:
            self.selectAll()

    def _on_moved(self) -> None:
        if not self.isModified():
            self.show_place()

    def _go(self) -> None:
        facts = self._desk.project.facts
        if facts is None:
            return
        try:
            frame = place_of(self.text(), facts)
        except BadInput as error:
            self._desk.notices.say(str(error), severity="warning")
        else:
            self._desk.playhead.stop()
            self._desk.playhead.seek(frame)
        self.show_place()
        self.clearFocus()


class Transport(QWidget):
    """Fields, buttons, and how fast it really plays."""

    def __init__(self, desk: Desk, commands: Commands, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._player = desk, player
        self._rate = QLabel()
        self._rate.setMinimumWidth(self._rate.fontMetrics().horizontalAdvance("23.976 / 23.976 fps"))
        self._rate.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
        row.setSpacing(theme.SPACE // 2)
        row.addWidget(PlaceField(desk, timecode=True))
        row.addWidget(PlaceField(desk, timecode=False))
        row.addStretch(1)
        play, span = commands.play, commands.range
        for action in (span["in"], *(each for name, each in play.items() if name != "loop"), span["out"]):
            row.addWidget(button_for(action))
        row.addSpacing(theme.SPACE)
        row.addWidget(button_for(play["loop"]))
        row.addStretch(1)
        row.addWidget(self._rate)
        desk.project.facts_changed.connect(self._show_rate)
        player.shown_rate_changed.connect(self._show_rate)
        self._show_rate()

    def _show_rate(self, shown: float = 0.0) -> None:
        if self._desk.project.facts is None:
            self._rate.clear()
            return
        rate, speed = float(self._player.rate), abs(self._desk.playhead.speed)
        falls_short = bool(shown) and shown < _STEADY * rate
        # Faster than the clip is meant to leave frames out.
        words = f"{shown:.3g} / {rate:.5g} fps" if falls_short and speed == 1 else f"{rate:.5g} fps"
        self._rate.setText(f"{words} × {speed}" if speed > 1 else words)
        self._rate.setToolTip(
            "Frames shown a second of those the clip has: the rest came too late and was left out"
            if falls_short
            else "The clip's frame rate"
        )
        colour = theme.WARNING if falls_short and speed == 1 else theme.DIM
        self._rate.setStyleSheet(f"color: {colour}")


def button_for(action: QAction) -> QToolButton:
    """A flat button for an action."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setAutoRaise(True)
    button.setIconSize(_ICON)
    return button
