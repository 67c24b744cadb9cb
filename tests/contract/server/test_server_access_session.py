# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's place is its own, and its secrets stay where they belong through a whole session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

import grpc
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from plugin_client.core.local_server import connect
from tests.serving import REAL, ServerProcess, finish, submit, wait_for_step, wait_until

CHOSEN = "chosen-elsewhere-and-a-secret"


def test_nobody_can_sit_down_on_the_port_beside_the_server(own_server: ServerProcess) -> None:
    own_server.start()
    host, _, port = own_server.facts["address"].rpartition(":")
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            squatter.bind((host, int(port)))


def test_of_servers_started_at_once_one_serves_and_the_others_say_so(own_server: ServerProcess) -> None:
    command = [*REAL, "--data-dir", str(own_server.data_dir)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, umask=0) for _ in range(3)]
    try:
        wait_until(lambda: sum(one.poll() is None for one in started) == 1)
        (serving,) = (one for one in started if one.poll() is None)
        wait_until(lambda: (own_server.data_dir / "server.json").exists())
        assert own_server.facts["pid"] == serving.pid
        with own_server.connect() as connection:
            assert connection.system().version
        for loser in (one for one in started if one is not serving):
            assert loser.stderr is not None
            assert (loser.returncode, "already runs" in loser.stderr.read()) == (3, True)
        # Whatever whoever starts a server lets others do with their files.
        made = [own_server.data_dir, *own_server.data_dir.rglob("*")]
        assert own_server.data_dir / "jobs.sqlite" in made
        assert [path for path in made if path.lstat().st_mode & 0o077] == []
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
            one.communicate(timeout=20)


def test_a_session_leaves_no_secret_behind(own_server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    own_server.start()
    first = own_server.facts["token"]
    with connect(data_dir=own_server.data_dir) as connection:
        job_id = submit(connection, edit, "steps=40 pause=0.02")
        wait_for_step(connection, job_id)
        with grpc.insecure_channel(own_server.facts["address"]) as channel:
            # The header, the path, and what a call says: a token in the wrong place is no reason to write it down.
            for path in ("/bridge_api.v1.JobService/ListJobs", f"/invented.{first}/Call"):
                with pytest.raises(grpc.RpcError):
                    channel.unary_unary(path)(b"", metadata=(("authorization", first),), timeout=20)
        with pytest.raises(grpc.RpcError):
            connection.jobs.GetJob(job_pb2.GetJobRequest(job_id=first), timeout=20)
        edit.target.locations[:] = [f"/nowhere/{first}.mkv"]
        with pytest.raises(grpc.RpcError):
            submit(connection, edit)
        os.kill(own_server.pid, signal.SIGUSR1)
        wait_until(lambda: own_server.facts["token"] != first)
        second = own_server.facts["token"]
    with own_server.connect() as connection:
        finish(connection, job_id)
    (worn,) = [one for one in own_server.data_dir.glob("server.json*")]
    assert second in worn.read_text() and first not in worn.read_text()
    own_server.stop()
    left = [path for path in own_server.data_dir.rglob("*") if path.is_file()]
    assert any(path.name == f"{job_id}.log" for path in left) and own_server.data_dir / "said.txt" in left
    for path in left:
        held = path.read_bytes()
        assert first.encode() not in held and second.encode() not in held, path


def test_a_chosen_token_is_not_handed_on_to_the_workers(own_server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    own_server.environment["MASKEDIT_TOKEN"] = CHOSEN
    own_server.start()
    with own_server.connect() as connection:
        job_id = submit(connection, edit, "steps=100 pause=0.05")
        wait_for_step(connection, job_id)
        (worker,) = own_server.workers()
        assert CHOSEN not in worker.environ().values() and CHOSEN not in " ".join(worker.cmdline())
        connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id), timeout=20)
        finish(connection, job_id)
    assert CHOSEN.encode() not in (own_server.data_dir / "said.txt").read_bytes()
