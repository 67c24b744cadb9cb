# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at named points and at random moments: no job is lost or made twice, at most one interval is repeated."""

from __future__ import annotations

import json
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from maskedit.faults import Point
from plugin_client.core.connection import Connection
from tests.faults.mines import SERVING, STARTING, WORKING, Mines
from tests.serving import ServerProcess, finish, submit, wait_until

STEPS, INTERVAL = 12, 4
SCRIPT = f"steps={STEPS} checkpoint={INTERVAL} pause=0.02 phases=1"
SAMPLE = (Point.WORKER_SAYS, Point.TENSORS_RENAME, Point.OUTCOME_SAID)


@pytest.fixture
def mines(tmp_path: Path) -> Mines:
    return Mines(tmp_path / "mines", STARTING | SERVING | WORKING)


@pytest.fixture
def mined(tmp_path: Path, mines: Mines) -> Iterator[ServerProcess]:
    options = ("--media-roots", f'["{tmp_path}"]')
    process = ServerProcess(tmp_path / "data", options, environment=mines.environment).start()
    yield process
    process.stop()


def repeated(job: job_pb2.Job) -> int:
    """How many steps the job's attempts did more than once; all of them must have been done."""
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    steps = list(map(int, Path(job.result.files[0].path).read_text().split()))
    assert sorted(set(steps)) == list(range(STEPS))
    return len(steps) - STEPS


def listed(connection: Connection) -> set[str]:
    ids: list[str] = []
    token = ""
    while True:
        page = connection.jobs.ListJobs(job_pb2.ListJobsRequest(page_size=200, page_token=token), timeout=20)
        ids += [job.job_id for job in page.jobs]
        token = page.next_page_token
        if not token:
            assert len(ids) == len(set(ids))
            return set(ids)


def test_a_server_killed_anywhere_loses_no_job_and_makes_none_twice(
    mined: ServerProcess, mines: Mines, edit: edit_pb2.EditRequest, budget: dict[str, int]
) -> None:
    chance = random.Random(11)
    turns = [None, *chance.sample([*STARTING, *SERVING], len(STARTING | SERVING))]
    kills: Counter[str] = Counter()
    jobs: set[str] = set()
    worst = 0
    for number in range(budget["server_kills"]):
        point = turns[number % len(turns)]
        if point in STARTING:
            mined.stop(signal.SIGKILL)
        if point is None or number >= len(turns):
            point = None
            killer = threading.Timer(chance.uniform(0, 2), mined.stop, [signal.SIGKILL])
            killer.start()
        else:
            mines.arm(point)
            killer = None
        victim = mined.process
        job_id = _surely_submit(mined, edit, key=str(number))
        if killer is not None:
            killer.join()
        elif point is not None:
            wait_until(lambda point=point: mines.gone_off(point))
            assert victim is not None
            victim.wait(20)
        _revive(mined)
        kills[point or "at random"] += 1
        with mined.connect() as connection:
            assert _surely_submit(mined, edit, key=str(number)) == job_id
            worst = max(worst, repeated(finish(connection, job_id)))
            jobs.add(job_id)
            assert listed(connection) == jobs
    assert worst <= INTERVAL + 1
    assert len(jobs) == budget["server_kills"]
    assert {path.name for path in (mined.data_dir / "jobs").iterdir()} == jobs
    print(json.dumps({"server kills": kills.total(), "lost": 0, "doubled": 0, "steps repeated": worst, "at": kills}))


def test_a_worker_killed_at_each_point_is_followed_by_one_that_ends_the_job(
    mined: ServerProcess, mines: Mines, edit: edit_pb2.EditRequest, budget: dict[str, int]
) -> None:
    worst: dict[str, int] = {}
    rounds = budget["worker_kills"]
    with mined.connect() as connection:
        for number in range(max(1, rounds)):
            for point in WORKING if rounds else SAMPLE:
                mines.arm(point)
                job = finish(connection, submit(connection, edit, f"{SCRIPT} round={number} at={point}"))
                # The last word is heard a moment before the worker dies of having said it.
                wait_until(lambda point=point: mines.gone_off(point))
                # Where it had said its last word before it died, nothing has to be done again.
                assert job.attempts == (1 if point is Point.OUTCOME_SAID else 2)
                worst[point] = max(worst.get(point, 0), repeated(job))
    assert max(worst.values()) <= INTERVAL + 1
    print(json.dumps({"worker kills": max(1, rounds) * len(worst), "lost": 0, "steps repeated": worst}))


def _surely_submit(server: ServerProcess, edit: edit_pb2.EditRequest, *, key: str) -> str:
    """As a client does it: the same key again, until there is an answer, whatever becomes of the server."""
    while True:
        _revive(server)
        try:
            with server.connect() as connection:
                return submit(connection, edit, f"{SCRIPT} round={key}", key=key)
        except (grpc.RpcError, FileNotFoundError):
            continue


def _revive(server: ServerProcess) -> None:
    """Start the server if it does not run, again where it dies of its start."""
    while server.process is None or server.process.poll() is not None:
        with suppress(AssertionError):
            server.start()
