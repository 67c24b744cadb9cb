# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's life: one job after another, each alone with its folder, with its own log and with its own ending."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from bridge_server.jobs.tasks import Task
from bridge_server.jobs.work import Ending, Outcome
from bridge_server.worker.channel import Channel
from maskedit.errors import MaskEditError, in_one_line
from maskedit.exhaustion import disk_ran_out, full_disk, memory_ran_out
from maskedit.faults import Point, reach
from maskedit.progress import Cancelled
from maskedit.request import EditRequest, from_json

# Longer than a worker whose server was killed needs to notice it.
_PREDECESSOR_SECONDS = 30
_MEMORY_RAN_OUT = Outcome(
    ending=Ending.OUT_OF_MEMORY,
    message="Memory ran out: close other programs, or take a faster preset, a shorter range or a smaller model.",
)


def work_on(
    channel: Channel,
    do: Callable[[EditRequest, Task], Outcome],
    *,
    tidy: Callable[[], None] = lambda: None,
    planned: Callable[[], int] = lambda: 0,
) -> None:
    """Do what the server asks for until it asks for no more, or something went wrong that the next job might feel.

    `do` does one job; `tidy` then leaves what may be left for the next. `planned`: how many bytes the job's model was
    planned to take, if that is known by now.
    """
    channel.planned = planned
    task = channel.next_task()
    while task is not None:
        _log_to(task.log)
        reach(Point.WORKER_BEGUN)
        # Two workers never do the same job: one whose server died may still be on its way out.
        with FileLock(task.output.with_suffix(".lock"), timeout=_PREDECESSOR_SECONDS):
            reach(Point.WORKER_ALONE)
            outcome, unharmed = _attempt(task, do)
            if outcome is _MEMORY_RAN_OUT:
                outcome = replace(outcome, result={"planned_bytes": planned()})
            channel.finish(outcome)
        if task.last or not unharmed:
            return
        tidy()
        task = channel.offer()


def _attempt(task: Task, do: Callable[[EditRequest, Task], Outcome]) -> tuple[Outcome, bool]:
    """What became of the job, and whether the process is as good as before."""
    try:
        return do(from_json(task.request.read_bytes()), task), True
    except Cancelled:
        return Outcome(ending=Ending.CANCELLED), True
    except Exception as error:
        if memory_ran_out(error):
            with suppress(OSError):
                traceback.print_exc()
            return _MEMORY_RAN_OUT, False
        if isinstance(error, MaskEditError):
            return Outcome(ending=Ending.FAILED, message=in_one_line(error)), True
        with suppress(OSError):  # of a full disk, where the log lies as well
            traceback.print_exc()
        if disk_ran_out(error):
            sentence = f"{full_disk(task.output.parent)}: free some space there, then retry the job."
            return Outcome(ending=Ending.FAILED, message=sentence), True
        sentence = f"The edit stopped on an unexpected error: its details are in {task.log}."
        return Outcome(ending=Ending.FAILED, message=sentence), False


def _log_to(path: Path) -> None:
    """From here on everything that is printed, by libraries too, goes to the end of that file."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(file, number)
    os.close(file)
