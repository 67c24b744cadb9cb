# SPDX-License-Identifier: GPL-3.0-or-later
"""The finishing benchmark: goals that can be missed, a table and a picture by one command."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from maskedit.errors import InputError
from maskedit.finishing_benchmark import Row
from maskedit.finishing_benchmark.__main__ import as_markdown, draw, main


@pytest.mark.parametrize(
    ("figure", "bounds", "met", "goal"),
    [
        (1.05, {"least": 0.9, "most": 1.1}, True, "0.9 to 1.1"),
        (1.2, {"least": 0.9, "most": 1.1}, False, "0.9 to 1.1"),
        (0.0, {"most": 0.0}, True, "≤ 0"),
        (3.0, {"least": 4.0}, False, "≥ 4"),
        (2.0, {"least": 2.0, "most": 2.0}, True, "2"),
        (math.nan, {"most": 9.0}, False, "≤ 9"),
    ],
)
def test_a_goal_is_met_or_missed(figure: float, bounds: dict[str, float], met: bool, goal: str) -> None:
    row = Row(name="a", what="b", figure=figure, unit="dB", **bounds)
    assert (row.met, row.goal) == (met, goal)
    assert ("| yes |" in as_markdown([row])) == met and f"{goal} dB" in as_markdown([row])


def test_a_figure_without_a_goal_is_none() -> None:
    with pytest.raises(ValueError, match="no goal"):
        Row(name="a", what="b", figure=1.0)


def test_pictures_stand_side_by_side(tmp_path: Path) -> None:
    draw([{"a": np.zeros((20, 30, 3), np.float32), "b": np.ones((10, 5, 3), np.float32)}], tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 0
    with pytest.raises(InputError, match="picture"):
        draw([], tmp_path / "none.png")


def test_a_part_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nonesuch"]) == 2
    said = capsys.readouterr().err
    assert "nonesuch" in said and "matching" in said
