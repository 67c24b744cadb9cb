# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server with a worker that follows a script: `python scripted_server.py --data-dir DIR …`."""

import asyncio
import sys
from pathlib import Path

from bridge_server.app import serve
from bridge_server.settings import load_settings

WORKER = (sys.executable, str(Path(__file__).with_name("scripted_worker.py")))

if __name__ == "__main__":
    asyncio.run(serve(load_settings(sys.argv[1:]), worker=WORKER))
