# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a client waits for a server that went away, and how it finds it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from plugin_client.core.connection import Connection
from plugin_client.core.errors import from_rpc, is_transient

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0

Answer = TypeVar("Answer")


class Patience:
    """Waits after failed calls, longer each time, until nothing has moved for the connection's `patience_seconds`.

    `also`: status codes beyond the transient ones that are worth another try on the same channel.
    """

    def __init__(self, connection: Connection, *, also: tuple[grpc.StatusCode, ...] = ()) -> None:
        self._connection = connection
        self._also = also
        self._token = connection.endpoint.token
        self.renew()

    def renew(self) -> None:
        """Something moved: start over with short pauses."""
        self._deadline = time.monotonic() + self._connection.patience_seconds
        self._pause = _FIRST_PAUSE_SECONDS

    def wait_after(self, error: grpc.RpcError) -> None:
        """Pause, find the server again if it was lost, and return for another try; else raise the client's error.

        A server that refuses the token is found again too: it may have made a new one.
        """
        if error.code() is grpc.StatusCode.UNAUTHENTICATED and self._connection.finds_new_token(self._token):
            self._token = self._connection.endpoint.token
            return
        lost = is_transient(error)
        if not (lost or error.code() in self._also) or time.monotonic() + self._pause > self._deadline:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise self._connection.unreachable() from error
            raise from_rpc(error) from error
        self._connection.pause(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        if lost:
            self._connection.renew()


def patiently(call: Callable[[], Answer], connection: Connection) -> Answer:
    """The answer of `call`, an RPC that may safely be made again, made until the server answers or patience ends."""
    patience = Patience(connection)
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            patience.wait_after(error)
