# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server, whose workers are laned_worker.py: `python laned_server.py --data-dir DIR …`."""

import asyncio
import sys
from pathlib import Path

from bridge_server.app import serve
from bridge_server.settings import given_token, load_settings

WORKER = (sys.executable, str(Path(__file__).with_name("laned_worker.py")))

if __name__ == "__main__":
    asyncio.run(serve(load_settings(sys.argv[1:]), token=given_token(), worker=WORKER))
