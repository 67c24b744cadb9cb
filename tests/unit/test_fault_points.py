# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of fault plans, and that they are off unless somebody asks for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from timeit import timeit

import pytest

from maskedit import faults
from maskedit.faults import Point, planned, reach
from maskedit.progress import Stage


def test_without_a_plan_the_points_cost_nothing_to_speak_of() -> None:
    assert "MASKEDIT_FAULTS" not in os.environ
    assert timeit(lambda: reach(Point.CLAIMED), number=100_000) < 0.2


def test_plans_that_are_none_are_refused() -> None:
    for plan in ("claimed", "claimed=EWRONG", "nowhere=EIO", "claimed=EIO@x"):
        with pytest.raises(ValueError), planned(plan):
            pass


def test_every_point_is_somewhere_in_the_code() -> None:
    root = Path(sys.modules["maskedit"].__path__[0]).parent
    text = "".join(
        path.read_text()
        for room in ("maskedit", "bridge_server")
        for path in (root / room).rglob("*.py")
        if path.name != "faults.py"
    )
    stages = {Point(stage) for stage in Stage}
    assert "reach(Point(stage))" in text
    assert [point for point in Point if point not in stages and f"Point.{point.name}" not in text] == []


def test_an_entry_acts_once_among_the_processes_that_share_a_folder(tmp_path: Path) -> None:
    failures = 0
    for _ in range(3):
        with planned("claimed=EIO", spent=tmp_path):
            try:
                reach(Point.CLAIMED)
            except OSError:
                failures += 1
    assert failures == 1


def test_chance_is_drawn_from_the_seed() -> None:
    def met(seed: int) -> int:
        with planned("claimed=EIO~0.2", seed=seed):
            for count in range(1000):
                try:
                    reach(Point.CLAIMED)
                except OSError:
                    return count
        return -1

    assert met(1) == met(1) != met(2) >= 0


def test_a_short_write_lets_half_through() -> None:
    file = BytesIO()
    with planned("asset.write=short@2"):
        faults.write(file, b"abcd", Point.ASSET_WRITE)
        with pytest.raises(OSError, match="No space"):
            faults.write(file, b"efgh", Point.ASSET_WRITE)
        faults.write(file, b"ijkl", Point.ASSET_WRITE)
    assert file.getvalue() == b"abcdefijkl"


def test_a_kill_comes_from_the_environment() -> None:
    code = "from maskedit.faults import Point, reach; reach(Point.CLAIMED); reach(Point.TUNED)"
    ends = [
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"MASKEDIT_FAULTS": plan}).returncode
        for plan in ("tuned=kill", "tuned=kill@2", "")
    ]
    assert ends == [-signal.SIGKILL, 0, 0]
