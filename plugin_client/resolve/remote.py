# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve's scripting objects from another process, through the agent in its menu; calls as a script would make them.

`obj.Method(...)` answers what Resolve answers: values, None and False for failures, or further objects. A method that
this Resolve does not have answers None too; `"Method" in dir(obj)` says whether it is there, as inside. Only a lost
connection raises. Calls may take minutes, and are made one at a time from whichever thread.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from plugin_client.core.errors import ServerUnreachable
from plugin_client.resolve.agent import ADDRESS, TOKEN

_CONNECT_SECONDS = 10.0
_GONE = "DaVinci Resolve does not answer any more: open the project there and choose the MaskEdit entry again."

OnCall = Callable[[dict[str, Any], dict[str, Any]], None]
"""Called with each request and its answer, as the wire has them (agent.py's protocol)."""


class Wire:
    """One conversation with an agent."""

    def __init__(self, address: str, token: str, *, on_call: OnCall | None = None) -> None:
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise ServerUnreachable(_GONE) from error
        self._socket.settimeout(None)
        self._lines = self._socket.makefile("rb")
        self._lock = threading.Lock()
        self._dropped: list[int] = []
        self._last = 0
        self._on_call = on_call
        self._say({"token": token})

    def call(self, on: int, name: str, values: list[Any]) -> dict[str, Any]:
        """One request and its answer. Raises ServerUnreachable when Resolve or the script has gone."""
        with self._lock:
            self._last += 1
            dropped, self._dropped = self._dropped, []
            request = {"id": self._last, "on": on, "call": name, "with": values, "drop": dropped}
            self._say(request)
            try:
                answer = json.loads(self._lines.readline())
            except (OSError, ValueError) as error:
                raise ServerUnreachable(_GONE) from error
        if self._on_call is not None:
            self._on_call(request, answer)
        return answer

    def drop(self, number: int) -> None:
        """Nobody here knows that object any more: the agent is told with the next call."""
        self._dropped.append(number)

    def close(self) -> None:
        """Hang up; the script in Resolve ends. A call that another thread waits for raises ServerUnreachable there."""
        with suppress(OSError):  # the other side may have hung up first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._socket.close()

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise ServerUnreachable(_GONE) from error


class Remote:
    """One object of Resolve's."""

    def __init__(self, wire: Any, number: int) -> None:
        self._wire, self._number = wire, number
        self._names: frozenset[str] | None = None
        if number:
            weakref.finalize(self, wire.drop, number)

    def __dir__(self) -> list[str]:
        if self._names is None:
            self._names = frozenset(unpacked(self._wire, self._wire.call(self._number, "dir", []).get("value")) or ())
        return sorted(self._names)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*values: Any) -> Any:
            answer = self._wire.call(self._number, name, [packed(value) for value in values])
            return unpacked(self._wire, answer.get("value"))

        return call


def resolve_from_environment(*, on_call: OnCall | None = None) -> Remote:
    """The Resolve that started this process from its menu. Raises ServerUnreachable where none did."""
    # Taken out: what this process starts itself has no business with Resolve.
    address, token = os.environ.pop(ADDRESS, ""), os.environ.pop(TOKEN, "")
    if not address:
        raise ServerUnreachable("This is started from Resolve's own menu: Workspace, Scripts, MaskEdit.")
    return Remote(Wire(address, token, on_call=on_call), 0)


def hang_up(resolve: Any) -> None:
    """Let go of a Resolve that was borrowed; one's own object needs nothing."""
    if isinstance(resolve, Remote):
        resolve._wire.close()


def packed(value: Any) -> Any:
    """A value as the wire writes it."""
    if isinstance(value, Remote):
        return {"object": value._number}
    if isinstance(value, dict):
        return {"dict": [[packed(key), packed(each)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [packed(each) for each in value]}
    return value


def unpacked(wire: Any, value: Any) -> Any:
    """The inverse of `packed`."""
    if not isinstance(value, dict):
        return value
    if "object" in value:
        return Remote(wire, value["object"])
    if "list" in value:
        return [unpacked(wire, each) for each in value["list"]]
    return {unpacked(wire, key): unpacked(wire, each) for key, each in value["dict"]}
