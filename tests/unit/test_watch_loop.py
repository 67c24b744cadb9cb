# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher's loop around the work itself: how much at a time, what it makes of trouble, when it ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin_client.cli import watch
from plugin_client.cli.main import main
from plugin_client.core.errors import ServerUnreachable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "edits").mkdir()
    for number in range(5):
        (tmp_path / "edits" / f"{number}.edit.json").write_text("{}")
    return tmp_path / "edits"


@pytest.fixture
def once(folder: Path, tmp_path: Path, monkeypatch) -> Callable[..., int]:
    """Watch once with this in place of the work; returns the exit code."""

    def run(work: Callable, *more: str) -> int:
        monkeypatch.setattr(watch, "work_off", work)
        home = str(tmp_path / "data")
        return main(["watch", str(folder), "--once", "--every", "0.05", "--data-dir", home, *more])

    return run


def done(claim, options, *, roots, say) -> dict:
    return claim.end({"request": claim.request.name, "result": "x.mkv"})


def test_no_more_are_claimed_than_asked_for(once, folder: Path):
    lock, running, most = threading.Lock(), [0], [0]

    def work(claim, options, **more) -> dict:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0], len(list((folder / "running").glob("*/*.edit.json"))))
        time.sleep(0.1)
        with lock:
            running[0] -= 1
        return done(claim, options, **more)

    assert once(work, "--jobs", "2") == 0
    assert most[0] == 2 and len(list((folder / "done").glob("*.edit.json"))) == 5


def test_a_defect_ends_its_request_and_not_the_watcher(once, folder: Path, capsys):
    def work(claim, options, **more) -> dict:
        if claim.name == "3":
            raise RuntimeError("a defect")
        return done(claim, options, **more)

    assert once(work, "--json") == 4
    assert (folder / "failed" / "3.error.txt").read_text().startswith("MaskEdit has a defect (RuntimeError): ")
    said = capsys.readouterr()
    assert "a defect" in said.err and len([json.loads(line) for line in said.out.splitlines()]) == 5


@pytest.mark.parametrize("error", [ServerUnreachable("No server: start one."), OSError(5, "Input/output error")])
def test_what_will_pass_keeps_the_request_for_later(once, folder: Path, capsys, error: Exception):
    def work(claim, options, **more) -> dict:
        if claim.name == "1":
            raise error
        return done(claim, options, **more)

    assert once(work) == 3
    assert "It stays in running/, and is tried again." in capsys.readouterr().out
    assert [path.name for path in (folder / "running").glob("*/*")] == ["1.edit.json"]
    assert once(done) == 0
    assert not list((folder / "running").glob("*/*"))


def test_a_folder_that_is_no_folder_is_refused(tmp_path: Path, capsys):
    assert main(["watch", str(tmp_path / "none"), "--data-dir", str(tmp_path / "data")]) == 2
    assert "There is no folder" in capsys.readouterr().err
