# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server does again and again."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bridge_server.chores import repeated
from bridge_server.errors import StoreError


@pytest.mark.parametrize("error", [OSError("the disk"), StoreError("the store")])
async def test_a_time_that_failed_is_not_the_last_and_is_said(error: Exception) -> None:
    times, enough = 0, asyncio.Event()

    async def do() -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise error
        if times == 3:
            enough.set()

    with capture_logs() as logs:
        async with repeated(do, seconds=0, failing="cannot do it"), asyncio.timeout(5):
            await enough.wait()
        done = times
        await asyncio.sleep(0.01)
    assert times == done
    assert [(line["event"], line["log_level"]) for line in logs] == [("cannot do it", "error")]
