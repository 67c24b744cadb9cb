# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark from command line to figures: with a tiny model all the way, and with the one that ships."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from maskedit.benchmark.__main__ import main
from maskedit.benchmark.cells import Bench
from maskedit.benchmark.rows import LEVERS, QUALITY, Baseline, Row, quickened
from maskedit.benchmark.runner import plain
from maskedit.benchmark.suites import QUICK, SUITES
from maskedit.errors import OutputError
from maskedit.presets import BEST
from maskedit.request import Preset, Settings

ROWS = "unedited,frozen,draft,base,stage-1,stages-1-2,codec"


@pytest.fixture
def quick(plain_wan_folder: Path, tmp_path: Path, capsys):
    """quick(…options) → (exit status, the JSON it printed, what it said)."""

    def run(*more: str) -> tuple[int, dict, str]:
        arguments = ["--out", str(tmp_path / "out"), "--quick", "--model", str(plain_wan_folder), "--json", *more]
        status = main(arguments)
        printed = capsys.readouterr()
        return status, json.loads(printed.out or "{}", parse_constant=pytest.fail), printed.err

    return run


def at(report: dict, case: str, row: str) -> dict:
    return next(cell for cell in report["cells"] if (cell["case"], cell["row"]) == (case, row))


def test_every_row_is_scored_on_every_case(quick, tmp_path):
    status, report, _ = quick("--rows", ROWS)
    assert status == 0
    assert [(cell["case"], cell["row"]) for cell in report["cells"]] == [
        (case["name"], row) for case in report["cases"] for row in ROWS.split(",")
    ]
    for cell in report["cells"]:
        assert cell["figures"]["samples_changed_outside"] == 0
        assert cell["figures"]["background_psnr"] == "inf"
        assert len(cell["frame_psnr"]) == 4, "all frames but the keyframe"
        if cell["row"] != "unedited":
            assert cell["figures"]["keyframe_psnr"] == "inf"
    for case in ("pair-1", "recolour"):
        decibels = {row: at(report, case, row)["figures"]["psnr"] for row in ROWS.split(",")}
        assert decibels["codec"] > max(decibels[row] for row in ("base", "stage-1", "stages-1-2")) + 3
    assert report["machine"]["torch"] and report["seed"] == 0 and report["fingerprint"]
    out = tmp_path / "out"
    assert json.loads((out / "quick.json").read_text()) == report
    assert (out / "quick.png").stat().st_size > 5000
    assert {path.name for path in (out / "sheets").iterdir()} == {"pair-1.png", "recolour.png"}


def test_stage_1_is_tuned_once_and_its_time_counts_for_the_rows_that_reuse_it(quick):
    _, report, _ = quick("--rows", "base,stage-1,stages-1-2", "--cases", "pair-1")
    base, first, both = (at(report, "pair-1", row) for row in ("base", "stage-1", "stages-1-2"))
    assert first["tuned"] and not both["tuned"] and not base["tuned"]
    assert first["stage_1"] == both["stage_1"] != base["stage_1"]
    spared = first["stage_seconds"]["tune_motion"]
    assert both["first_seconds"] == pytest.approx(both["seconds"] + spared, abs=0.01)
    assert first["first_seconds"] == pytest.approx(first["seconds"], abs=0.01)
    assert base["first_seconds"] == pytest.approx(base["seconds"], abs=0.01)


def test_what_is_finished_is_not_done_again(quick, monkeypatch):
    _, before, _ = quick("--rows", "unedited,base", "--cases", "pair-1")
    filled = []
    fill = Bench.fill

    def counted(self, row, case, files):
        filled.append((case.name, row.name))
        return fill(self, row, case, files)

    monkeypatch.setattr(Bench, "fill", counted)
    _, again, _ = quick("--rows", "unedited,base", "--cases", "pair-1")
    assert not filled and again["cells"] == before["cells"]
    quick("--rows", "unedited,base,frozen", "--cases", "pair-1")
    assert filled == [("pair-1", "frozen")]
    quick("--rows", "base", "--cases", "pair-1", "--seed", "1")
    assert filled[1:] == [("pair-1", "base")], "another seed is another result"


def test_rows_that_come_to_one_recipe_are_made_once(quick, monkeypatch):
    filled = []
    fill = Bench.fill
    monkeypatch.setattr(Bench, "fill", lambda self, row, *rest: filled.append(row.name) or fill(self, row, *rest))
    said = Row(name="said", label="said", settings=Settings(rank=BEST.rank, motion_steps=0, appearance_steps=0))
    left_open = replace(said, name="open", label="open", settings=replace(said.settings, rank=None))
    monkeypatch.setattr(
        "maskedit.benchmark.__main__.QUICK", replace(QUICK, rows=(quickened(said), quickened(left_open)))
    )
    _, report, _ = quick("--cases", "pair-1")
    assert filled == ["said"]
    assert [cell["row"] for cell in report["cells"]] == ["said", "open"]


def test_a_row_without_a_result_is_named_and_the_rest_goes_on(quick, monkeypatch):
    fill = Bench.fill

    def no_room(self, row, case, files):
        if row.name == "base":
            raise OutputError("The disk is full: make room.")
        return fill(self, row, case, files)

    monkeypatch.setattr(Bench, "fill", no_room)
    status, report, said = quick("--rows", "unedited,base,frozen", "--cases", "pair-1")
    assert status == 4
    assert [cell["row"] for cell in report["cells"]] == ["unedited", "frozen"]
    assert report["failed"] == [{"case": "pair-1", "row": "base", "why": "The disk is full: make room."}]
    assert "No result for base on pair-1: The disk is full" in said


def test_unknown_names_are_refused_with_what_there_is(quick):
    for option, words in (("--rows", "unedited, frozen"), ("--cases", "pair-1, recolour")):
        status, _, said = quick(option, "no-such")
        assert status == 2 and said.count("\n") == 1 and words in said


def test_the_model_that_ships_beats_the_baselines_from_a_draft(tmp_path, capsys):
    rows = "unedited,frozen,stages-1-2-draft,codec"
    assert main(["--out", str(tmp_path), "--quick", "--rows", rows, "--cases", "pair-1"]) == 0
    printed = capsys.readouterr().out
    assert "Draft, stages 1 + 2" in printed and "Codec's ceiling" in printed
    report = json.loads((tmp_path / "quick.json").read_text())
    decibels = [at(report, "pair-1", row)["figures"]["psnr"] for row in rows.split(",")]
    assert decibels == sorted(decibels), "unedited < frozen < the edit < what the codec allows"
    assert decibels[2] > decibels[1] + 3


def test_rows_are_told_apart_by_name_and_label():
    for rows in (QUALITY, LEVERS):
        assert len({row.name for row in rows}) == len({row.label for row in rows}) == len(rows)
    named = {row.name: row for row in QUALITY}
    assert {row.baseline for row in QUALITY} == {None, *Baseline}
    assert named["naive"].settings.configuration == "naive"
    assert named["stages-1-2"].settings.draft_strength == 1.0
    assert {named[preset].preset for preset in ("fast", "standard", "best")} == {
        Preset.FAST, Preset.STANDARD, Preset.BEST,
    }  # fmt: skip


def test_a_quick_row_takes_no_more_than_two_steps_and_none_where_it_took_none():
    for row in QUALITY:
        settings = quickened(row).settings
        assert settings.render_steps == 2
        assert settings.motion_steps == (0 if row.settings.motion_steps == 0 else 2)
        assert settings.draft_strength == row.settings.draft_strength


def test_the_levers_are_tried_on_cases_of_the_quality_suite():
    assert set(SUITES["levers"].cases) < set(SUITES["quality"].cases)
    assert "standard" in {row.name for row in LEVERS}


def test_json_holds_no_infinities():
    assert plain({1: float("inf"), "a": {"b": 0.12345678}, "c": None, "d": True}) == {
        "1": "inf", "a": {"b": 0.123457}, "c": None, "d": True,
    }  # fmt: skip
