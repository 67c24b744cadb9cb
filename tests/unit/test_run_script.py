# SPDX-License-Identifier: GPL-3.0-or-later
"""`./run test` succeeds exactly when both halves of the suite did, and never leaves one behind."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The script's own function, with a `python` before it whose exit status is told by which half it is asked for.
HALVES = """
set -euo pipefail
source <(sed -n '/^run_tests()/,/^}/p' run)
python() { case "$*" in *--ignore*) echo "the other half"; return WHOLE ;; *) return UNITS ;; esac; }
run_tests
"""


@pytest.mark.parametrize(("units", "whole"), [(0, 0), (1, 0), (0, 1), (2, 1)])
def test_the_suite_passes_when_both_halves_do(units: int, whole: int) -> None:
    script = HALVES.replace("UNITS", str(units)).replace("WHOLE", str(whole))
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert done.stdout == "the other half\n", done.stderr
    assert done.returncode == (units or whole)
