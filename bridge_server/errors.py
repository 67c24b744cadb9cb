# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call can be refused for. Each type has one gRPC status (rpc/errors.py); each message is one sentence."""


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
