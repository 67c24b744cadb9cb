# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call: whoever shows the token. Where they are: on this machine or elsewhere."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import grpc
import grpc.aio

_OPEN = "/grpc.health.v1.Health/"
_LOCAL_PEERS = ("unix:", "ipv4:127.", "ipv6:[::1]:")


class Token:
    """The secret that opens the server: `value`, or a random one of 256 bits where that is ""."""

    def __init__(self, value: str = "") -> None:
        self.replace(value or self.random())

    @staticmethod
    def random() -> str:
        return secrets.token_hex(32)

    def replace(self, value: str) -> None:
        """From here on `value` opens, and what it was before does not."""
        self.value = value

    def opens(self, shown: str) -> bool:
        """Whether `shown` is what an `authorization` header has to say."""
        # In constant time: how long a refusal takes must not tell how much of a guess was right.
        return hmac.compare_digest(shown.encode(), f"Bearer {self.value}".encode())


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without `authorization: Bearer TOKEN`; health checks are open."""

    def __init__(self, token: Token) -> None:
        self._token = token

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        if handler_call_details.method.startswith(_OPEN) or self._allowed(handler_call_details):
            return await continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)

    def _allowed(self, details: grpc.HandlerCallDetails) -> bool:
        shown = [value for key, value in details.invocation_metadata or () if key == "authorization"]
        return len(shown) == 1 and self._token.opens(str(shown[0]))


async def _refuse(_request: Any, context: grpc.aio.ServicerContext) -> None:
    await context.abort(
        grpc.StatusCode.UNAUTHENTICATED,
        "The server does not know this token: use the one in its server.json, or set MASKEDIT_TOKEN.",
    )


def same_machine(context: grpc.aio.ServicerContext) -> bool:
    """Whether the call comes over loopback or a Unix socket."""
    return unquote(context.peer()).startswith(_LOCAL_PEERS)
