# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients leave a server that a service manager keeps to that manager: a second one would bar its next start."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_client.core import local_server
from plugin_client.core.errors import ServerUnreachable
from plugin_client.core.local_server import ensure_server, running_server
from tests.serving import ServerProcess


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that believes to be a service: somebody listens where it says how it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        kept = ServerProcess(tmp_path / "data", environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        kept.start()
        yield kept
        kept.stop()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_clients_wait_for_the_manager_to_start_it_again(service: ServerProcess, end: signal.Signals) -> None:
    assert running_server(service.data_dir) is not None
    service.stop(end)
    found = []
    client = threading.Thread(target=lambda: found.append(ensure_server(service.data_dir, command=("false",))))
    client.start()
    service.start()
    client.join(20)
    assert [endpoint.address for endpoint in found] == [service.facts["address"]]


def test_where_it_stays_away_they_say_what_to_do(service: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_server, "START_SECONDS", 0.2)
    service.stop()
    left = service.data_dir / "server.json"
    # Nothing that opens a door stays behind.
    assert json.loads(left.read_text()) == {"version": 1, "service": True}
    assert left.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ServerUnreachable, match="systemctl --user start maskedit"):
        ensure_server(service.data_dir)
    assert not (service.data_dir / "logs" / "server.log").exists()


def test_a_server_started_by_hand_is_nobodys_service(service: ServerProcess) -> None:
    service.stop()
    by_hand = ServerProcess(service.data_dir).start()
    assert "service" not in by_hand.facts
    by_hand.stop()
    assert not (service.data_dir / "server.json").exists()


@pytest.mark.parametrize("said", ['{"service": "yes"}', '{"service": 1}', "[]", "{}", "", '{"service": false}'])
def test_only_a_service_says_that_it_is_one(tmp_path: Path, said: str) -> None:
    (tmp_path / "server.json").write_text(said)
    os.chmod(tmp_path / "server.json", 0o600)
    with pytest.raises(ServerUnreachable, match="cannot be started"):
        ensure_server(tmp_path, command=("/nowhere/python",))
