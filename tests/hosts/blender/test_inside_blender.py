# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests in `inside/`, run by each Blender in one process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_inside(blender):
    ran = blender.run(HERE / "inside" / "run_pytest.py", seconds=280)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-4000:]
