# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client can run into, as types. Every message is one sentence: what is wrong, what to do.

`exit_code` is what a command-line client returns for it (0 is success, 1 a defect of MaskEdit itself).

Importing this does not import gRPC: a host application cannot wait for that while it starts.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import grpc


class ClientError(Exception):
    """Root of all errors that plugin_client raises on purpose. `job_id`: the job it is about, if any."""

    exit_code = 4
    job_id = ""


class BadInput(ClientError, ValueError):
    """A path, option or file cannot be used as given; the user can mend it."""

    exit_code = 2


class ServerUnreachable(ClientError, ConnectionError):
    """No server answers, it refuses this client, or its version does not fit."""

    exit_code = 3


class JobFailed(ClientError, RuntimeError):
    """The server took the job and could not finish it."""

    exit_code = 4


class JobCancelled(ClientError):
    """The job was cancelled."""

    exit_code = 130


class TransferError(ClientError, OSError):
    """Bytes arrived damaged, or a result cannot be written where it was asked for."""

    exit_code = 4


_BAD_INPUT = ("INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "OUT_OF_RANGE")
_UNREACHABLE = {
    "UNAVAILABLE": "The MaskEdit server cannot be reached: start it with `maskedit serve`.",
    "DEADLINE_EXCEEDED": "The MaskEdit server did not answer in time: see `maskedit doctor`.",
    "UNAUTHENTICATED": "The MaskEdit server refused the token: set MASKEDIT_TOKEN to the server's token.",
    "PERMISSION_DENIED": "The MaskEdit server refused: {details}",
    "RESOURCE_EXHAUSTED": "The MaskEdit server has no room: {details}",
    "UNIMPLEMENTED": "The MaskEdit server is older than this client: update the server.",
}


def is_transient(error: grpc.RpcError) -> bool:
    """True if the same call may succeed when it is made again on a new connection."""
    return error.code().name in ("UNAVAILABLE", "DEADLINE_EXCEEDED")


def from_rpc(error: grpc.RpcError) -> ClientError:
    """The client's error for a failed call; the server's own sentence is kept where it has one."""
    code, details = error.code().name, " ".join((error.details() or "").split())
    if code in _BAD_INPUT:
        return BadInput(details or "The server refused the request without saying why: see its log.")
    if code == "RESOURCE_EXHAUSTED" and details.endswith("."):  # a sentence of the server's, not of gRPC's
        return ServerUnreachable(details)
    if code in _UNREACHABLE:
        return ServerUnreachable(_UNREACHABLE[code].format(details=details or "no details"))
    return ClientError(f"The server could not answer ({code.lower()}): {details or 'see its log'}")


def status_of(error: BaseException) -> str:
    """The name of the status of the call that `error` comes from ("UNAVAILABLE"), "" if it comes from none."""
    # Where gRPC was never imported, no call has failed.
    grpc: Any = sys.modules.get("grpc")
    cause: Any = error.__cause__
    return cause.code().name if grpc is not None and isinstance(cause, grpc.RpcError) else ""
