# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's token made anew while it serves: when somebody asks for it, and when it has served long enough."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import structlog

from bridge_server.errors import StartError
from bridge_server.rpc.auth import Token
from bridge_server.runtime import is_served

# Not SIGHUP, which a server also gets when its terminal closes. Windows has neither.
RENEWAL: signal.Signals | None = getattr(signal, "SIGUSR1", None)
_PATIENCE_SECONDS = 5.0
_LOG = structlog.get_logger()


@asynccontextmanager
async def kept_fresh(
    token: Token, announce: Callable[[str], None], *, asked: asyncio.Event, hours: float | None
) -> AsyncIterator[None]:
    """For the length of the block, replace the token whenever `asked` is set and every `hours`.

    `announce` tells local clients; where it raises OSError the old token stays, since nobody would find the new one.
    """
    task = asyncio.create_task(_renew(token, announce, asked, None if hours is None else 3600 * hours))
    try:
        yield
    finally:
        task.cancel()


async def _renew(
    token: Token, announce: Callable[[str], None], asked: asyncio.Event, seconds: float | None
) -> NoReturn:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), seconds)
        asked.clear()
        fresh = token.random()
        try:
            announce(fresh)
        except OSError as error:
            _LOG.error("token kept: the runtime file cannot be written", reason=error.strerror)
        else:
            token.replace(fresh)
            _LOG.info("token replaced")


def ask_for_renewal(data_dir: Path) -> None:
    """Have the server on `data_dir` replace its token, and return when it has.

    Raises StartError where none runs, or where it keeps the token that MASKEDIT_TOKEN gave it.
    """
    if RENEWAL is None:
        raise StartError("Start the server anew: it makes a new token each time.")
    before = _said(data_dir)
    os.kill(int(before["pid"]), RENEWAL)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _said(data_dir)["token"] == before["token"]:
        if time.monotonic() > deadline:
            raise StartError(
                "The server keeps its token: if MASKEDIT_TOKEN gave it, change that and start the server anew; "
                "else its log says why."
            )
        time.sleep(0.02)


def _said(data_dir: Path) -> dict[str, Any]:
    """The runtime file, of a server that lives: the process number that a dead one left may be anybody's by now."""
    try:
        if is_served(data_dir):
            return json.loads((data_dir / "server.json").read_text())
    except OSError:  # it starts or stops right now
        pass
    raise StartError(f"No server serves on {data_dir}: start one with `maskedit serve`, it makes a new token.")
