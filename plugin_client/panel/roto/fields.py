# SPDX-License-Identifier: GPL-3.0-or-later
"""Small parts that the roto pane's forms are made of."""

from __future__ import annotations

from collections.abc import Callable

import qtawesome
from PyQt6.QtCore import QObject, QSize, Qt
from PyQt6.QtGui import QAction, QIcon
from PyQt6.QtWidgets import QCheckBox, QDoubleSpinBox, QLabel, QSpinBox, QToolButton

from plugin_client.panel.roto.options import NARROWEST_PX, WIDEST_PX
from plugin_client.panel.shell import theme


def icon(name: str, colour: str = theme.TEXT) -> QIcon:
    """An icon of the Material Design set."""
    return qtawesome.icon(f"mdi6.{name}", color=colour, color_selected="white")


def pixels_field(tip: str, *, least: float = 0.0, most: float) -> QDoubleSpinBox:
    """A number of pixels."""
    field = QDoubleSpinBox()
    field.setRange(least, most)
    field.setDecimals(1)
    field.setKeyboardTracking(False)  # half a number is none
    field.setSuffix(" px")
    field.setToolTip(tip)
    return field


def width_field() -> QDoubleSpinBox:
    """A brush's width."""
    tip = "Diameter at full pressure, in the clip's pixels ([ and ] while painting)"
    return pixels_field(tip, least=NARROWEST_PX, most=WIDEST_PX)


def percent_field(tip: str) -> QSpinBox:
    """A share in percent."""
    field = QSpinBox()
    field.setRange(0, 100)
    field.setKeyboardTracking(False)
    field.setSuffix(" %")
    field.setToolTip(tip)
    return field


def hardness_field() -> QSpinBox:
    """A brush's hardness."""
    return percent_field("The share of the radius that is full; from there it runs out (Shift+[ and Shift+])")


def check(words: str, tip: str) -> QCheckBox:
    """A box to tick."""
    box = QCheckBox(words)
    box.setToolTip(tip)
    return box


def text(*, dim: bool = False) -> QLabel:
    """Running text."""
    label = QLabel()
    label.setWordWrap(True)
    label.setProperty("dim", dim)
    return label


def action(parent: QObject, words: str, icon_name: str, do: Callable[[], None], *, key: str = "") -> QAction:
    """Something to do, with its shortcut in the tooltip."""
    made = QAction(icon(icon_name), words, parent)
    made.setShortcut(key)
    made.setToolTip(f"{words} ({key})" if key else words)
    made.triggered.connect(lambda: do())
    return made


def tool_button(does: QAction) -> QToolButton:
    """A flat button that can be reached by Tab."""
    button = QToolButton()
    button.setAutoRaise(True)
    button.setDefaultAction(does)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setIconSize(QSize(18, 18))
    return button
