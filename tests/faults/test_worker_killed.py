# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that are killed, hang or crash: the server lives, and the job goes on or says why it does not."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from bridge_api.v1 import edit_pb2, job_pb2
from plugin_client.core.connection import Connection
from tests.serving import ServerProcess, finish, states, submit, wait_for_step, wait_until, watch

AGAIN = ["INTERRUPTED", "QUEUED", "RUNNING"]


def steps_done(job: job_pb2.Job) -> list[int]:
    return list(map(int, Path(job.result.files[0].path).read_text().split()))


def kill_worker(server: ServerProcess, connection: Connection, job_id: str, *, at_step: int) -> None:
    wait_for_step(connection, job_id, at_step)
    (worker,) = server.workers()
    worker.kill()
    wait_until(lambda: not worker.is_running())


def test_a_killed_worker_is_followed_by_one_that_goes_on_from_its_checkpoint(
    server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=60 pause=0.04 checkpoint=10")
        for step in (15, 35):
            kill_worker(server, connection, job_id, at_step=step)
        job = finish(connection, job_id)
        events = list(watch(connection, job_id))
    assert (job.state, job.attempts) == (job_pb2.JOB_STATE_SUCCEEDED, 3)
    assert states(events) == ["QUEUED", "RUNNING", *AGAIN, *AGAIN, "SUCCEEDED"]
    assert sorted(set(steps_done(job))) == list(range(60))
    assert len(steps_done(job)) - 60 <= 2 * 10 + 2  # each death repeats one checkpoint interval at most
    interruptions = [event.message for event in events if event.state == job_pb2.JOB_STATE_INTERRUPTED]
    assert interruptions == ["The worker was killed, by hand or because the machine's memory ran out."] * 2


def test_a_worker_that_always_dies_at_the_same_step_fails_the_job(
    server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    with server.connect() as connection:
        hopeless = submit(connection, edit, "steps=9 die=4")
        next_one = submit(connection, edit)
        job = finish(connection, hopeless)
        assert (job.state, job.attempts) == (job_pb2.JOB_STATE_FAILED, 3)
        assert job.error == (
            "The worker was killed, by hand or because the machine's memory ran out. "
            "It was tried 3 times without getting any further."
        )
        assert finish(connection, next_one).state == job_pb2.JOB_STATE_SUCCEEDED


def test_a_checkpoint_that_was_there_before_is_no_progress(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job = finish(connection, submit(connection, edit, "steps=20 checkpoint=5 die=12 pause=0.01"))
    # The first attempt gets to its checkpoint at 10; three more come no further.
    assert (job.state, job.attempts) == (job_pb2.JOB_STATE_FAILED, 4)


def test_a_worker_that_crashes_names_its_log(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job = finish(connection, submit(connection, edit, "end=crash"))
    log = server.data_dir / "logs" / f"{job.job_id}.log"
    assert f"exit code 9 without saying why: {log} may know more." in job.error
    assert log.exists()


def test_a_worker_that_hears_nothing_is_gone_within_two_seconds_of_the_cancel(
    server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "stubborn=1")
        pids = server.data_dir / "jobs" / job_id / "pids"
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        processes = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
        began = time.monotonic()
        connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id))
        assert finish(connection, job_id).state == job_pb2.JOB_STATE_CANCELLED
        wait_until(lambda: not any(map(runs, processes)), seconds=2)
        assert time.monotonic() - began < 2


def test_a_cancel_just_after_a_death_still_counts(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=600 pause=0.02")
        kill_worker(server, connection, job_id, at_step=2)
        connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id))
        assert finish(connection, job_id).state == job_pb2.JOB_STATE_CANCELLED
        wait_until(lambda: not server.workers(), seconds=2)  # it says its last word, then puts the job away


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
