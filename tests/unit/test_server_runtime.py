# SPDX-License-Identifier: GPL-3.0-or-later
"""One server per data folder, found through a file that only its owner can read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.errors import StartError
from bridge_server.runtime import API_MINOR, announced, sole_server
from maskedit.whole import written_whole


def test_the_file_exists_while_the_server_serves(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    with announced(tmp_path, address="127.0.0.1:1", token="secret", certificate=""):
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text()) == {
            "version": 1,
            "address": "127.0.0.1:1",
            "token": "secret",
            "pid": os.getpid(),
            "api_minor": API_MINOR,
            "certificate": "",
        }
        assert [entry.name for entry in tmp_path.iterdir()] == ["server.json"]
    assert not path.exists()


def test_a_stale_or_planted_file_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (tmp_path / "server.json").symlink_to(elsewhere)
    (tmp_path / f"server.{os.getpid()}").symlink_to(elsewhere)
    with announced(tmp_path, address="127.0.0.1:1", token="secret", certificate=""):
        assert not (tmp_path / "server.json").is_symlink()
    assert elsewhere.read_text() == "untouched"


def test_a_second_server_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    hold = f"""
from pathlib import Path
from bridge_server.runtime import sole_server
with sole_server(Path({str(data_dir)!r})):
    print("held", flush=True)
    input()
"""
    first = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout is not None and first.stdout.readline() == b"held\n"
    assert data_dir.stat().st_mode & 0o777 == 0o700
    with pytest.raises(StartError, match="already runs"), sole_server(data_dir):
        pass
    first.kill()
    first.communicate()
    with sole_server(data_dir):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be used"), sole_server(tmp_path / "file" / "data"):
        pass


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with sole_server(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("owner", "mode"), [(4242, 0o755), (0, 0o777)])
def test_a_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int
) -> None:
    if os.geteuid() != 0:
        pytest.skip("Only root can give a folder to somebody else.")
    tmp_path.chmod(mode)
    os.chown(tmp_path, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StartError, match="Others may write"), sole_server(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_roots_is_used_where_only_root_can_write_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As volumes of containers are, whose group may write."""
    if os.geteuid() != 0:
        pytest.skip("Only root can make a folder of root's.")
    tmp_path.chmod(0o775)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with sole_server(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o775


def test_what_a_server_left_that_died_while_it_announced_itself_is_swept(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "server.json") as unfinished:
        raise KeyboardInterrupt
    unfinished.write_text("an old token")
    with sole_server(tmp_path):
        assert [entry.name for entry in tmp_path.iterdir()] == ["server.lock"]
