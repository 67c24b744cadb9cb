# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results go, with a .blend that has a place and without."""

import threading
from pathlib import Path

import bpy
import pytest

from plugin_client.blender.folders import blend_path, result_path, results_folder
from plugin_client.core.errors import BadInput


@pytest.fixture
def saved(tmp_path):
    """The folder of the .blend."""
    folder = tmp_path / "film"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "cut.blend"))
    return folder


@pytest.mark.parametrize(
    ("preference", "expected"),
    [
        ("", "film/maskedit"),
        ("//", "film"),
        ("//../renders", "renders"),
        ("takes", "film/takes"),
        (" ", "film/maskedit"),
    ],
)
def test_beside_a_saved_file(saved, tmp_path, preference, expected):
    assert results_folder(preference) == tmp_path / expected
    assert (tmp_path / expected).is_dir()


@pytest.mark.parametrize("preference", ["", "//", "//renders", "takes"])
def test_an_unsaved_file_uses_the_data_folder(tmp_path, monkeypatch, preference):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert results_folder(preference) == tmp_path / "data" / "blender" / "results"
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "data"])


def test_a_folder_of_the_users(tmp_path, saved, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert results_folder(str(tmp_path / "else where")) == tmp_path / "else where"
    assert results_folder("~/mine") == tmp_path / "mine"


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    for preference in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match="choose another"):
            results_folder(str(preference))


@pytest.mark.parametrize(
    ("format", "file"), [("mkv", "shot 1.mkv"), ("png", "shot 1.%04d.png"), ("exr", "shot 1.%04d.exr")]
)
def test_each_result_has_a_folder_of_its_own(tmp_path, format, file):
    first, second = (result_path(tmp_path, name="shot 1", format=format) for _ in range(2))
    assert first == tmp_path / "shot 1" / file
    assert second == tmp_path / "shot 1-2" / file.replace("shot 1", "shot 1-2")
    assert first.parent.is_dir() and second.parent.is_dir()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b\\c:d*?", "a_b_c_d_"),
        ("../../etc", "_.._etc"),
        ("", "take"),
        (" .. ", "take"),
        ("50% grey", "50_ grey"),
        ("CON", "_CON"),
        ("lpt1.take", "_lpt1.take"),
        ("Überblende 日本", "Überblende 日本"),
        ("x" * 300, "x" * 60),
        ("line\nbreak", "line_break"),
    ],
)
def test_names_that_every_file_system_takes(tmp_path, name, expected):
    path = result_path(tmp_path, name=name, format="mkv")
    assert path == tmp_path / expected / f"{expected}.mkv"


def test_two_at_once_do_not_share_a_folder(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(result_path(tmp_path, name="shot", format="png")))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 12


def test_paths_are_relative_to_a_saved_file(saved, tmp_path):
    assert blend_path(saved / "maskedit" / "a.mkv") == "//maskedit/a.mkv"
    assert blend_path(tmp_path / "else" / "a.mkv") == "//../else/a.mkv"


def test_and_whole_for_an_unsaved_one(tmp_path):
    assert blend_path(tmp_path / "a.mkv") == str(tmp_path / "a.mkv")
    assert Path(blend_path(tmp_path / "a.mkv")).is_absolute()
