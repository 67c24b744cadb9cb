# SPDX-License-Identifier: GPL-3.0-or-later
"""Network work in a thread of its own, so that Ctrl-C strikes the main thread only.

An exception raised in the middle of grpc's own code leaves its channel broken: calls hang or fail much later.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.2


class Apart(Generic[Item]):
    """An iterator over `source`, which runs in a thread. After a KeyboardInterrupt in `next` it can be gone on with."""

    def __init__(self, source: Iterator[Item]) -> None:
        self._arrived: queue.SimpleQueue[tuple[bool, Item | BaseException]] = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(source,), daemon=True).start()

    def __iter__(self) -> Apart[Item]:
        return self

    def __next__(self) -> Item:
        while True:
            try:
                is_item, arrived = self._arrived.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if is_item:
                return arrived  # pyright: ignore[reportReturnType]
            raise arrived  # pyright: ignore[reportGeneralTypeIssues]

    def _run(self, source: Iterator[Item]) -> None:
        try:
            for item in source:
                self._arrived.put((True, item))
            self._arrived.put((False, StopIteration()))
        except Exception as error:
            self._arrived.put((False, error))


def call_apart(call: Callable[[], Item]) -> Apart[Item]:
    """`call` begun in a thread: the iterator's only item is its answer."""

    def answer() -> Iterator[Item]:
        yield call()

    return Apart(answer())
