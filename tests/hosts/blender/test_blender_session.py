# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's side of the server without Blender: where MaskEdit is found, and how the server stands, in words."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plugin_client.blender.installed import NOT_FOUND, find_command
from plugin_client.blender.session import ServerSettings, Session, serve_command
from plugin_client.blender.wording import in_words, plain
from plugin_client.core import connection as connecting
from plugin_client.core.errors import BadInput, ServerUnreachable, TransferError
from tests.serving import PACED, ServerProcess, wait_until

REMOTE = "render.example.org:50051"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a search path and a data folder without MaskEdit."""
    for name in ("MASKEDIT_SERVER", "MASKEDIT_TOKEN", "MASKEDIT_COMMAND", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path / "data"))
    return home


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", command=PACED).start()
    yield process
    process.stop()


@pytest.fixture
def make_session() -> Iterator[Callable[..., Session]]:
    """make_session(**settings): sessions that are closed with the test, and start nothing unless told `command`."""
    made: list[Session] = []

    def make(*, command: tuple[str, ...] = (), **settings: object) -> Session:
        made.append(Session(lambda: ServerSettings(**settings), command=lambda preference: command or pytest.fail()))
        return made[-1]

    yield make
    for session in made:
        session.close()


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="these are the places of other systems")
def test_maskedit_is_found_where_it_was_put(alone: Path, monkeypatch: pytest.MonkeyPatch):
    usual = find_command()
    assert not usual or str(alone) not in usual[0]
    for place in (".local/share/uv/tools/maskedit", ".local/share/pipx/venvs/maskedit", ".venv"):
        environment = alone / place
        found = program(environment / "bin" / "maskedit")
        if place == ".venv":
            monkeypatch.setenv("VIRTUAL_ENV", str(environment))
        if not usual or place == ".venv":
            assert find_command() == (str(found),)
    on_path = program(alone / "tools" / "maskedit")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_command() == (str(on_path),)
    monkeypatch.setenv("MASKEDIT_COMMAND", "'/opt/my python' -m maskedit")
    assert find_command() == ("/opt/my python", "-m", "maskedit")
    # What the preferences say goes before all that, and alone.
    own = program(alone / "own" / "bin" / "maskedit")
    for preference in (own, own.parent, own.parents[1]):
        assert find_command(str(preference)) == (str(own),)
    assert find_command("~/own") == (str(own),)
    assert find_command(str(alone / "nowhere")) == ()
    own.chmod(0o644)
    assert find_command(str(own)) == ()


def test_a_machine_without_maskedit_is_told_so(alone: Path):
    with pytest.raises(ServerUnreachable) as caught:
        serve_command(str(alone / "nowhere"))
    assert str(caught.value) == NOT_FOUND and in_words(caught.value) == NOT_FOUND
    session = Session(lambda: ServerSettings(command=str(alone / "nowhere")))
    with pytest.raises(ServerUnreachable, match="is not found on this machine"):
        session.connection()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"server": REMOTE, "online": False}, ServerUnreachable, "may not go online"),
        ({"server": "render"}, BadInput, "HOST:PORT"),
        ({"server": REMOTE, "online": True, "certificate": "/gone.pem"}, BadInput, "no certificate /gone.pem"),
        ({"server": REMOTE, "online": True, "client_key": "/gone.key"}, BadInput, "no certificate /gone.key"),
        ({"auto_start": False}, ServerUnreachable, "No server runs on this machine"),
    ],
)
def test_what_stands_in_the_way_is_one_sentence(make_session, settings, error, words):
    began = time.monotonic()
    with pytest.raises(error, match=words) as caught:
        make_session(**settings).connection()
    assert "`" not in in_words(caught.value) and time.monotonic() - began < 1


def test_an_address_from_the_environment_is_gated_too(make_session, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MASKEDIT_SERVER", REMOTE)
    with pytest.raises(ServerUnreachable, match="may not go online"):
        make_session().connection()
    with make_session(online=True).connection() as connection:
        assert connection.endpoint.address == REMOTE


def test_loopback_needs_no_leave(make_session, server: ServerProcess):
    session = make_session(server=server.facts["address"], token=server.facts["token"], online=False)
    with session.connection() as connection:
        assert connection.system().same_machine


def test_a_look_starts_no_server_and_a_call_does(make_session, tmp_path: Path):
    session = make_session(command=PACED)
    assert session.state_words() == "" and not session.is_connected
    session.keep_alive()
    wait_until(session.state_words)
    assert session.state_words() == "The server starts with the first run." and not (tmp_path / "data").exists()
    with session.connection() as connection:
        connection.system()
    process_id = ServerProcess(tmp_path / "data").facts["pid"]
    try:
        session._again.set()
        wait_until(lambda: session.keep_alive() or session.is_connected)
        assert session.state_words().startswith("Connected to the server on this machine, MaskEdit ")
    finally:
        os.kill(process_id, signal.SIGTERM)


def test_the_heartbeat_notices_and_rests(make_session, server: ServerProcess, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("plugin_client.blender.session.HEARTBEAT_SECONDS", 0.05)
    session = make_session()
    session.keep_alive()
    wait_until(lambda: session.is_connected)
    server.stop(signal.SIGKILL)
    wait_until(lambda: session.keep_alive() or not session.is_connected)
    wait_until(lambda: session.keep_alive() or "next run starts it" in session.state_words())
    server.start()
    wait_until(lambda: session.keep_alive() or session.is_connected)
    # Nobody looks any more: nothing is left running.
    session._wanted_until = 0.0
    wait_until(lambda: session._keeper is None)


def test_a_changed_preference_counts_at_once(make_session, server: ServerProcess):
    said = [ServerSettings(server="127.0.0.1:9")]
    session = Session(lambda: said[0])
    session.keep_alive()
    wait_until(session.state_words)
    assert session.state_words().startswith("No server answers at the address in the preferences")
    said[0] = replace(said[0], server=server.facts["address"], token="wrong" * 8)
    wait_until(lambda: session.keep_alive() or "access token" in session.state_words())
    said[0] = replace(said[0], token=server.facts["token"])
    wait_until(lambda: session.keep_alive() or session.is_connected)
    assert isinstance(session.models(), tuple)
    session.close()


def test_a_server_that_is_too_old_says_which_side_to_update(make_session, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connecting, "API_MINOR", 999)
    session = make_session()
    session.keep_alive()
    wait_until(session.state_words)
    assert session.state_words().endswith("is older than this client: update the server.")


def test_closing_is_prompt(make_session, server: ServerProcess):
    session = make_session()
    session.keep_alive()
    wait_until(lambda: session.is_connected)
    keeper = session._keeper
    began = time.monotonic()
    session.close()
    assert time.monotonic() - began < 0.5 and keeper is not None and not keeper.is_alive()


def test_sentences_name_what_is_in_the_panel():
    assert plain("Choose a larger model with --model.") == "Choose a larger model with another Model."
    assert "Preset" not in plain("Nothing to change here.")
    full = TransferError("x")
    full.__cause__ = OSError(28, "No space left on device")
    assert in_words(full).endswith("then choose Try Again.")
