# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's children import nothing from the folder that it was started in, which may be anybody's."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge_server.checks import CHECKER
from bridge_server.conversion import CONVERTER
from bridge_server.dispatch.local import WORKER


@pytest.mark.parametrize("command", [CHECKER, CONVERTER, WORKER], ids=lambda command: command[-1])
def test_no_child_imports_what_lies_where_the_server_was_started(command: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("print('planted')")
    python = [*command[: command.index("-m")], "-c", "import planted"]
    said = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True)
    assert said.stdout == "" and "No module named 'planted'" in said.stderr
