# SPDX-License-Identifier: GPL-3.0-or-later
"""How a worker speaks to its server (a pipe) and hears from it (stdin, SIGTERM, the server's death)."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import BinaryIO

from bridge_server.jobs.work import Outcome, Progress, outcome_line, progress_line
from maskedit.progress import Cancelled, Stage

# More often than this nobody can read it.
_SECONDS_BETWEEN = 0.1
_ORPHANED = 70
_STDIN = 0


class Channel:
    """A Reporter over the pipe `events_fd`, one JSON line each."""

    def __init__(self, events_fd: int) -> None:
        self._pipe: BinaryIO = os.fdopen(events_fd, "wb")
        self._stop = threading.Event()
        self._last_stage: Stage | None = None
        self._last_time = 0.0
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        threading.Thread(target=self._hear, name="hear", daemon=True).start()

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        """As in Reporter. Steps in quick succession are passed over, never the first or last of a stage."""
        if self._stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if preview or stage is not self._last_stage or done == total or now - self._last_time >= _SECONDS_BETWEEN:
            self._last_stage, self._last_time = stage, now
            said = Progress(stage=stage, done=done, total=total, message=message, preview=preview or b"")
            self._say(progress_line(said))

    def finish(self, outcome: Outcome) -> None:
        """The last word."""
        self._say(outcome_line(outcome))

    def _say(self, line: bytes) -> None:
        self._pipe.write(line)
        self._pipe.flush()

    def _hear(self) -> None:
        # Not through sys.stdin: a thread that waits in it when the interpreter ends makes the process abort.
        while said := os.read(_STDIN, 4096):
            if b"cancel" in said:
                self._stop.set()
        # The server is gone, and with it everyone who waits for the result.
        os._exit(_ORPHANED)
