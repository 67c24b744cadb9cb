# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers as processes, with the real client's stubs: what the tests of the contract and of faults share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from maskedit.media import write_picture
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.media import reference

PACED = (sys.executable, str(Path(__file__).parent / "children" / "paced_server.py"))
REAL = (sys.executable, "-m", "bridge_server")
FINAL = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


@dataclass
class ServerProcess:
    """A server on `data_dir`, started by `start`; `options` are more of its command line."""

    data_dir: Path
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = PACED
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self, *, seconds: float = 20) -> ServerProcess:
        """Start it and wait until it serves."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "said.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--data-dir", str(self.data_dir), *self.options],
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
            )
        process = self.process
        wait_until(lambda: process.poll() is not None or self._announced(), seconds=seconds)
        assert process.poll() is None, (self.data_dir / "said.txt").read_text()
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def facts(self) -> dict:
        """What the runtime file says."""
        return json.loads((self.data_dir / "server.json").read_text())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it runs, and wait until it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)

    def connect(self) -> Connection:
        said = self.facts
        endpoint = Endpoint(address=said["address"], token=said["token"], certificate=said["certificate"])
        return Connection(lambda: endpoint)

    def workers(self) -> list[psutil.Process]:
        """The worker processes that do a job now: not those that wait for another."""
        children = psutil.Process(self.pid).children()
        return [child for child in children if "--events-fd" in child.cmdline() and jobs_of(child)]

    def _announced(self) -> bool:
        return (self.data_dir / "server.json").exists() and self.facts.get("pid") == self.pid


def jobs_of(worker: psutil.Process) -> list[str]:
    """The job that a worker does now, by the lock that it holds on its folder; none where it waits, or is gone."""
    try:
        return [Path(file.path).parent.name for file in worker.open_files() if file.path.endswith("output.lock")]
    except psutil.Error:
        return []


def wait_until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Poll until the condition holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for does not happen"
        time.sleep(0.02)


def submit(connection: Connection, edit: edit_pb2.EditRequest, script: str = "", *, key: str = "") -> str:
    """Queue the edit with a script for the paced worker; returns the job's id."""
    scripted = edit_pb2.EditRequest()
    scripted.CopyFrom(edit)
    scripted.prompt = script
    request = edit_pb2.SubmitEditRequest(idempotency_key=key or uuid4().hex, edit=scripted)
    return connection.edits.SubmitEdit(request, timeout=60).job_id


def watch(connection: Connection, job_id: str, *, after: int = 0) -> Iterable[job_pb2.JobEvent]:
    """The job's events to its end."""
    request = job_pb2.WatchJobRequest(job_id=job_id, after_sequence=after)
    for response in connection.jobs.WatchJob(request, timeout=60):
        yield response.event


def finish(connection: Connection, job_id: str) -> job_pb2.Job:
    """Wait for the job's end."""
    for _ in watch(connection, job_id):
        pass
    return get(connection, job_id)


def get(connection: Connection, job_id: str) -> job_pb2.Job:
    return connection.jobs.GetJob(job_pb2.GetJobRequest(job_id=job_id), timeout=20).job


def wait_for_step(connection: Connection, job_id: str, step: int = 1, *, seconds: float = 20) -> None:
    """Wait until the job's worker has reported that many steps."""
    wait_until(lambda: get(connection, job_id).last_event.done >= step, seconds=seconds)


def states(events: Iterable[job_pb2.JobEvent]) -> list[str]:
    """The changes of state among the events, by name."""
    changes = [event for event in events if event.stage == job_pb2.STAGE_UNSPECIFIED]
    return [job_pb2.JobState.Name(event.state).removeprefix("JOB_STATE_") for event in changes]


@pytest.fixture
def edit(write_clip: Callable[..., Path], tmp_path: Path) -> edit_pb2.EditRequest:
    """A valid edit of a tiny clip, its media named by path."""
    frames = np.full((5, 64, 64, 3), 40, np.uint8)
    drawn = np.zeros_like(frames)
    drawn[:, 16:48, 16:48] = 255
    clip, matte, picture = write_clip("clip.mkv", frames), write_clip("matte.mkv", drawn), tmp_path / "key.png"
    write_picture(str(picture), frames[0].astype(np.float32) / 255)
    region = edit_pb2.Region(mattes=[edit_pb2.Matte(media=reference(str(matte)))])
    keyframe = edit_pb2.Keyframe(frame=0, image=reference(str(picture)))
    return edit_pb2.EditRequest(target=reference(str(clip)), regions=[region], keyframes=[keyframe])
