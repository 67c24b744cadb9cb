# SPDX-License-Identifier: GPL-3.0-or-later
"""The one bar in which the panel speaks: a sentence, at most one thing to do about it, and a way to put it away."""

from __future__ import annotations

import qtawesome
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from plugin_client.panel.model.notices import Notice, Notices
from plugin_client.panel.shell import theme

NOTE_MS = 8000
_MARKS = {
    "note": ("mdi6.information-outline", theme.ACCENT),
    "warning": ("mdi6.alert-outline", theme.WARNING),
    "error": ("mdi6.alert-octagon-outline", theme.ERROR),
}
_RANKS = {"note": 0, "warning": 1, "error": 2}


class NoticeBar(QFrame):
    """Shows the gravest of the notices that wait, the newest first among equals; notes leave by themselves."""

    def __init__(self, notices: Notices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Notice] = []
        self._mark, self._text, self._more = QLabel(), QLabel(), QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._more.setProperty("dim", True)
        self._action = QPushButton()
        self._close = QToolButton()
        self._close.setAutoRaise(True)
        self._close.setToolTip("Put this message away")
        self._close.setIcon(qtawesome.icon("mdi6.close", color=theme.DIM))
        self._close.setAccessibleName("Put this message away")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE // 2, theme.SPACE // 2)
        row.setSpacing(theme.SPACE)
        for part in (self._mark, self._text, self._more, self._action, self._close):
            row.addWidget(part, 1 if part is self._text else 0)
        self._action.clicked.connect(self._do)
        self._close.clicked.connect(self.dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NOTE_MS)
        self._timer.timeout.connect(self._end_note)
        notices.said.connect(self._take)
        self.setVisible(False)

    @property
    def shown(self) -> Notice | None:
        """What stands in the bar now."""
        return max(reversed(self._waiting), key=lambda notice: _RANKS[notice.severity], default=None)

    def dismiss(self) -> None:
        """Put away what is shown; what waits behind it comes up."""
        if (shown := self.shown) is not None:
            self._waiting.remove(shown)
        self._show()

    def _take(self, notice: Notice) -> None:
        # The same sentence again is no second message.
        self._waiting = [each for each in self._waiting if each.text != notice.text]
        self._waiting.append(notice)
        self._show()

    def _show(self) -> None:
        notice = self.shown
        self.setVisible(notice is not None)
        self._timer.stop()
        if notice is None:
            return
        name, colour = _MARKS[notice.severity]
        self._mark.setPixmap(qtawesome.icon(name, color=colour).pixmap(18, 18))
        self._text.setText(notice.text)
        self._action.setText(notice.action)
        self._action.setVisible(bool(notice.action))
        behind = len(self._waiting) - 1
        self._more.setText(f"{behind} more" if behind else "")
        self._more.setVisible(behind > 0)
        self.setStyleSheet(
            f"NoticeBar {{ background: {theme.RAISED}; border-left: 4px solid {colour};"
            f" border-bottom: 1px solid {theme.LINE}; }}"
        )
        if notice.severity == "note":
            self._timer.start()

    def _end_note(self) -> None:
        self._waiting = [notice for notice in self._waiting if notice.severity != "note"]
        self._show()

    def _do(self) -> None:
        notice = self.shown
        self.dismiss()
        if notice is not None and notice.do is not None:
            notice.do()
