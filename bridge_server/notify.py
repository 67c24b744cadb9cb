# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the service manager that started the server how it is (sd_notify(3): one datagram to NOTIFY_SOCKET)."""

from __future__ import annotations

import os
import socket

import structlog

_LOG = structlog.get_logger()


class Manager:
    """The service manager, if one waits to hear. Made before any child: none of them may speak for the server."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        # "@" stands for the null byte of an abstract address.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @property
    def waits(self) -> bool:
        """Whether a service manager started this server."""
        return bool(self._address)

    def tell(self, state: str) -> None:
        """Send `state` ("READY=1"); does nothing where nobody waits."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.sendto(state.encode(), self._address)
        except OSError as error:
            _LOG.warning("service manager not told", state=state, reason=error.strerror)
