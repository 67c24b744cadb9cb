# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel has to tell: one sentence at a time, with at most one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QObject, pyqtSignal


@dataclass(frozen=True)
class Notice:
    """`severity`: "note", "warning" or "error". `action`: the words on its button, "" for none, which does `do`."""

    text: str
    severity: str = "note"
    action: str = ""
    do: Callable[[], None] | None = None


class Notices(QObject):
    """Carries notices from wherever they arise to whoever shows them."""

    said = pyqtSignal(object)

    def say(self, text: str, *, severity: str = "note", action: str = "", do: Callable[[], None] | None = None) -> None:
        """Tell the user. Call it from the UI thread."""
        self.said.emit(Notice(text, severity, action, do))
