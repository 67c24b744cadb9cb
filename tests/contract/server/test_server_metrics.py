# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus reads of a real server: off unless asked for, loopback only, and true."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge_api.v1 import asset_pb2
from bridge_server.errors import StartError
from bridge_server.metrics import size_of
from bridge_server.settings import load_settings
from bridge_server.tally import Count, Tally
from plugin_client.core.jobs import Jobs
from plugin_client.core.media import full_hash
from plugin_client.core.upload import upload_file
from tests.serving import ServerProcess, finish, submit, wait_for_step, wait_until


@pytest.fixture
def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def watched(own_server: ServerProcess, address: str) -> ServerProcess:
    own_server.options = (*own_server.options, "--metrics", address)
    return own_server.start()


def ask(address: str, path: str = "/metrics", *, host: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def scrape(address: str) -> dict[tuple[str, ...], float]:
    """(name, label value …) → figure, as Prometheus' own parser reads them."""
    status, text = ask(address)
    assert status == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_follow_what_the_server_does(watched: ServerProcess, address: str, edit, tmp_path: Path) -> None:
    with watched.connect() as connection:
        before = scrape(address)
        assert before["maskedit_jobs", "succeeded"] == before["maskedit_download_bytes_total",] == 0
        done = submit(connection, edit, "steps=2")
        finish(connection, done)
        running = submit(connection, edit, "steps=500 pause=0.05")
        wait_for_step(connection, running)
        waiting = submit(connection, edit, "steps=1")
        name = Jobs(connection).get(done).result.files[0].name
        request = asset_pb2.DownloadResultRequest(job_id=done, name=name)
        received = sum(len(piece.data) for piece in connection.assets.DownloadResult(request))
        (tmp_path / "sent").write_bytes(b"x" * 1000)
        upload_file(connection, tmp_path / "sent", full_hash(tmp_path / "sent"))
        after = scrape(address)
        resident = psutil.Process(watched.pid).memory_info().rss
        (worker,) = watched.workers()
        worker.kill()
        wait_until(lambda: scrape(address)["maskedit_worker_deaths_total",] == 1)
        for job_id in (waiting, running):
            Jobs(connection).cancel(job_id)
    assert [after["maskedit_jobs", state] for state in ("succeeded", "running", "queued")] == [1, 1, 1]
    assert [after["maskedit_queued_jobs", lane] for lane in ("generate", "draft")] == [1, 0]
    assert after["maskedit_queue_wait_seconds_count",] == 2 and after["maskedit_queue_oldest_seconds",] > 0
    assert after["maskedit_download_bytes_total",] == received > 0
    assert after["maskedit_upload_bytes_total",] == 1000
    assert after["maskedit_store_bytes", "database"] > 0
    assert after["process_open_fds",] > 0
    assert after["process_resident_memory_bytes",] == pytest.approx(resident, rel=0.2)


def test_other_paths_and_other_names_are_refused(watched: ServerProcess, address: str) -> None:
    assert ask(address, "/")[0] == 404
    assert ask(address, host="studio.example:80")[0] == 403
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as silent:
        silent.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert ask(address)[0] == 200


def test_whoever_connects_without_end_takes_a_few_places_and_not_for_long(watched: ServerProcess, address: str) -> None:
    host, _, port = address.rpartition(":")
    with ExitStack() as open_for_now:
        silent = [socket.create_connection((host, int(port)), timeout=20) for _ in range(40)]
        for one in silent:
            open_for_now.enter_context(one)
        began = time.monotonic()
        assert [one.recv(1) for one in silent[8:]] == [b""] * 32
        assert time.monotonic() - began < 4
        assert [one.recv(1) for one in silent[:8]] == [b""] * 8
    assert scrape(address)["maskedit_jobs", "queued"] == 0


def test_without_the_setting_nothing_listens_and_nothing_is_loaded(own_server: ServerProcess) -> None:
    own_server.start()
    listening = [one for one in psutil.Process(own_server.pid).net_connections() if one.status == psutil.CONN_LISTEN]
    assert len(listening) == 1
    code = "import sys, bridge_server.app; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("given", ["0.0.0.0:9100", "192.168.1.5:9100", "9100", "127.0.0.1:0", "unix:/tmp/x"])
def test_anywhere_but_here_is_refused_with_a_sentence(given: str, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"Metrics are for this machine only.*127\.0\.0\.1:PORT"):
        load_settings(["--data-dir", str(tmp_path), "--metrics", given])


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "bridge_server", "--data-dir", str(tmp_path), "--metrics", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3 and f"Metrics cannot be served at {address}" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "server.json").exists()


def test_sums_are_kept_apart() -> None:
    tally = Tally()
    tally.add(Count.STAGE_SECONDS, 1.5, label="render")
    tally.add(Count.STAGE_SECONDS, 2, label="encode")
    tally.add(Count.DEAD_WORKERS)
    assert tally.sums(Count.STAGE_SECONDS) == {"render": 1.5, "encode": 2} and tally.total(Count.STAGE_SECONDS) == 3.5
    assert tally.total(Count.DEAD_WORKERS) == 1 and tally.total(Count.UPLOADED_BYTES) == 0


def test_a_file_of_two_names_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c").write_bytes(b"1")
    assert (size_of(tmp_path), size_of(tmp_path / "a"), size_of(tmp_path / "none")) == (6, 5, 0)
