# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a child that is forked off, so that thousands of checks need not import their libraries anew each time."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (negative: the signal), what it said, its processor's seconds, its most MB."""

    code: int
    said: str
    seconds: float
    megabytes: float


def in_child(work: Callable[[], str], *, seconds: int, memory_bytes: int) -> Ended:
    """Run `work` in a forked child with limits on its time (processor's and three times that on the clock) and data."""
    listening, speaking = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(listening)
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.alarm(3 * seconds)
            said = work()
            code = 0
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        while said:
            said = said[os.write(speaking, said.encode(errors="replace")[: 1 << 16]) :]
        os._exit(code)
    os.close(speaking)
    began = time.monotonic()
    with os.fdopen(listening, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, usage = os.wait4(pid, 0)
    assert time.monotonic() - began < 4 * seconds
    return Ended(os.waitstatus_to_exitcode(status), said, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
