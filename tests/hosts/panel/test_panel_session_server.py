# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's session against real servers: found, started, lost, found again, refused."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_client.core import connection as core_connection
from plugin_client.core.jobs import Jobs
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.running.session import ServerState, Session
from tests.serving import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("data")).start()
    yield process
    process.stop()


@pytest.fixture
def session(preferences: Preferences) -> Iterator[Session]:
    made = Session(preferences)
    yield made
    made.close()


@pytest.fixture
def local_server(panel_data: Path, preferences: Preferences) -> Iterator[Path]:
    """The preferences of somebody who has set nothing; whatever server was started is stopped in the end."""
    preferences.server = ""
    yield panel_data
    os.kill(_process_id(panel_data), signal.SIGTERM)


def _process_id(data: Path) -> int:
    return json.loads((data / "server.json").read_text())["pid"]


def _connect_to(server: ServerProcess, preferences: Preferences) -> None:
    preferences.token = server.facts["token"]
    preferences.server = server.facts["address"]


def _until(qtbot, session: Session, state: ServerState) -> None:
    qtbot.waitUntil(lambda: session.state is state, timeout=20_000)


def test_the_local_server_is_started_and_started_again_when_it_is_killed(qtbot, local_server: Path, preferences):
    session = Session(preferences)
    states = [session.state]
    session.changed.connect(lambda: states.append(session.state))
    _until(qtbot, session, ServerState.CONNECTED)
    assert session.system is not None and session.system.same_machine and session.system.models
    assert "this machine" in session.words
    first = _process_id(local_server)
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: session.state is not ServerState.CONNECTED, timeout=20_000)
    assert session.words.endswith("…")
    _until(qtbot, session, ServerState.CONNECTED)
    assert _process_id(local_server) != first
    seen = [state for number, state in enumerate(states) if number == 0 or states[number - 1] is not state]
    assert seen[:3] == [ServerState.SEARCHING, ServerState.STARTING, ServerState.CONNECTED]
    assert ServerState.LOST in seen[3:] or ServerState.STARTING in seen[3:]
    session.close()


def test_nobody_at_the_address_is_said_and_another_address_is_tried_at_once(qtbot, session, server, preferences):
    _until(qtbot, session, ServerState.LOST)
    assert "address" in session.words and session.system is None
    _connect_to(server, preferences)
    _until(qtbot, session, ServerState.CONNECTED)
    assert session.system is not None and session.system.address == server.facts["address"]


def test_a_wrong_token_and_a_missing_certificate_are_refusals_that_say_what_to_do(qtbot, session, server, preferences):
    preferences.token = "nobody's"
    preferences.server = server.facts["address"]
    _until(qtbot, session, ServerState.REFUSED)
    assert "token" in session.words
    preferences.certificate = "/nowhere/cert.pem"
    session.look_again()
    qtbot.waitUntil(lambda: "cert.pem" in session.words, timeout=10_000)
    preferences.certificate = ""
    preferences.client_certificate = "/nowhere/own.pem"
    qtbot.waitUntil(lambda: "own.pem" in session.words, timeout=10_000)


@pytest.mark.parametrize(
    ("minor", "state", "word"), [(999, ServerState.REFUSED, "older"), (-1, ServerState.CONNECTED, "newer")]
)
def test_a_server_of_another_age_is_named(qtbot, session, server, preferences, monkeypatch, minor, state, word):
    monkeypatch.setattr(core_connection, "API_MINOR", minor)
    _connect_to(server, preferences)
    _until(qtbot, session, state)
    assert word in session.words


def test_calls_are_made_elsewhere_and_answered_here(qtbot, session, server, preferences):
    _connect_to(server, preferences)
    answers: list[object] = []
    session.call(lambda connection: Jobs(connection).list(), answers.append)
    assert answers == []  # not yet: the call must not hold up the window
    qtbot.waitUntil(lambda: answers == [()], timeout=10_000)


def test_a_failed_call_is_one_sentence_without_a_command(qtbot, session, server, preferences):
    _connect_to(server, preferences)
    with qtbot.waitSignal(session.failed, timeout=10_000) as heard:
        session.call(lambda connection: Jobs(connection).get("0" * 32))
    (sentence,) = heard.args
    assert "There is no job" in sentence and sentence.endswith(".")
    taken: list[Exception] = []
    session.call(lambda connection: Jobs(connection).get("0" * 32), None, taken.append)
    qtbot.waitUntil(lambda: len(taken) == 1, timeout=10_000)


def test_closing_breaks_off_what_waits_and_looks_no_more(qtbot, session, server, preferences):
    _connect_to(server, preferences)
    _until(qtbot, session, ServerState.CONNECTED)
    session.close()
    changes: list[None] = []
    session.changed.connect(lambda: changes.append(None))
    preferences.server = "127.0.0.1:9"
    qtbot.wait(300)
    assert changes == [] and session.connected
