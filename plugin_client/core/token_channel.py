# SPDX-License-Identifier: GPL-3.0-or-later
"""A gRPC channel whose calls carry a token.

Not by gRPC's own interceptors: those look a method up in the channel anew with each call, which ends the whole process
where another thread has closed the channel meanwhile. Here each method is looked up once, when its stub is made; a
call on a closed channel is then refused in an orderly way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from plugin_client.core.errors import ServerUnreachable

CLOSED = "The connection to the MaskEdit server was closed: connect again."


class TokenChannel:
    """What stubs need of a channel. `token`: the one of the time of a call, "" for none.

    Calls take `timeout`; on a closed channel they raise ServerUnreachable. (Call credentials would need TLS, which
    loopback does without.)
    """

    def __init__(self, channel: grpc.Channel, token: Callable[[], str]) -> None:
        self._channel, self._token = channel, token

    def unary_unary(self, *method: Any, **how: Any) -> Callable[..., Any]:
        """A method that takes one message and answers one."""
        return self._carrying(self._channel.unary_unary(*method, **how))

    def unary_stream(self, *method: Any, **how: Any) -> Callable[..., Any]:
        """A method that takes one message and answers many."""
        return self._carrying(self._channel.unary_stream(*method, **how))

    def stream_unary(self, *method: Any, **how: Any) -> Callable[..., Any]:
        """A method that takes many messages and answers one."""
        return self._carrying(self._channel.stream_unary(*method, **how))

    def close(self) -> None:
        """End all calls."""
        self._channel.close()

    def __enter__(self) -> TokenChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _carrying(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(request: Any, timeout: float | None = None) -> Any:
            token = self._token()
            metadata = (("authorization", f"Bearer {token}"),) if token else ()
            try:
                return method(request, timeout=timeout, metadata=metadata)
            except ValueError as error:  # what gRPC says of a channel that is closed
                raise ServerUnreachable(CLOSED) from error

        return call
