# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server over a real Ray on this machine, with two logical GPUs and paced workers."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from tests.serving import (
    PACED,
    ServerProcess,
    edit,
    finish,
    get,
    jobs_of,
    states,
    submit,
    wait_for_step,
    wait_until,
    watch,
)

pytest.importorskip("ray", reason="Ray is not installed (pip install maskedit[ray])")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]
__all__ = ["edit"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a cluster of one machine with two GPUs that it only counts, and what goes with it."""
    # Short, because Ray makes Unix sockets below it.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    start = (
        "import ray, sys; ray.init(num_cpus=2, num_gpus=2, include_dashboard=False, object_store_memory=80 << 20, "
        "log_to_driver=False, _temp_dir=sys.argv[1]); print(ray.get_runtime_context().gcs_address, flush=True); "
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", start, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | secret | {"RAY_USAGE_STATS_ENABLED": "0"},
    )
    assert process.stdin is not None and process.stdout is not None
    yield process.stdout.readline().strip(), secret
    process.stdin.close()
    process.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(cluster: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    address, secret = cluster
    data_dir = tmp_path_factory.mktemp("data")
    roots = tmp_path_factory.getbasetemp()
    options = ("--dispatch", "ray", "--ray-address", address, "--media-roots", str(roots))
    running = ServerProcess(data_dir, options, PACED, environment=secret).start()
    yield running
    running.stop()


def workers(data_dir: Path) -> list[psutil.Process]:
    """The worker processes of that data folder that do a job now, whoever is their parent."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = process.cmdline()
            if "--events-fd" in line and str(data_dir) in line and jobs_of(process):
                found.append(process)
    return found


def gpu(worker: psutil.Process) -> str:
    return worker.environ()["CUDA_VISIBLE_DEVICES"]


def test_many_jobs_over_two_actors_that_stay(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=True))
        jobs = [submit(connection, edit, f"steps=4 pause=0.4 job={n}") for n in range(4)]
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=False))
        wait_until(lambda: len(workers(server.data_dir)) == 2)
        first = {gpu(worker): worker.ppid() for worker in workers(server.data_dir)}
        assert set(first) == {"0", "1"}
        finish(connection, jobs[1])
        wait_until(lambda: workers(server.data_dir) and get(connection, jobs[2]).last_event.done)
        assert all(first[gpu(worker)] == worker.ppid() for worker in workers(server.data_dir))
        done = [finish(connection, job_id) for job_id in jobs]
    assert {job.state for job in done} == {job_pb2.JOB_STATE_SUCCEEDED} and {job.attempts for job in done} == {1}


def test_a_job_outlives_its_actor_and_keeps_its_gpu(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        other = submit(connection, edit, "steps=500 pause=0.05 other=1")
        wait_for_step(connection, other)
        job_id = submit(connection, edit, "steps=30 pause=0.15 checkpoint=5")
        wait_for_step(connection, job_id, 12)
        (worker,) = (one for one in workers(server.data_dir) if job_id in jobs_of(one))
        its_gpu, killed = gpu(worker), worker.ppid()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        wait_until(lambda: any(job_id in jobs_of(one) for one in workers(server.data_dir)))
        (again,) = (one for one in workers(server.data_dir) if job_id in jobs_of(one))
        assert (gpu(again), again.ppid() == killed) == (its_gpu, False)
        assert states(watch(connection, job_id)) == [
            "QUEUED",
            "RUNNING",
            "INTERRUPTED",
            "QUEUED",
            "RUNNING",
            "SUCCEEDED",
        ]
        steps = (server.data_dir / "jobs" / job_id / "output" / "result.txt").read_text().split()
        assert set(map(int, steps)) == set(range(30)) and len(steps) <= 30 + 5 + 1  # what its checkpoint had not
        connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=other), timeout=20)
        assert finish(connection, other).state == job_pb2.JOB_STATE_CANCELLED
    assert not workers(server.data_dir)


def test_a_server_that_is_told_to_stop_drains(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=500 pause=0.05 last=1")
        wait_for_step(connection, job_id)
    server.stop()
    assert server.process is not None and server.process.returncode == 0
    assert not workers(server.data_dir) and not (server.data_dir / "server.json").exists()


@pytest.mark.parametrize(
    ("nobody", "token", "word"), [(False, "", "no authentication token was found"), (True, "a" * 64, "refused")]
)
def test_a_cluster_that_cannot_be_joined_is_said_in_a_sentence(
    cluster: tuple[str, dict[str, str]], tmp_path: Path, nobody: bool, token: str, word: str
) -> None:
    address = "127.0.0.1:1" if nobody else cluster[0]
    command = [*PACED, "--data-dir", str(tmp_path), "--dispatch", "ray", "--ray-address", address]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    given = {"HOME": str(tmp_path)} | ({"RAY_AUTH_TOKEN": token} if token else {})
    done = subprocess.run(command, env=bare | given, capture_output=True, text=True, timeout=60)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0 and word in last and "check ray-address" in last and "Traceback" not in done.stderr
