# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk before a job, and what of the cache may go."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_server import room
from bridge_server.checks import Report
from bridge_server.errors import QuotaError
from maskedit.findings import Severity
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, Extent, FrameRange, MediaFacts
from maskedit.whole import written_whole

DAY = 24 * 3600
NOW = 1_000 * DAY
FRAME = 100 * 50
Usage = namedtuple("Usage", "total used free")


def report(frames: int = 10) -> Report:
    facts = MediaFacts(frame_count=frames, rate=Fraction(25), width=100, height=50, pixel_format="yuv420p")
    return Report(
        facts=facts,
        frames=FrameRange(first=0, last=frames - 1),
        region_frames=(0,),
        bounds=Extent(x=0, y=0, width=10, height=10),
    )


def deliver(format: DeliverableFormat, kind: DeliverableKind = DeliverableKind.FULL) -> tuple[Deliverable, ...]:
    return (Deliverable(kind=kind, format=format),)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Says how much the disk has to spare beyond the reserve."""

    def spare(size: int) -> None:
        usage = Usage(total=0, used=0, free=(1 << 30) + size)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    return spare


def test_v210_takes_what_the_format_says() -> None:
    """16 bytes hold 6 pixels."""
    least, most = room.result_bytes(deliver(DeliverableFormat.V210), report(10))
    assert least <= 10 * FRAME * 16 / 6 <= most


@given(st.sampled_from(DeliverableFormat), st.sampled_from(DeliverableKind), st.integers(1, 1000))
def test_more_frames_and_more_deliverables_take_more(
    format: DeliverableFormat, kind: DeliverableKind, frames: int
) -> None:
    one = deliver(format, kind)
    least, most = room.result_bytes(one, report(frames))
    assert 0 <= least < most
    assert room.result_bytes(one, report(frames + 1))[1] > most
    assert room.result_bytes(one * 2, report(frames))[1] == pytest.approx(2 * most, abs=2)


def test_what_cannot_fit_is_refused_what_may_not_is_said_and_the_rest_is_silent(free, tmp_path: Path) -> None:
    wanted = deliver(DeliverableFormat.MKV)
    least, most = room.result_bytes(wanted, report())
    free(least - 1)
    with pytest.raises(QuotaError, match=r"at least 0 MB and .* to spare: delete old jobs"):
        room.find_room(wanted, report(), tmp_path)
    free(least)
    said = room.find_room(wanted, report(), tmp_path)
    assert said is not None and said.severity is Severity.WARNING and "may take up to" in said.sentence
    free(most)
    assert room.find_room(wanted, report(), tmp_path) is None


def made(path: Path, size: int, *, days_ago: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - days_ago * DAY,) * 2)
    return path


def test_the_longest_unused_go_first_and_only_until_it_fits(tmp_path: Path) -> None:
    oldest, older, old = (made(tmp_path / "latents" / str(days), 100, days_ago=days) for days in (9, 8, 7))
    assert room.trim_cache(tmp_path, quota_bytes=150, now=NOW) == 200
    assert [path.exists() for path in (oldest, older, old)] == [False, False, True]
    assert room.trim_cache(tmp_path, quota_bytes=150, now=NOW) == 0


def test_adapters_checkpoints_and_what_was_just_used_stay(tmp_path: Path) -> None:
    kept = [
        made(tmp_path / "adapters" / "a", 100, days_ago=900),
        made(tmp_path / "checkpoints" / "c", 100, days_ago=900),
        made(tmp_path / "latents" / "young", 100, days_ago=0.9),
    ]
    read = made(tmp_path / "priors" / "read", 100, days_ago=900)
    os.utime(read, (NOW - 0.5 * DAY, NOW - 900 * DAY))
    assert room.trim_cache(tmp_path, quota_bytes=1, now=NOW) == 0
    assert all(path.exists() for path in (*kept, read))


def test_what_a_dead_process_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "adapters" / "a.safetensors"
    with pytest.raises(KeyboardInterrupt), written_whole(path) as unfinished:
        unfinished.write_bytes(b"x" * 100)
        left = unfinished.name
        raise KeyboardInterrupt
    old, young = (made(path.with_name(left + end), 100, days_ago=days) for end, days in (("1", 2), ("2", 0.5)))
    assert room.trim_cache(tmp_path, quota_bytes=1 << 40, now=NOW) == 100
    assert [file.exists() for file in (old, young)] == [False, True]


def test_a_file_that_goes_while_they_are_counted_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, rglob = made(tmp_path / "latents" / "old", 100, days_ago=9), Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda folder, each: (*rglob(folder, each), Gone(folder / "latents" / "gone")))
    assert room.trim_cache(tmp_path, quota_bytes=1, now=NOW) == 100
    assert not old.exists()


class Gone(type(Path())):
    """A path that was a file when it was looked at."""

    def is_file(self) -> bool:
        return True


async def test_it_is_trimmed_while_the_server_serves(tmp_path: Path) -> None:
    old = made(tmp_path / "latents" / "old", 100, days_ago=9)
    async with room.cache_kept_trim(tmp_path, quota_bytes=1), asyncio.timeout(5):
        while old.exists():
            await asyncio.sleep(0.01)
