# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue is put in another order, and a job that is being tuned is asked for something."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.findings import check_of
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from tests.serving import finish, submit, wait_for_step, watch

LONG = "steps=600 pause=0.05"


@pytest.fixture
def jobs(connection: Connection) -> Iterator[Jobs]:
    """The job calls on a paused queue, emptied in the end."""
    calls = Jobs(connection)
    calls.pause_queue(True)
    yield calls
    for job in calls.list(states=[JobState.QUEUED, JobState.RUNNING]):
        calls.cancel(job.job_id)
        finish(connection, job.job_id)
    calls.pause_queue(False)


def test_a_moved_job_waits_and_runs_in_its_new_place(
    connection: Connection, edit: edit_pb2.EditRequest, jobs: Jobs
) -> None:
    first, second, third = (submit(connection, edit, "steps=1") for _ in range(3))
    assert jobs.move(third, 0) == 0
    assert jobs.move(first, 99) == 2
    assert [jobs.get(job_id).queue_position for job_id in (third, second, first)] == [0, 1, 2]
    jobs.pause_queue(False)
    ended = [finish(connection, job_id).started_at.ToMilliseconds() for job_id in (third, second, first)]
    assert ended == sorted(ended)
    with pytest.raises(BadInput, match="waits in the queue"):
        jobs.move(first, 0)
    with pytest.raises(BadInput, match="no job"):
        jobs.move("0" * 32, 0)


def test_a_waiting_job_is_given_another_priority(
    connection: Connection, edit: edit_pb2.EditRequest, jobs: Jobs
) -> None:
    first, second = (submit(connection, edit, "steps=1") for _ in range(2))
    jobs.prioritise(second, "high")
    assert [(job.job_id, job.priority) for job in jobs.line().waiting] == [(second, "high"), (first, "normal")]
    assert jobs.move(first, 0) == 1  # behind the one that has a higher one now
    jobs.prioritise(second, "low")
    assert [(job.job_id, job.priority) for job in jobs.line().waiting] == [(first, "normal"), (second, "low")]
    unknown = job_pb2.MoveJobRequest(job_id=first, priority=9)  # pyright: ignore[reportArgumentType]
    with pytest.raises(grpc.RpcError, match="priority has the value 9"):
        connection.jobs.MoveJob(unknown)
    assert jobs.get(first).priority == "normal"


def test_what_is_asked_of_a_tuned_job_reaches_its_worker_and_is_answered(
    connection: Connection, edit: edit_pb2.EditRequest, jobs: Jobs
) -> None:
    job_id = submit(connection, edit, LONG)
    with pytest.raises(BadInput, match="not being tuned"):
        jobs.sample_now(job_id)
    jobs.pause_queue(False)
    wait_for_step(connection, job_id)
    jobs.sample_now(job_id)
    jobs.save_now(job_id)
    answers = (event.message for event in watch(connection, job_id) if event.message.startswith("asked"))
    assert [next(answers), next(answers)] == ["asked to sample", "asked to save"]
    jobs.cancel(job_id)
    assert finish(connection, job_id).state == 7
    with pytest.raises(BadInput, match="not being tuned"):
        jobs.save_now(job_id)


def test_estimates_come_with_the_check(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    found = Jobs(connection).check(edit)
    least = {each.preset: each.least_memory_bytes for each in found.estimates}
    assert least[edit_pb2.PRESET_DRAFT] == 0 < least[edit_pb2.PRESET_FAST] <= least[edit_pb2.PRESET_BEST]
    estimates = {each.preset: each for each in check_of(found).estimates}
    assert set(estimates) == {"draft", "fast", "standard", "best"}
    for each in estimates.values():
        assert 0 < each.least_seconds <= each.most_seconds and not each.problem
    assert estimates["draft"].memory_bytes == 0 < estimates["fast"].memory_bytes
    assert estimates["draft"].most_seconds < estimates["fast"].most_seconds < estimates["best"].most_seconds
