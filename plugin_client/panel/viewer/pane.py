# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer as the window holds it: bar, canvas, transport, and the player behind them."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QKeyEvent, QShowEvent
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.commands import Commands
from plugin_client.panel.viewer.compare_bar import CompareBar
from plugin_client.panel.viewer.player import Player
from plugin_client.panel.viewer.transport import Transport


class ViewerPane(QWidget):
    """`canvas` takes tools; `commands` are the actions for the window's menus, whose keys work in the whole window."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas(desk, parent=self)
        self.commands = Commands(desk, self.canvas, self)
        self.player = Player(desk, self.canvas.looks, self.canvas.shown, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(CompareBar(desk, self.canvas, self.commands))
        column.addWidget(self.canvas, 1)
        column.addWidget(Transport(desk, self.commands, self.player))
        self.setFocusProxy(self.canvas)

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        window = self.window()
        assert window is not None
        window.installEventFilter(self)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        # What no widget wanted comes up to the window: Space plays from everywhere, but still presses a button.
        if a0 is self.window() and isinstance(a1, QKeyEvent):
            if a1.type() is QEvent.Type.KeyPress:
                return self.canvas.hold(a1)
            if a1.type() is QEvent.Type.KeyRelease:
                return self.canvas.let_go(a1)
        return False
