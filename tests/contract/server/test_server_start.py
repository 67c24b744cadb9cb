# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping: one server per place, found by its runtime file, gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import ServerUnreachable
from tests.certifying import certify
from tests.serving import REAL, ServerProcess, finish, get, states, submit, wait_for_step, watch


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*REAL, *options], capture_output=True, text=True, timeout=30, check=False)


def test_a_second_server_on_the_same_folder_is_refused(own_server: ServerProcess) -> None:
    own_server.start()
    second = run("--data-dir", str(own_server.data_dir))
    assert second.returncode == 3
    assert second.stderr == (
        f"A server already runs on {own_server.data_dir}: use that one, or give another --data-dir.\n"
    )
    with own_server.connect() as connection:
        assert connection.system().version


def test_a_port_that_is_taken_is_refused(own_server: ServerProcess, tmp_path: Path) -> None:
    own_server.start()
    second = run("--data-dir", str(tmp_path / "other"), "--listen", own_server.facts["address"])
    assert (second.returncode, "it is taken" in second.stderr) == (3, True)
    assert not (tmp_path / "other" / "server.json").exists()


@pytest.mark.parametrize("options", [("--listen", "0.0.0.0:0"), ("--listen", "nonsense"), ("--dispatch", "cloud")])
def test_bad_settings_are_told_in_one_sentence(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run("--data-dir", str(tmp_path / "data"), *options)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_help_says_what_there_is() -> None:
    done = run("--help")
    assert done.returncode == 0
    for option in ("--listen", "--data-dir", "--tls-cert", "--media-roots", "--asset-quota-gb"):
        assert option in done.stdout


def test_a_stale_runtime_file_does_not_matter(own_server: ServerProcess) -> None:
    own_server.start().stop(signal.SIGKILL)
    assert own_server.facts["pid"] == own_server.pid
    old_token = own_server.facts["token"]
    own_server.start()
    assert own_server.facts["token"] != old_token
    with own_server.connect() as connection:
        assert connection.system().same_machine


def test_a_unix_socket_serves_and_is_protected_by_its_folder(own_server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "run" / "socket"
    own_server.options += ("--listen", f"unix:{path}")
    own_server.start()
    assert own_server.facts["address"] == f"unix:{path}"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with own_server.connect() as connection:
        assert connection.system().same_machine
    second = run("--data-dir", str(tmp_path / "other"), "--listen", f"unix:{path}")
    assert (second.returncode, "already listens" in second.stderr) == (3, True)
    own_server.stop(signal.SIGKILL)
    own_server.start()  # over the socket file that a dead server left
    with own_server.connect() as connection:
        assert connection.system().version


def test_a_socket_where_others_may_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = run("--data-dir", str(tmp_path / "data"), "--listen", f"unix:{tmp_path}/socket")
    assert (done.returncode, "Others may enter" in done.stderr) == (3, True)


def test_with_a_certificate_nothing_is_said_in_the_clear(own_server: ServerProcess, tmp_path: Path) -> None:
    pair = certify(tmp_path, "localhost")
    own_server.options += ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    own_server.start()
    assert own_server.facts["certificate"] == str(pair.cert)
    with own_server.connect() as connection:
        assert connection.system().version
    said = own_server.facts
    plain = Endpoint(address=said["address"], token=said["token"])
    with Connection(lambda: plain) as connection, pytest.raises(ServerUnreachable):
        connection.system()


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    options = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "missing.pem"))
    done = run("--data-dir", str(tmp_path / "data"), *options)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_token_from_the_environment_is_used(own_server: ServerProcess) -> None:
    own_server.environment["MASKEDIT_TOKEN"] = "a token chosen elsewhere"
    own_server.start()
    assert own_server.facts["token"] == "a token chosen elsewhere"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_leaves_nothing_behind(own_server: ServerProcess, number: signal.Signals) -> None:
    own_server.start()
    began = time.monotonic()
    own_server.stop(number)
    assert own_server.process is not None and own_server.process.returncode == 0
    assert time.monotonic() - began < 5
    assert not (own_server.data_dir / "server.json").exists()


def test_a_drained_server_goes_on_with_its_job_at_the_next_start(
    own_server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    own_server.start()
    with own_server.connect() as connection:
        job_id = submit(connection, edit, "steps=40 pause=0.05 checkpoint=5")
        wait_for_step(connection, job_id, 10)
        (worker,) = own_server.workers()
        own_server.stop()
    assert not worker.is_running()
    own_server.start()
    with own_server.connect() as connection:
        assert finish(connection, job_id).state == job_pb2.JOB_STATE_SUCCEEDED
        history = states(watch(connection, job_id))
        steps = Path(get(connection, job_id).result.files[0].path).read_text().split()
    assert history == ["QUEUED", "RUNNING", "INTERRUPTED", "QUEUED", "RUNNING", "SUCCEEDED"]
    assert sorted(set(map(int, steps))) == list(range(40))
    assert len(steps) < 48  # nothing before the checkpoint was done again


def test_what_a_dead_server_left_half_made_is_swept_away(own_server: ServerProcess) -> None:
    orphan = own_server.data_dir / "jobs" / ("0" * 32) / "inputs"
    orphan.mkdir(parents=True)
    own_server.start()
    assert not orphan.parent.exists()


def test_the_runtime_file_can_be_trusted_as_soon_as_it_is_there(own_server: ServerProcess) -> None:
    own_server.start()
    said = json.loads((own_server.data_dir / "server.json").read_text())
    assert set(said) == {"version", "address", "token", "pid", "api_minor", "certificate"}
    assert said["pid"] == own_server.pid and os.path.exists(f"/proc/{said['pid']}")
    assert len(bytes.fromhex(said["token"])) == 32
