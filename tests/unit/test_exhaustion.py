# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full is told from everything else, and is no reason to be silent, to stop or to blame somebody."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest
from safetensors import SafetensorError

from bridge_server.jobs.tasks import Task
from bridge_server.jobs.work import Ending, Outcome
from bridge_server.logs import BoundedStream
from bridge_server.worker.loop import work_on
from maskedit.exhaustion import disk_ran_out, full_disk, told_in_words
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Region, to_json

FULL = OSError(errno.ENOSPC, "No space left on device")


class FullStream(io.StringIO):
    """A stream into a file on a full disk."""

    def write(self, text: str, /) -> int:
        raise FULL

    def flush(self) -> None:
        raise FULL


class OneTask:
    """A worker's channel that has one job for it."""

    def __init__(self, task: Task) -> None:
        self._tasks: list[Task | None] = [task, None]
        self.outcomes: list[Outcome] = []

    def next_task(self) -> Task | None:
        return self._tasks.pop(0)

    offer = next_task

    def finish(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def test_what_an_error_came_from_counts() -> None:
    outer = RuntimeError("it did not work")
    outer.__cause__ = FULL
    assert disk_ran_out(FULL) and disk_ran_out(outer) and disk_ran_out(OSError(errno.EDQUOT, ""))
    assert not disk_ran_out(OSError(errno.EIO, "")) and not disk_ran_out(RuntimeError("No space left on device"))


def test_what_rust_says_in_words_becomes_an_error_with_its_number() -> None:
    told = told_in_words(SafetensorError("Error while serializing: I/O error: … (os error 28)"), Path("a"))
    assert (told.errno, told.filename) == (errno.ENOSPC, "a") and disk_ran_out(told)
    other = told_in_words(SafetensorError("invalid tensor view"), Path("a"))
    assert str(other) == "a cannot be written: invalid tensor view" and not disk_ran_out(other)


def test_the_sentence_has_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 12_400_000}))
    assert full_disk(tmp_path) == f"The disk of {tmp_path} is full: 12 MB are left"
    wanted = f"The disk of {tmp_path} is full: 12 MB are left and about 2.5 GB more are needed"
    assert full_disk(tmp_path, needed_bytes=2_500_000_000) == wanted


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    stream = BoundedStream(FullStream(), tmp_path / "server.log", most_bytes=100)
    stream.write("a line")
    stream.flush()


def test_a_job_on_a_full_disk_fails_in_a_sentence_and_leaves_the_worker_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = MediaReference(locations=("/clip.mkv",))
    request = EditRequest(
        target=media, regions=(Region(mattes=(Matte(media=media),)),), keyframes=(Keyframe(frame=0, image=media),)
    )
    (tmp_path / "request.json").write_text(to_json(request))
    task = Task(request=tmp_path / "request.json", output=tmp_path / "output", log=tmp_path / "log")
    channel = OneTask(task)
    monkeypatch.setattr("bridge_server.worker.loop._log_to", lambda _: monkeypatch.setattr("sys.stderr", FullStream()))
    tidied: list[bool] = []

    def fills_the_disk(request: EditRequest, task: Task) -> Outcome:
        raise FULL

    work_on(channel, fills_the_disk, tidy=lambda: tidied.append(True))  # type: ignore[arg-type]
    (outcome,) = channel.outcomes
    assert outcome.ending is Ending.FAILED and tidied == [True]
    assert outcome.message.startswith(f"The disk of {tmp_path} is full: ")
    assert outcome.message.endswith(" are left: free some space there, then retry the job.")
