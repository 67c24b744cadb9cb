# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside the interface: begun at once, answered only where the main thread asks for it."""

from __future__ import annotations

import threading

from plugin_client.blender.background import Background
from tests.serving import wait_until


def test_an_answer_waits_for_the_main_thread():
    background, answers, where = Background(), [], []
    background.start(lambda: where.append(threading.current_thread()) or 7, answers.append, failed=answers.append)
    assert background.is_busy
    wait_until(lambda: background._answers)
    assert answers == [] and where[0] is not threading.current_thread()
    assert background.drain() and answers == [7]
    assert not background.is_busy and not background.drain()


def test_a_failure_is_an_answer_too():
    background, failures = Background(), []
    background.start(lambda: 1 / 0, failures.append, failed=failures.append)
    wait_until(background.drain)
    assert isinstance(failures[0], ZeroDivisionError) and not background.is_busy


def test_nothing_is_answered_after_the_end():
    background, answers, go = Background(), [], threading.Event()
    background.start(lambda: go.wait(5), answers.append, failed=answers.append)
    background.stop()
    go.set()
    wait_until(lambda: background._answers)
    assert not background.drain() and answers == []
