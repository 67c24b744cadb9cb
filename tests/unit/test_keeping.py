# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server removes by itself, what it never does, and that a log stays small while somebody writes to it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.adapters import AdapterShelf
from bridge_server.app import main
from bridge_server.folders import JobFolders
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.keeping import Keeping, keep_end, kept_tidy
from maskedit.request import AdapterUse, EditRequest, MediaReference, to_json

DAY = 24 * 3600
NAMES = [f"{number:064x}" for number in range(5)]


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    store = JobStore(tmp_path / "jobs.sqlite")
    yield Keeping(
        store=store,
        folders=JobFolders(tmp_path / "jobs", logs=tmp_path / "logs"),
        shelf=AdapterShelf(tmp_path / "cache" / "adapters", quota_bytes=1 << 30),
        checkpoints=tmp_path / "cache" / "checkpoints",
        results_days=10,
        adapters_days=10,
        log_bytes=1000,
    )
    store.close()


def add_job(keeping: Keeping, *, ended: bool, uses: str = "") -> str:
    folder = keeping.folders.make()
    media = MediaReference(locations=("/clip.mov",))
    adapters = (AdapterUse(adapter_id=uses),) if uses else ()
    keeping.folders.describe(folder, to_json(EditRequest(target=media, regions=(), keyframes=(), adapters=adapters)))
    (keeping.folders.logs / f"{folder.name}.log").write_text("said\n")
    keeping.store.add(NewJob(job_id=folder.name, idempotency_key=folder.name, request=b"", report="{}"))
    if ended:
        keeping.store.move(folder.name, JobState.CANCELLED)
    return folder.name


def add_adapter(keeping: Keeping, name: str, *, used: float, stage: str = "tune_motion") -> Path:
    header = f'{{"__metadata__":{{"stage":"{stage}"}}}}'.encode()
    path = keeping.folders.root.parent / "cache" / "adapters" / f"{name}.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    os.utime(path, (used, used))
    return path


def now_of(keeping: Keeping, job_id: str) -> float:
    return keeping.store.get(job_id).ended_ms / 1000


def test_jobs_go_with_all_they_left_when_their_days_are_over(keeping: Keeping) -> None:
    old, kept, waiting = (add_job(keeping, ended=ended) for ended in (True, True, False))
    (keeping.folders.root / kept / "keep").touch()
    ended = now_of(keeping, old)
    assert keeping.tidy(ended + 10 * DAY - 1) == []
    later = ended + 10 * DAY + 60
    assert [job.job_id for job in keeping.due_jobs(later)] == [old]
    assert keeping.tidy(later) == [old] and keeping.tidy(later) == []
    assert {job.job_id for job in keeping.store.list()} == {kept, waiting}
    assert {path.name for path in keeping.folders.root.iterdir()} == {kept, waiting}
    assert {path.stem for path in keeping.folders.logs.iterdir()} == {kept, waiting}


def test_a_job_that_a_clock_set_back_dated_wrongly_is_as_old_as_those_before_it(keeping: Keeping) -> None:
    earlier, later = (add_job(keeping, ended=True) for _ in range(2))
    database = sqlite3.connect(keeping.folders.root.with_name("jobs.sqlite"))
    with database:
        database.execute("UPDATE jobs SET created_ms = 1000, ended_ms = 2000 WHERE job_id = ?", (later,))
    database.close()
    ended = now_of(keeping, earlier)
    assert keeping.due_jobs(ended + 9 * DAY) == []
    assert [job.job_id for job in keeping.due_jobs(ended + 10 * DAY + 60)] == [later, earlier]


async def test_nothing_goes_at_once_where_the_clock_is_a_year_ahead(keeping: Keeping) -> None:
    job_id, gone = add_job(keeping, ended=True), []
    aged = keeping.folders.root.with_name("aged")
    aged.write_text(repr(now_of(keeping, job_id) - 365 * DAY))
    async with kept_tidy(replace(keeping, results_days=1e-9), gone=gone.append):
        while float(aged.read_text()) < now_of(keeping, job_id) - 359 * DAY:
            await asyncio.sleep(0.01)
    assert gone == [] and keeping.store.get(job_id)


def test_adapters_go_unless_they_are_used_named_imported_or_kept(keeping: Keeping) -> None:
    old, named, imported, kept, used = NAMES
    for name in NAMES:
        add_adapter(keeping, name, used=1 * DAY, stage="imported" if name == imported else "tune_motion")
    os.utime(keeping.shelf.path(used), (30 * DAY, 1 * DAY))  # made long ago, read lately
    keeping.shelf.path(kept).with_suffix(".keep").touch()
    add_job(keeping, ended=False, uses=named)
    add_job(keeping, ended=True, uses=old)
    now = 35 * DAY
    assert [adapter.adapter_id for adapter in keeping.due_adapters(now)] == [old]
    keeping.tidy(now)
    assert {adapter.adapter_id for adapter in keeping.shelf.list()} == {named, imported, kept, used}


def test_checkpoints_go_after_a_month_unless_a_job_that_is_as_old_may_go_on_from_them(keeping: Keeping) -> None:
    waiting = add_job(keeping, ended=False)
    now = keeping.store.get(waiting).created_ms / 1000
    keeping.checkpoints.mkdir()
    for name, days in (("abandoned", 31), ("young", 29), ("going on", -1)):
        path = keeping.checkpoints / f"{name}.safetensors"
        path.touch()
        os.utime(path, (now - days * DAY,) * 2)
    assert keeping.tidy(now) == []
    assert {path.stem for path in keeping.checkpoints.iterdir()} == {"young", "going on"}
    keeping.tidy(now + 40 * DAY)
    assert {path.stem for path in keeping.checkpoints.iterdir()} == {"going on"}
    keeping.store.move(waiting, JobState.CANCELLED)
    keeping.tidy(now + 40 * DAY)
    assert list(keeping.checkpoints.iterdir()) == []


def test_to_be_listed_is_not_to_be_used(keeping: Keeping) -> None:
    path = add_adapter(keeping, NAMES[0], used=1 * DAY)
    keeping.shelf.list()
    assert path.stat().st_atime == 1 * DAY


def test_without_days_nothing_goes_ever(keeping: Keeping) -> None:
    job = add_job(keeping, ended=True)
    add_adapter(keeping, NAMES[0], used=0)
    forever = replace(keeping, results_days=0, adapters_days=0)
    assert forever.tidy(now_of(keeping, job) + 100_000 * DAY) == []
    assert keeping.store.get(job) and keeping.shelf.get(NAMES[0])


def test_a_log_stays_small_while_its_worker_writes_to_it(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(3000):
            writer.write(b"line %04d\n" % number)
            keep_end(log, most_bytes=1000)
            assert log.stat().st_size <= 1010
        lines = log.read_text().splitlines()
    assert lines[-1] == "line 2999" and lines[0].startswith("(The beginning is gone")
    # Whole lines, and none of them missing at the end.
    assert lines[1:] == [f"line {number:04d}" for number in range(3001 - len(lines), 3000)]


async def test_the_server_tidies_up_at_its_start_and_says_which_jobs_are_gone(keeping: Keeping) -> None:
    job, waiting = add_job(keeping, ended=True), add_job(keeping, ended=False)
    keeping.store.claim()
    (keeping.folders.logs / f"{waiting}.log").write_text("said\n" * 1000)
    gone: list[str] = []
    async with kept_tidy(replace(keeping, results_days=1e-9), gone=gone.append):
        while not gone:
            await asyncio.sleep(0.01)
    assert gone == [job]
    assert (keeping.folders.logs / f"{waiting}.log").stat().st_size <= 1000


def test_what_would_go_is_said_and_stays(keeping: Keeping, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = add_job(keeping, ended=True)
    add_adapter(keeping, NAMES[0], used=1 * DAY)
    asked = ["--data-dir", str(tmp_path), "--what-goes"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert main(asked) == 0 and capsys.readouterr().out == "Nothing would go.\n"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert main([*asked, "--keep-results-days", "0.0000001", "--keep-adapters-days", "5"]) == 0
    assert capsys.readouterr().out == f"job {job}\nadapter {NAMES[0]} (0 MB)\n"
    assert keeping.store.get(job) and keeping.shelf.get(NAMES[0])
    assert main(["--data-dir", str(tmp_path / "nowhere"), "--what-goes"]) == 0
    assert "no server has run" in capsys.readouterr().out and not (tmp_path / "nowhere").exists()
