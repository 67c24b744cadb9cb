# SPDX-License-Identifier: GPL-3.0-or-later
"""What server and client find out about a network that went away, and when: the times have to fit each other."""

from __future__ import annotations

import inspect
from typing import Any

from bridge_server.rpc import server
from plugin_client.core import connection

SERVER: dict[str, Any] = dict(server._OPTIONS)
CLIENT: dict[str, Any] = dict(connection._CHANNEL_OPTIONS)
PATIENCE = inspect.signature(connection.Connection.__init__).parameters["patience_seconds"].default


def test_the_server_lets_go_of_a_cut_upload_while_its_client_still_waits_to_go_on() -> None:
    for options in (SERVER, CLIENT):
        assert options["grpc.keepalive_time_ms"] + options["grpc.keepalive_timeout_ms"] < 1000 * PATIENCE / 1.5


def test_the_server_bears_being_asked_as_often_as_clients_do() -> None:
    assert SERVER["grpc.http2.min_ping_interval_without_data_ms"] <= CLIENT["grpc.keepalive_time_ms"]
