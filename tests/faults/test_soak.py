# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny jobs, one after the other: what a server holds after the last of them is what it held after the first tenth."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from bridge_server.checks import Report, report_to_json
from maskedit.request import Extent, FrameRange, MediaFacts
from plugin_client.core.connection import Connection
from tests.serving import ServerProcess, finish, submit

AHEAD = 6
"""How many jobs are queued at a time."""
GROWTH = 1.05
# SQLite folds its log into the database whenever it has a thousand pages; a reader may put that off for a moment.
LOG_BYTES = 8 << 20
# What asyncio's pool of threads may have by and by.
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)


@dataclass(frozen=True)
class Holding:
    """What a server with nothing to do holds after so many `jobs`; `workers` are the processes it has started."""

    jobs: int
    descriptors: int
    threads: int
    workers: int
    resident_mb: float
    workers_mb: float
    log_mb: float

    @classmethod
    def of(cls, server: ServerProcess, jobs: int) -> Holding:
        time.sleep(0.3)  # until the last worker's pipes are closed
        process = psutil.Process(server.pid)
        workers = process.children(recursive=True)
        return cls(
            jobs=jobs,
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            workers=len(workers),
            resident_mb=process.memory_info().rss / 1e6,
            workers_mb=sum(worker.memory_info().rss for worker in workers) / 1e6,
            log_mb=(server.data_dir / "jobs.sqlite-wal").stat().st_size / 1e6,
        )


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose checks find the same in every edit: reading a clip takes longer than a tiny job."""
    found = Report(
        facts=MediaFacts(frame_count=5, width=64, height=64, rate=Fraction(25), pixel_format="bgr0"),
        frames=FrameRange(first=0, last=4),
        region_frames=(0, 1, 2, 3, 4),
        bounds=Extent(x=16, y=16, width=32, height=32),
    )
    report = tmp_path / "report.json"
    report.write_text(report_to_json(found))
    options = ("--media-roots", f'["{tmp_path}"]')
    server = ServerProcess(tmp_path / "data", options, environment={"PACED_REPORT": str(report)})
    yield server.start()
    server.stop()


def test_many_jobs_leave_nothing_behind_in_the_server(
    quick: ServerProcess, edit: edit_pb2.EditRequest, budget: dict[str, int]
) -> None:
    count = budget["soak_jobs"]
    began = time.monotonic()
    with quick.connect() as connection:
        held = list(_live_through(quick, connection, edit, count))
    seconds = round(time.monotonic() - began)
    print(json.dumps({"jobs": count, "seconds": seconds, "held": [asdict(one) for one in held]}))
    # Threads and caches fill in the first tenth, with a worker that stays for the next job.
    tenth = max(1, len(held) // 10)
    first, last = held[tenth - 1 : 2 * tenth - 1], held[-tenth:]
    for what in ("descriptors", "resident_mb", "workers", "workers_mb"):
        before, after = (statistics.median(getattr(one, what) for one in some) for some in (first, last))
        assert after <= GROWTH * before, what
    assert held[-1].threads <= POOL_THREADS + held[0].threads
    assert max(one.log_mb for one in held) * 1e6 <= LOG_BYTES


def _live_through(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest, count: int
) -> Iterator[Holding]:
    """Have so many jobs done, a few ahead of the one that is followed, every second deleted; what is held meanwhile."""
    queue: deque[str] = deque()
    done = 0
    for number in range(1, count + 1):
        queue.append(submit(connection, edit, f"steps=1 round={number}"))
        look = number % max(10, count // 50) == 0 or number == count
        while len(queue) > (0 if look else AHEAD):
            job = finish(connection, queue.popleft())
            assert (job.state, job.attempts) == (job_pb2.JOB_STATE_SUCCEEDED, 1), job
            done += 1
            if done % 2:
                connection.jobs.DeleteJob(job_pb2.DeleteJobRequest(job_id=job.job_id), timeout=20)
        if number % 10 == 0:
            connection.jobs.ListJobs(job_pb2.ListJobsRequest(page_size=200), timeout=20)
        if look:
            yield Holding.of(server, number)
