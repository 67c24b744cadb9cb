# SPDX-License-Identifier: GPL-3.0-or-later
"""`python run_pytest.py [ARGUMENTS]`: pytest inside Blender, over the tests in this folder."""

import os
import sys
from pathlib import Path

import bpy  # noqa: F401  (first: NumPy must be Blender's own)
import pytest

HERE = Path(__file__).parent
code = pytest.main(
    ["-p", "no:cacheprovider", "--import-mode=importlib", "-c", os.devnull, "--rootdir", str(HERE), "-q",
     *(sys.argv[1:] or [str(HERE)])]
)  # fmt: skip
sys.stdout.flush()
sys.stderr.flush()
# Some versions crash or hang while they end.
os._exit(code)
