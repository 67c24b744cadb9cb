# SPDX-License-Identifier: GPL-3.0-or-later
"""Named points at which tests let the disk fail or the process die (torch-free); nothing happens at them otherwise.

`MASKEDIT_FAULTS` is a plan: `POINT=ACTION`, separated by commas. An action is `kill` (SIGKILL to this process), `stop`
(SIGSTOP: it stands still until somebody continues it), an errno's name such as `ENOSPC` or `EIO`, `short` (half of what
is written gets through, then the disk is full), or `memory` (no memory is left: torch's own error where torch is
loaded).
`ACTION@N` waits for the Nth time that the process comes by, `ACTION~P` leaves it to chance each time, drawn from
`MASKEDIT_FAULTS_SEED`. Each entry acts once in a process, or, with a folder `MASKEDIT_FAULTS_SPENT`, once among all
processes that share the folder: what has acted leaves a file `POINT=ACTION` there. Who removes that file arms the entry
anew, and it counts from there.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO


class Point(StrEnum):
    """Where something may go wrong, in the order in which a job passes by. A write's name says what is written."""

    RUNTIME_WRITE = "runtime.write"
    RUNTIME_RENAME = "runtime.rename"
    RECOVERED = "recovered"
    ASSET_OPEN = "asset.open"
    ASSET_WRITE = "asset.write"
    ASSET_SYNC = "asset.sync"
    ASSET_RENAME = "asset.rename"
    ASSET_RENAMED = "asset.renamed"
    ASSET_LINK = "asset.link"
    FOLDER_MAKE = "folder.make"
    REQUEST_WRITE = "request.write"
    SUBMITTED = "submitted"
    STORE_USE = "store.use"
    STORE_COMMIT = "store.commit"
    STORE_COMMITTED = "store.committed"
    CLAIMED = "claimed"
    EVENT_APPEND = "event.append"
    WORKER_START = "worker.start"
    OUTCOME_HEARD = "outcome.heard"
    OUTCOME_KEPT = "outcome.kept"
    FOLDER_REMOVE = "folder.remove"
    WORKER_BEGUN = "worker.begun"
    WORKER_ALONE = "worker.alone"
    WORKER_SAYS = "worker.says"
    WORKER_SAID = "worker.said"
    PREPARE = "prepare"
    ENCODE = "encode"
    TUNE_MOTION = "tune_motion"
    TUNE_APPEARANCE = "tune_appearance"
    RENDER = "render"
    COMPOSITE = "composite"
    WRITE = "write"
    TENSORS_WRITE = "tensors.write"
    TENSORS_RENAME = "tensors.rename"
    TENSORS_RENAMED = "tensors.renamed"
    TUNED = "tuned"
    RESULT_SYNC = "result.sync"
    RESULT_RENAME = "result.rename"
    RESULT_RENAMED = "result.renamed"
    RESULT_DESCRIBED = "result.described"
    OUTCOME_SAID = "outcome.said"


@dataclass
class _Fault:
    """One entry of a plan. `turn`: at which time; `chance`: or how likely each time."""

    point: Point
    action: str
    turn: int = 1
    chance: float | None = None
    seen: int = 0
    spent: bool = False

    @property
    def name(self) -> str:
        return f"{self.point}={self.action}"

    def due(self, dice: random.Random) -> bool:
        self.seen += 1
        return self.seen == self.turn if self.chance is None else dice.random() < self.chance


@dataclass
class _Plan:
    faults: list[_Fault] = field(default_factory=list)
    dice: random.Random = field(default_factory=random.Random)
    spent: Path | None = None

    def meet(self, point: Point, fail_as: Callable[[int, str], Exception], partly: Callable[[], object] | None) -> None:
        for fault in self.faults:
            if fault.point is point and not self._is_spent(fault) and fault.due(self.dice) and self._spend(fault):
                _act(fault.action, fail_as, partly)

    def _is_spent(self, fault: _Fault) -> bool:
        return fault.spent if self.spent is None else (self.spent / fault.name).exists()

    def _spend(self, fault: _Fault) -> bool:
        """Whether no other process was quicker."""
        fault.spent, fault.seen = True, 0
        if self.spent is None:
            return True
        try:
            (self.spent / fault.name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def reach(
    point: Point, *, fail_as: Callable[[int, str], Exception] = OSError, partly: Callable[[], object] | None = None
) -> None:
    """Come by `point`. `partly` leaves half a write behind. Raises `fail_as(errno, text)` where the plan says so."""
    if _plan.faults:
        _plan.meet(point, fail_as, partly)


def write(file: BinaryIO, data: bytes | memoryview, point: Point) -> None:
    """`file.write(data)`, by way of `point`."""
    if _plan.faults:
        reach(point, partly=lambda: file.write(data[: len(data) // 2]))
    file.write(data)


@contextmanager
def planned(plan: str, *, seed: int = 0, spent: Path | None = None) -> Iterator[None]:
    """Let this plan hold in this process for the length of the block. Raises ValueError for a plan that is none."""
    global _plan
    before = _plan
    _plan = _parse(plan, seed=seed, spent=spent)
    try:
        yield
    finally:
        _plan = before


def _act(action: str, fail_as: Callable[[int, str], Exception], partly: Callable[[], object] | None) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    if action == "short" and partly is not None:
        partly()
    if action == "memory":
        raise _no_memory()
    number = errno.ENOSPC if action == "short" else getattr(errno, action)
    raise fail_as(number, os.strerror(number))


def _no_memory() -> Exception:
    return getattr(sys.modules.get("torch"), "OutOfMemoryError", MemoryError)("out of memory, as planned")


def _parse(plan: str, *, seed: int, spent: Path | None) -> _Plan:
    return _Plan([_fault(entry) for entry in plan.split(",") if entry], random.Random(seed), spent)


def _fault(entry: str) -> _Fault:
    point, _, what = entry.partition("=")
    action, _, turn = what.partition("@")
    action, _, chance = action.partition("~")
    if action not in ("kill", "stop", "short", "memory") and not hasattr(errno, action):
        raise ValueError(
            f"{entry!r} says nothing that can go wrong: write kill, stop, short, memory or an errno's name."
        )
    return _Fault(Point(point), action, int(turn or 1), float(chance) if chance else None)


def _from(environment: Mapping[str, str]) -> _Plan:
    folder = environment.get("MASKEDIT_FAULTS_SPENT")
    seed = int(environment.get("MASKEDIT_FAULTS_SEED", "0"))
    return _parse(environment.get("MASKEDIT_FAULTS", ""), seed=seed, spent=Path(folder) if folder else None)


_plan = _from(os.environ)
