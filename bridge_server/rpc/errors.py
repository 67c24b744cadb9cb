# SPDX-License-Identifier: GPL-3.0-or-later
"""From exceptions to gRPC status codes; the details are one sentence for the user."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message
from grpc import StatusCode

from bridge_server.errors import (
    AlreadyUsedError,
    BusyError,
    ChecksumError,
    NotFoundError,
    QuotaError,
    StoreError,
    WrongStateError,
)
from bridge_server.rpc.crowding import refuse_crowded
from maskedit.errors import MaskEditError

_CODES: dict[type[Exception], StatusCode] = {
    MaskEditError: StatusCode.INVALID_ARGUMENT,
    NotFoundError: StatusCode.NOT_FOUND,
    WrongStateError: StatusCode.FAILED_PRECONDITION,
    AlreadyUsedError: StatusCode.ALREADY_EXISTS,
    BusyError: StatusCode.ABORTED,
    QuotaError: StatusCode.RESOURCE_EXHAUSTED,
    StoreError: StatusCode.RESOURCE_EXHAUSTED,
    ChecksumError: StatusCode.DATA_LOSS,
}
# In the worst of alphabets each takes 12 bytes on the way, and 8192 are what a client lets come.
_LONGEST_SENTENCE = 600
_LOG = structlog.get_logger()


def status_of(error: Exception) -> tuple[StatusCode, str]:
    """The status code and sentence that a client gets for `error`."""
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code, _tellable(str(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StatusCode.RESOURCE_EXHAUSTED, "The server's disk is full: free some space there."
    return StatusCode.INTERNAL, "The server met an unexpected error: its log has the details."


def _tellable(sentence: str) -> str:
    """A sentence that quotes what a client sent: no control characters for terminals and logs, and not longer than
    a status travels."""
    if len(sentence) > _LONGEST_SENTENCE:
        sentence = f"{sentence[: _LONGEST_SENTENCE // 2]}…{sentence[-_LONGEST_SENTENCE // 2 :]}"
    return "".join(letter if letter.isprintable() else "�" for letter in sentence)


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Ends calls of our own services with a status instead of an exception."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith("/bridge_api."):
            return handler
        for kind, wrap in _WRAPPERS.items():
            if behaviour := getattr(handler, kind):
                make = getattr(grpc, f"{kind}_rpc_method_handler")
                codecs = handler.request_deserializer, handler.response_serializer
                return make(wrap(behaviour, handler_call_details.method), *codecs)
        return handler


def _wrap_single(behaviour: Callable[..., Awaitable[Any]], method: str) -> Callable[..., Awaitable[Any]]:
    async def wrapped(request: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            _refuse_crowded(request)
            return await behaviour(request, context)
        except Exception as error:
            await _abort(error, context, method, request)

    return wrapped


def _wrap_stream(behaviour: Callable[..., AsyncIterator[Any]], method: str) -> Callable[..., AsyncIterator[Any]]:
    async def wrapped(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        try:
            _refuse_crowded(request)
            async for response in behaviour(request, context):
                yield response
        except Exception as error:
            await _abort(error, context, method, request)

    return wrapped


def _refuse_crowded(request: Any) -> None:
    """Streams come piece by piece: their calls look at each."""
    if isinstance(request, Message):
        refuse_crowded(request)


_WRAPPERS: dict[str, Callable[..., Any]] = {
    "unary_unary": _wrap_single,
    "stream_unary": _wrap_single,
    "unary_stream": _wrap_stream,
}


async def _abort(error: Exception, context: grpc.aio.ServicerContext, method: str, request: Any) -> NoReturn:
    code, sentence = status_of(error)
    if code is StatusCode.INTERNAL:
        about = {"job_id": request.job_id} if getattr(request, "job_id", "") else {}
        _LOG.error("call failed", method=method, exc_info=error, **about)
    await context.abort(code, sentence)
