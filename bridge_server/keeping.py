# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server removes by itself: results and adapters by age, where its settings say so, checkpoints that nobody
goes on from, and the beginnings of long logs.

A file `keep` in a job's folder, or `ID.keep` beside an adapter, holds what it lies with for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from bridge_server.adapters import AdapterFile, AdapterShelf
from bridge_server.ageing import Ageing
from bridge_server.chores import repeated
from bridge_server.errors import NotFoundError, WrongStateError
from bridge_server.folders import JobFolders
from bridge_server.jobs.rows import JobRow
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.settings import Settings
from maskedit.errors import InputError
from maskedit.request import from_json

_DAY_SECONDS = 24 * 3600
# Who retries a job that was cancelled does so sooner.
_ABANDONED_DAYS = 30
_TIDY_SECONDS = 3600.0
_LOOK_SECONDS = 10.0
_IMPORTED = "imported"
_LOG = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Days after which a job that has ended, and an adapter that nothing has used, may go; 0 = never.

    `checkpoints`: where tuning leaves them; `log_bytes`: what a job's log may take. Times are seconds since the epoch.
    Methods block on the disk.
    """

    store: JobStore
    folders: JobFolders
    shelf: AdapterShelf
    checkpoints: Path
    results_days: float
    adapters_days: float
    log_bytes: int

    @classmethod
    def of(cls, settings: Settings, *, store: JobStore, folders: JobFolders, shelf: AdapterShelf) -> Keeping:
        return cls(
            store=store,
            folders=folders,
            shelf=shelf,
            checkpoints=settings.data_dir / "cache" / "checkpoints",
            results_days=settings.keep_results_days,
            adapters_days=settings.keep_adapters_days,
            log_bytes=int(settings.job_log_mb * 1e6),
        )

    def ageing(self) -> Ageing:
        """What day it is, kept beside the jobs."""
        return Ageing(self.folders.root.with_name("aged"))

    def due_jobs(self, now: float) -> list[JobRow]:
        """Those whose time is up, newest first; never one that has not ended."""
        if not self.results_days:
            return []
        latest_ms = 1000 * (now - self.results_days * _DAY_SECONDS)
        due, begun_ms = [], 0
        for job in reversed(self.store.list(states=[state for state in JobState if state.final], limit=-1)):
            # What was made after a job ended after it, whatever a clock that had jumped back wrote down.
            begun_ms = max(begun_ms, job.created_ms)
            if max(begun_ms, job.ended_ms) < latest_ms and not (self._folder(job) / "keep").exists():
                due.append(job)
        return due[::-1]

    def due_adapters(self, now: float) -> list[AdapterFile]:
        """Those that nobody has used for that long, newest first: no imported ones, none that a job to come names."""
        if not self.adapters_days:
            return []
        # A day more where less is asked for: systems note a file's reading once a day.
        latest = now - max(self.adapters_days, 1) * _DAY_SECONDS
        named = self._named()
        return [
            adapter
            for adapter in self.shelf.list()
            if adapter.used_ms < 1000 * latest
            and adapter.metadata.get("stage") != _IMPORTED
            and adapter.adapter_id not in named
            and not adapter.path.with_suffix(".keep").exists()
        ]

    def due_checkpoints(self, now: float) -> list[Path]:
        """Those of jobs that were cancelled or failed: a month old, and older than every job that is to go on."""
        made = [job.created_ms / 1000 for job in self._live()]
        latest = min([now - _ABANDONED_DAYS * _DAY_SECONDS, *made])
        due = []
        for path in self.checkpoints.glob("*.safetensors"):
            with suppress(FileNotFoundError):  # its tuning has just ended
                if path.stat().st_mtime < latest:
                    due.append(path)
        return due

    def tidy(self, now: float) -> list[str]:
        """Remove what is due and shorten every log; returns the ids of the jobs that are gone."""
        gone = []
        for job in self.due_jobs(now):
            # Whoever deletes it at the same time has done it.
            with suppress(NotFoundError, WrongStateError):
                self.store.delete(job.job_id)
                self.folders.remove(job.job_id)
                gone.append(job.job_id)
        adapters = self.due_adapters(now)
        for adapter in adapters:
            with suppress(NotFoundError):
                self.shelf.delete(adapter.adapter_id)
        checkpoints = self.due_checkpoints(now)
        for checkpoint in checkpoints:
            checkpoint.unlink(missing_ok=True)
        if gone or adapters or checkpoints:
            _LOG.info("kept long enough", jobs=len(gone), adapters=len(adapters), checkpoints=len(checkpoints))
        self.shorten(self.folders.logs.glob("*.log"))
        return gone

    def shorten_running(self) -> None:
        """Shorten the logs of the jobs that run now."""
        running = self.store.list(states=(JobState.RUNNING, JobState.CANCELLING), limit=-1)
        self.shorten(self.folders.logs / f"{job.job_id}.log" for job in running)

    def shorten(self, logs: Iterable[Path]) -> None:
        for log in logs:
            with suppress(FileNotFoundError):
                keep_end(log, most_bytes=self.log_bytes)

    def _folder(self, job: JobRow) -> Path:
        return self.folders.root / job.job_id

    def _named(self) -> set[str]:
        """The adapters that jobs name which have not ended."""
        return {adapter_id for job in self._live() for adapter_id in self._uses(job)}

    def _live(self) -> list[JobRow]:
        return self.store.list(states=[state for state in JobState if not state.final], limit=-1)

    def _uses(self, job: JobRow) -> Iterator[str]:
        with suppress(OSError, InputError):
            request = from_json((self._folder(job) / "request.json").read_bytes())
            yield from (use.adapter_id for use in request.adapters)


def keep_end(log: Path, *, most_bytes: int) -> None:
    """Where a log has grown beyond `most_bytes`, leave its last half in place of it.

    In the file itself, because a worker goes on appending to it; a line that comes just then may be lost.
    """
    size = log.stat().st_size
    if size <= most_bytes:
        return
    with log.open("r+b") as file:
        file.seek(size - most_bytes // 2)
        end = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(b"(The beginning is gone: the log had grown to %d MB.)\n" % (size // 1_000_000) + end)
        file.truncate()


def what_goes(settings: Settings) -> str:
    """What the settings would have the server remove now, a line each, with none of it removed."""
    data_dir = settings.data_dir
    if not (data_dir / "jobs.sqlite").exists():
        return "Nothing would go: no server has run on this data folder yet."
    store = JobStore(data_dir / "jobs.sqlite", only_look=True)
    try:
        folders = JobFolders(data_dir / "jobs", logs=data_dir / "logs")
        shelf = AdapterShelf(data_dir / "cache" / "adapters", quota_bytes=0)
        keeping = Keeping.of(settings, store=store, folders=folders, shelf=shelf)
        now = keeping.ageing().now()
        lines = [f"job {job.job_id}" for job in keeping.due_jobs(now)]
        lines += [f"adapter {each.adapter_id} ({each.size_bytes / 1e6:.0f} MB)" for each in keeping.due_adapters(now)]
    finally:
        store.close()
    return "\n".join(lines) or "Nothing would go."


@asynccontextmanager
async def kept_tidy(keeping: Keeping, *, gone: Callable[[str], None]) -> AsyncIterator[None]:
    """`tidy` now and every hour for the length of the block, and the logs of running jobs looked at all the while.

    `gone` is told the id of each job that was removed.
    """
    ageing, due = keeping.ageing(), 0.0

    async def tidy() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _TIDY_SECONDS
            for job_id in await asyncio.to_thread(lambda: keeping.tidy(ageing.keep())):
                gone(job_id)
        await asyncio.to_thread(keeping.shorten_running)

    async with repeated(tidy, seconds=_LOOK_SECONDS, failing="cannot tidy up"):
        yield
