# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker process, as far as it comes before it needs a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from bridge_server.dispatch.local import WORKER
from bridge_server.jobs.tasks import READY, TAKEN, Task, parse_task, task_line
from bridge_server.jobs.work import Ending, Outcome, Progress, outcome_line, parse_line, progress_line
from maskedit.media import write_picture
from maskedit.progress import Stage
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    EditRequest,
    Keyframe,
    Matte,
    MediaReference,
    Preset,
    Region,
    to_json,
)


class Worker:
    """A worker that is told to do the job in `folder`, and the pipe that it speaks on."""

    def __init__(self, folder: Path, *, last: bool = True, **environment: str) -> None:
        self.log = folder / "worker.log"
        listening, speaking = os.pipe()
        self.process = subprocess.Popen(
            [*WORKER, f"--data-dir={folder}", f"--cache={folder / 'cache'}", f"--events-fd={speaking}"],
            stdin=subprocess.PIPE,
            pass_fds=(speaking,),
            env=os.environ | environment,
        )
        os.close(speaking)
        self.events = os.fdopen(listening, "rb")
        self.tell(folder, last=last)

    def tell(self, folder: Path, *, last: bool = True) -> None:
        """Have it do the job in `folder`."""
        task = Task(request=folder / "request.json", output=folder / "output", log=folder / "worker.log", last=last)
        assert self.process.stdin is not None
        self.process.stdin.write(task_line(task))
        self.process.stdin.flush()

    def last_word(self) -> Outcome:
        *_, said = map(parse_line, self.events)
        assert isinstance(said, Outcome)
        assert self.process.wait(20) == 0
        return said


def test_a_request_that_cannot_be_read_fails_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"target": 3}')
    outcome = Worker(tmp_path).last_word()
    assert outcome.ending is Ending.FAILED
    assert "cannot be read" in outcome.message


def test_an_unexpected_error_goes_to_the_log_and_its_place_to_the_user(tmp_path: Path) -> None:
    worker = Worker(tmp_path)  # without any request
    outcome = worker.last_word()
    assert (outcome.ending, outcome.message) == (
        Ending.FAILED,
        f"The edit stopped on an unexpected error: its details are in {worker.log}.",
    )
    assert "FileNotFoundError" in worker.log.read_text()


def test_a_worker_ends_with_its_server(tmp_path: Path) -> None:
    with FileLock(tmp_path / "output.lock"):  # keeps it waiting
        worker = Worker(tmp_path)
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        assert worker.process.wait(20) == 70
        assert worker.events.read() == b""


def test_a_worker_waits_for_its_predecessor(tmp_path: Path) -> None:
    with FileLock(tmp_path / "output.lock"):
        worker = Worker(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            worker.process.wait(2)
    assert worker.last_word().ending is Ending.FAILED


def test_a_cancel_is_heard_at_the_first_report(tmp_path: Path) -> None:
    edit = EditRequest(target=MediaReference(), regions=(), keyframes=())
    (tmp_path / "request.json").write_text(to_json(edit))
    with FileLock(tmp_path / "output.lock"):
        worker = Worker(tmp_path)
        assert worker.process.stdin is not None
        worker.process.stdin.write(b"cancel\n")
        worker.process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            worker.process.wait(2)
    assert worker.last_word().ending is Ending.CANCELLED


def test_a_draft_is_made_without_torch(write_clip, tmp_path: Path) -> None:
    """Where importing torch is an error."""
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8)
    matte = np.zeros_like(frames)
    matte[:, 16:32, 16:32] = 255
    write_picture(tmp_path / "key.png", np.full((48, 64, 3), 0.5, np.float32))
    clip, drawn, key = (
        MediaReference(locations=(str(path),))
        for path in (write_clip("clip.mkv", frames), write_clip("matte.mkv", matte), tmp_path / "key.png")
    )
    edit = EditRequest(
        target=clip,
        regions=(Region(mattes=(Matte(media=drawn),)),),
        keyframes=(Keyframe(frame=0, image=key),),
        preset=Preset.DRAFT,
        deliverables=(Deliverable(), Deliverable(kind=DeliverableKind.FILL, format=DeliverableFormat.PNG)),
    )
    (tmp_path / "request.json").write_text(to_json(edit))
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "torch.py").write_text("raise ImportError('torch is not wanted here')")
    outcome = Worker(tmp_path, PYTHONPATH=os.pathsep.join([str(blocked), os.getcwd()])).last_word()
    assert (outcome.ending, outcome.message) == (Ending.SUCCEEDED, "")
    names = [file["name"] for file in outcome.result["files"]]
    fill = [f"result-fill/result-fill.{number:04d}.png" for number in range(3)]
    assert names == ["result.mkv", *fill, "result.maskedit.json"]
    assert outcome.result["adapter_reused"] is False
    record = json.loads((tmp_path / "output" / "result.maskedit.json").read_text())
    assert [each["name"] for each in record["deliverables"]] == ["result.mkv", "result-fill"]


def test_importing_the_worker_loads_no_torch() -> None:
    code = "import sys, bridge_server.worker.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_worker_does_one_job_after_another_each_in_its_folder_and_log(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "request.json").write_text(f'{{"target": "{name}"}}')
    worker = Worker(tmp_path / "first", last=False)
    assert parse_line(worker.events.readline()) and worker.events.readline() == READY
    worker.tell(tmp_path / "second")
    assert worker.events.readline() == TAKEN
    assert worker.last_word().ending is Ending.FAILED
    assert all((tmp_path / name / "output.lock").exists() for name in ("first", "second"))


@pytest.mark.parametrize("ran_out", [None, 0, 10**11])
def test_a_task_survives_the_pipe(tmp_path: Path, ran_out: int | None) -> None:
    task = Task(request=tmp_path / "a b", output=tmp_path / '"', log=tmp_path / "\n", last=True, ran_out=ran_out)
    assert task_line(task).count(b"\n") == 1
    assert parse_task(task_line(task).decode()) == task


@pytest.mark.parametrize(
    "progress",
    [
        Progress(stage=Stage.RENDER, done=3, total=9, message="nine\nlines", preview=bytes(range(256))),
        Progress(stage=Stage.PREPARE, done=0, total=1),
    ],
)
def test_progress_survives_the_pipe(progress: Progress) -> None:
    assert progress_line(progress).count(b"\n") == 1
    assert parse_line(progress_line(progress)) == progress


@pytest.mark.parametrize("ending", Ending)
def test_outcomes_survive_the_pipe(ending: Ending) -> None:
    outcome = Outcome(ending=ending, message='"quoted"\n', result={"files": [{"name": "a/b"}]})
    assert outcome_line(outcome).count(b"\n") == 1
    assert parse_line(outcome_line(outcome)) == outcome


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"progress": {}}', b'{"outcome": {"ending": "x"}}', b"\xff"])
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        parse_line(line)
