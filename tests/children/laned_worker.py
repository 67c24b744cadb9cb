# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker where a draft is to be made, whose seat sees no GPU, and paced_worker.py for all else."""

import os
import sys
from pathlib import Path

from bridge_server.dispatch.local import WORKER

PACED = (sys.executable, str(Path(__file__).with_name("paced_worker.py")))

if __name__ == "__main__":
    command = WORKER if os.environ.get("CUDA_VISIBLE_DEVICES") == "" else PACED
    os.execv(command[0], [*command, *sys.argv[1:]])
