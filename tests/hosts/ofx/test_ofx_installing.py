# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin where hosts look for it, through the command line; and what building it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin_client.cli import ofx_bundle
from plugin_client.cli.main import main
from tests.hosts.ofx.conftest import ROOT, builder


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch) -> Path:
    """A user without plugins; returns the folder that theirs go to."""
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("OFX_PLUGIN_PATH", raising=False)
    return tmp_path / "data" / "OFX" / "Plugins"


@pytest.fixture
def bundle(tmp_path) -> Path:
    """What a build leaves."""
    binary = tmp_path / "dist" / ofx_bundle.BUNDLE / "Contents" / "Linux-x86-64" / "MaskEdit.ofx"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"\x7fELF")
    return tmp_path / "dist" / ofx_bundle.BUNDLE


def test_the_plugin_comes_and_goes(user, bundle, capsys, monkeypatch):
    where = ("--bundle", str(bundle))
    assert main(["ofx", "install", *where]) == 0
    said = capsys.readouterr().out
    assert (user / ofx_bundle.BUNDLE / "Contents" / "Linux-x86-64" / "MaskEdit.ofx").read_bytes() == b"\x7fELF"
    assert f'OFX_PLUGIN_PATH="{user}"' in said
    monkeypatch.setenv("OFX_PLUGIN_PATH", f"/elsewhere:{user}")
    assert main(["ofx", "status", *where]) == 0
    said = capsys.readouterr().out
    assert f"{user}: up to date\n" in said and "/elsewhere: not installed\n" in said
    (bundle / "Contents" / "Linux-x86-64" / "MaskEdit.ofx").write_bytes(b"newer")
    assert main(["ofx", "status", *where]) == 0
    assert f"{user}: another build" in capsys.readouterr().out
    assert main(["ofx", "install", *where]) == 0  # over the old one, and nothing of that is left
    assert "OFX_PLUGIN_PATH" not in capsys.readouterr().out
    assert [path.name for path in user.iterdir()] == [ofx_bundle.BUNDLE]
    assert main(["ofx", "uninstall"]) == 0
    assert list(user.iterdir()) == []
    assert main(["ofx", "uninstall"]) == 0
    assert "is not in" in capsys.readouterr().out


def test_another_folder_and_one_that_hosts_do_not_search(bundle, tmp_path, capsys):
    folder = tmp_path / "plugins"
    assert main(["ofx", "install", "--folder", str(folder), "--bundle", str(bundle)]) == 0
    capsys.readouterr()
    assert main(["ofx", "status", "--folder", str(folder), "--bundle", str(bundle)]) == 0
    assert capsys.readouterr().out == f"{folder}: up to date (hosts do not look there: set OFX_PLUGIN_PATH)\n"


def test_a_folder_is_named_whole_and_behind_those_that_are_named_already(bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFX_PLUGIN_PATH", "/elsewhere")
    assert main(["ofx", "install", "--folder", "plugins", "--bundle", str(bundle)]) == 0
    assert f'OFX_PLUGIN_PATH="/elsewhere:{tmp_path / "plugins"}"' in capsys.readouterr().out


def test_what_cannot_be_done_is_said_in_a_sentence(user, bundle, tmp_path, capsys):
    assert main(["ofx", "install", "--bundle", str(tmp_path / "none")]) == 2
    assert "build_ofx.py" in capsys.readouterr().err
    stranger = user / ofx_bundle.BUNDLE / "notes.txt"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("mine")
    for step in (["install", "--bundle", str(bundle)], ["uninstall"]):
        assert main(["ofx", *step]) == 2
        assert "is not MaskEdit's plugin" in capsys.readouterr().err
    assert stranger.read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert main(["ofx", "install", "--folder", str(tmp_path / "file"), "--bundle", str(bundle)]) == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_a_build_without_tools_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="CMake is missing"):
        builder().build(tmp_path / "out")


def test_a_build_without_a_compiler_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    with pytest.raises(SystemExit, match=r"C\+\+ compiler is missing"):
        builder().build(tmp_path / "out")


def test_there_is_a_preset_for_each_system_that_hosts_run_on():
    presets = json.loads((ROOT / "packaging" / "ofx" / "CMakePresets.json").read_text())
    systems = {preset["condition"]["rhs"] for preset in presets["configurePresets"]}
    assert systems == {"Linux", "Windows", "Darwin"}
    configured = {preset["name"] for preset in presets["configurePresets"]}
    assert {preset["configurePreset"] for preset in presets["buildPresets"]} == configured
