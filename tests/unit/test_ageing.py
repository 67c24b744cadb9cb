# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clock that jumps does to what goes by its age: nothing at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge_server.ageing import Ageing

DAY = 24 * 3600
YEAR = 365 * DAY


class Clocks:
    """A wall clock that people set, and a steady one."""

    def __init__(self) -> None:
        self.wall, self.steady = 1e9, 0.0

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def start(self, file: Path) -> Ageing:
        return Ageing(file, clock=lambda: self.wall, steady=lambda: self.steady)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_clock_that_goes_as_it_should_is_believed(clocks: Clocks, tmp_path: Path) -> None:
    ageing = clocks.start(tmp_path / "aged")
    for _ in range(50):
        clocks.run(DAY)
        assert ageing.keep() == clocks.wall


def test_after_a_jump_ahead_a_day_ages_by_two_until_the_clock_is_right_again(clocks: Clocks, tmp_path: Path) -> None:
    ageing = clocks.start(tmp_path / "aged")
    right = clocks.wall
    clocks.wall += YEAR
    assert ageing.now() == right
    clocks.run(3 * DAY)
    assert ageing.now() == right + 6 * DAY
    clocks.wall -= YEAR
    assert ageing.now() == right + 3 * DAY


def test_neither_does_a_start_with_a_wrong_clock_make_a_year_of_a_week(clocks: Clocks, tmp_path: Path) -> None:
    right = clocks.start(tmp_path / "aged").keep()
    clocks.wall += YEAR
    assert clocks.start(tmp_path / "aged").now() == right + 7 * DAY


def test_who_was_off_for_a_weekend_lags_behind_in_nothing(clocks: Clocks, tmp_path: Path) -> None:
    clocks.start(tmp_path / "aged").keep()
    clocks.wall += 3 * DAY
    assert clocks.start(tmp_path / "aged").now() == clocks.wall


@pytest.mark.parametrize("damaged", ["", "yesterday", "\0\0"])
def test_without_what_it_kept_the_clock_is_believed(clocks: Clocks, tmp_path: Path, damaged: str) -> None:
    (tmp_path / "aged").write_text(damaged)
    assert clocks.start(tmp_path / "aged").now() == clocks.wall


def test_who_runs_the_server_is_told_of_a_jump_and_what_to_do(clocks: Clocks, tmp_path: Path) -> None:
    ageing = clocks.start(tmp_path / "aged")
    with capture_logs() as said:
        ageing.keep()
        clocks.wall += YEAR
        ageing.keep()
    assert [(line["log_level"], line["days"], line["file"]) for line in said] == [
        ("warning", 365, str(tmp_path / "aged"))
    ]


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, DAY), st.integers(-2 * YEAR, 2 * YEAR), st.booleans()), max_size=8))
def test_however_the_clock_is_set_ages_run_ahead_neither_of_it_nor_of_the_server(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool]]
) -> None:
    clocks, file = Clocks(), tmp_path_factory.mktemp("clock") / "aged"
    ageing = clocks.start(file)
    furthest = ageing.now()
    for ran, jumped, restarted in steps:
        clocks.run(ran)
        clocks.wall += jumped
        if restarted:
            ageing.keep()
            ageing = clocks.start(file)
        assert ageing.now() <= clocks.wall
        assert ageing.now() <= (furthest := furthest + 2 * ran + 7 * DAY * restarted)
