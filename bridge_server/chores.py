# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server does again and again beside its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from bridge_server.errors import StoreError

_LOG = structlog.get_logger()


@asynccontextmanager
async def repeated(do: Callable[[], Awaitable[None]], *, seconds: float, failing: str) -> AsyncIterator[None]:
    """`do` now and each time that it has been done for so long, for the length of the block.

    A disk or a store that cannot be used is said in the log, as `failing`, and the next time comes all the same.
    """

    async def forever() -> None:
        while True:
            try:
                await do()
            except (OSError, StoreError):
                _LOG.exception(failing)
            await asyncio.sleep(seconds)

    doing = asyncio.create_task(forever())
    try:
        yield
    finally:
        doing.cancel()
