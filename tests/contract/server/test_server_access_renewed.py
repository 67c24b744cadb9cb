# SPDX-License-Identifier: GPL-3.0-or-later
"""A token made anew while the server serves: the old one is refused at once, and clients here find the new one."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from bridge_api.v1 import edit_pb2
from bridge_server import rotation
from bridge_server.errors import StartError
from bridge_server.rotation import kept_fresh
from bridge_server.rpc.auth import Token
from plugin_client.core.connection import Connection
from plugin_client.core.errors import ServerUnreachable
from plugin_client.core.jobs import Jobs
from plugin_client.core.local_server import connect
from tests.serving import REAL, ServerProcess, submit, wait_until


def ask_for_new_token(data_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [*REAL, "--data-dir", str(data_dir), "--new-token"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_new_token_shuts_out_the_old_one_and_lets_clients_here_go_on(
    own_server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    own_server.start()
    old = own_server.facts
    with connect(data_dir=own_server.data_dir) as finding, own_server.connect() as fixed:
        job_id = submit(finding, edit, "steps=60 pause=0.02")
        watching = Jobs(finding).watch(job_id)
        next(watching)
        done = ask_for_new_token(own_server.data_dir)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        new = own_server.facts
        assert new == old | {"token": new["token"]} and new["token"] != old["token"]
        assert (own_server.data_dir / "server.json").stat().st_mode & 0o777 == 0o600
        with pytest.raises(ServerUnreachable, match="refused the token"):
            fixed.system()
        assert Jobs(finding).get(job_id).job_id == job_id
        assert finding.system().same_machine
        assert [*watching][-1].state.is_final  # a call under way is not cut
    assert own_server.process is not None and own_server.process.poll() is None


def test_a_client_that_named_the_address_finds_the_new_token_too(own_server: ServerProcess) -> None:
    own_server.start()
    with connect(server=own_server.facts["address"], data_dir=own_server.data_dir) as connection:
        connection.system()
        ask_for_new_token(own_server.data_dir)
        assert connection.system().same_machine


def test_a_token_given_from_outside_is_kept_and_the_asker_is_told(
    own_server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "_PATIENCE_SECONDS", 0.3)
    own_server.environment["MASKEDIT_TOKEN"] = "a token chosen elsewhere"
    own_server.start()
    with pytest.raises(StartError, match="MASKEDIT_TOKEN"):
        rotation.ask_for_renewal(own_server.data_dir)
    with own_server.connect() as connection:
        assert connection.system().version


def test_without_a_server_there_is_nothing_to_ask(own_server: ServerProcess, tmp_path: Path) -> None:
    """Not even where a dead one's runtime file names a process, which may be another's by now."""
    own_server.start().stop(signal.SIGKILL)
    with subprocess.Popen(["sleep", "30"]) as innocent:
        path = own_server.data_dir / "server.json"
        path.write_text(path.read_text().replace(f'"pid": {own_server.pid}', f'"pid": {innocent.pid}'))
        done = ask_for_new_token(own_server.data_dir)
        assert innocent.poll() is None
        innocent.kill()
    assert (done.returncode, done.stderr.count("\n")) == (3, 1) and "No server serves" in done.stderr
    missing = ask_for_new_token(tmp_path / "nothing")
    assert missing.returncode == 3 and not (tmp_path / "nothing").exists()


def test_a_token_expires(own_server: ServerProcess) -> None:
    own_server.options += ("--token-hours", str(0.4 / 3600))
    own_server.start()
    first = own_server.facts["token"]
    with own_server.connect() as connection:
        wait_until(lambda: own_server.facts["token"] != first, seconds=5)
        refused = Connection(lambda: connection.endpoint)
        with refused, pytest.raises(ServerUnreachable, match="refused the token"):
            refused.system()
    with connect(data_dir=own_server.data_dir) as finding:
        assert finding.system().version


def test_a_given_token_cannot_expire(own_server: ServerProcess) -> None:
    command = [*REAL, "--data-dir", str(own_server.data_dir), "--token-hours", "8"]
    environment = {"MASKEDIT_TOKEN": "a token chosen elsewhere", "PATH": "/usr/bin"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "cannot expire" in done.stderr


async def test_a_token_that_nobody_could_find_is_not_taken() -> None:
    token, asked = Token("0" * 64), asyncio.Event()
    said, held = [], []

    def announce(value: str) -> None:
        said.append(value)
        if len(said) == 1:
            raise OSError(28, "No space left on device")

    async with kept_fresh(token, announce, asked=asked, hours=None):
        for _ in range(2):
            asked.set()
            while asked.is_set():
                await asyncio.sleep(0)
            held.append(token.value)
    assert held == ["0" * 64, said[1]]


def test_the_compare_takes_every_character() -> None:
    token = Token()
    assert len(bytes.fromhex(token.value)) == 32 and token.value != Token().value
    assert token.opens(f"Bearer {token.value}")
    for wrong in ("", token.value, f"Bearer {token.value} ", f"Bearer {token.value[:-1]}", "Bearer ", "Bearer é"):
        assert not token.opens(wrong)


def test_the_compare_is_the_constant_time_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda shown, expected: compared.append((shown, expected)) or False)
    token = Token("secret")
    assert not token.opens("Bearer secret")  # so nothing but that function decides
    assert compared == [(b"Bearer secret", b"Bearer secret")]
