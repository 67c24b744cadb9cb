# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit doctor --bundle` against the real server: all that helps, nothing that is private."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from plugin_client.cli.main import DEFECT, main
from plugin_client.core.connection import Connection
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import EditOptions, build_edit, references_of
from plugin_client.core.upload import make_available

PROMPT = "steps=2"


@pytest.fixture
def doctor(server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command in this process, with a home that lies above the test's files and a log that says too much."""
    home = Path(server.data_dir).parent
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(server.data_dir))
    monkeypatch.setenv("MASKEDIT_TOKEN", server.facts["token"])
    monkeypatch.delenv("MASKEDIT_SERVER", raising=False)
    loud = f"opened {home}/a place/x.mov with {server.facts['token']} for '{PROMPT}'\nnext line\n"
    (server.data_dir / "logs" / "loud.log").write_text(loud)
    return lambda *more: main(["doctor", *more])


def _held(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_bundle_helps_and_tells_nothing_private(
    doctor, server, connection: Connection, shot: EditOptions, tmp_path: Path
) -> None:
    jobs = Jobs(connection)
    edit = build_edit(shot)
    make_available(connection, references_of(edit))
    job_id = jobs.submit(edit)
    list(jobs.watch(job_id))
    path = tmp_path / "bundle.zip"
    assert doctor("--bundle", str(path)) != DEFECT
    held = _held(path)
    assert {"versions.json", "checks.json", "settings.json", "server.json", "jobs.json", "records.json"} <= set(held)
    everything = b"\n".join(held.values()).decode()
    for private in (server.facts["token"], str(tmp_path), str(server.data_dir.parent), f'"{PROMPT}"', f"'{PROMPT}'"):
        assert private not in everything
    (job,) = (job for job in json.loads(held["jobs.json"]) if job["job_id"] == job_id)
    assert job["state"] == "succeeded" and job["result"]["files"]
    assert json.loads(held["records.json"])[job_id]
    assert json.loads(held["settings.json"])["environment"]["MASKEDIT_TOKEN"] == "set"
    assert json.loads(held["server.json"])["models"][0]["name"] == "bundled"
    assert "next line" in held["logs/loud.log"].decode() and "x.mov" in held["logs/loud.log"].decode()


def test_without_a_server_and_with_paths(doctor, server, tmp_path: Path, capsys) -> None:
    path = tmp_path / "bundle.zip"
    asked = ("--bundle", str(path), "--with-paths", "--server", "127.0.0.1:1")
    assert doctor(*asked) == 3
    held = _held(path)
    assert json.loads(held["server.json"]) == {"problem": "no server answered"}
    everything = b"\n".join(held.values()).decode()
    assert str(server.data_dir) in everything and server.facts["token"] not in everything
    assert doctor(*asked) == 2 and "exists already" in capsys.readouterr().err


def test_gathering_needs_no_more_than_the_client_has() -> None:
    """The bundle is for broken installations: nothing of the server's half may be needed."""
    code = "import sys, plugin_client.cli.bundle; sys.exit(bool({'torch', 'numpy', 'maskedit'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
