# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a real server whose worker does what the prompt says, in place of editing, and a desk connected to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from plugin_client.panel.model.desk import Desk
from tests.serving import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """It may read what this run of the tests has written."""
    roots = ("--media-roots", f'["{tmp_path_factory.getbasetemp()}"]')
    process = ServerProcess(tmp_path_factory.mktemp("data"), roots).start()
    yield process
    process.stop()


@pytest.fixture
def connected(qtbot: QtBot, desk: Desk, server: ServerProcess) -> Desk:
    desk.preferences.token = server.facts["token"]
    desk.preferences.server = server.facts["address"]
    qtbot.waitUntil(lambda: desk.session.connected, timeout=20_000)
    return desk
