# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose job store is damaged or gone: it says so, and destroys nothing."""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from bridge_server.app import _sweep, build_parts
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.settings import Settings
from plugin_client.cli import doctor
from plugin_client.cli.parsing import add_server_options
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import ClientError
from tests.damage import spoiled
from tests.serving import ServerProcess, get, wait_until


def serves(server: ServerProcess) -> bool:
    with grpc.insecure_channel(server.facts["address"]) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def failed_checks(server: ServerProcess) -> list[doctor.Check]:
    parser = argparse.ArgumentParser()
    add_server_options(parser)
    options = parser.parse_args(["--data-dir", str(server.data_dir)])
    return [check for check in doctor._server(options) if check.ok is False]


def test_a_server_that_cannot_claim_says_so_and_still_gives_what_it_has(own_server: ServerProcess) -> None:
    own_server.data_dir.mkdir(mode=0o700)
    database = own_server.data_dir / "jobs.sqlite"
    store = JobStore(database)
    for name in ("done", "waits"):
        store.add(NewJob(job_id=name, idempotency_key=name, request=b"", report="{}"))
    store.claim()
    store.move("done", JobState.FAILED, message="It broke.")
    store.close()
    with spoiled(database, "jobs_by_turn"):
        own_server.start()
        wait_until(lambda: not serves(own_server))
        (check,) = failed_checks(own_server)
        assert "server.log in its data folder says why" in check.detail or "is damaged" in check.detail
        with own_server.connect() as connection:
            assert get(connection, "done").error == "It broke."
        said = (own_server.data_dir / "said.txt").read_text()
        assert said.count('"sentence": "The job store is damaged') == 1
        own_server.stop()
        assert own_server.process is not None and own_server.process.returncode == 0


def test_a_client_sees_whether_jobs_are_started() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    wellness = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(wellness, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Connection(lambda: Endpoint(address=f"127.0.0.1:{port}")) as connection:
        assert connection.starts_jobs()
        wellness.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        assert not connection.starts_jobs()
        server.stop(None).wait()
        with pytest.raises(ClientError):
            connection.starts_jobs()


def test_whoever_moves_the_database_away_keeps_the_results(tmp_path: Path) -> None:
    settings = Settings.model_construct(data_dir=tmp_path, media_roots=())
    for start in range(3):
        parts = build_parts(settings, worker=(), checker=(), home=tmp_path)
        _sweep(parts)
        if start == 0:
            folder = parts.folders.make()
            (folder / "result.mkv").touch()
            parts.store.add(NewJob(job_id=folder.name, idempotency_key="k", request=b"", report="{}"))
        parts.store.close()
        if start == 0:
            (tmp_path / "jobs.sqlite").unlink()
        else:
            assert (tmp_path / "jobs.1" / folder.name / "result.mkv").exists()
            assert not (tmp_path / "jobs.2").exists() and not any((tmp_path / "jobs").iterdir())
