# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process has counted since it started, for whoever watches it."""

from __future__ import annotations

import threading
from collections import defaultdict
from enum import StrEnum
from typing import Final


class Count(StrEnum):
    """What is counted, in the unit that the name says."""

    UPLOADED_BYTES = "uploaded_bytes"
    DOWNLOADED_BYTES = "downloaded_bytes"
    DEAD_WORKERS = "dead_workers"
    STARTED_JOBS = "started_jobs"
    WAITED_SECONDS = "waited_seconds"
    STAGE_SECONDS = "stage_seconds"


class Tally:
    """Sums by name and label. May be used from any thread."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[Count, str], float] = defaultdict(float)
        self._lock = threading.Lock()

    def add(self, count: Count, by: float = 1, *, label: str = "") -> None:
        """Count `by` more."""
        with self._lock:
            self._sums[count, label] += by

    def sums(self, count: Count) -> dict[str, float]:
        """Label → sum."""
        with self._lock:
            return {label: by for (name, label), by in self._sums.items() if name is count}

    def total(self, count: Count) -> float:
        """Over all labels."""
        return sum(self.sums(count).values())


TALLY: Final = Tally()
"""The process's own: whoever sends a byte should not need to be handed an object for it."""
