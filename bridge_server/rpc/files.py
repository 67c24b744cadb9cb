# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as streams of pieces, and blocking context managers kept off the event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bridge_server.errors import NotFoundError, WrongStateError
from bridge_server.tally import TALLY, Count

PIECE_BYTES = 1 << 20
# What an upload may hold in memory while the disk takes its time.
_PIECES_AHEAD = 8
T = TypeVar("T")


async def read_pieces(path: Path, *, offset: int) -> AsyncIterator[bytes]:
    """The file's bytes from `offset` on. Raises NotFoundError, or WrongStateError for an offset beyond its end."""
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError as error:  # by hand, or by the server's own tidying just now
        raise NotFoundError(f"The file {path.name} was removed from the server: do the edit again for it.") from error
    try:
        size = await asyncio.to_thread(file.seek, 0, 2)
        if offset > size:
            raise WrongStateError(f"The file has {size} bytes: ask for it from its start.")
        file.seek(offset)
        # The next piece is read while this one is sent.
        reading = asyncio.create_task(asyncio.to_thread(file.read, PIECE_BYTES))
        try:
            while piece := await asyncio.shield(reading):
                reading = asyncio.create_task(asyncio.to_thread(file.read, PIECE_BYTES))
                TALLY.add(Count.DOWNLOADED_BYTES, len(piece))
                yield piece
        finally:
            await asyncio.wait({reading})
    finally:
        file.close()


async def write_behind(pieces: AsyncIterator[T], write: Callable[[T], None]) -> None:
    """`write` each piece in a thread while the next ones arrive; nothing is written any more when this ends."""
    writing: asyncio.Task[None] | None = None
    waiting: list[T] = []
    try:
        async for piece in pieces:
            waiting.append(piece)
            if writing is not None and (writing.done() or len(waiting) == _PIECES_AHEAD):
                await asyncio.shield(writing)
                writing = None
            if writing is None:
                writing, waiting = asyncio.create_task(asyncio.to_thread(_write_all, waiting, write)), []
        if writing is not None:
            await asyncio.shield(writing)
        writing = asyncio.create_task(asyncio.to_thread(_write_all, waiting, write))
        await asyncio.shield(writing)
    finally:
        if writing is not None:
            await asyncio.wait({writing})


def _write_all(pieces: list[T], write: Callable[[T], None]) -> None:
    for piece in pieces:
        write(piece)


@asynccontextmanager
async def in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """`async with` over a manager whose entry and exit block; entered means exited, even if cancelled meanwhile."""
    entering = asyncio.create_task(asyncio.to_thread(manager.__enter__))
    try:
        entered = await asyncio.shield(entering)
    except asyncio.CancelledError:
        await entering
        await asyncio.to_thread(manager.__exit__, None, None, None)
        raise
    try:
        yield entered
    except BaseException:
        if not await asyncio.to_thread(manager.__exit__, *sys.exc_info()):
            raise
    else:
        await asyncio.to_thread(manager.__exit__, None, None, None)
