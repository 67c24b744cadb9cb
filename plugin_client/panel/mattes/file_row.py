# SPDX-License-Identifier: GPL-3.0-or-later
"""One imported matte in the list: what it is for and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from plugin_client.core.requests import MatteFile
from plugin_client.panel.roto.fields import check, icon, text
from plugin_client.panel.shell import theme
from plugin_client.panel.shell.elided import ElidedLabel

PURPOSES = {
    "edit": ("Edit", "Where change is allowed"),
    "holdout": ("Holdout", "What passes in front: the clip shows there, on top of the result"),
    "composite": ("Composite", "What the paste shows, in place of what is found to have changed"),
    "ignore": ("Ignore", "No example of anything, like a flash or a logo: not learnt from"),
}
CHANNELS = {
    "auto": ("Auto", "Alpha where it says something, luma otherwise"),
    "luma": ("Luma", "White is inside"),
    "alpha": ("Alpha", "Opaque is inside"),
}


class FileRow(QWidget):
    """Shows `matte`; every change is handed to `change`, the cross calls `remove`."""

    def __init__(
        self, *, change: Callable[[MatteFile], None], remove: Callable[[], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._change = change
        self._matte = MatteFile("")
        self.name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.remove = QToolButton()
        self.remove.setAutoRaise(True)
        self.remove.setIcon(icon("close"))
        self.remove.setToolTip("Remove this matte from the project; the file stays")
        self.remove.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.remove.clicked.connect(lambda: remove())
        self.purpose = _choice(PURPOSES, "What the matte is for")
        self.channel = _choice(CHANNELS, "Where the pictures hold the matte")
        self.subtract = check("Subtract", "Take what is inside away from everything drawn and imported")
        self.invert = check("Invert", "Black, not white, is inside")
        self.fault = text()
        self.fault.setStyleSheet(f"color: {theme.WARNING};")
        self.purpose.activated.connect(lambda _: self._say(purpose=self.purpose.currentData()))
        self.channel.activated.connect(lambda _: self._say(channel=self.channel.currentData()))
        self.subtract.clicked.connect(lambda on: self._say(subtract=on))
        self.invert.clicked.connect(lambda on: self._say(invert=on))
        self._lay_out()

    def show_matte(self, matte: MatteFile, *, fault: str) -> None:
        """Show another state, or another matte."""
        self._matte = matte
        self.name.setText(Path(matte.path).name)
        self.name.setToolTip(matte.path)
        for choice, value in ((self.purpose, matte.purpose), (self.channel, matte.channel)):
            choice.setCurrentIndex(choice.findData(value))
        self.subtract.setChecked(matte.subtract)
        self.invert.setChecked(matte.invert)
        # Nothing of another purpose is combined with what is drawn.
        self.subtract.setEnabled(matte.purpose == "edit")
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))

    def _say(self, **fields: object) -> None:
        if fields.get("purpose", "edit") != "edit":
            fields["subtract"] = False
        self._change(replace(self._matte, **fields))  # type: ignore[arg-type]

    def _lay_out(self) -> None:
        half = theme.SPACE // 2
        grid = QGridLayout(self)
        grid.setContentsMargins(0, half, 0, half)
        grid.setSpacing(half)
        top = QHBoxLayout()
        top.setSpacing(half)
        top.addWidget(self.name, 1)
        top.addWidget(self.remove)
        grid.addLayout(top, 0, 0, 1, 4)
        grid.addWidget(self.purpose, 1, 0)
        grid.addWidget(self.channel, 1, 1)
        grid.addWidget(self.subtract, 1, 2)
        grid.addWidget(self.invert, 1, 3)
        grid.addWidget(self.fault, 2, 0, 1, 4)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)


def _choice(choices: dict[str, tuple[str, str]], tip: str) -> QComboBox:
    box = QComboBox()
    for value, (words, meaning) in choices.items():
        box.addItem(words, value)
        box.setItemData(box.count() - 1, meaning, Qt.ItemDataRole.ToolTipRole)
    box.setToolTip(tip)
    box.setAccessibleName(tip)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.setMinimumContentsLength(4)
    return box
