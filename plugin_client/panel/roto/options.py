# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tools work: the brush, what new shapes do, and where edits go. Not part of the document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from PyQt6.QtCore import QObject, pyqtSignal

Span = Literal["every frame", "this frame", "from here on"]
SPANS: tuple[Span, ...] = ("every frame", "this frame", "from here on")
NARROWEST_PX, WIDEST_PX = 1.0, 2000.0


@dataclass(frozen=True)
class ToolOptions:
    """`width` of the brush in source pixels; `hardness` 0 to 1; `span`: the frames that a stroke counts on.

    `subtracts`: new shapes are subtracted. `every_key`: edits go into every key instead of one at the playhead.
    `shows_paths`: the ways that selected points take over time are drawn.
    """

    width: float = 40.0
    hardness: float = 0.8
    span: Span = "every frame"
    subtracts: bool = False
    every_key: bool = False
    shows_paths: bool = False


class Options(QObject):
    """Holds the tools' options."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.now = ToolOptions()

    def set(self, **fields: Any) -> None:
        """Change fields of `ToolOptions`; width and hardness stay within their limits."""
        wanted = replace(self.now, **fields)
        width = min(max(wanted.width, NARROWEST_PX), WIDEST_PX)
        wanted = replace(wanted, width=width, hardness=min(max(wanted.hardness, 0.0), 1.0))
        if wanted != self.now:
            self.now = wanted
            self.changed.emit()
