# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel as a program: what it needs, what it never loads, and how it says that something is missing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_client.cli import local_verbs
from plugin_client.cli.main import main
from plugin_client.panel.shell import app

_OPEN = """
import argparse, sys, time
from PyQt6.QtCore import QSettings, QTimer
QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, sys.argv[1])
from plugin_client.panel.shell import app as panel
from plugin_client.panel.model.working import end_work
app, window = panel.build_app(argparse.Namespace(path="", server="127.0.0.1:9", resolve=""))
window.show()
def look():
    if not window.desk.project.document.clip:
        return
    print(window.windowTitle(), flush=True)
    print(sorted({"torch", "diffusers", "transformers", "scipy", "skimage"} & set(sys.modules)), flush=True)
    print(time.process_time(), flush=True)
    timer.stop()
    window.close()
timer = QTimer(interval=20, timeout=look)
timer.start()
code = app.exec()
window.desk.session.close()
end_work(window)
end_work(app)
sys.exit(code)
"""


def test_it_starts_on_the_sample_without_anything_heavy_and_ends_cleanly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    title, heavy, seconds = done.stdout.splitlines() or [done.stderr, "", "0"]
    assert (title, heavy, done.returncode) == ("Sample[*] – MaskEdit", "[]", 0)
    # What it computes on all threads: a busy machine changes nothing in that.
    assert float(seconds) < 2


def test_without_qt_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(local_verbs, "find_spec", lambda name: None if name == "PyQt6" else real(name))
    assert main(["panel"]) == 2
    said = capsys.readouterr().err
    assert said == "`maskedit panel` needs more than the client: install maskedit[panel].\n"


def test_the_verb_runs_the_panel_as_a_program_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plugin_client.cli.main", "panel", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("usage: maskedit panel") and "--server" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_without_a_screen_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert app.run([]) == 2
    assert capsys.readouterr().err == "The panel needs a screen: start it from a desktop session.\n"
    assert "QT_QPA_PLATFORM" not in os.environ
