# SPDX-License-Identifier: GPL-3.0-or-later
"""A server per test, because the tests break it; and how long the tests with a budget go on.

The suite runs a sample of each; a campaign raises the budgets (docs/reliability.md), which only counts where
tests/faults is named on the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ServerProcess
from tests.serving import edit as edit

SAMPLE = {
    "server_kills": 3,
    "worker_kills": 0,
    "cut_chunks": 2,
    "machine_runs": 15,
    "soak_jobs": 50,
    "storms": 3,
    "power_cuts": 2,
}
FUZZ = {"fuzz_messages": 600, "fuzz_media": 16, "fuzz_loras": 150, "fuzz_strings": 3, "fuzz_seed": 1}


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, sample in (SAMPLE | FUZZ).items():
        parser.addoption(f"--{name.replace('_', '-')}", dest=name, type=int, default=sample)


@pytest.fixture(scope="session")
def budget(pytestconfig: pytest.Config) -> dict[str, int]:
    """How many kills of the server, of the worker at each point (0: a few points once), chunks, runs, power cuts."""
    return {name: int(pytestconfig.getoption(name, sample) or 0) for name, sample in SAMPLE.items()}


@pytest.fixture(scope="session")
def fuzz(pytestconfig: pytest.Config) -> dict[str, int]:
    """How many messages, media, LoRA files, and strings per field; and the seed that decides them all."""
    return {name[5:]: int(pytestconfig.getoption(name, sample) or 0) for name, sample in FUZZ.items()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", ("--media-roots", f'["{tmp_path}"]')).start()
    yield process
    process.stop()
