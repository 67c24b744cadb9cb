# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker is told of a job, one line of JSON on its stdin, and how it asks for the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

READY = b"ready\n"
"""What a worker says after an outcome, once it can take another task."""
TAKEN = b"taken\n"
"""What it says first of all to that one. Where it ends without, that is not the task's doing."""


def gain_mark(folder: Path) -> Path:
    """The file by which a worker says, in its job's folder, that it has left something to go on from.

    Not what lies in the cache: that may be another job's doing. On the disk, because it outlives worker and server.
    """
    return folder / "gained"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One attempt, as a worker sees it.

    `request`: an EditRequest as JSON; `output`: the folder for the result; `log`: where its stderr goes. `last`: it
    ends after this one, instead of waiting for another. `ran_out`: an earlier try ran out of memory while its model was
    planned to take so many bytes, 0 before there was a plan; None where there was no such try.
    """

    request: Path
    output: Path
    log: Path
    last: bool = False
    ran_out: int | None = None


def task_line(task: Task) -> bytes:
    """One line of JSON."""
    return json.dumps(asdict(task), default=str).encode() + b"\n"


def parse_task(line: str) -> Task:
    """The inverse. Raises ValueError, TypeError or KeyError for anything else."""
    said = json.loads(line)
    return Task(**said | {name: Path(said[name]) for name in ("request", "output", "log")})
