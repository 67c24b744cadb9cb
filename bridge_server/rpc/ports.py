# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server listens: a TCP port or a Unix socket, taken for sure or refused."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from bridge_server.errors import StartError


@dataclass(frozen=True, kw_only=True)
class Tls:
    """PEM files: who the server is, and, unless None, the authority that has to vouch for every client."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Raises StartError for files that are missing, no PEM, or no pair: gRPC itself would not say which."""
        self._check(lambda context: context.load_cert_chain(self.cert, self.key), f"{self.cert} and {self.key}")
        pairs = [(self.key.read_bytes(), self.cert.read_bytes())]
        if self.client_ca is None:
            return grpc.ssl_server_credentials(pairs)
        self._check(lambda context: context.load_verify_locations(self.client_ca), str(self.client_ca))
        return grpc.ssl_server_credentials(pairs, self.client_ca.read_bytes(), require_client_auth=True)

    @staticmethod
    def _check(load: Callable[[ssl.SSLContext], None], what: str) -> None:
        try:
            load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except (ssl.SSLError, OSError) as error:
            raise StartError(
                f"TLS cannot be set up with {what}: give PEM files that can be read, a certificate and its key."
            ) from error


def listen(server: grpc.aio.Server, address: str, *, tls: Tls | None) -> str:
    """Bind `address` (HOST:PORT or unix:/PATH) and return what clients on this machine connect to.

    Raises StartError if it is taken or cannot be had.
    """
    credentials = None if tls is None else tls.credentials()
    if address.startswith("unix:"):
        _claim_socket(Path(address.removeprefix("unix:")))
    try:
        port = (
            server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
        )
    except (RuntimeError, OSError) as error:
        raise StartError(f"The server cannot listen on {address}: it is taken, or not an address of here.") from error
    if address.startswith("unix:"):
        return address
    host = address.rpartition(":")[0]
    return f"{'localhost' if host in ('0.0.0.0', '[::]') else host}:{port}"


def _claim_socket(path: Path) -> None:
    """gRPC removes a socket that it finds, in use or not, and leaves the new one's protection to its folder."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_mode & 0o077:
        raise StartError(f"Others may enter {path.parent}: put the socket in a folder of mode 0700.")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise StartError(f"A server already listens on {path}: stop it, or choose another path.")
