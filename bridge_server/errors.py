# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call can be refused for. Each type has one gRPC status (rpc/errors.py); each message is one sentence."""

from maskedit.exhaustion import in_words


class ServerError(Exception):
    """Root of all refusals that the server makes on purpose."""


class NotFoundError(ServerError, LookupError):
    """No job, asset, adapter or file of that name."""


class WrongStateError(ServerError, ValueError):
    """The thing exists, but is not in a state that allows the call."""


class AlreadyUsedError(ServerError, ValueError):
    """An idempotency key came again with another request."""


class BusyError(ServerError, RuntimeError):
    """Another call is doing the same thing right now."""


class QuotaError(ServerError, OSError):
    """The disk or the quota has no room."""


class ChecksumError(ServerError, ValueError):
    """Uploaded bytes are not what their name says."""


class StoreError(ServerError, OSError):
    """The job store cannot be written: a full disk, or a broken one."""


class StartError(ServerError, RuntimeError):
    """The server cannot start as it was asked to."""


def no_room_on_disk(needed: int, *, free: int, reserve: int) -> str:
    """The sentence for `needed` bytes on a disk with `free` to spare beside the `reserve` that is left to others."""
    return (
        f"The server's disk has no room for {in_words(needed)} more: {in_words(max(0, free))} are to spare beside the "
        f"{in_words(reserve)} that stay free, so delete old jobs with `maskedit jobs delete`, or make room there."
    )
