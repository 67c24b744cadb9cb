# SPDX-License-Identifier: GPL-3.0-or-later
"""Playing: the playhead follows the wall clock at the clip's own rate; frames that come too late are dropped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.viewer.look import Looks
from plugin_client.panel.viewer.shown import Shown

_NANO = 10**9
_OVER_S = 1


def place_after(start: int, steps: int, span: FrameRange, *, loop: bool) -> tuple[int, bool]:
    """(the frame `steps` after `start`, backwards if negative, whether it is still moving) within `span`.

    With `loop` it begins anew at the other end; without it stops at the end it comes to.
    """
    if loop:
        return span.first + (start - span.first + steps) % len(span), len(span) > 1
    frame = min(max(span.first, start + steps), span.last)
    return frame, frame == start + steps


class Player(QObject):
    """Moves the desk's playhead while its speed is not 0. `shown_rate_changed(rate)`: how many of the clip's frames a
    second were really shown of late, 0 while it stands."""

    shown_rate_changed = pyqtSignal(float)

    def __init__(
        self,
        desk: Desk,
        looks: Looks,
        shown: Shown,
        parent: QObject | None = None,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(parent)
        self._desk, self._looks, self._shown, self._clock = desk, looks, shown, clock
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._began = 0
        self._start = 0
        self._seen: deque[int] = deque()
        desk.playhead.speed_changed.connect(self._begin)
        desk.playhead.destroyed.connect(self._timer.stop)

    @property
    def rate(self) -> Fraction:
        """The clip's frames a second."""
        facts = self._desk.project.facts
        return facts.rate if facts is not None else Fraction(24)

    @property
    def span(self) -> FrameRange:
        """What is played: from in to out, or all of it if the playhead stands outside."""
        playhead, frames = self._desk.playhead, self._desk.project.document.frames
        if frames is not None and playhead.frame in frames:
            return FrameRange(frames.first, min(frames.last, playhead.last))
        return FrameRange(0, playhead.last)

    def _begin(self, speed: int) -> None:
        self._seen.clear()
        if not speed:
            self._timer.stop()
            self.shown_rate_changed.emit(0.0)
            return
        span, playhead = self.span, self._desk.playhead
        end = span.last if speed > 0 else span.first
        if playhead.frame == end:
            # Played to its end and asked again: from the start.
            playhead.seek(span.first if speed > 0 else span.last)
        self._start, self._began = playhead.frame, self._clock()
        # Twice a frame, so that none is late by more than half of one.
        self._timer.start(max(4, int(500 / self.rate)))

    def _tick(self) -> None:
        playhead, span = self._desk.playhead, self.span
        now = self._clock()
        elapsed = (now - self._began) * self.rate.numerator // (self.rate.denominator * _NANO)
        frame, moves = place_after(self._start, elapsed * playhead.speed, span, loop=self._looks.look.loop)
        if frame != playhead.frame:
            playhead.seek(frame)
            self._count(now)
        if not moves:
            playhead.stop()

    def _count(self, now: int) -> None:
        if self._shown.is_at_hand:
            self._seen.append(now)
        while self._seen and now - self._seen[0] >= _OVER_S * _NANO:
            self._seen.popleft()
        played = min(now - self._began, _OVER_S * _NANO)
        if played >= _NANO // 2:
            self.shown_rate_changed.emit(len(self._seen) * _NANO / played)
