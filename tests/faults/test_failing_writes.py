# SPDX-License-Identifier: GPL-3.0-or-later
"""Each write of the server fails once: a typed error or a retry, and never a lost or a doubled job."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest
from grpc import StatusCode

from bridge_server.adapters import AdapterShelf
from bridge_server.assets import AssetStore
from bridge_server.checks import Checker, Report, report_to_json
from bridge_server.errors import StartError
from bridge_server.folders import JobFolders
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.rows import SCHEMA_VERSION, JobRow, NewJob
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Ending, Lane, Outcome, Progress, Seat, WorkOrder
from bridge_server.references import References
from bridge_server.rpc.errors import status_of
from bridge_server.runtime import announced
from bridge_server.submission import Submission
from maskedit.catalogue import Catalogue
from maskedit.faults import Point, planned
from maskedit.progress import Stage
from maskedit.request import (
    EditRequest,
    Extent,
    FrameRange,
    Keyframe,
    Matte,
    MediaFacts,
    MediaReference,
    Region,
    from_json,
)
from tests.serving import REAL

CONTENT = bytes(range(256)) * 40
ASSET = hashlib.sha256(CONTENT).hexdigest()
ACTIONS = ("ENOSPC", "EIO", "short")
UPLOADING = (Point.ASSET_OPEN, Point.ASSET_WRITE, Point.ASSET_SYNC, Point.ASSET_RENAME, Point.ASSET_RENAMED)
SUBMITTING = (Point.FOLDER_MAKE, Point.ASSET_LINK, Point.REQUEST_WRITE, Point.STORE_USE, Point.STORE_COMMIT)
RUNNING = (Point.STORE_USE, Point.STORE_COMMIT, Point.EVENT_APPEND)


class OneStep:
    """A dispatcher whose work is one report; `done` counts how often each job was worked on."""

    seats = (Seat(lane=Lane.GENERATE),)

    def __init__(self) -> None:
        self.done: list[str] = []

    async def run(self, order: WorkOrder, on_progress: Callable[[Progress], Awaitable[None]]) -> Outcome:
        assert from_json((order.folder / "request.json").read_bytes()).seed == 5
        await on_progress(Progress(stage=Stage.RENDER, done=1, total=1))
        self.done.append(order.job_id)
        return Outcome(ending=Ending.SUCCEEDED, result={"files": []})

    async def mended(self, order: WorkOrder) -> None:
        raise AssertionError("no attempt dies here")


class House:
    """What a server has inside, without its wire, in `folder`; the check answers at once."""

    def __init__(self, folder: Path) -> None:
        found = Report(
            facts=MediaFacts(frame_count=5, width=64, height=64, rate=Fraction(25), pixel_format="bgr0"),
            frames=FrameRange(first=0, last=4),
            region_frames=(0,),
            bounds=Extent(x=0, y=0, width=64, height=64),
        )
        (folder / "report.json").write_text(report_to_json(found))
        (folder / "cache").mkdir()
        self.store = JobStore(folder / "jobs.sqlite")
        self.folders = JobFolders(folder / "jobs", logs=folder / "logs")
        self.assets = AssetStore(folder / "assets", quota_bytes=1 << 20)
        self.dispatcher = OneStep()
        self.scheduler = Scheduler(
            self.store,
            EventFeed(self.store),
            dispatcher=self.dispatcher,
            folder=self.folders.root,
        )
        self.submission = Submission(
            store=self.store,
            scheduler=self.scheduler,
            references=References(self.assets, roots=(), private=folder),
            checker=Checker(("cat", str(folder / "report.json"))),
            models=Catalogue(folder),
            shelf=AdapterShelf(folder / "cache" / "adapters", quota_bytes=1 << 20),
            folders=self.folders,
        )

    def upload(self) -> None:
        offset = self.assets.offset(ASSET)
        with self.assets.receive(ASSET, size_bytes=len(CONTENT), offset=offset) as upload:
            for start in range(offset, len(CONTENT), 4000):
                upload.write(CONTENT[start : start + 4000])
            upload.finish()

    async def submit(self) -> JobRow:
        media = MediaReference(asset_ids=(ASSET,), display_name="clip.mkv")
        edit = EditRequest(
            target=media,
            regions=(Region(mattes=(Matte(media=media),)),),
            keyframes=(Keyframe(frame=0, image=media),),
            seed=5,
        )
        return await self.submission.submit(edit, sent=b"as sent", idempotency_key="once", same_machine=False)

    async def ended(self, job_id: str) -> JobRow:
        async with asyncio.timeout(10):
            while not (job := self.store.get(job_id)).state.final:
                await asyncio.sleep(0.005)
        return job


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("point", UPLOADING)
def test_an_upload_goes_on_after_a_failed_write(house: House, point: Point, action: str) -> None:
    with planned(f"{point}={action}"):
        with pytest.raises(OSError) as failure:
            house.upload()
        assert status_of(failure.value)[0] is (
            StatusCode.INTERNAL if action == "EIO" else StatusCode.RESOURCE_EXHAUSTED
        )
        if not house.assets.has(ASSET):  # where only the folder was not synced, the client finds it complete
            house.upload()
    assert house.assets.path(ASSET).read_bytes() == CONTENT


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("point", SUBMITTING)
async def test_a_submission_that_fails_leaves_nothing_and_may_be_repeated(
    house: House, point: Point, action: str
) -> None:
    house.upload()
    with planned(f"{point}={action}"):
        with pytest.raises(OSError):
            await house.submit()
        assert house.store.list() == []
        assert list(house.folders.root.iterdir()) == []
        job = await house.submit()
        assert (await house.submit()).job_id == job.job_id
    assert [path.name for path in house.folders.root.iterdir()] == [job.job_id]
    assert len(house.store.list()) == 1


@pytest.mark.parametrize("turn", range(1, 6))
@pytest.mark.parametrize("point", RUNNING)
async def test_a_job_ends_once_whichever_write_of_its_run_fails(
    house: House, monkeypatch: pytest.MonkeyPatch, point: Point, turn: int
) -> None:
    monkeypatch.setattr("bridge_server.jobs.scheduler._PAUSE_SECONDS", 0.01)
    house.upload()
    job = await house.submit()
    with planned(f"{point}=EIO@{turn}"):
        # Where the very first look at the store fails, the server does not start, and is started again.
        for _ in range(2):
            try:
                await house.scheduler.start()
                break
            except OSError:
                assert turn <= 2
        while not house.dispatcher.done:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
    job = await house.ended(job.job_id)
    await house.scheduler.drain()
    assert (job.state, house.dispatcher.done) == (JobState.SUCCEEDED, [job.job_id])
    sequences = [event.sequence for event in house.store.events(job.job_id)]
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize("point", [Point.RUNTIME_WRITE, Point.RUNTIME_RENAME])
def test_a_runtime_file_that_cannot_be_written_is_not_there(tmp_path: Path, point: Point) -> None:
    def announce() -> None:
        with announced(tmp_path, address="a", token="t", certificate=""):
            assert (tmp_path / "server.json").exists()

    with planned(f"{point}=ENOSPC"):
        with pytest.raises(StartError, match="No space left on device"):
            announce()
        assert not (tmp_path / "server.json").exists()
        announce()


@pytest.mark.parametrize("plan", ["runtime.write=ENOSPC", "store.use=EIO"])
def test_a_server_that_a_broken_disk_keeps_from_starting_says_so(tmp_path: Path, plan: str) -> None:
    command = [*REAL, "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(
        command, env=os.environ | {"MASKEDIT_FAULTS": plan}, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr and "free some space there" in done.stderr


def test_an_upload_that_died_before_its_rename_can_be_opened_again(house: House, tmp_path: Path) -> None:
    """Also by those who are not root, whom a read-only file would lock out."""
    with planned(f"{Point.ASSET_RENAME}=EIO"), pytest.raises(OSError):
        house.upload()
    (partial,) = (tmp_path / "assets" / "partial").iterdir()
    assert partial.stat().st_mode & 0o200


def test_an_older_database_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    JobStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        later = "".join(
            f"ALTER TABLE jobs DROP COLUMN {name};" for name in ("place", "lane", "priority", "memory_bytes", "model")
        )
        db.executescript(f"DROP INDEX jobs_by_turn; {later} PRAGMA user_version = 1;")
    store = JobStore(path)
    store.add(NewJob(job_id="a", idempotency_key="a", request=b"", report="{}"))
    store.close()
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite.v1")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT COUNT(*) FROM jobs").fetchone() == (0,)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
