# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs and events as the messages that clients see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from bridge_api.v1 import edit_pb2, job_pb2
from bridge_server.checks import report_from_json
from bridge_server.errors import NotFoundError
from bridge_server.jobs.rows import EventRow, JobRow
from bridge_server.jobs.states import JobState, Priority
from bridge_server.jobs.store import JobStore
from bridge_server.rpc.translate import enum_number, enum_value, to_proto

_STATE = job_pb2.DESCRIPTOR.enum_types_by_name["JobState"]
_PRIORITY = edit_pb2.DESCRIPTOR.enum_types_by_name["Priority"]
_STAGE = job_pb2.DESCRIPTOR.enum_types_by_name["Stage"]


def state_number(state: JobState) -> Any:
    return enum_number(_STATE, state)


def priority_of(number: edit_pb2.Priority.ValueType) -> Priority | None:
    """None where it is left out. Raises InputError for one that this version does not know."""
    return enum_value(_PRIORITY, number, Priority, path="priority") if number else None


def event_message(event: EventRow, *, with_preview: bool) -> job_pb2.JobEvent:
    message = job_pb2.JobEvent(preview=event.preview if with_preview else b"")
    _put_event(event, message)
    return message


def _put_event(event: EventRow, message: job_pb2.JobEvent) -> None:
    """Into an empty message, less its preview. In place, because each copy costs as much as the making."""
    message.sequence = event.sequence
    _put_time(event.at_ms, message.at)
    message.state = state_number(event.state)
    message.done = event.done
    message.total = event.total
    message.message = event.message
    if event.stage:
        message.stage = enum_number(_STAGE, event.stage)


def job_message(job: JobRow, store: JobStore, *, folder: Path | None) -> job_pb2.Job:
    """`folder`: where the jobs' folders lie, if the client may know. Reads the store, so call it from a thread.

    Raises NotFoundError for a job that was deleted meanwhile.
    """
    for message in job_list(store, [job], folder=folder):
        return message
    raise NotFoundError(f"There is no job {job.job_id} any more: it was deleted.")


def job_list(store: JobStore, jobs: Sequence[JobRow], *, folder: Path | None) -> list[job_pb2.Job]:
    """`job_message` of many with two reads; jobs that were deleted meanwhile are left out."""
    last = store.last_events(jobs)
    positions = store.queue_positions() if any(job.state is JobState.QUEUED for job in jobs) else {}
    return [
        _job_message(job, last[job.number], positions.get(job.number, 0), folder) for job in jobs if job.number in last
    ]


def _job_message(job: JobRow, last: EventRow, position: int, folder: Path | None) -> job_pb2.Job:
    message = job_pb2.Job(
        job_id=job.job_id,
        state=state_number(job.state),
        attempts=job.attempts,
        error=job.error,
        queue_position=position,
        result=_result_message(job, folder) if job.result else None,
        retry_of=job.retry_of,
        priority=enum_number(_PRIORITY, job.priority),
    )
    message.edit.ParseFromString(job.request)
    message.edit.SetInParent()
    _put_event(last, message.last_event)
    _put_time(job.created_ms, message.created_at)
    if job.started_ms:
        _put_time(job.started_ms, message.started_at)
    if job.ended_ms:
        _put_time(job.ended_ms, message.ended_at)
    return message


def file_messages(job: JobRow, folder: Path | None) -> list[job_pb2.ResultFile]:
    """The job's result files; none before it has SUCCEEDED."""
    files = json.loads(job.result)["files"] if job.result else []
    output = folder / job.job_id / "output" if folder else None
    return [job_pb2.ResultFile(**file, path=str(output / file["name"]) if output else "") for file in files]


def timestamp(milliseconds: int) -> Timestamp:
    """`milliseconds` since 1970 UTC."""
    moment = Timestamp()
    _put_time(milliseconds, moment)
    return moment


def _put_time(milliseconds: int, moment: Timestamp) -> None:
    moment.seconds = milliseconds // 1000
    moment.nanos = milliseconds % 1000 * 1_000_000


def _result_message(job: JobRow, folder: Path | None) -> job_pb2.JobResult:
    said, report = json.loads(job.result), report_from_json(job.report)
    message = job_pb2.JobResult(
        files=file_messages(job, folder),
        stage_seconds=said["stage_seconds"],
        adapter_reused=said["adapter_reused"],
    )
    to_proto(report.frames, message.frames)
    to_proto(report.facts, message.facts)
    return message
