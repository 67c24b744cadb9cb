# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between the scheduler and whoever runs a job: what goes in, what is heard meanwhile, what comes out."""

from __future__ import annotations

import asyncio
import base64
import json
from asyncio import Event, Queue
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from maskedit.progress import Ask, Stage


class Lane(StrEnum):
    """What a job waits for. DRAFT: a processor for seconds, without torch; GENERATE: a device that holds a model."""

    GENERATE = "generate"
    DRAFT = "draft"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`done` of `total` units (steps, frames) of `stage` are finished; `preview` is a JPEG or PNG file or empty.

    `planned_bytes`: what the job's model was planned to take, 0 before there is a plan.
    """

    stage: Stage
    done: int
    total: int
    message: str = ""
    preview: bytes = b""
    planned_bytes: int = 0


class Ending(StrEnum):
    """How an attempt ended. HALTED: because its server stops, so that the job goes on at the next start. DIED: without
    a word, so that another attempt may get further. OUT_OF_MEMORY: with the smaller plan as well, if there was one to
    try."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HALTED = "halted"
    DIED = "died"
    OUT_OF_MEMORY = "out_of_memory"


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
class Seat:
    """Where one attempt at a time can run. `memory_bytes`: of its device, all of it; None = not known, takes any job.

    `device`: the GPU as CUDA_VISIBLE_DEVICES takes it, "" for none or where it is not known here.
    """

    lane: Lane
    memory_bytes: int | None = None
    device: str = ""

    def has_room(self, memory_bytes: int) -> bool:
        """Whether a job that needs so much of a device's memory can run here."""
        return self.memory_bytes is None or memory_bytes <= self.memory_bytes


@dataclass(frozen=True, kw_only=True)
class WorkOrder:
    """One attempt at one job. `folder` holds `request.json`; the worker writes to `folder`/output.

    `cancel` is set when the user is done with the job, `halt` when the server stops.
    `seat`: its index among the dispatcher's, of the job's lane and with room for it. `model`: as the request names it,
    so that a worker which has it loaded can be kept. `asks`: what the user asks of it meanwhile; only tuning answers.
    """

    job_id: str
    folder: Path
    cancel: Event = field(default_factory=Event)
    halt: Event = field(default_factory=Event)
    lane: Lane = Lane.GENERATE
    seat: int = 0
    model: str = ""
    asks: Queue[Ask] = field(default_factory=Queue)

    @property
    def stopped(self) -> Ending | None:
        """What an attempt comes to that stops now as it was told to; None where nobody has told it."""
        if self.cancel.is_set():
            return Ending.CANCELLED
        return Ending.HALTED if self.halt.is_set() else None

    async def told_to_stop(self) -> None:
        """Return when it is."""
        waits = [asyncio.create_task(each.wait()) for each in (self.cancel, self.halt)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()


class Dispatcher(Protocol):
    """Runs attempts, each somewhere that cannot take the server down."""

    @property
    def seats(self) -> Sequence[Seat]:
        """Where attempts can run, at least one of each lane; always the same ones in the same order."""
        ...

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        """Do the work on its seat, which nothing else is given meanwhile, and return when nothing of it runs any more.

        When `order.cancel` is set the work stops within 2 seconds. When `order.halt` is set it has 10, in which tuning
        may leave a checkpoint; what ends of itself meanwhile has ended. When this coroutine is cancelled the work is
        stopped as fast as it can be.
        """
        ...

    async def mended(self, order: WorkOrder) -> None:
        """Return when the seat of an order that DIED can take another, however long that takes."""
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
