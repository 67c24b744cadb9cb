# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that takes longer than a frame of the interface: done on a thread, answered on the main one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class Background:
    """Runs work on threads of its own; `drain`, called by a timer, hands the answers over."""

    def __init__(self) -> None:
        self._answers: deque[Callable[[], None]] = deque()
        self._stopped = False
        self._under_way = 0

    @property
    def is_busy(self) -> bool:
        """Whether anything is being done."""
        return self._under_way > 0

    def start(
        self, work: Callable[[], Answer], then: Callable[[Answer], None], *, failed: Callable[[Exception], None]
    ) -> None:
        """Do `work` on a thread; then one of the others, on the thread that drains."""

        def run() -> None:
            try:
                answer = work()
            except Exception as error:
                # `error` ends with its clause.
                reason = error
                self._answers.append(lambda: failed(reason))
            else:
                self._answers.append(lambda: then(answer))

        self._under_way += 1
        threading.Thread(target=run, name="maskedit-background", daemon=True).start()

    def drain(self) -> bool:
        """Hand over what has been answered; True if anything was."""
        any_answered = False
        while self._answers and not self._stopped:
            any_answered = True
            self._under_way -= 1
            self._answers.popleft()()
        return any_answered

    def stop(self) -> None:
        """Answers that still come are for nobody."""
        self._stopped = True
