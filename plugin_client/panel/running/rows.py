# SPDX-License-Identifier: GPL-3.0-or-later
"""The ground of a row in the lists of jobs and takes: chosen ones are marked without drowning what they say."""

from __future__ import annotations

from PyQt6.QtCore import QRect
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import QStyle, QStyleOptionViewItem

from plugin_client.panel.shell import theme

CHOSEN = "#30404f"
_BAR_PX = 3


def paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Fill the row as its state asks for."""
    if option.state & QStyle.StateFlag.State_Selected:
        painter.fillRect(option.rect, QColor(CHOSEN))
        painter.fillRect(
            QRect(option.rect.topLeft(), option.rect.bottomLeft()).adjusted(0, 0, _BAR_PX, 0), QColor(theme.ACCENT)
        )
    elif option.state & QStyle.StateFlag.State_MouseOver:
        painter.fillRect(option.rect, QColor(theme.WINDOW))
