# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between the scheduler and whoever runs a job: what goes in, what is heard meanwhile, what comes out."""

from __future__ import annotations

import base64
import json
from asyncio import Event, Queue
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from maskedit.progress import Ask, Stage


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`done` of `total` units (steps, frames) of `stage` are finished; `preview` is a JPEG or PNG file or empty."""

    stage: Stage
    done: int
    total: int
    message: str = ""
    preview: bytes = b""


class Ending(StrEnum):
    """How an attempt ended. DIED: without a word, so that another attempt may get further."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DIED = "died"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an attempt came to.

    `message`: why it failed or how it died, one sentence. `result`: what the worker says of its files, where it
    succeeded.
    """

    ending: Ending
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WorkOrder:
    """One attempt at one job. `folder` holds `request.json`; the worker writes to `folder`/output.

    `asks`: what the user asks of it meanwhile; only tuning answers.
    """

    job_id: str
    folder: Path
    cancel: Event
    asks: Queue[Ask] = field(default_factory=Queue)


class Dispatcher(Protocol):
    """Runs attempts, each somewhere that cannot take the server down."""

    @property
    def slots(self) -> int:
        """How many attempts can run at once."""
        ...

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        """Do the work and return when nothing of it runs any more.

        When `order.cancel` is set, or this coroutine is cancelled, the work stops within 2 seconds.
        """
        ...


def progress_line(progress: Progress) -> bytes:
    """One line of JSON, as a worker says it."""
    said = asdict(progress) | {"preview": base64.b64encode(progress.preview).decode()}
    return json.dumps({"progress": said}).encode() + b"\n"


def outcome_line(outcome: Outcome) -> bytes:
    """The last line of a worker."""
    return json.dumps({"outcome": asdict(outcome)}).encode() + b"\n"


def parse_line(line: bytes) -> Progress | Outcome:
    """The inverse of both. Raises ValueError, TypeError or KeyError for anything else."""
    said = json.loads(line)
    if "outcome" in said:
        fields = said["outcome"]
        return Outcome(**fields | {"ending": Ending(fields["ending"])})
    fields = said["progress"]
    preview = base64.b64decode(fields["preview"])
    return Progress(**fields | {"stage": Stage(fields["stage"]), "preview": preview})
