# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and starting the local server, with real processes."""

import json
import os
import subprocess
import sys
import time

import pytest

from plugin_client.core import connection as connecting
from plugin_client.core.connection import Connection, Endpoint, checked_endpoint
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ServerUnreachable
from plugin_client.core.jobs import Jobs
from plugin_client.core.local_server import connect, ensure_server, running_server

ENSURE = """
import json, sys
from pathlib import Path
from plugin_client.core.local_server import ensure_server
sys.stdin.readline()
endpoint = ensure_server(Path(sys.argv[1]))
print(endpoint.address, json.loads((Path(sys.argv[1]) / "server.json").read_text())["pid"])
"""


def test_four_clients_at_once_get_one_server(own_server):
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", ENSURE, str(own_server.data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = {client.communicate("go\n", timeout=50)[0] for client in clients}
    assert len(answers) == 1 and all(client.returncode == 0 for client in clients)
    log = (own_server.data_dir / "logs" / "server.log").read_text()
    assert log.count("serving") == 1


def test_the_server_outlives_its_client_and_is_found_again(own_server):
    run = [sys.executable, "-c", ENSURE, str(own_server.data_dir)]
    first = subprocess.run(run, input="go\n", stdout=subprocess.PIPE, text=True, check=True).stdout
    assert running_server(own_server.data_dir) is not None
    assert subprocess.run(run, input="go\n", stdout=subprocess.PIPE, text=True, check=True).stdout == first


@pytest.mark.parametrize(
    "stale",
    [
        "",
        "{}",
        "not json",
        '["a"]',
        '{"address": "127.0.0.1:1", "token": "x", "pid": 999999999}',
        json.dumps({"address": "127.0.0.1:1", "token": "x", "pid": os.getpid()}),
        '{"address": "127.0.0.1:1", "token": "x", "pid": "many"}',
    ],
)
def test_a_stale_runtime_file_is_no_server(tmp_path, stale):
    (tmp_path / "server.json").write_text(stale)
    assert running_server(tmp_path) is None


def test_another_server_takes_over_after_a_kill(own_server):
    import signal

    own_server.start()
    before = own_server.facts
    own_server.stop(signal.SIGKILL)
    assert (own_server.data_dir / "server.json").exists()
    own_server.start()
    assert own_server.facts["pid"] != before["pid"]


def test_a_runtime_file_with_a_wrong_token_is_not_believed(server, tmp_path):
    (tmp_path / "server.json").write_text(json.dumps(server.facts | {"token": "0" * 64}))
    assert running_server(tmp_path) is None


def test_a_server_that_dies_at_once_is_quoted_at_once(tmp_path):
    began = time.monotonic()
    command = (sys.executable, "-c", "raise SystemExit('The disk is on fire.')")
    with pytest.raises(ServerUnreachable, match=r"The disk is on fire") as caught:
        ensure_server(tmp_path / "data", command=command)
    assert "server.log" in str(caught.value) and time.monotonic() - began < 10
    with pytest.raises(ServerUnreachable, match="cannot be started"):
        ensure_server(tmp_path / "data", command=("/nowhere/python",))


def test_a_data_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ServerUnreachable, match="MASKEDIT_DATA_DIR"):
        ensure_server(tmp_path / "file" / "data")


def test_nothing_in_the_users_folder_is_imported(own_server, tmp_path, monkeypatch):
    trap = tmp_path / "work"
    trap.mkdir()
    for name in ("bridge_server", "structlog", "json"):
        (trap / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    monkeypatch.chdir(trap)
    ensure_server(own_server.data_dir)
    assert not (tmp_path / "sprung").exists()


def test_a_named_server_is_used_and_none_is_started(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MASKEDIT_SERVER", server.facts["address"])
    monkeypatch.setenv("MASKEDIT_TOKEN", server.facts["token"])
    with connect(data_dir=tmp_path / "unused") as named:
        assert named.system().same_machine
    assert not (tmp_path / "unused").exists()


def test_the_local_servers_token_is_found_for_its_own_address(server, monkeypatch):
    monkeypatch.delenv("MASKEDIT_TOKEN", raising=False)
    with connect(server=server.facts["address"], data_dir=server.data_dir) as named:
        assert named.system().api_minor >= connecting.API_MINOR


def test_a_wrong_token_and_an_absent_server_are_told_apart(server, tmp_path):
    with connect(server=server.facts["address"], token="wrong" * 8, data_dir=tmp_path) as refused:
        with pytest.raises(ServerUnreachable, match="token"):
            refused.system()
        with pytest.raises(ServerUnreachable, match="token"):
            Jobs(refused).list()
    with (
        connect(server="127.0.0.1:1", data_dir=tmp_path) as absent,
        pytest.raises(ServerUnreachable, match="No MaskEdit server"),
    ):
        absent.system()


def test_a_server_that_is_too_old_is_named_as_the_older_side(connection, monkeypatch):
    monkeypatch.setattr(connecting, "API_MINOR", 999)
    with pytest.raises(ServerUnreachable, match=r"server .* is older than this client: update the server"):
        connection.system()


def test_a_proxy_from_the_environment_never_sees_the_local_server(server, monkeypatch):
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with Connection(server.start) as direct:
        assert direct.system().version


@pytest.mark.parametrize("address", ["", "localhost", ":50", "host:", "host:99999", "host:x", "unix:"])
def test_addresses_of_another_form_are_refused(address):
    with pytest.raises(BadInput, match="HOST:PORT"):
        checked_endpoint(address)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:5", True),
        ("127.9.9.9:5", True),
        ("localhost:5", True),
        ("[::1]:5", True),
        ("unix:/run/x", True),
        ("10.0.0.7:5", False),
        ("localhost.example.org:5", False),
        ("render:5", False),
    ],
)
def test_only_loopback_goes_without_tls(address, local):
    assert Endpoint(address=address).is_local is local


def test_the_data_folder_rule(monkeypatch, tmp_path):
    monkeypatch.delenv("MASKEDIT_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_dir() == tmp_path / "maskedit"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert data_dir().parts[-3:] == (".local", "share", "maskedit")
    monkeypatch.setenv("MASKEDIT_DATA_DIR", "~/x")
    assert data_dir() == data_dir("~/x") and data_dir().is_absolute() and "~" not in str(data_dir())


def test_client_and_server_agree_on_the_data_folder_and_the_version(monkeypatch):
    from bridge_server.runtime import API_MINOR
    from bridge_server.settings import default_data_dir

    monkeypatch.delenv("MASKEDIT_DATA_DIR", raising=False)
    for base in ("/somewhere", "relative", ""):
        monkeypatch.setenv("XDG_DATA_HOME", base)
        assert data_dir() == default_data_dir()
    assert connecting.API_MINOR <= API_MINOR
