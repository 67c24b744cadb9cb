# SPDX-License-Identifier: GPL-3.0-or-later
"""What day it is for what goes by its age: the clock's, unless that has jumped ahead.

A clock that was set a year ahead, by hand or by a snapshot, would make everything a year older at once, and what goes
by its age would be gone before anybody looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from maskedit.whole import written_whole

_DAY_SECONDS = 24 * 3600
# What a server may have been off without its ages lagging behind.
_OFF_SECONDS = 7 * _DAY_SECONDS
_LOG = structlog.get_logger()


class Ageing:
    """Days that are believed: at most a week more than at the last start, and two for each day that the server runs.

    `file` keeps the last one between starts; without it the clock is believed. Seconds are those since the epoch.
    """

    def __init__(
        self, file: Path, *, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._clock, self._steady = clock, steady
        self._began = steady()
        try:
            self._furthest = float(file.read_text(encoding="ascii")) + _OFF_SECONDS
        except (OSError, ValueError):
            self._furthest = clock()

    def now(self) -> float:
        """The clock's time, or an earlier one where that is not believed yet."""
        return min(self._clock(), self._furthest + 2 * (self._steady() - self._began))

    def keep(self) -> float:
        """`now`, kept for the next start, with a warning where the clock is ahead of it. Raises OSError."""
        now, ahead = self.now(), self._clock() - self.now()
        if ahead > _DAY_SECONDS:
            _LOG.warning(
                "the clock has jumped ahead: what goes by its age goes later; if the clock is right, stop the server, "
                "delete the file and start it",
                days=round(ahead / _DAY_SECONDS),
                file=str(self._file),
            )
        with written_whole(self._file) as unfinished:
            unfinished.write_text(repr(now), encoding="ascii")
        return now
