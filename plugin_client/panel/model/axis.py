# SPDX-License-Identifier: GPL-3.0-or-later
"""Where on screen a frame lies: the one mapping that ruler, strips and dope sheet share."""

from __future__ import annotations

import math

from PyQt6.QtCore import QObject, pyqtSignal

_LEAST_FRAMES = 5.0


class TimeAxis(QObject):
    """Shows the frames from `first` to `last`, not whole numbers while zoomed, of a clip of `count` frames.

    Every strip leaves `left` and `right` px free, for names and scroll bars, so that the same frame lies at the same x
    in all of them. A frame is as wide as its slot; `x_of` is the slot's middle.
    """

    changed = pyqtSignal()
    left, right = 96, 12

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.count = 1
        self.first, self.last = -0.5, 0.5

    def fit(self, count: int) -> None:
        """Show the whole of a clip of `count` frames."""
        self.count = max(1, count)
        self._show(-0.5, self.count - 0.5)

    def frame_width(self, width: int) -> float:
        """How many px of a strip that is `width` px wide one frame takes."""
        return max(1, width - self.left - self.right) / (self.last - self.first)

    def x_of(self, frame: float, width: int) -> float:
        """The x of `frame`'s middle in a strip that is `width` px wide."""
        return self.left + (frame - self.first) * self.frame_width(width)

    def frame_at(self, x: float, width: int) -> int:
        """The frame of the clip whose slot lies under `x`, or the nearest one."""
        frame = math.floor((x - self.left) / self.frame_width(width) + self.first + 0.5)
        return min(max(0, frame), self.count - 1)

    def zoom(self, factor: float, about_frame: float) -> None:
        """Show 1 / `factor` of what is shown, with `about_frame` staying where it is."""
        wanted = min(max((self.last - self.first) / factor, _LEAST_FRAMES), float(self.count))
        share = (about_frame - self.first) / (self.last - self.first)
        first = about_frame - share * wanted
        self._show(first, first + wanted)

    def pan(self, frames: float) -> None:
        """Show what lies so many frames later."""
        self._show(self.first + frames, self.last + frames)

    def reveal(self, frame: int) -> None:
        """Pan just far enough that `frame` is shown."""
        self.pan(min(0.0, frame - 0.5 - self.first) + max(0.0, frame + 0.5 - self.last))

    def _show(self, first: float, last: float) -> None:
        length = last - first
        first = min(max(first, -0.5), max(-0.5, self.count - 0.5 - length))
        if (first, first + length) != (self.first, self.last):
            self.first, self.last = first, first + length
            self.changed.emit()
