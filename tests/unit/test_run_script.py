# SPDX-License-Identifier: GPL-3.0-or-later
"""`./run test` succeeds exactly when every part of the suite did, and shows what each of them said."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The script's own function, with a `python` before it whose exit status is told by the part that it is asked for.
PARTS = """
set -euo pipefail
source <(sed -n '/^run_tests()/,/^}/p' run)
python() {
    case "$*" in
    *--ignore*) echo "the others"; return OTHERS ;;
    *blender) echo "of Blender"; return BLENDER ;;
    *) return UNITS ;;
    esac
}
run_tests
"""


@pytest.mark.parametrize(
    ("units", "blender", "others"), [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, 1)]
)
def test_the_suite_passes_when_all_its_parts_do(units: int, blender: int, others: int) -> None:
    script = PARTS.replace("UNITS", str(units)).replace("BLENDER", str(blender)).replace("OTHERS", str(others))
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert done.stdout == "of Blender\nthe others\n", done.stderr
    assert done.returncode == (others or blender or units)
