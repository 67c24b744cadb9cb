# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit watch` with a real server: requests end where they should, once, whatever dies in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin_client.cli.main import main
from plugin_client.core.connection import Connection
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import EditOptions


@pytest.fixture
def folder(shot: EditOptions, tmp_path: Path) -> Path:
    """A watch folder that holds the media."""
    folder = tmp_path / "edits"
    folder.mkdir()
    for path in (shot.clip, shot.mattes[0].path, shot.keyframes[0].path):
        Path(path).rename(folder / Path(path).name)
    return folder


Drop = Callable[..., None]


@pytest.fixture
def drop(folder: Path) -> Drop:
    def write(name: str, script: str = "steps=2", **more: object) -> None:
        request = {"clip": "clip.mkv", "matte": "matte.mkv", "keyframes": {"0": "key.png"}, "prompt": script} | more
        (folder / f"{name}.edit.json").write_text(json.dumps(request))

    return write


@pytest.fixture
def watch(folder: Path, server) -> Callable[..., list[str]]:
    """The command line of a watcher."""
    return lambda *more: ["watch", str(folder), "--every", "0.1", "--data-dir", str(server.data_dir), *more]


def started(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "plugin_client.cli.main", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def heard(process: subprocess.Popen[str], words: str) -> str:
    """The line in which the watcher says so."""
    assert process.stdout is not None
    return next(line for line in process.stdout if words in line)


def report(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}.report.json").read_text())


def test_each_request_ends_with_a_report_or_a_sentence(folder: Path, drop: Drop, watch, capsys) -> None:
    drop("good")
    drop("named", out="mine.mkv", name_that_is_none=1)
    drop("failing", "end=fail")
    drop("elsewhere", clip="/etc/passwd")
    (folder / "broken.edit.json").write_text("{")
    (folder / "notes.txt").write_text("not a request")
    assert main(watch("--once", "--json", "--jobs", "2")) == 4
    said = capsys.readouterr()
    reports = {each["request"]: each for each in map(json.loads, said.out.splitlines())}
    assert {name: each["state"] for name, each in reports.items()} == {
        "good.edit.json": "SUCCEEDED",
        "named.edit.json": "REFUSED",
        "failing.edit.json": "FAILED",
        "elsewhere.edit.json": "REFUSED",
        "broken.edit.json": "REFUSED",
    }
    assert (folder / "results" / "good.mkv").read_bytes() == (folder / "clip.mkv").read_bytes()
    assert report(folder / "done", "good")["result"] == str(folder / "results" / "good.mkv")
    assert (folder / "failed" / "failing.error.txt").read_text() == "The script says so: write another.\n"
    assert report(folder / "failed", "failing")["job_id"]
    assert "lies outside the watch folder" in (folder / "failed" / "elsewhere.error.txt").read_text()
    left = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert left == ["clip.mkv", "key.png", "matte.mkv", "notes.txt"]
    assert main(watch("--once")) == 0, "nothing is done twice"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_watcher_that_stops_goes_on_with_the_same_job(
    folder: Path, drop: Drop, watch, connection: Connection, number: signal.Signals
) -> None:
    before = {job.job_id for job in Jobs(connection).list()}
    drop("long", "steps=12 pause=0.1")
    process = started(watch())
    job_id = heard(process, "long: job").split()[-1]
    process.send_signal(number)
    words, _ = process.communicate(timeout=20)
    assert process.returncode == (130 if number is signal.SIGINT else -number)
    assert ("the next `maskedit watch` fetches it (long)" in words) == (number is signal.SIGINT)
    assert main(watch("--once")) == 0
    assert report(folder / "done", "long")["job_id"] == job_id
    assert {job.job_id for job in Jobs(connection).list()} - before == {job_id}


def test_a_folder_has_one_watcher_on_a_machine(folder: Path, watch, capsys) -> None:
    process = started(watch())
    heard(process, "Watching")
    assert main(watch("--once")) == 2
    assert "Another `maskedit watch` on this machine has" in capsys.readouterr().err
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert main(watch("--once")) == 0


def test_a_server_that_is_away_keeps_the_request(folder: Path, drop: Drop, watch, capsys) -> None:
    drop("waiting")
    assert main(watch("--once", "--server", "127.0.0.1:9")) == 3
    assert "waiting: " in (said := capsys.readouterr().out) and "tried again" in said
    assert [path.name for path in (folder / "running").glob("*/*")] == ["waiting.edit.json"]
    assert main(watch("--once")) == 0
    assert report(folder / "done", "waiting")["state"] == "SUCCEEDED"


@pytest.mark.parametrize("more", [["--jobs", "0"], ["--every", "0"], ["--root", "/none"]])
def test_a_watcher_says_what_is_wrong_with_its_options(watch, capsys, more: list[str]) -> None:
    began = time.monotonic()
    assert main(watch(*more, "--once")) == 2
    assert capsys.readouterr().err.count("\n") == 1 and time.monotonic() - began < 5
