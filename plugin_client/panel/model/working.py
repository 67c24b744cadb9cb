# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that must not hold up the window: done on a pool's thread, answered on the UI thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from PyQt6.QtCore import QObject, QRunnable, QThreadPool, pyqtSignal
from PyQt6.sip import isdeleted

Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)


class _Report(QObject):
    """Signals cross threads by themselves; a QRunnable has none."""

    done = pyqtSignal(object)
    failed = pyqtSignal(object)


class _Work(QRunnable):
    def __init__(self, call: Callable[[], object], report: _Report) -> None:
        super().__init__()
        self._call, self._report = call, report

    def run(self) -> None:
        try:
            answer = self._call()
        except Exception as error:
            _tell(self._report, "failed", error)
        else:
            _tell(self._report, "done", answer)


def _tell(report: _Report, outcome: str, what: object) -> None:
    # The window may have been closed while the work went on: there is nobody left to tell.
    if not isdeleted(report):
        getattr(report, outcome).emit(what)


def in_background(
    call: Callable[[], Answer],
    *,
    owner: QObject,
    done: Callable[[Answer], None] | None = None,
    failed: Callable[[Exception], None] | None = None,
    pool: QThreadPool | None = None,
) -> None:
    """Run `call` on a thread of `pool` (None: Qt's own), then `done(its answer)` or `failed(its exception)` here.

    Here is the UI thread. Neither is called once `owner` is gone. An exception that nobody takes is logged.
    """
    report = _Report(owner)

    def finish(answer: object) -> None:
        if isdeleted(report):  # the owner went while the answer was on its way
            return
        report.deleteLater()
        if done is not None:
            done(answer)  # type: ignore[arg-type]

    def give_up(error: Exception) -> None:
        if isdeleted(report):
            return
        report.deleteLater()
        if failed is not None:
            failed(error)
        else:
            _log.error("work in the background failed", exc_info=error)

    report.done.connect(finish)
    report.failed.connect(give_up)
    pool = pool or QThreadPool.globalInstance()
    assert pool is not None
    pool.start(_Work(call, report))


def end_work(root: QObject, *, within_ms: int = 10_000) -> bool:
    """Drop what waits in the pools below `root` and in Qt's own, and let what runs come to its end; False if too slow.

    For before `root` is taken apart: Qt waits for the pools then too, but holding the lock that their threads need.
    """
    own = QThreadPool.globalInstance()
    assert own is not None
    pools = [*root.findChildren(QThreadPool), own]
    for pool in pools:
        pool.clear()
    return all(pool.waitForDone(within_ms) for pool in pools)
