# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker says of a job that failed is a line of plain text, whatever the files are called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bridge_server.jobs.tasks import Task
from bridge_server.jobs.work import Outcome
from bridge_server.worker.channel import Channel
from bridge_server.worker.loop import work_on
from maskedit.errors import InputError
from maskedit.request import EditRequest, MediaReference, to_json


class OneTask:
    """A channel with one job."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.heard: list[Outcome] = []

    def next_task(self) -> Task:
        return self._task

    def finish(self, outcome: Outcome) -> None:
        self.heard.append(outcome)


@pytest.fixture
def own_streams() -> Iterator[None]:
    """A worker turns its process's streams into the job's log."""
    kept = [os.dup(number) for number in (1, 2)]
    yield
    for number, copy in enumerate(kept, start=1):
        os.dup2(copy, number)
        os.close(copy)


@pytest.mark.usefixtures("own_streams")
def test_a_name_that_drives_terminals_is_told_as_text(tmp_path: Path) -> None:
    media = MediaReference(locations=("/clip.mov",))
    (tmp_path / "request.json").write_text(to_json(EditRequest(target=media, regions=(), keyframes=())))
    task = Task(request=tmp_path / "request.json", output=tmp_path / "output", log=tmp_path / "job.log", last=True)
    channel = OneTask(task)

    def refuse(request: EditRequest, task: Task) -> Outcome:
        raise InputError("There is no file \x1b[31mshot\n\u202e\udcff.mov: check the path.")

    work_on(cast(Channel, channel), refuse)
    assert [said.message for said in channel.heard] == ["There is no file �[31mshot ��.mov: check the path."]
