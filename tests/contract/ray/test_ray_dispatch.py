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
from collections.abc import Collection, Iterator
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
    jobs_of,
    states,
    submit,
    wait_for_step,
    wait_until,
    watch,
)

pytest.importorskip("ray", reason="Ray is not installed (pip install maskedit[ray])")
# Ray itself takes long to start on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE = 60
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
    process.wait(PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(cluster: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    address, secret = cluster
    data_dir = tmp_path_factory.mktemp("data")
    roots = tmp_path_factory.getbasetemp()
    options = ("--dispatch", "ray", "--ray-address", address, "--media-roots", str(roots))
    running = ServerProcess(data_dir, options, PACED, environment=secret).start(seconds=PATIENCE)
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


def worker_of(data_dir: Path, job_id: str, *, attempt: int = 1) -> psutil.Process:
    """Wait until that attempt has a worker, which says so in the job's log: cheaper than a look at all processes."""
    log, found = data_dir / "logs" / f"{job_id}.log", list[str]()

    def begun() -> bool:
        text = log.read_text() if log.exists() else ""
        found[:] = [line.split()[1] for line in text.splitlines() if line.startswith("process ")]
        return len(found) >= attempt

    wait_until(begun, seconds=PATIENCE)
    assert len(found) == attempt
    return psutil.Process(int(found[-1]))


def gpu(worker: psutil.Process) -> str:
    return worker.environ()["CUDA_VISIBLE_DEVICES"]


def places(data_dir: Path, jobs: Collection[str]) -> dict[str, int]:
    """The actors' processes by GPU, where those jobs are held at their last step."""
    held = [worker_of(data_dir, job_id) for job_id in jobs]
    return {gpu(worker): worker.ppid() for worker in held}


def test_many_jobs_over_two_actors_that_stay(server: ServerProcess, edit: edit_pb2.EditRequest, tmp_path: Path) -> None:
    with server.connect() as connection:
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=True))
        gates = [tmp_path / "first", tmp_path / "second"]
        jobs = [submit(connection, edit, f"steps=4 hold={gates[n // 2]} job={n}") for n in range(4)]
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=False))
        first = places(server.data_dir, jobs[:2])
        assert set(first) == {"0", "1"}
        gates[0].touch()
        assert places(server.data_dir, jobs[2:]) == first
        gates[1].touch()
        done = [finish(connection, job_id) for job_id in jobs]
    assert {job.state for job in done} == {job_pb2.JOB_STATE_SUCCEEDED} and {job.attempts for job in done} == {1}


def test_a_job_outlives_its_actor_and_keeps_its_gpu(
    server: ServerProcess, edit: edit_pb2.EditRequest, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with server.connect() as connection:
        other = submit(connection, edit, "steps=5000 pause=0.05 other=1")
        wait_for_step(connection, other, seconds=PATIENCE)
        job_id = submit(connection, edit, f"steps=30 pause=0.05 checkpoint=5 hold={gate}")
        wait_for_step(connection, job_id, 12, seconds=PATIENCE)
        worker = worker_of(server.data_dir, job_id)
        its_gpu, killed = gpu(worker), worker.ppid()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, seconds=PATIENCE)
        again = worker_of(server.data_dir, job_id, attempt=2)
        assert (gpu(again), again.ppid() == killed) == (its_gpu, False)
        gate.touch()
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


def test_an_actor_that_dies_idle_costs_no_job_an_attempt(
    server: ServerProcess, edit: edit_pb2.EditRequest, tmp_path: Path
) -> None:
    with server.connect() as connection:
        jobs = [submit(connection, edit, f"steps=1 hold={tmp_path / 'gate'} idle={n}") for n in range(2)]
        actors = places(server.data_dir, jobs).values()
        (tmp_path / "gate").touch()
        for job_id in jobs:
            finish(connection, job_id)
        for holder in actors:
            os.kill(holder, signal.SIGKILL)
        done = finish(connection, submit(connection, edit, "steps=1 idle=2"))
    assert (done.state, done.attempts) == (job_pb2.JOB_STATE_SUCCEEDED, 1)


def test_a_server_that_is_told_to_stop_drains(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=500 pause=0.05 checkpoint=450 last=1")
        wait_for_step(connection, job_id, seconds=PATIENCE)
    before = {*(server.data_dir / "cache").glob("*.checkpoint")}
    server.stop()
    (checkpoint,) = {*(server.data_dir / "cache").glob("*.checkpoint")} - before
    steps = (server.data_dir / "jobs" / job_id / "output" / "result.txt").read_text().split()
    assert int(checkpoint.read_text()) == len(steps)  # none has to be done again
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
