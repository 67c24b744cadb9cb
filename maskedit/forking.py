# SPDX-License-Identifier: GPL-3.0-or-later
"""One stream read by several readers (torch-free)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def forked(items: Iterable[T], readers: int) -> tuple[Iterator[T], ...]:
    """As many iterators over the same `items`; what all of them have passed is let go at once.

    `itertools.tee` frees its items 57 at a time only, and 57 frames of 8K are more than a machine has memory for.
    """
    source = iter(items)
    waiting: list[deque[T]] = [deque() for _ in range(readers)]

    def reader(own: deque[T]) -> Iterator[T]:
        while True:
            if not own:
                try:
                    item = next(source)
                except StopIteration:
                    return
                for each in waiting:
                    each.append(item)
                del item
            yield own.popleft()

    return tuple(map(reader, waiting))
