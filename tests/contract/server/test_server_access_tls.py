# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: without it nothing beyond loopback; with an authority for clients, nobody whom it does not vouch for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.errors import StartError
from bridge_server.settings import load_settings
from plugin_client.cli.main import main
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import BadInput, ServerUnreachable
from plugin_client.core.handshake import why_refused
from plugin_client.core.local_server import connect, running_server
from tests.certifying import Pair, certify
from tests.serving import REAL, ServerProcess

ELSEWHERE = "127.0.0.2:0"  # to the server, any address that is not the usual loopback one is elsewhere


def refused(data_dir: Path, *options: str) -> tuple[int, str]:
    command = [*REAL, "--data-dir", str(data_dir), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return certify(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, authority: Pair) -> Iterator[ServerProcess]:
    """A server elsewhere that asks clients for a certificate of the authority's."""
    folder = tmp_path_factory.mktemp("guarded")
    own = certify(folder, "server", by=authority)
    options = ("--tls-cert", str(own.cert), "--tls-key", str(own.key), "--tls-client-ca", str(authority.cert))
    process = ServerProcess(folder / "data", ("--listen", ELSEWHERE, *options)).start()
    yield process
    process.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is not let in may try until its time is up."""
    monkeypatch.setattr("plugin_client.core.connection.CONNECT_SECONDS", 2.0)


@pytest.fixture
def endpoint(guarded: ServerProcess, authority: Pair) -> Endpoint:
    """The server, to whom the client shows nothing but the token."""
    return Endpoint(address=guarded.facts["address"], token=guarded.facts["token"], certificate=str(authority.cert))


def test_elsewhere_needs_tls(tmp_path: Path, authority: Pair) -> None:
    code, said = refused(tmp_path / "data", "--listen", ELSEWHERE)
    assert (code, "give tls-cert and tls-key" in said) == (2, True)
    assert not (tmp_path / "data").exists()
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:7000"):
        with pytest.raises(StartError, match="give tls-cert and tls-key"):
            load_settings(["--listen", address])
    with pytest.raises(StartError, match="only TLS carries"):
        load_settings(["--tls-client-ca", str(authority.cert)])


def test_files_that_are_no_certificates_are_named(tmp_path: Path, authority: Pair) -> None:
    other = certify(tmp_path, "other")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    whole = ("--tls-cert", str(authority.cert), "--tls-key")
    for options, named in (
        ((*whole, str(other.key)), other.key),
        ((*whole, str(tmp_path / "missing.key")), tmp_path / "missing.key"),
        ((*whole, str(authority.key), "--tls-client-ca", str(text)), text),
    ):
        code, said = refused(tmp_path / "data", *options)
        assert (code, str(named) in said) == (3, True)


def test_a_client_whom_the_authority_knows_gets_in_with_the_token(
    endpoint: Endpoint, authority: Pair, tmp_path: Path
) -> None:
    known = certify(tmp_path, "known", by=authority)
    shown = replace(endpoint, client_certificate=str(known.cert), client_key=str(known.key))
    with Connection(lambda: shown) as connection:
        assert connection.system().version
    without = replace(shown, token="")
    with Connection(lambda: without) as connection, pytest.raises(ServerUnreachable, match="token"):
        connection.system()


@pytest.mark.usefixtures("impatient")
def test_nobody_else_does_whatever_the_token(endpoint: Endpoint, authority: Pair, tmp_path: Path) -> None:
    stranger = certify(tmp_path, "stranger", by=certify(tmp_path, "other-authority"))
    shown = replace(endpoint, client_certificate=str(stranger.cert), client_key=str(stranger.key))
    for candidate in (endpoint, shown):
        with Connection(lambda one=candidate: one) as connection, pytest.raises(ServerUnreachable, match="No MaskEdit"):
            connection.system()


@pytest.mark.usefixtures("impatient")
def test_a_client_does_not_talk_to_a_server_that_nobody_vouches_for(endpoint: Endpoint, tmp_path: Path) -> None:
    other = replace(endpoint, certificate=str(certify(tmp_path, "other").cert))
    with Connection(lambda: other) as connection, pytest.raises(ServerUnreachable):
        connection.system()


@pytest.mark.usefixtures("impatient")
def test_who_is_not_let_in_is_told_which_certificate_is_at_fault(
    endpoint: Endpoint, authority: Pair, tmp_path: Path
) -> None:
    stranger = certify(tmp_path, "stranger", by=certify(tmp_path, "other-authority"))
    shown = replace(endpoint, client_certificate=str(stranger.cert), client_key=str(stranger.key))
    doubtful = replace(endpoint, certificate=str(certify(tmp_path, "other").cert))
    for one, said in (
        (endpoint, "hangs up on clients that show no certificate, so give one and its key"),
        (shown, "hangs up on this client's certificate"),
        (doubtful, "nobody whom this client trusts vouches for it"),
    ):
        with Connection(lambda one=one: one) as connection, pytest.raises(ServerUnreachable, match=said):
            connection.system()


def test_of_a_server_that_is_not_there_no_certificate_is_blamed(endpoint: Endpoint, tmp_path: Path) -> None:
    assert why_refused(replace(endpoint, address="127.0.0.3:1")) == ""
    assert why_refused(Endpoint(address=f"unix:{tmp_path / 'socket'}")) == ""
    assert why_refused(Endpoint(address="127.0.0.1:1")) == ""


def test_clients_say_who_they_are_by_option_or_by_environment(
    guarded: ServerProcess, endpoint: Endpoint, authority: Pair, tmp_path: Path, monkeypatch, capsys
) -> None:
    known = certify(tmp_path, "known", by=authority)
    token = tmp_path / "token"
    token.write_text(endpoint.token)
    options = ("--server", endpoint.address, "--token-file", str(token), "--tls-ca", endpoint.certificate)
    assert main(["jobs", "list", *options, "--tls-cert", str(known.cert), "--tls-key", str(known.key)]) == 0
    assert main(["jobs", "list", *options, "--tls-cert", str(known.cert)]) == 2
    assert "belong together" in capsys.readouterr().err
    assert running_server(guarded.data_dir) is None
    monkeypatch.setenv("MASKEDIT_CLIENT_CERT", str(known.cert))
    monkeypatch.setenv("MASKEDIT_CLIENT_KEY", str(known.key))
    where = {"server": endpoint.address, "token": endpoint.token, "certificate": endpoint.certificate}
    with connect(**where, data_dir=tmp_path) as connection:
        assert connection.system().version
    found = running_server(guarded.data_dir)
    assert found is not None and found.client_key == str(known.key)
    monkeypatch.setenv("MASKEDIT_CLIENT_KEY", str(tmp_path / "missing"))
    with pytest.raises(BadInput, match="cannot be read"):
        connect(**where, data_dir=tmp_path)
