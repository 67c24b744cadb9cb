# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 on the server: no acknowledged job is lost, none runs twice at once, each goes on."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2
from tests.serving import ServerProcess, finish, states, submit, wait_for_step, wait_until, watch


def test_a_job_goes_on_under_the_next_server(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=60 pause=0.04 checkpoint=10")
        wait_for_step(connection, job_id, 25)
        (worker,) = server.workers()
        server.stop(signal.SIGKILL)
    wait_until(lambda: not worker.is_running(), seconds=2)
    server.start()
    with server.connect() as connection:
        job = finish(connection, job_id)
        history = states(watch(connection, job_id))
    steps = list(map(int, Path(job.result.files[0].path).read_text().split()))
    assert history == ["QUEUED", "RUNNING", "INTERRUPTED", "QUEUED", "RUNNING", "SUCCEEDED"]
    assert sorted(set(steps)) == list(range(60))
    assert len(steps) - 60 <= 11


def test_a_cancel_that_the_server_did_not_live_to_finish_is_kept(
    server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "stubborn=1")
        wait_until(lambda: (server.data_dir / "jobs" / job_id / "pids").exists())
        connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id))
        server.stop(signal.SIGKILL)
    server.start()
    with server.connect() as connection:
        assert finish(connection, job_id).state == job_pb2.JOB_STATE_CANCELLED


def test_a_watcher_that_lost_its_server_misses_nothing(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=40 pause=0.05 checkpoint=5")
        seen: list[job_pb2.JobEvent] = []
        threading.Timer(1.5, server.stop, [signal.SIGKILL]).start()
        try:
            for event in watch(connection, job_id):
                seen.append(event)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
    assert server.process is not None
    server.process.wait(10)
    server.start()
    with server.connect() as connection:
        seen += watch(connection, job_id, after=seen[-1].sequence)
        everything = list(watch(connection, job_id))
    assert [event.sequence for event in seen] == [event.sequence for event in everything]
    assert states(seen)[-1] == "SUCCEEDED"


def test_no_acknowledged_job_is_lost_and_none_is_made_twice(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    """Submissions go on while the server is killed at random moments; each is repeated until it is answered."""
    chance = random.Random(7)
    acknowledged: dict[str, str] = {}
    for round_ in range(5):
        with server.connect() as connection:
            killer = threading.Timer(chance.uniform(0.2, 2.0), server.stop, [signal.SIGKILL])
            killer.start()
            number = 0
            while server.process is not None and server.process.poll() is None:
                key = f"{round_}-{number}"
                try:
                    acknowledged[key] = submit(connection, edit, "steps=1", key=key)
                    number += 1
                except grpc.RpcError:
                    time.sleep(0.02)
            killer.join()
        server.start()
        with server.connect() as connection:
            retried = submit(connection, edit, "steps=1", key=key)
            assert acknowledged.setdefault(key, retried) == retried
    assert len(set(acknowledged.values())) == len(acknowledged) >= 5
    with server.connect() as connection:
        for job_id in acknowledged.values():
            job = finish(connection, job_id)
            assert job.state == job_pb2.JOB_STATE_SUCCEEDED
            # Done again only where the server died before it could write down that it was done.
            assert Path(job.result.files[0].path).read_text().splitlines() in (
                ["0"] * n for n in range(1, job.attempts + 1)
            )
        listed = connection.jobs.ListJobs(job_pb2.ListJobsRequest(page_size=200)).jobs
        assert {job.job_id for job in listed} == set(acknowledged.values())
        folders = {path.name for path in (server.data_dir / "jobs").iterdir()}
        assert folders == set(acknowledged.values())


def test_an_upload_survives_its_server(server: ServerProcess) -> None:
    content = os.urandom(3 << 20)
    asset_id = hashlib.sha256(content).hexdigest()

    def parts(offset: int, upto: int) -> Iterator[asset_pb2.UploadAssetRequest]:
        begin = asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=len(content), offset=offset)
        yield asset_pb2.UploadAssetRequest(begin=begin)
        for start in range(offset, upto, 1 << 20):
            yield asset_pb2.UploadAssetRequest(data=content[start : min(start + (1 << 20), upto)])

    def cut_with_the_server() -> Iterator[asset_pb2.UploadAssetRequest]:
        yield from parts(0, 2 << 20)
        wait_until(lambda: held() >= 1 << 20)
        server.stop(signal.SIGKILL)

    def held() -> int:
        return connection.assets.GetUpload(asset_pb2.GetUploadRequest(asset_id=asset_id)).offset

    with server.connect() as connection, pytest.raises(grpc.RpcError) as cut:
        connection.assets.UploadAsset(cut_with_the_server())
    assert cut.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
    server.start()
    with server.connect() as connection:
        offset = held()
        assert 1 << 20 <= offset <= 2 << 20
        connection.assets.UploadAsset(parts(offset, len(content)))
        answer = connection.assets.DownloadAsset(asset_pb2.DownloadAssetRequest(asset_id=asset_id))
        assert b"".join(piece.data for piece in answer) == content
