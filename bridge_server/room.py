# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on the disk: what a job's results will take against what is free, and what of the cache can go."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from bridge_server.checks import Report
from bridge_server.chores import repeated
from bridge_server.errors import QuotaError
from maskedit.deliverable import Deliverable, DeliverableFormat, DeliverableKind
from maskedit.exhaustion import in_words
from maskedit.findings import Finding, Severity

# Left free on the disk, for the job store and for people.
_RESERVE_BYTES = 1 << 30
# Bytes per pixel, at least for a camera's picture and at most for noise: what FFV1, PNG and EXR take depends on the
# picture, ProRes and H.264 hardly reach the most, v210 packs 6 pixels into 16 bytes whatever they show, a
# frame cache takes 8 bytes for each that its patch shows.
_BYTES_PER_PIXEL = {
    DeliverableFormat.MKV: (0.5, 8.0),
    DeliverableFormat.MOV: (0.3, 2.0),
    DeliverableFormat.MP4: (0.005, 0.5),
    DeliverableFormat.PNG: (0.3, 8.0),
    DeliverableFormat.EXR: (0.5, 8.0),
    DeliverableFormat.V210: (2.66, 2.8),
    DeliverableFormat.CACHE: (0.0, 8.1),
}
# What a running job may be about to read.
_YOUNG_SECONDS = 24 * 3600
# Of the cache's folders those whose files any job makes again in minutes. Adapters cost hours and may be somebody's
# own, checkpoints are what an interrupted job goes on from: both stay.
_DISPENSABLE = ("latents", "priors")
# As maskedit.whole calls what it is writing.
_UNFINISHED = "."
_TRIM_SECONDS = 3600.0
_LOG = structlog.get_logger()


def result_bytes(deliverables: Sequence[Deliverable], report: Report) -> tuple[int, int]:
    """What the deliverables take, at least and at most. A patch or a matte may be next to nothing."""
    pixels = len(range(report.frames.first, report.frames.last + 1)) * report.facts.width * report.facts.height
    least = most = 0.0
    for each in deliverables:
        per_pixel = _BYTES_PER_PIXEL[each.format]
        least += per_pixel[0] * pixels if each.kind is DeliverableKind.FULL else 0
        most += per_pixel[1] * pixels
    return int(least), int(most)


def find_room(deliverables: Sequence[Deliverable], report: Report, folder: Path) -> Finding | None:
    """What to say where the results might not fit on `folder`'s disk. Raises QuotaError where they cannot."""
    least, most = result_bytes(deliverables, report)
    free = max(0, shutil.disk_usage(folder).free - _RESERVE_BYTES)
    if least > free:
        raise QuotaError(
            f"The result takes at least {in_words(least)} and the server's disk has {in_words(free)} to spare: delete "
            "old jobs with `maskedit jobs delete`, render fewer frames, or deliver a smaller format."
        )
    if most <= free:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"The result may take up to {in_words(most)} and the server's disk has {in_words(free)} to spare",
        remedy="delete old jobs, or deliver a smaller format",
    )


def trim_cache(cache: Path, *, quota_bytes: int, now: float | None = None) -> int:
    """Remove what a dead process left half written, and, longest unused first, what any job can make again until the
    cache fits; returns the bytes removed.

    Never touches adapters, checkpoints, or what was used within a day (`now`: seconds since the epoch).
    """
    now = time.time() if now is None else now
    held = _files_in(cache)
    excess = sum(facts.st_size for facts in held.values()) - quota_bytes
    removed = 0
    # Most systems note a file's reading once a day; where they do not, its making has to do.
    for path, facts in sorted(held.items(), key=lambda item: max(item[1].st_atime, item[1].st_mtime)):
        if now - max(facts.st_atime, facts.st_mtime) < _YOUNG_SECONDS:
            break
        needless = removed < excess and path.relative_to(cache).parts[0] in _DISPENSABLE
        if needless or path.name.startswith(_UNFINISHED):
            path.unlink(missing_ok=True)
            removed += facts.st_size
    return removed


def _files_in(folder: Path) -> dict[Path, os.stat_result]:
    """Every file, but for those that go while they are looked at, as unfinished ones do all the time."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if stat.S_ISREG((facts := path.lstat()).st_mode):
                found[path] = facts
    return found


@asynccontextmanager
async def cache_kept_trim(cache: Path, *, quota_bytes: int) -> AsyncIterator[None]:
    """`trim_cache` now and every hour for the length of the block."""

    async def trim() -> None:
        if removed := await asyncio.to_thread(trim_cache, cache, quota_bytes=quota_bytes):
            _LOG.info("cache trimmed", removed_bytes=removed)

    async with repeated(trim, seconds=_TRIM_SECONDS, failing="cache cannot be trimmed"):
        yield
