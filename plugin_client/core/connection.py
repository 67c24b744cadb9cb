# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to one server: its channel, the token on every call, and the services' stubs."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from bridge_api.v1 import (
    adapter_pb2_grpc,
    asset_pb2_grpc,
    edit_pb2_grpc,
    job_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)
from plugin_client.core.errors import BadInput, ServerUnreachable, from_rpc, is_transient

API_MINOR = 4
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
    """Where a server listens (`host:port` or `unix:PATH`), its token, and the certificate file to trust, if any."""

    address: str
    token: str = ""
    certificate: str = ""

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
        self._open()

    def _open(self) -> None:
        self.endpoint = self._locate()
        self._channel = open_channel(self.endpoint)
        self.edits = edit_pb2_grpc.EditServiceStub(self._channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self._channel)
        self.assets = asset_pb2_grpc.AssetServiceStub(self._channel)
        self.adapters = adapter_pb2_grpc.AdapterServiceStub(self._channel)
        self._system = system_pb2_grpc.SystemServiceStub(self._channel)

    def renew(self) -> None:
        """Find the server again (a local one may have started anew elsewhere) and replace the channel.

        Raises ServerUnreachable if `close` was called meanwhile: nobody waits for the server any more.
        """
        self._channel.close()
        if self._closed.is_set():
            raise ServerUnreachable("The connection to the MaskEdit server was closed: connect again.")
        self._open()

    def system(self) -> system_pb2.GetSystemResponse:
        """What the server is and has. Raises ServerUnreachable, naming the older side if versions do not fit."""
        try:
            answer = self._system.GetSystem(system_pb2.GetSystemRequest(), timeout=CONNECT_SECONDS)
        except grpc.RpcError as error:
            if is_transient(error):
                raise ServerUnreachable(
                    f"No MaskEdit server answers at {self.endpoint.address}: start it with `maskedit serve`, "
                    f"or leave out --server."
                ) from error
            raise from_rpc(error) from error
        if answer.api_minor < API_MINOR:
            raise ServerUnreachable(
                f"The server {self.endpoint.address} (MaskEdit {answer.version}) is older than this client: "
                f"update the server."
            )
        return answer

    def pause(self, seconds: float) -> None:
        """Wait that long, or until another thread closes the connection."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """End all calls, and the waiting for a server that went away, and close the channel."""
        self._closed.set()
        self._channel.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_channel(endpoint: Endpoint) -> grpc.Channel:
    """A lazy channel to `endpoint` that carries its token; TLS everywhere but on this machine."""
    # A proxy from the environment must never see what goes to this machine itself.
    options = (*_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0 if endpoint.is_local else 1))
    if endpoint.certificate or not endpoint.is_local:
        roots = Path(endpoint.certificate).read_bytes() if endpoint.certificate else None
        channel = grpc.secure_channel(endpoint.address, grpc.ssl_channel_credentials(roots), options)
    else:
        channel = grpc.insecure_channel(endpoint.address, options)
    return grpc.intercept_channel(channel, _Token(endpoint.token)) if endpoint.token else channel


class _Metadata(grpc.ClientCallDetails):
    """Only what differs: grpc takes every other detail from the call itself."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self.metadata = metadata


class _Token(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor):
    """Adds the bearer token to every call (call credentials would need TLS, which loopback does without)."""

    def __init__(self, token: str) -> None:
        self._entry = ("authorization", f"Bearer {token}")

    def _added_to(self, details: grpc.ClientCallDetails) -> _Metadata:
        return _Metadata((*(getattr(details, "metadata", None) or ()), self._entry))

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._added_to(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._added_to(client_call_details), request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(self._added_to(client_call_details), request_iterator)
