# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs are watched, listed, cancelled, retried and deleted as the contract says, by status code."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc import StatusCode

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2
from plugin_client.core.connection import Connection
from tests.serving import ServerProcess, finish, get, states, submit, wait_for_step, wait_until, watch

LONG = "steps=600 pause=0.05"


def code_of(call: Callable[[], Any]) -> StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return refused.value.code()  # type: ignore[attr-defined]


def cancel(connection: Connection, job_id: str) -> str:
    state = connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id)).state
    return job_pb2.JobState.Name(state).removeprefix("JOB_STATE_")


def test_watching_again_goes_on_after_the_last_event_seen(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    job_id = submit(connection, edit, "steps=8 pause=0.11")
    everything = list(watch(connection, job_id))
    middle = everything[4].sequence
    assert list(watch(connection, job_id, after=middle)) == everything[5:]
    for beyond in (everything[-1].sequence, 2**64 - 1):
        assert list(watch(connection, job_id, after=beyond)) == []


def test_two_clients_see_the_same_live(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    job_id = submit(connection, edit, "steps=8 pause=0.11")
    streams = [connection.jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job_id)) for _ in range(2)]
    seen = [[response.event for response in stream] for stream in streams]
    assert seen[0] == seen[1]
    assert states(seen[0])[-1] == "SUCCEEDED"


def test_a_running_job_is_cancelled_within_two_seconds(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    job_id = submit(connection, edit, LONG)
    wait_for_step(connection, job_id)
    began = time.monotonic()
    assert cancel(connection, job_id) == "CANCELLING"
    job = finish(connection, job_id)
    assert job.state == job_pb2.JOB_STATE_CANCELLED
    wait_until(lambda: not server.workers())
    assert time.monotonic() - began < 2
    assert cancel(connection, job_id) == "CANCELLED"


def test_a_queued_job_waits_its_turn_and_is_cancelled_at_once(
    connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    running, first, second = (submit(connection, edit, script) for script in (LONG, "steps=1", "steps=2"))
    wait_for_step(connection, running)
    assert [get(connection, job_id).queue_position for job_id in (running, first, second)] == [0, 0, 1]
    assert cancel(connection, first) == "CANCELLED"
    assert get(connection, second).queue_position == 0
    cancel(connection, running)
    assert finish(connection, second).state == job_pb2.JOB_STATE_SUCCEEDED
    assert get(connection, first).attempts == 0


def test_a_paused_queue_is_resumed(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=True))
    job_id = submit(connection, edit)
    assert connection.system().queue_paused
    assert connection.jobs.ListJobs(job_pb2.ListJobsRequest()).queue_paused
    time.sleep(0.2)
    assert get(connection, job_id).state == job_pb2.JOB_STATE_QUEUED
    connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=False))
    assert finish(connection, job_id).state == job_pb2.JOB_STATE_SUCCEEDED


def test_pages_cover_all_jobs_once(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    made = [submit(connection, edit) for _ in range(3)]
    for job_id in made:
        finish(connection, job_id)
    seen: list[str] = []
    request = job_pb2.ListJobsRequest(page_size=2)
    while True:
        page = connection.jobs.ListJobs(request)
        assert 1 <= len(page.jobs) <= 2
        seen += [job.job_id for job in page.jobs]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen[:3] == made[::-1]
    assert len(seen) == len(set(seen))
    only = connection.jobs.ListJobs(job_pb2.ListJobsRequest(states=[job_pb2.JOB_STATE_QUEUED]))
    assert list(only.jobs) == []


def test_a_retried_job_is_a_new_one(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    failed = finish(connection, submit(connection, edit, "end=fail"))
    request = job_pb2.RetryJobRequest(job_id=failed.job_id, idempotency_key=uuid4().hex)
    again = connection.jobs.RetryJob(request).job_id
    assert connection.jobs.RetryJob(request).job_id == again != failed.job_id
    job = finish(connection, again)
    assert (job.retry_of, job.edit) == (failed.job_id, failed.edit)


def test_a_deleted_job_is_gone_with_its_files(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    job_id = submit(connection, edit)
    finish(connection, job_id)
    connection.jobs.DeleteJob(job_pb2.DeleteJobRequest(job_id=job_id))
    assert code_of(lambda: get(connection, job_id)) is StatusCode.NOT_FOUND
    assert not (server.data_dir / "jobs" / job_id).exists()
    assert not (server.data_dir / "logs" / f"{job_id}.log").exists()


def test_a_job_that_has_not_ended_is_not_deleted(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    job_id = submit(connection, edit, LONG)
    delete = job_pb2.DeleteJobRequest(job_id=job_id)
    assert code_of(lambda: connection.jobs.DeleteJob(delete)) is StatusCode.FAILED_PRECONDITION
    cancel(connection, job_id)
    wait_until(lambda: get(connection, job_id).state == job_pb2.JOB_STATE_CANCELLED)
    connection.jobs.DeleteJob(delete)


def test_unknown_jobs_are_not_found(connection: Connection) -> None:
    jobs, nobody = connection.jobs, "0" * 32
    for call in (
        lambda: jobs.GetJob(job_pb2.GetJobRequest(job_id=nobody)),
        lambda: list(jobs.WatchJob(job_pb2.WatchJobRequest(job_id=nobody))),
        lambda: jobs.CancelJob(job_pb2.CancelJobRequest(job_id=nobody)),
        lambda: jobs.RetryJob(job_pb2.RetryJobRequest(job_id=nobody, idempotency_key="k")),
        lambda: jobs.DeleteJob(job_pb2.DeleteJobRequest(job_id=nobody)),
        lambda: connection.assets.ListResultFiles(asset_pb2.ListResultFilesRequest(job_id=nobody)),
        lambda: list(connection.assets.DownloadResult(asset_pb2.DownloadResultRequest(job_id=nobody, name="x"))),
    ):
        assert code_of(call) is StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    "request_",
    [
        job_pb2.ListJobsRequest(page_token="next please"),
        job_pb2.ListJobsRequest(page_token="-1"),
        job_pb2.ListJobsRequest(page_token="9" * 40),
        job_pb2.ListJobsRequest(page_size=-1),
        job_pb2.ListJobsRequest(states=[55]),  # type: ignore[list-item]
    ],
)
def test_pages_that_do_not_exist_are_refused(connection: Connection, request_: job_pb2.ListJobsRequest) -> None:
    assert code_of(lambda: connection.jobs.ListJobs(request_)) is StatusCode.INVALID_ARGUMENT
