# SPDX-License-Identifier: GPL-3.0-or-later
"""Following a job: everything, in order, once, from any point, to the end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_server.errors import NotFoundError
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Progress
from maskedit.progress import Stage


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    opened = JobStore(tmp_path / "jobs.sqlite")
    opened.add(NewJob(job_id="a", idempotency_key="a", request=b"", report="{}"))
    yield opened
    opened.close()


@pytest.fixture
def feed(store: JobStore) -> EventFeed:
    return EventFeed(store)


def step(store: JobStore, feed: EventFeed, done: int) -> None:
    store.add_progress("a", Progress(stage=Stage.RENDER, done=done, total=250))
    feed.announce("a")


async def collect(feed: EventFeed, *, after: int = 0) -> list[int]:
    return [event.sequence async for event in feed.follow("a", after=after)]


async def test_an_ended_job_is_replayed_from_any_point(store: JobStore, feed: EventFeed) -> None:
    store.claim()
    for done in range(250):
        step(store, feed, done)
    store.move("a", JobState.SUCCEEDED)
    assert await collect(feed) == list(range(1, 254))
    assert await collect(feed, after=251) == [252, 253]
    assert await collect(feed, after=253) == []
    assert await collect(feed, after=9999) == []


async def test_followers_see_live_events_until_the_final_one(store: JobStore, feed: EventFeed) -> None:
    followers = [asyncio.create_task(collect(feed, after=after)) for after in (0, 0, 2)]
    await asyncio.sleep(0)
    store.claim()
    feed.announce("a")
    for done in range(20):
        step(store, feed, done)
        await asyncio.sleep(0.001 * (done % 3))
    store.move("a", JobState.FAILED, message="It broke.")
    feed.announce("a")
    everything = list(range(1, 24))
    assert await asyncio.wait_for(asyncio.gather(*followers), 10) == [everything, everything, everything[2:]]


async def test_a_reader_that_is_slow_misses_nothing(store: JobStore, feed: EventFeed) -> None:
    store.claim()
    seen = []
    async for event in feed.follow("a"):
        seen.append(event.sequence)
        if event.sequence == 2:
            for done in range(30):
                step(store, feed, done)
            store.move("a", JobState.CANCELLING)
            store.move("a", JobState.CANCELLED)
    assert seen == list(range(1, 35))


async def test_the_end_of_a_deleted_job_is_heard(store: JobStore, feed: EventFeed) -> None:
    following = asyncio.create_task(collect(feed, after=2))
    await asyncio.sleep(0.05)
    store.move("a", JobState.CANCELLED)
    store.delete("a")
    feed.announce("a")
    with pytest.raises(NotFoundError):
        await asyncio.wait_for(following, 10)


async def test_followers_who_left_are_forgotten(store: JobStore, feed: EventFeed) -> None:
    following = asyncio.create_task(collect(feed, after=1))
    await asyncio.sleep(0.05)
    assert len(feed._news) == 1
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    del following
    await asyncio.sleep(0)  # the loop lets go of the task, and with it of the traceback that holds its frames
    gc.collect()
    assert len(feed._news) == 0


async def test_an_unknown_job_is_not_found(feed: EventFeed) -> None:
    with pytest.raises(NotFoundError):
        await anext(feed.follow("b"))
