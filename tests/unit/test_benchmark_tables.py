# SPDX-License-Identifier: GPL-3.0-or-later
"""A sheet of known figures as tables and as a picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskedit.benchmark.cases import Case, write_case
from maskedit.benchmark.cells import Cell
from maskedit.benchmark.chart import draw_chart
from maskedit.benchmark.rows import Baseline, Row
from maskedit.benchmark.runner import Sheet, machine
from maskedit.benchmark.sheets import draw_sheets
from maskedit.benchmark.tables import as_markdown, decibels, figures, grids, levers, mean
from maskedit.media import read_picture
from maskedit.request import Settings

UNEDITED = Row(name="unedited", label="Unedited", baseline=Baseline.UNEDITED)
NOISE = Row(name="noise", label="From noise", settings=Settings(draft_strength=1.0))
STANDARD = Row(name="standard", label="Standard")


def case(name: str, *, edited: bool = True) -> Case:
    source = np.full((5, 24, 32, 3), 90, np.uint8)
    matte = np.zeros((5, 24, 32), np.uint8)
    matte[:, 8:16, 8:24] = 255
    truth = np.where(matte[..., None] > 0, 200, source).astype(np.uint8) if edited else source
    return Case(name=name, about=f"what {name} asks", source=source, truth=truth, matte=matte)


def cell(name: str, row: Row, psnr: float | None, **more) -> Cell:
    whole = {"ssim": 0.5, "flip": 0.25, "added_warp_error": 1.5, "seam_ring_error": 2.0, "keyframe_psnr": float("inf")}
    return Cell(
        case=name,
        row=row.name,
        key=f"{name}-{row.name}",
        result=f"cases/{name}/source.mkv",
        figures={"psnr": psnr, "samples_changed_outside": 0, **whole},
        frame_psnr={} if psnr is None else {1: psnr, 2: psnr - 1},
        **{"seconds": 10.0, **more},
    )


def sheet(*cells: Cell, suite: str = "quality", cases: tuple[Case, ...] = (), folder: Path = Path()) -> Sheet:
    return Sheet(
        folder=folder,
        suite=suite,
        model="bundled",
        fingerprint="f" * 64,
        seed=3,
        machine=machine(),
        cases=cases or (case("one"), case("two"), case("same", edited=False)),
        rows=(UNEDITED, NOISE, STANDARD),
        cells=cells,
        failed={},
    )


FULL = sheet(
    cell("one", UNEDITED, 10.0), cell("two", UNEDITED, 12.0), cell("same", UNEDITED, float("inf")),
    cell("one", NOISE, 14.0, tuned=True, stage_1="x", stage_seconds={"tune_motion": 6.0}),
    cell("two", NOISE, 15.0), cell("same", NOISE, 20.0),
    cell("one", STANDARD, 15.5, seconds=4.0, stage_1="x"), cell("two", STANDARD, 18.0), cell("same", STANDARD, 19.0),
)  # fmt: skip


def test_decibels_stand_per_case_and_their_mean_leaves_out_what_does_not_change():
    assert decibels(FULL) == [
        ["in-matte PSNR, dB", "one", "two", "same", "mean"],
        ["Unedited", "10.00", "12.00", "exact", "11.00"],
        ["From noise", "14.00", "15.00", "20.00", "14.50"],
        ["Standard", "15.50", "18.00", "19.00", "16.75"],
    ]


def test_a_missing_cell_leaves_no_mean():
    holed = replace(FULL, cells=FULL.cells[1:])
    assert decibels(holed)[1] == ["Unedited", "–", "12.00", "exact", "–"]
    assert mean(holed, UNEDITED, "psnr") is None
    unjudged = replace(FULL, cells=(cell("one", UNEDITED, None), *FULL.cells[1:]))
    assert mean(unjudged, UNEDITED, "psnr") is None


def test_costs_are_those_of_a_first_and_of_a_further_edit():
    lines = {line[0]: line for line in figures(FULL)}
    assert lines["From noise"][-2:] == ["10", "8"]  # (10 + 10 + 10) / 3 and (4 + 10 + 10) / 3
    assert lines["Standard"][-2:] == ["10", "8"]  # its own 4 s and the 6 s that another row tuned for it
    assert lines["Standard"][1:7] == ["0.500", "0.250", "+1.50", "2.00", "exact", "0"]


def test_levers_are_differences_to_the_standard():
    grid = levers(FULL)
    assert grid[1][:5] == ["Standard, dB", "15.50", "18.00", "19.00", "16.75"]
    assert grid[3][:5] == ["From noise", "-1.50", "-3.00", "+1.00", "-1.17"]
    assert grid[4][1:5] == ["+0.00"] * 4
    assert grids(replace(FULL, suite="levers")) == [grid]


def test_a_second_keyframes_gain_is_shown_where_both_cases_are_there():
    pair = (case("change"), case("change-two"))
    both = sheet(
        cell("change", UNEDITED, 9.0), cell("change-two", UNEDITED, 9.0),
        cell("change", STANDARD, 14.0), cell("change-two", STANDARD, 17.5), cases=pair,
    )  # fmt: skip
    assert grids(both)[2] == [["near a second keyframe", "gain, dB"], ["Standard", "+3.50"]]
    assert len(grids(FULL)) == 2


def test_markdown_holds_cases_tables_seed_and_machine():
    text = as_markdown(FULL)
    assert "| one | what one asks | 32×24, 5 frames | 0 |" in text
    assert "| Standard | 15.50 | 18.00 | 19.00 | 16.75 |" in text
    assert "seed 3" in text and f"torch {machine()['torch']}" in text
    blocks = [block.splitlines() for block in text.strip().split("\n\n")[:-1]]
    for lines in blocks:
        assert len({line.count("|") for line in lines}) == 1, "every line of a table has as many cells"


def test_the_chart_has_a_bar_per_row_as_long_as_its_mean(tmp_path):
    draw_chart(FULL, tmp_path / "chart.png")
    picture = np.asarray(Image.open(tmp_path / "chart.png").convert("RGB")).astype(int)
    lengths = {}
    for name, colour in (("unedited", (154, 163, 173)), ("noise", (63, 116, 181)), ("standard", (76, 154, 91))):
        painted = (np.abs(picture - colour).sum(axis=-1) < 12).sum(axis=1)
        assert (painted > 20).sum() in range(12, 20), "one bar of that colour"
        lengths[name] = painted.max()
    assert lengths["unedited"] < lengths["noise"] < lengths["standard"]


def test_the_chart_shows_a_second_keyframe_frame_by_frame(tmp_path):
    pair = (case("change"), case("change-two"))
    cells = [cell(each.name, row, 10.0 + index) for index, each in enumerate(pair) for row in (UNEDITED, STANDARD)]
    draw_chart(sheet(*cells, cases=pair), tmp_path / "with.png")
    draw_chart(sheet(*cells[:2], cases=pair[:1]), tmp_path / "without.png")
    sizes = [Image.open(tmp_path / name).height for name in ("with.png", "without.png")]
    assert sizes[0] > sizes[1] + 150


def test_sheets_show_source_truth_and_every_take(tmp_path):
    one = case("one")
    write_case(one, tmp_path / "cases" / "one")
    draw_sheets(sheet(cell("one", UNEDITED, 10.0), cases=(one,), folder=tmp_path), tmp_path / "sheets")
    picture = read_picture(tmp_path / "sheets" / "one.png")
    height = picture.shape[0]
    assert height % 3 == 0, "source, truth and one row"
    middles = [picture[height * line // 6, -20].mean() * 255 for line in (1, 3, 5)]
    assert middles == pytest.approx([90, 90, 90], abs=1)
    centre = (picture.shape[1] + 180) // 2
    shades = [picture[height * line // 6, centre - 40].mean() * 255 for line in (1, 3, 5)]
    assert shades == pytest.approx([90, 200, 90], abs=2)
