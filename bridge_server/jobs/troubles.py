# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the server from starting jobs, or from writing down their ends, while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import structlog

_LOG = structlog.get_logger()


class Troubles:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._known: dict[object, str] = {}
        self._news = asyncio.Event()

    @property
    def sentence(self) -> str:
        """The oldest trouble that lasts; "" = there is none."""
        return next(iter(self._known.values()), "")

    @contextmanager
    def noted(self) -> Iterator[Callable[[str], None]]:
        """Yields what to call with a sentence, from within an `except`, when trouble is met; it ends with the block.

        Logged once, however often it is met.
        """
        trouble = object()

        def note(sentence: str) -> None:
            if self._known.get(trouble) != sentence:
                _LOG.exception("trouble", sentence=sentence)
                self._known[trouble] = sentence
                self._news.set()

        try:
            yield note
        finally:
            if self._known.pop(trouble, ""):
                _LOG.info("trouble is over")
                self._news.set()

    async def changes(self) -> AsyncIterator[str]:
        """The `sentence`, whenever it has become another, without end; for one reader."""
        told = ""
        while True:
            await self._news.wait()
            self._news.clear()
            if self.sentence != told:
                told = self.sentence
                yield told
