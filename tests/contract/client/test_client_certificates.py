# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client says of certificates that do not fit: at once, which one it is, and what to do."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from plugin_client.cli.main import main
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import BadInput, ServerUnreachable
from plugin_client.core.handshake import why_refused
from plugin_client.core.jobs import Jobs
from plugin_client.core.local_server import ensure_server
from tests.certifying import Pair, certify, let_expire

HOST = "127.0.0.2"


@contextmanager
def shaking_hands(pair: Pair) -> Iterator[Endpoint]:
    """Something that shows that certificate to whoever comes, for the length of the block."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with suppress(ssl.SSLError, ConnectionError), context.wrap_socket(listening.accept()[0], True):
                    pass

    with socket.create_server((HOST, 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield Endpoint(address=f"{HOST}:{listening.getsockname()[1]}", token="t" * 64, certificate=str(pair.cert))
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def own(tmp_path: Path) -> Pair:
    return certify(tmp_path, "own")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("expired", "its certificate, or that of its authority, has expired, so have it renewed"),
        ("other host", f"its certificate is not for {HOST}, so give the address by a name that is in the certificate"),
    ],
)
def test_a_servers_certificate_that_does_not_fit_is_said_at_once(
    tmp_path: Path,
    own: Pair,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    said: str,
) -> None:
    shown = let_expire(own) if fault == "expired" else certify(tmp_path, "other", names="subjectAltName=DNS:other")
    with shaking_hands(shown) as endpoint:
        monkeypatch.setenv("MASKEDIT_TLS_CA", endpoint.certificate)
        began = time.monotonic()
        assert main(("jobs", "list", "--server", endpoint.address)) == 3
        assert time.monotonic() - began < 12
        assert capsys.readouterr().err == f"No MaskEdit server at {endpoint.address} can be talked to: {said}.\n"
        with Connection(lambda: endpoint, patience_seconds=0.5) as gone, pytest.raises(ServerUnreachable, match=said):
            Jobs(gone).list()


def test_a_server_whose_own_machine_is_not_in_its_certificate_is_not_started_again(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    with shaking_hands(certify(tmp_path, "other", names="subjectAltName=DNS:other")) as endpoint:
        port = endpoint.address.rpartition(":")[2]
        facts = {"address": f"{HOST}:{port}", "token": "t", "pid": os.getpid(), "certificate": endpoint.certificate}
        (data_dir / "server.json").write_text(json.dumps(facts))
        with pytest.raises(ServerUnreachable, match=f"from its own machine: its certificate is not for {HOST}"):
            ensure_server(data_dir, command=("false",))
    assert sorted(path.name for path in data_dir.iterdir()) == ["server.json"]


def test_a_certificate_may_stand_for_itself_without_its_authority(tmp_path: Path) -> None:
    signed = certify(tmp_path, "signed", by=certify(tmp_path, "authority"))
    with shaking_hands(signed) as endpoint:
        assert "vouches" not in why_refused(endpoint)


def test_files_that_are_none_are_named(tmp_path: Path, own: Pair) -> None:
    text = tmp_path / "notes.pem"
    text.write_text("no certificate")
    with shaking_hands(own) as endpoint:
        mixed = replace(endpoint, client_certificate=str(own.cert), client_key=str(certify(tmp_path, "other").key))
        assert why_refused(mixed).startswith(f"{mixed.client_certificate} and {mixed.client_key} are no PEM files")
        assert why_refused(replace(endpoint, certificate=str(text))).startswith(f"{text} holds no certificate")
        for missing in (
            replace(endpoint, certificate=str(tmp_path / "nowhere.pem")),
            replace(endpoint, client_certificate=str(own.cert), client_key=str(tmp_path / "nowhere.pem")),
        ):
            with pytest.raises(BadInput, match=r"nowhere\.pem cannot be read \(No such file"):
                Connection(lambda one=missing: one)


def test_a_server_elsewhere_that_is_not_there_is_looked_for_in_the_network() -> None:
    elsewhere = Endpoint(address="maskedit.invalid:1", token="t" * 64)
    said = "No MaskEdit server answers at maskedit.invalid:1: see whether it runs there, and whether name, port and"
    with Connection(lambda: elsewhere) as connection, pytest.raises(ServerUnreachable, match=said):
        connection.system()
