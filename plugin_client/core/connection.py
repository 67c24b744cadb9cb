# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to one server: its channel, the token on every call, and the services' stubs."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import grpc

from bridge_api.v1 import (
    adapter_pb2_grpc,
    edit_pb2_grpc,
    job_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)
from plugin_client.core.errors import BadInput, ServerUnreachable, from_rpc, is_transient
from plugin_client.core.handshake import why_refused
from plugin_client.core.pieces import AssetStub
from plugin_client.core.token_channel import CLOSED, TokenChannel

API_MINOR = 6
"""The `bridge_api.v1` addition that this client was written against; a server needs at least this one."""

CONNECT_SECONDS = 10.0

_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5000),
    # A quiet stream over a network that went away is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a server listens (`host:port` or `unix:PATH`), its token, and the certificate file to trust, if any.

    `client_certificate` and `client_key` are the files that say who this client is, for a server that asks.
    """

    address: str
    token: str = ""
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""

    @property
    def is_local(self) -> bool:
        """True for a Unix socket or a loopback address, where plain text cannot be overheard."""
        if self.address.startswith("unix:"):
            return True
        host = self.address.rpartition(":")[0].strip("[]")
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def checked_endpoint(address: str, *, token: str = "", certificate: str = "") -> Endpoint:
    """The endpoint that a user typed. Raises BadInput for anything but HOST:PORT or unix:PATH."""
    host, colon, port = address.rpartition(":")
    is_socket = address.startswith("unix:") and len(address) > len("unix:")
    if not is_socket and not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise BadInput(f"The server address {address!r} cannot be read: give it as HOST:PORT or unix:PATH.")
    return Endpoint(address=address, token=token, certificate=certificate)


class Connection:
    """The stubs of one server. `locate` names the server, and names it again when the connection is renewed.

    Use as a context manager. The channel reconnects by itself to the same address; `renew` looks for a new one.
    `patience_seconds`: how long calls that may be repeated wait for a server that went away.
    """

    def __init__(self, locate: Callable[[], Endpoint], *, patience_seconds: float = 60.0) -> None:
        self.patience_seconds = patience_seconds
        self._locate = locate
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        self.endpoint = self._locate()
        channel = open_channel(self.endpoint, token=lambda: self.endpoint.token)
        self.edits = edit_pb2_grpc.EditServiceStub(channel)
        self.jobs = job_pb2_grpc.JobServiceStub(channel)
        self.assets = AssetStub(channel)
        self.adapters = adapter_pb2_grpc.AdapterServiceStub(channel)
        self._system = system_pb2_grpc.SystemServiceStub(channel)
        # Only now may another thread close it: gRPC does not survive that while stubs are made.
        with self._lock:
            self._channel = channel
            if self._closed.is_set():
                channel.close()

    def renew(self) -> None:
        """Find the server again (a local one may have started anew elsewhere) and replace the channel.

        Raises ServerUnreachable if `close` was called meanwhile: nobody waits for the server any more.
        """
        self._channel.close()
        if self._closed.is_set():
            raise ServerUnreachable(CLOSED)
        self._open()

    def finds_new_token(self, refused: str) -> bool:
        """After the server refused that token: whether there is another one by now. Raises as `renew` does."""
        if self.endpoint.token == refused:
            found = self._locate()
            if replace(found, token=refused) == self.endpoint:
                self.endpoint = found  # the same server: calls under way on the channel go on
            else:
                self.renew()
        return self.endpoint.token != refused

    def system(self) -> system_pb2.GetSystemResponse:
        """What the server is and has. Raises ServerUnreachable, naming the older side if versions do not fit."""
        token = self.endpoint.token
        try:
            answer = self._system.GetSystem(system_pb2.GetSystemRequest(), timeout=CONNECT_SECONDS)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED and self.finds_new_token(token):
                return self.system()
            raise (self.unreachable() if is_transient(error) else from_rpc(error)) from error
        if answer.api_minor < API_MINOR:
            raise ServerUnreachable(
                f"The server {self.endpoint.address} (MaskEdit {answer.version}) is older than this client: "
                f"update the server."
            )
        return answer

    def starts_jobs(self) -> bool:
        """Whether the server's health is good: not while it stops, nor while something keeps it from starting jobs.

        Raises ClientError.
        """
        check = self._channel.unary_unary(
            "/grpc.health.v1.Health/Check", request_serializer=bytes, response_deserializer=bytes
        )
        # The wire's form of an empty question, and of `status: SERVING`.
        try:
            return check(b"", timeout=CONNECT_SECONDS) == b"\x08\x01"
        except grpc.RpcError as error:
            raise from_rpc(error) from error

    def unreachable(self) -> ServerUnreachable:
        """The error for a server that nobody answers for, with the reason as far as that can be seen from here."""
        address = self.endpoint.address
        if reason := why_refused(self.endpoint):
            return ServerUnreachable(f"No MaskEdit server at {address} can be talked to: {reason}.")
        to_do = "start it with `maskedit serve`, or leave out --server"
        if not self.endpoint.is_local:
            to_do = "see whether it runs there, and whether name, port and network are right"
        return ServerUnreachable(f"No MaskEdit server answers at {address}: {to_do}.")

    def pause(self, seconds: float) -> None:
        """Wait that long, or until another thread closes the connection."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """End all calls, and the waiting for a server that went away, and close the channel."""
        with self._lock:
            self._closed.set()
            self._channel.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_channel(endpoint: Endpoint, *, token: Callable[[], str] | None = None) -> grpc.Channel:
    """A lazy channel to `endpoint`; TLS everywhere but on this machine. Its calls carry the token of their time.

    Raises BadInput for certificates and keys that cannot be read.
    """
    # A proxy from the environment must never see what goes to this machine itself.
    options = (*_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0 if endpoint.is_local else 1))
    if endpoint.certificate or not endpoint.is_local:
        roots = _read(endpoint.certificate) if endpoint.certificate else None
        credentials = grpc.ssl_channel_credentials(roots, *_identity(endpoint))
        channel = grpc.secure_channel(endpoint.address, credentials, options)
    else:
        channel = grpc.insecure_channel(endpoint.address, options)
    # Stubs ask no more of a channel than this one has.
    return cast(grpc.Channel, TokenChannel(channel, token or (lambda: endpoint.token)))


def _identity(endpoint: Endpoint) -> tuple[bytes | None, bytes | None]:
    """The client's private key and certificate chain. Raises BadInput where they cannot be read."""
    files = endpoint.client_key, endpoint.client_certificate
    if not any(files):
        return None, None
    if not all(files):
        raise BadInput("A client's certificate and its key belong together: give both or neither.")
    return _read(endpoint.client_key), _read(endpoint.client_certificate)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"The certificate or key {file} cannot be read ({error.strerror}): check the path.") from error
