# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs and events as the messages that clients see."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from bridge_api.v1 import edit_pb2, job_pb2
from bridge_server.checks import report_from_json
from bridge_server.errors import NotFoundError
from bridge_server.jobs.rows import EventRow, JobRow
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.rpc.translate import enum_number, to_proto

_STATE = job_pb2.DESCRIPTOR.enum_types_by_name["JobState"]
_STAGE = job_pb2.DESCRIPTOR.enum_types_by_name["Stage"]


def state_number(state: JobState) -> Any:
    return enum_number(_STATE, state)


def event_message(event: EventRow, *, with_preview: bool) -> job_pb2.JobEvent:
    message = job_pb2.JobEvent(
        sequence=event.sequence,
        at=timestamp(event.at_ms),
        state=state_number(event.state),
        done=event.done,
        total=event.total,
        message=event.message,
        preview=event.preview if with_preview else b"",
    )
    if event.stage:
        message.stage = enum_number(_STAGE, event.stage)
    return message


def job_message(job: JobRow, store: JobStore, *, folder: Path | None) -> job_pb2.Job:
    """`folder`: where the jobs' folders lie, if the client may know. Reads the store, so call it from a thread.

    Raises NotFoundError for a job that was deleted meanwhile.
    """
    for message in job_list(store, [job], folder=folder):
        return message
    raise NotFoundError(f"There is no job {job.job_id} any more: it was deleted.")


def job_list(store: JobStore, jobs: Sequence[JobRow], *, folder: Path | None) -> list[job_pb2.Job]:
    """`job_message` of many with two reads; jobs that were deleted meanwhile are left out."""
    last, places = store.last_events(jobs), store.queued_places()
    return [_job_message(job, last[job.number], places, folder) for job in jobs if job.number in last]


def _job_message(job: JobRow, last: EventRow, places: Sequence[int], folder: Path | None) -> job_pb2.Job:
    queued = job.state is JobState.QUEUED
    return job_pb2.Job(
        job_id=job.job_id,
        state=state_number(job.state),
        edit=edit_pb2.EditRequest.FromString(job.request),
        created_at=timestamp(job.created_ms),
        started_at=timestamp(job.started_ms) if job.started_ms else None,
        ended_at=timestamp(job.ended_ms) if job.ended_ms else None,
        attempts=job.attempts,
        error=job.error,
        queue_position=bisect_left(places, job.place) if queued else 0,
        last_event=event_message(last, with_preview=False),
        result=_result_message(job, folder) if job.result else None,
        retry_of=job.retry_of,
    )


def file_messages(job: JobRow, folder: Path | None) -> list[job_pb2.ResultFile]:
    """The job's result files; none before it has SUCCEEDED."""
    files = json.loads(job.result)["files"] if job.result else []
    output = folder / job.job_id / "output" if folder else None
    return [job_pb2.ResultFile(**file, path=str(output / file["name"]) if output else "") for file in files]


def timestamp(milliseconds: int) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(milliseconds)
    return moment


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
