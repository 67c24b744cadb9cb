# SPDX-License-Identifier: GPL-3.0-or-later
"""One server per module, for tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_client.core.connection import Connection
from tests.serving import ServerProcess
from tests.serving import edit as edit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that may read the tests' files, with paced workers."""
    root = tmp_path_factory.getbasetemp()
    process = ServerProcess(tmp_path_factory.mktemp("data"), ("--media-roots", f'["{root}"]')).start()
    yield process
    process.stop()


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[Connection]:
    with server.connect() as opened:
        yield opened


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that is not started yet, for tests that do as they like with it."""
    process = ServerProcess(tmp_path / "data", ("--media-roots", f'["{tmp_path}"]'))
    yield process
    process.stop()
