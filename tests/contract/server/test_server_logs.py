# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's log as a tool reads it: lines of JSON, each about a job with the job's id, never longer than allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bridge_server import logs
from plugin_client.core.jobs import Jobs
from tests.serving import ServerProcess, finish, submit, wait_until


@pytest.fixture
def unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_every_line_about_a_job_names_it(own_server: ServerProcess, edit) -> None:
    own_server.start()
    with own_server.connect() as connection:
        good, bad = submit(connection, edit, "steps=1"), submit(connection, edit, "steps=1 end=garbage")
        finish(connection, good)
        said = own_server.data_dir / "said.txt"
        wait_until(lambda: "unintelligible" in said.read_text())
        Jobs(connection).cancel(bad)
        finish(connection, bad)
    own_server.stop()
    lines = [json.loads(line) for line in said.read_text().splitlines()]
    assert {"event", "level", "timestamp"} <= set.intersection(*(set(line) for line in lines))
    about = {job_id: [line["event"] for line in lines if line.get("job_id") == job_id] for job_id in (good, bad)}
    assert about[good] == ["job starts", "worker starts", "job ends"]
    assert {"job starts", "worker unintelligible"} <= set(about[bad])
    # An idle worker belongs to no job; whether one is left at the end depends on which job ended last.
    nobodys = {line["event"] for line in lines if "job_id" not in line}
    assert nobodys - {"idle worker ends"} == {"serving", "stopping"}


def test_a_log_of_ours_is_kept_short_and_the_last_lines_are_there(tmp_path: Path, unconfigured: None) -> None:
    log = tmp_path / "server.log"
    with log.open("a") as stream:
        logs.configure(log, stream=stream, most_bytes=1000)
        logger = structlog.get_logger()
        for number in range(100):
            logger.info("step", number=number, name="a\nb")
            stream.write("what a library says\n")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["server.log", "server.log.1", "server.log.2", "server.log.3"]
    assert all(file.stat().st_size < 1200 for file in files)
    said = "".join(file.read_text() for file in (*reversed(files[1:]), log))
    numbers = [json.loads(line)["number"] for line in said.splitlines() if line.startswith("{")]
    assert numbers == list(range(numbers[0], 100))


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, unconfigured: None) -> None:
    own = tmp_path / "elsewhere.txt"
    with own.open("a") as stream:
        logs.configure(tmp_path / "server.log", stream=stream, most_bytes=10)
        structlog.get_logger().info("step")
        structlog.get_logger().info("step")
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere.txt"] and len(own.read_text().splitlines()) == 2
