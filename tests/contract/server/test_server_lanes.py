# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts go their own way while a long job tunes, without torch; and the higher priority goes first."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from bridge_api.v1 import edit_pb2, job_pb2
from bridge_server.checks import Report, report_to_json
from maskedit.findings import PresetEstimate
from maskedit.request import Extent, FrameRange, MediaFacts, Preset
from plugin_client.cli.main import main
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from tests.serving import FINAL, ServerProcess, finish, get, submit, wait_for_step, wait_until

LANED = (sys.executable, str(Path(__file__).parents[2] / "children" / "laned_server.py"))
LONG = "steps=2000 pause=0.05"


@pytest.fixture
def laned(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose drafts are real."""
    process = ServerProcess(tmp_path / "data", ("--media-roots", f'["{tmp_path}"]'), command=LANED).start()
    yield process
    process.stop()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def hasty_server(tmp_path: Path, data_dir: Path) -> Iterator[ServerProcess]:
    """A server that need not read a clip to know what an edit is about, nor that the preset best is too much for it."""
    found = Report(
        facts=MediaFacts(frame_count=5, width=64, height=64, rate=Fraction(25), pixel_format="bgr0"),
        frames=FrameRange(first=0, last=4),
        region_frames=(0,),
        bounds=Extent(x=0, y=0, width=64, height=64),
        estimates=(PresetEstimate(preset=Preset.BEST, least_memory_bytes=10**15),),
    )
    (tmp_path / "report.json").write_text(report_to_json(found))
    process = ServerProcess(
        data_dir, ("--media-roots", f'["{tmp_path}"]', "--sharing", "yield", "--spare-memory-gb", "1")
    )
    process.environment["PACED_REPORT"] = str(tmp_path / "report.json")
    yield process.start()
    process.stop()


@pytest.fixture
def hasty(hasty_server: ServerProcess) -> Iterator[Connection]:
    with hasty_server.connect() as connection:
        yield connection


def mapped_files(job: psutil.Process) -> set[str]:
    """What the process has mapped of files now; nothing where it has just ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{job.pid}/maps").read_text().splitlines()
        return {Path(line.split()[-1]).name for line in lines if "/" in line}
    return set()


def test_a_draft_is_done_while_a_long_job_tunes_and_its_worker_holds_no_torch(
    laned: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    with laned.connect() as connection:
        long = submit(connection, edit, LONG)
        wait_for_step(connection, long)
        edit.preset = edit_pb2.PRESET_DRAFT
        draft = submit(connection, edit)
        assert get(connection, draft).queue_position == 0
        seen: set[str] = set()

        def ended() -> bool:
            for child in psutil.Process(laned.pid).children():
                with suppress(psutil.Error):
                    if "bridge_server.worker" in child.cmdline():
                        seen.update(mapped_files(child))
            return get(connection, draft).state in FINAL

        wait_until(ended, seconds=40)
        job = get(connection, draft)
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
        assert {Path(file.name).suffix for file in job.result.files} == {".mkv", ".json"}
        assert get(connection, long).state == job_pb2.JOB_STATE_RUNNING
        assert any(name.startswith("libavcodec") for name in seen), "nobody looked while the draft was made"
        assert [name for name in seen if "torch" in name] == []
        Jobs(connection).cancel(long)
        finish(connection, long)


def test_priorities_are_kept_shown_and_checked(
    hasty: Connection, data_dir: Path, edit: edit_pb2.EditRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = Jobs(hasty)
    jobs.pause_queue(True)
    edit.prompt = "steps=1"
    low, normal, high = (jobs.submit(edit, priority=name) for name in ("low", "normal", "high"))
    assert [jobs.get(job_id).queue_position for job_id in (high, normal, low)] == [0, 1, 2]
    assert jobs.move(low, 0) == 2 and jobs.move(high, 9) == 0
    second = jobs.submit(edit, priority="high")
    assert jobs.move(second, 0) == 0
    assert main(["jobs", "list", "--data-dir", str(data_dir)]) == 0
    said = capsys.readouterr().out
    assert "queued, 1 before it, high priority" in said and "3 before it, low priority" in said
    assert main(["jobs", "show", low, "--json", "--data-dir", str(data_dir)]) == 0
    assert json.loads(capsys.readouterr().out)["priority"] == "low"
    with pytest.raises(BadInput, match="field priority has the value 7"):
        request = edit_pb2.SubmitEditRequest(idempotency_key="unknown", edit=edit, priority=7)  # type: ignore[arg-type]
        jobs._call(lambda: hasty.edits.SubmitEdit(request))
    jobs.pause_queue(False)
    order = (second, high, normal, low)
    ended = [finish(hasty, job_id) for job_id in order]
    begun = [job.started_at.ToMilliseconds() for job in ended]
    assert begun == sorted(begun)
    assert [job.priority for job in ended] == [3, 3, 2, 1]
    again = jobs.retry(low)
    assert jobs.get(again).priority == "low"
    assert jobs.get(low).state is JobState.SUCCEEDED
    finish(hasty, again)


def test_what_no_device_here_can_hold_is_refused_at_submission(hasty: Connection, edit: edit_pb2.EditRequest) -> None:
    jobs = Jobs(hasty)
    edit.preset = edit_pb2.PRESET_BEST
    for refused in (jobs.submit, jobs.check):
        with pytest.raises(BadInput, match=r"needs a device with 1000000\.0 GB of memory, and the largest here has"):
            refused(edit)
    edit.preset = edit_pb2.PRESET_FAST
    finish(hasty, jobs.submit(edit))


def test_workers_give_way_to_other_programs_where_they_are_told_to(
    hasty_server: ServerProcess, hasty: Connection, edit: edit_pb2.EditRequest
) -> None:
    job_id = submit(hasty, edit, LONG)
    wait_for_step(hasty, job_id)
    (worker,) = hasty_server.workers()
    assert worker.nice() == 10 and {"--spare-bytes", "1000000000"} <= {*worker.cmdline()}
    assert psutil.Process(hasty_server.pid).nice() == psutil.Process().nice()
    assert Jobs(hasty).cancel(job_id) is JobState.CANCELLING
    finish(hasty, job_id)
