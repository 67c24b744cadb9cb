# SPDX-License-Identifier: GPL-3.0-or-later
"""What one edit without a server takes over from whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STARTED = """
import asyncio, os, sys
from bridge_server import alone

def tell(made):
    made.close()
    print("MASKEDIT_TOKEN" in os.environ, oct(os.umask(0)))

asyncio.run = tell
alone.main()
"""


def test_its_children_inherit_no_token_and_write_for_their_owner_only(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", STARTED, "--data-dir", str(tmp_path)],
        env=os.environ | {"MASKEDIT_TOKEN": "a-token-for-a-server-elsewhere"},
        umask=0,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["False", "0o77"]
