# SPDX-License-Identifier: GPL-3.0-or-later
"""How quickly the viewer answers: from a seek to the painted frame, and how long the UI thread is ever held up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from PyQt6.QtCore import QEventLoop, QTimer

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.viewer.canvas import Canvas

_BEAT_MS = 2
_PATIENCE_MS = 10_000


@dataclass
class Heartbeat:
    """Of every beat of the UI thread: by how much it came late, and how much the thread had computed since the last.
    On a busy machine the first counts what others did as well."""

    late_ms: list[float] = field(default_factory=list)
    computed_ms: list[float] = field(default_factory=list)


@contextmanager
def heartbeat() -> Iterator[Heartbeat]:
    """Listens to the UI thread from within, while the block runs its event loop."""
    heart, timer = Heartbeat(), QTimer()
    last = time.perf_counter(), time.thread_time()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter(), time.thread_time()
        heart.late_ms.append(max(0.0, (now[0] - last[0]) * 1000 - _BEAT_MS))
        heart.computed_ms.append((now[1] - last[1]) * 1000)
        last = now

    timer.timeout.connect(beat)
    timer.start(_BEAT_MS)
    yield heart
    timer.stop()


def seek_times(desk: Desk, canvas: Canvas, frames: Sequence[int]) -> list[float]:
    """Milliseconds from each seek to when its own frame has been painted. The canvas must be on screen."""
    return [_seek_time(desk, canvas, frame) for frame in frames]


def rest(milliseconds: int) -> None:
    """Let the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _seek_time(desk: Desk, canvas: Canvas, frame: int) -> float:
    loop, times = QEventLoop(), list[float]()
    patience = QTimer()
    patience.setSingleShot(True)
    patience.timeout.connect(loop.quit)
    patience.start(_PATIENCE_MS)

    def painted(number: int) -> None:
        if number == frame and not times:
            times.append((time.perf_counter() - began) * 1000)
            loop.quit()

    link = canvas.painted.connect(painted)
    began = time.perf_counter()
    desk.playhead.seek(frame)
    canvas.update()
    loop.exec()
    canvas.painted.disconnect(link)
    return times[0] if times else float(_PATIENCE_MS)
