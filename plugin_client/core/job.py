# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as values, in the client's own types; `job_wire` makes them from what the wire says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from plugin_client.core.timeline import FrameRange


class JobState(StrEnum):
    """The states of a job; SUCCEEDED, FAILED and CANCELLED are final."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """True where nothing more will happen."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


PRIORITIES = ("low", "normal", "high")
"""What may be asked of the queue; of those that wait, the higher goes first."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a job. `stage` is "" outside RUNNING; `preview` is a JPEG or PNG file's bytes.

    `at`: when, in seconds since the epoch by the server's clock.
    """

    sequence: int
    state: JobState
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    preview: bytes = b""
    at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """A file that a job made. `path` is its place on the server's machine, "" for clients elsewhere."""

    name: str
    size_bytes: int
    sha256: str
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a job made: its files, and `frames` of the source at the source's rate and size."""

    files: tuple[ResultFile, ...]
    frames: FrameRange
    rate: Fraction
    width: int
    height: int
    adapter_reused: bool
    stage_seconds: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job. `error` is a sentence where the state is FAILED; `result` is there where it is SUCCEEDED.

    `priority`: one of PRIORITIES; one that only a newer server knows counts as normal. `is_draft`: it waits for a
    processor, behind other drafts only; all others wait for a device that holds a model.
    """

    job_id: str
    state: JobState
    name: str
    created_at: datetime
    queue_position: int = 0
    error: str = ""
    last_event: Event | None = None
    result: Result | None = None
    priority: str = "normal"
    is_draft: bool = False
