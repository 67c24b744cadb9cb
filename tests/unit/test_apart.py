# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a thread, and Ctrl-C that strikes the waiting thread only."""

import _thread
import threading
import time
from collections.abc import Iterator

import pytest

from plugin_client.cli.apart import Apart, call_apart


def test_items_come_in_order_from_another_thread():
    def source() -> Iterator[tuple[int, int]]:
        for number in range(100):
            yield number, threading.get_ident()

    numbers, threads = zip(*Apart(source()), strict=True)
    assert list(numbers) == list(range(100))
    assert set(threads).isdisjoint({threading.get_ident()}) and len(set(threads)) == 1


def test_an_error_arrives_after_the_items_before_it():
    def source() -> Iterator[int]:
        yield 1
        raise OSError("the wire is cut")

    items = Apart(source())
    assert next(items) == 1
    with pytest.raises(OSError, match="wire"):
        next(items)


def test_a_call_has_one_answer():
    answer = call_apart(lambda: 42)
    assert list(answer) == [42]
    with pytest.raises(ZeroDivisionError):
        next(call_apart(lambda: 1 // 0))


def test_ctrl_c_strikes_the_waiting_thread_and_nothing_is_lost():
    go_on = threading.Event()
    struck: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield 1
            go_on.wait(10)
            yield 2
        except KeyboardInterrupt:
            struck.append("source")
            raise

    items = Apart(source())
    assert next(items) == 1
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        next(items)
    assert time.monotonic() - began < 5
    go_on.set()
    assert list(items) == [2] and struck == []
