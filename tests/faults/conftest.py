# SPDX-License-Identifier: GPL-3.0-or-later
"""A server per test, because the tests break it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ServerProcess
from tests.serving import edit as edit


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", ("--media-roots", f'["{tmp_path}"]')).start()
    yield process
    process.stop()
