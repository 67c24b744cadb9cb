# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu entries, through the command line that an editor types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plugin_client.cli.main import main
from plugin_client.resolve import installing
from tests.serving import wait_until

EDIT, BRING_BACK = (f"{name}.py" for name in installing.VERBS.values())


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A user whose Resolve keeps its scripts in there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return tmp_path


def test_the_entries_come_and_go(home, capsys):
    folder = home / ".local/share/DaVinciResolve/Fusion/Scripts/Utility"
    assert main(["resolve", "status"]) == 0
    assert capsys.readouterr().out.count("not in the menu") == 2
    assert main(["resolve", "install"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted([EDIT, BRING_BACK])
    assert "Workspace > Scripts > MaskEdit - Edit this clip" in capsys.readouterr().out
    assert main(["resolve", "install"]) == 0  # again: nothing doubles
    capsys.readouterr()
    assert main(["resolve", "status"]) == 0
    assert capsys.readouterr().out.count("up to date") == 2
    assert main(["resolve", "uninstall"]) == 0
    assert list(folder.iterdir()) == []
    assert main(["resolve", "uninstall"]) == 0


def test_an_older_entry_is_noticed_and_replaced(home, capsys):
    main(["resolve", "install"])
    path = installing.scripts_folder() / EDIT
    path.write_text(path.read_text() + "# older\n")
    capsys.readouterr()
    main(["resolve", "status"])
    assert "from another MaskEdit" in capsys.readouterr().out
    main(["resolve", "install"])
    assert not path.read_text().endswith("# older\n")


def test_a_script_of_somebody_else_is_left_alone(home, capsys):
    folder = installing.scripts_folder()
    folder.mkdir(parents=True)
    (folder / BRING_BACK).write_text("print('mine')\n")
    for step in ("install", "uninstall"):
        assert main(["resolve", step]) == 2
        assert "is not one of MaskEdit's scripts" in capsys.readouterr().err
    assert (folder / BRING_BACK).read_text() == "print('mine')\n"


def test_a_folder_that_cannot_be_written_is_said(home, capsys):
    blocked = home / "file"
    blocked.write_text("")
    assert main(["resolve", "install", "--folder", str(blocked)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_folder_to_copy_names_no_place_of_this_machine(home, capsys):
    assert main(["resolve", "install", "--folder", str(home / "copy")]) == 0
    text = (home / "copy" / EDIT).read_text()
    assert sys.prefix not in text and str(home) not in text
    compile(text, EDIT, "exec")


def test_an_entry_starts_the_installed_program_with_its_verb(home):
    """As Resolve runs it: a script with `resolve` among its names. The program here only borrows and writes."""
    program = home / "program"
    code = (
        "import sys, pathlib; from plugin_client.resolve.remote import resolve_from_environment as borrow;"
        f"pathlib.Path({str(home / 'said')!r}).write_text(' '.join([*sys.argv[1:], borrow().GetVersionString()]))"
    )
    root = Path(installing.__file__).parents[2]
    program.write_text(f'#!/bin/sh\ncd {root} && exec {sys.executable} -c "{code}" "$@"\n')
    program.chmod(0o755)
    installing.install(home / "menu", command=[str(program)])
    runner = home / "resolve.py"
    runner.write_text(
        "class Resolve:\n    def GetVersionString(self): return '20.3'\n"
        f"exec(open({str(home / 'menu' / BRING_BACK)!r}).read(), {{'resolve': Resolve()}})\n"
    )
    ran = subprocess.run([sys.executable, "-I", str(runner)], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stderr) == (0, "")
    wait_until(lambda: (home / "said").exists() and (home / "said").read_text())
    assert (home / "said").read_text() == "resolve bring-back 20.3"


def test_without_the_program_the_entry_says_so(home):
    installing.install(home / "menu", command=[])
    code = f"exec(open({str(home / 'menu' / EDIT)!r}).read(), {{'resolve': object()}})"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=30, env={"PATH": "", "HOME": "/"}
    )
    assert "is not installed where this script looks" in ran.stderr and "Traceback" not in ran.stderr
