# SPDX-License-Identifier: GPL-3.0-or-later
"""Several readers of one stream: each sees all of it, and nothing is held that all have passed."""

from __future__ import annotations

import weakref

from hypothesis import given
from hypothesis import strategies as st

from maskedit.forking import forked


@given(st.lists(st.integers(), max_size=20), st.lists(st.integers(0, 2), max_size=80))
def test_every_reader_sees_every_item_in_order_whoever_is_ahead(items: list[int], turns: list[int]) -> None:
    readers = forked(iter(items), 3)
    seen: list[list[int]] = [[], [], []]
    for turn in turns:
        seen[turn] += [item for _, item in zip(range(1), readers[turn], strict=False)]
    for reader, so_far in zip(readers, seen, strict=True):
        assert [*so_far, *reader] == items


class Frame:
    """Something that can be watched as it goes."""


def test_what_all_have_passed_is_let_go() -> None:
    alive: weakref.WeakSet[Frame] = weakref.WeakSet()

    def frames():  # type: ignore[no-untyped-def]
        for _ in range(200):
            frame = Frame()
            alive.add(frame)
            yield frame
            del frame

    ahead, behind = forked(frames(), 2)
    next(ahead)
    most = 0
    for _ in range(150):
        next(ahead)
        next(behind)
        most = max(most, len(alive))
    assert most <= 3
