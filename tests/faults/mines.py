# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults laid at many points at once, each of which goes off only after it was armed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from maskedit.faults import Point

STARTING = {Point.RUNTIME_WRITE: 1, Point.RUNTIME_RENAME: 1, Point.RECOVERED: 1}
SERVING = {
    Point.FOLDER_MAKE: 1,
    Point.REQUEST_WRITE: 1,
    Point.STORE_USE: 2,
    Point.STORE_COMMIT: 1,
    Point.STORE_COMMITTED: 1,
    Point.SUBMITTED: 1,
    Point.CLAIMED: 1,
    Point.WORKER_START: 1,
    Point.EVENT_APPEND: 5,
    Point.OUTCOME_HEARD: 1,
    Point.OUTCOME_KEPT: 1,
}
WORKING = {
    Point.WORKER_BEGUN: 1,
    Point.WORKER_ALONE: 1,
    Point.WORKER_SAYS: 3,
    Point.WORKER_SAID: 4,
    Point.PREPARE: 1,
    Point.ENCODE: 1,
    Point.TUNE_MOTION: 7,
    Point.TUNE_APPEARANCE: 1,
    Point.RENDER: 1,
    Point.COMPOSITE: 1,
    Point.WRITE: 1,
    Point.TENSORS_WRITE: 2,
    Point.TENSORS_RENAME: 2,
    Point.TENSORS_RENAMED: 2,
    Point.TUNED: 1,
    Point.RESULT_SYNC: 1,
    Point.RESULT_RENAME: 1,
    Point.RESULT_RENAMED: 1,
    Point.RESULT_DESCRIBED: 1,
    Point.OUTCOME_SAID: 1,
}


class Mines:
    """A plan that does `action` at many points, each after it was armed: until then a spent entry's file is there.

    `turns`: the points, each with the time at which it goes off of those that a process comes by armed.
    """

    def __init__(self, folder: Path, turns: Mapping[Point, int], *, action: str = "kill") -> None:
        self.folder = folder
        self._action = action
        folder.mkdir()
        for point in turns:
            self._file(point).touch()
        plan = ",".join(f"{point}={action}@{turn}" for point, turn in turns.items())
        self.environment = {"MASKEDIT_FAULTS": plan, "MASKEDIT_FAULTS_SPENT": str(folder)}

    def arm(self, point: Point) -> None:
        self._file(point).unlink()

    def disarm(self, point: Point) -> None:
        self._file(point).touch()

    def gone_off(self, point: Point) -> bool:
        return self._file(point).exists()

    def _file(self, point: Point) -> Path:
        return self.folder / f"{point}={self._action}"
