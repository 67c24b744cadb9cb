# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on the wire, as values."""

from __future__ import annotations

from datetime import UTC
from fractions import Fraction

from bridge_api.v1 import edit_pb2, job_pb2
from plugin_client.core.job import PRIORITIES, Event, Job, JobState, Result, ResultFile
from plugin_client.core.timeline import FrameRange

_PRIORITIES = {edit_pb2.Priority.Value(f"PRIORITY_{name.upper()}"): name for name in PRIORITIES}


def state_of(value: job_pb2.JobState.ValueType) -> JobState:
    """A wire state as an enum member; one that only a newer server knows is UNKNOWN."""
    try:
        return JobState[job_pb2.JobState.Name(value).removeprefix("JOB_STATE_")]
    except (KeyError, ValueError):
        return JobState.UNKNOWN


def event_of(wire: job_pb2.JobEvent) -> Event:
    """A wire event as a value."""
    try:
        stage = job_pb2.Stage.Name(wire.stage).removeprefix("STAGE_").lower() if wire.stage else ""
    except ValueError:  # a stage that only a newer server knows
        stage = ""
    return Event(
        sequence=wire.sequence,
        state=state_of(wire.state),
        stage=stage,
        done=wire.done,
        total=wire.total,
        message=wire.message,
        preview=wire.preview,
        at=wire.at.seconds + wire.at.nanos / 1e9,
    )


def job_of(wire: job_pb2.Job) -> Job:
    """A wire job as a value."""
    return Job(
        job_id=wire.job_id,
        state=state_of(wire.state),
        name=wire.edit.name or wire.edit.target.display_name,
        created_at=wire.created_at.ToDatetime(tzinfo=UTC),
        queue_position=wire.queue_position,
        error=wire.error,
        last_event=event_of(wire.last_event) if wire.HasField("last_event") else None,
        result=_result_of(wire.result) if wire.HasField("result") else None,
        priority=_PRIORITIES.get(wire.priority, "normal"),
        is_draft=wire.edit.preset == edit_pb2.PRESET_DRAFT,
    )


def _result_of(wire: job_pb2.JobResult) -> Result:
    files = (
        ResultFile(name=file.name, size_bytes=file.size_bytes, sha256=file.sha256, path=file.path)
        for file in wire.files
    )
    return Result(
        files=tuple(files),
        frames=FrameRange(wire.frames.first, wire.frames.last),
        rate=Fraction(wire.facts.rate.numerator, wire.facts.rate.denominator or 1),
        width=wire.facts.width,
        height=wire.facts.height,
        adapter_reused=wire.adapter_reused,
        stage_seconds=dict(wire.stage_seconds),
    )
