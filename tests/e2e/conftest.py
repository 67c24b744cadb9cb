# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed command with a data folder and a server of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest


class Installation:
    """The command with a data folder of its own, whose server is stopped at the end."""

    command = (sys.executable, "-m", "plugin_client.cli.main")
    patience_seconds = 170

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.environment = os.environ | {"MASKEDIT_DATA_DIR": str(data_dir)}
        for name in ("MASKEDIT_SERVER", "MASKEDIT_TOKEN"):
            self.environment.pop(name, None)

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.patience_seconds,
        )

    def stop(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(json.loads((self.data_dir / "server.json").read_text())["pid"], signal.SIGTERM)


@pytest.fixture(scope="module")
def maskedit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("data"))
    # Two threads on a busy machine wait for each other; one is also enough for the tiny pictures of most tests.
    installation.environment["OMP_NUM_THREADS"] = "1"
    yield installation
    installation.stop()
