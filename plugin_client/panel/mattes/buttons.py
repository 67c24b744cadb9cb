# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions as buttons that share a row evenly."""

from __future__ import annotations

from PyQt6.QtCore import QSize
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QPushButton, QSizePolicy

from plugin_client.panel.roto.fields import icon


class ActionButton(QPushButton):
    """Does what its action does, and is as it is: enabled, checked, with its tooltip. `words`: shorter than its own."""

    def __init__(self, action: QAction, words: str = "") -> None:
        super().__init__()
        self._action, self._words = action, words
        self.setIconSize(QSize(16, 16))
        # Evenly wide, whatever the words.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCheckable(action.isCheckable())
        self.clicked.connect(self._act)
        action.changed.connect(self._show)
        self._show()

    def _act(self) -> None:
        self._action.trigger()
        self._show()

    def _show(self) -> None:
        action = self._action
        key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        words = self._words or action.text()
        self.setText(f"{words}  {key}" if key and not self._words else words)
        self.setIcon(action.icon())
        self.setToolTip(action.toolTip())
        self.setAccessibleName(action.text())
        self.setEnabled(action.isEnabled())
        self.setChecked(action.isChecked())


def menu_button(words: str, actions: tuple[QAction, ...], *, icon_name: str, tip: str) -> QPushButton:
    """A button that opens a menu of actions."""
    button = QPushButton(icon(icon_name), words)
    button.setIconSize(QSize(16, 16))
    button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    button.setToolTip(tip)
    menu = QMenu(button)
    menu.setToolTipsVisible(True)
    menu.addActions(list(actions))
    button.setMenu(menu)
    return button
