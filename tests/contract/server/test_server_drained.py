# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping a busy server: it is gone in time, leaves no process, and every job goes on afterwards, once."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bridge_api.v1 import job_pb2
from bridge_server.notify import Manager
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from tests.serving import ServerProcess, finish, states, submit, wait_for_step, wait_until, watch

UNIT = Path(__file__).parents[3] / "packaging" / "maskedit.service"


def test_a_busy_server_stops_in_time_and_loses_nothing(own_server: ServerProcess, edit) -> None:
    own_server.start()
    with own_server.connect() as connection:
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=True))
        running = submit(connection, edit, "steps=20 pause=0.05 checkpoint=5")
        waiting = submit(connection, edit, "steps=1")
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=False))
        wait_for_step(connection, running, 6)
        (worker,) = own_server.workers()
        family = [worker, *worker.children(recursive=True)]
    began = time.monotonic()
    own_server.stop(signal.SIGTERM)
    assert time.monotonic() - began < 5
    assert own_server.process is not None and own_server.process.returncode == 0
    assert not any(process.is_running() for process in family)
    own_server.start()
    with own_server.connect() as connection:
        gone_on = finish(connection, running)
        assert (gone_on.attempts, finish(connection, waiting).attempts) == (2, 1)
        # It was stopped between two checkpoints, and left one more where it stood.
        assert Path(gone_on.result.files[0].path).read_text().split() == list(map(str, range(20)))
        assert [job.state for job in Jobs(connection).list()] == [JobState.SUCCEEDED] * 2
        assert states(watch(connection, running)).count("SUCCEEDED") == 1


def test_the_service_manager_hears_when_it_serves_and_when_it_stops(own_server: ServerProcess, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        own_server.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        own_server.start()
        assert manager.recv(100) == b"READY=1"
        own_server.stop()
        assert manager.recv(100) == b"STOPPING=1"


def test_a_manager_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    manager = Manager()
    manager.tell("READY=1")
    assert "NOTIFY_SOCKET" not in os.environ
    Manager().tell("READY=1")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    unit = tmp_path / "maskedit.service"
    unit.write_text(UNIT.read_text().replace("%h/.local/bin/maskedit", sys.executable))
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", "--user", "--man=no", "verify", str(unit)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])
    broken = unit.read_text().replace("KillMode=mixed", "KillMode=gently")
    unit.write_text(broken)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert "KillMode" in again.stderr or "kill mode" in again.stderr


def test_a_worker_stays_for_the_next_job_as_long_as_the_server_is_told(own_server: ServerProcess, edit) -> None:
    own_server.options = (*own_server.options, "--worker-idle-minutes", "0.05")
    own_server.start()
    with own_server.connect() as connection:
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=True))
        jobs = [submit(connection, edit, f"steps={count}") for count in (1, 2)]
        connection.jobs.SetQueuePaused(job_pb2.SetQueuePausedRequest(paused=False))
        assert [finish(connection, job_id).attempts for job_id in jobs] == [1, 1]
        first, second = ((own_server.data_dir / "logs" / f"{job_id}.log").read_text() for job_id in jobs)
        assert first == second  # one process did both
        wait_until(lambda: not psutil.Process(own_server.pid).children())
