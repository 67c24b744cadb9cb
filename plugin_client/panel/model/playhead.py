# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frame is looked at, and how fast it runs."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

_FASTEST = 8


class Playhead(QObject):
    """The frame under the playhead, from 0 to `last`, and the speed of playing: 0 still, 1 forwards, -2 twice as fast
    backwards. Whoever plays moves it with `seek`.
    """

    moved = pyqtSignal(int)
    speed_changed = pyqtSignal(int)
    last_changed = pyqtSignal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame = self._last = self._speed = 0

    @property
    def frame(self) -> int:
        """The frame that is looked at."""
        return self._frame

    @property
    def last(self) -> int:
        """The clip's last frame."""
        return self._last

    @property
    def speed(self) -> int:
        """0 while it stands."""
        return self._speed

    def set_last(self, last: int) -> None:
        """A clip of `last` + 1 frames is open; the playhead stays inside it."""
        if last != self._last:
            self._last = max(0, last)
            self.last_changed.emit(self._last)
        self.seek(self._frame)

    def seek(self, frame: int) -> None:
        """Go to `frame`, or to the clip's end on that side."""
        frame = min(max(0, frame), self._last)
        if frame != self._frame:
            self._frame = frame
            self.moved.emit(frame)

    def step(self, frames: int) -> None:
        """Stop, and go so many frames on."""
        self.stop()
        self.seek(self._frame + frames)

    def play(self, direction: int) -> None:
        """Play in a direction, 1 or -1; asked again it plays twice as fast, up to eightfold (J and L)."""
        same = self._speed * direction > 0
        self._set_speed(direction * min(2 * abs(self._speed), _FASTEST) if same else direction)

    def stop(self) -> None:
        """Stand still (K)."""
        self._set_speed(0)

    def _set_speed(self, speed: int) -> None:
        if speed != self._speed:
            self._speed = speed
            self.speed_changed.emit(speed)
