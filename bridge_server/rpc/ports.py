# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server listens: a TCP port or a Unix socket, taken for sure or refused."""

from __future__ import annotations

import socket
from pathlib import Path

import grpc
import grpc.aio

from bridge_server.errors import StartError


def listen(server: grpc.aio.Server, address: str, *, cert: Path | None, key: Path | None) -> str:
    """Bind `address` (HOST:PORT or unix:/PATH) and return what clients on this machine connect to.

    Raises StartError if it is taken or cannot be had.
    """
    if address.startswith("unix:"):
        _claim_socket(Path(address.removeprefix("unix:")))
    try:
        port = _bind(server, address, cert, key)
    except (RuntimeError, OSError) as error:
        raise StartError(f"The server cannot listen on {address}: it is taken, or not an address of here.") from error
    if address.startswith("unix:"):
        return address
    host = address.rpartition(":")[0]
    return f"{'localhost' if host in ('0.0.0.0', '[::]') else host}:{port}"


def _bind(server: grpc.aio.Server, address: str, cert: Path | None, key: Path | None) -> int:
    if cert is None or key is None:
        return server.add_insecure_port(address)
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())])
    return server.add_secure_port(address, credentials)


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
