# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server, whose workers are paced_worker.py: `python paced_server.py --data-dir DIR …`.

PACED_REPORT: a file that holds what every check of an edit is to find, for those who are in a hurry.
"""

import asyncio
import os
import sys
from pathlib import Path

from bridge_server.app import serve
from bridge_server.checks import CHECKER
from bridge_server.errors import StartError
from bridge_server.settings import given_token, load_settings

WORKER = (sys.executable, str(Path(__file__).with_name("paced_worker.py")))
REPORT = os.environ.get("PACED_REPORT")

if __name__ == "__main__":
    try:
        # The options that follow are for a real check.
        checker = ("sh", "-c", 'cat "$0"', REPORT) if REPORT else CHECKER
        asyncio.run(serve(load_settings(sys.argv[1:]), token=given_token(), worker=WORKER, checker=checker))
    except StartError as error:
        sys.exit(str(error))
