# SPDX-License-Identifier: GPL-3.0-or-later
"""Following a job's events: replayed from the store, then live.

Nothing is held in memory per client: a slow reader reads later from the store, so it costs nothing but time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

from bridge_server.jobs.rows import EventRow
from bridge_server.jobs.store import JobStore

_BATCH = 100


class EventFeed:
    """Wakes those who watch a job. `announce` after each write to the store; belongs to one event loop."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._news: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def announce(self, job_id: str) -> None:
        """Say that the store holds a new event of this job."""
        if news := self._news.pop(job_id, None):
            news.set()

    async def follow(self, job_id: str, *, after: int = 0) -> AsyncIterator[EventRow]:
        """The events after that sequence number, then new ones as they come, until one has a final state.

        Raises NotFoundError if there is no such job, or no longer.
        """
        while True:
            # Taken before reading: what is written after the reading wakes us.
            news = self._news.setdefault(job_id, asyncio.Event())
            job = await asyncio.to_thread(self._store.get, job_id)
            events = await asyncio.to_thread(self._store.events, job_id, after=after, limit=_BATCH)
            for event in events:
                yield event
                after = event.sequence
                if event.state.final:
                    return
            if events:
                continue
            if job.state.final:
                return
            await news.wait()
