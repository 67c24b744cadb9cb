# SPDX-License-Identifier: GPL-3.0-or-later
"""A power cut, on a real file system: whatever the server has acknowledged is there afterwards, and goes on.

What a cut leaves is a copy of the disk's image (disks.py). Many are taken while one server works; then a server is
started on each.
"""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from maskedit.faults import Point
from tests.faults.disks import Disk, disk, remounted
from tests.faults.mines import SERVING, WORKING, Mines
from tests.faults.told import Clients, Told, check, edit_of, pieces, report_of_a_tiny_clip
from tests.serving import ServerProcess, states, submit, wait_until, watch

UPLOADING = {
    Point.ASSET_OPEN: 1,
    Point.ASSET_WRITE: 2,
    Point.ASSET_SYNC: 1,
    Point.ASSET_RENAME: 1,
    Point.ASSET_RENAMED: 1,
    Point.ASSET_LINK: 1,
    Point.FOLDER_REMOVE: 1,
}
TURNS = UPLOADING | SERVING | WORKING
# From one disk; then there is a fresh one, so that what has to be looked at stays little.
CUTS_A_DISK = 10
# Longer than a busy server takes to come by any point.
PATIENCE_SECONDS = 3


@dataclass(frozen=True)
class Cut:
    """The image that a power cut at `moment` left, and what clients had been told by then."""

    image: Path
    moment: str
    told: Told


def server_on(made: Disk, folder: Path, mines: Mines | None = None) -> ServerProcess:
    (folder / "report.json").write_text(report_of_a_tiny_clip())
    environment = {"PACED_REPORT": str(folder / "report.json")} | (mines.environment if mines else {})
    return ServerProcess(made.path / "data", environment=environment)


def held_still(server: ServerProcess) -> list[psutil.Process]:
    """Stop the server and its children where they are; nothing of theirs is on its way to the disk then."""
    server_process = psutil.Process(server.pid)
    server_process.suspend()
    stopped = [server_process, *server_process.children(recursive=True)]
    for process in stopped:
        process.suspend()
    wait_until(lambda: all(_stands(process) for process in stopped))
    return stopped


def _stands(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def let_go(stopped: list[psutil.Process]) -> None:
    for process in stopped:
        if process.is_running():
            process.resume()


def cuts_of(made: Disk, folder: Path, moments: list[Point | None], *, seed: int) -> list[Cut]:
    """Run a busy server on the disk and cut its power at each of the points; None = at a random moment."""
    chance = random.Random(seed)
    mines = Mines(folder / "mines", TURNS, action="stop")
    server = server_on(made, folder, mines)
    cuts = []
    try:
        server.start()
        with Clients(server, seed=seed) as clients:
            wait_until(lambda: clients.told().states or clients.trouble)
            for number, point in enumerate(moments):
                moment = "at random"
                if point is None:
                    time.sleep(chance.uniform(0.05, 0.8))
                else:
                    mines.arm(point)
                    due = time.monotonic() + PATIENCE_SECONDS
                    while not mines.gone_off(point) and time.monotonic() < due:
                        time.sleep(0.01)
                    moment = point if mines.gone_off(point) else moment
                    mines.disarm(point)
                stopped = held_still(server)
                cuts.append(Cut(made.cut(folder / f"cut-{number}"), moment, clients.told()))
                let_go(stopped)
        assert clients.trouble == []
    finally:
        server.stop()
    return cuts


def look_at(cut: Cut, path: Path, folder: Path) -> None:
    """Give the disk its power back, start a server on it, and see that it holds what was acknowledged."""
    with remounted(cut.image, path) as made:
        server = server_on(made, folder)
        try:
            server.start()
            with server.connect() as connection:
                check(cut.told, connection, server.data_dir)
        finally:
            server.stop()
        with closing(sqlite3.connect(server.data_dir / "jobs.sqlite")) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            jobs = {job_id for (job_id,) in db.execute("SELECT job_id FROM jobs")}
        assert {path.name for path in (server.data_dir / "jobs").iterdir()} == jobs
    cut.image.unlink()


@pytest.mark.parametrize("mode", ["ordered", "writeback"])
def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path, mode: str, budget: dict[str, int]) -> None:
    """`writeback` is the harsher mode of ext4: names may reach the disk before what the files hold."""
    chance = random.Random(mode)
    wanted = budget["power_cuts"] // 2
    turns = chance.sample(sorted(TURNS), len(TURNS))
    kinds: Counter[str] = Counter()
    told: Counter[str] = Counter()
    begun = time.monotonic()
    for first in range(0, wanted, CUTS_A_DISK):
        numbers = range(first, min(wanted, first + CUTS_A_DISK))
        # Every second at random, the others at one point after the other.
        moments = [None if number % 2 else turns[number // 2 % len(turns)] for number in numbers]
        folder = tmp_path / f"{mode}-{first}"
        with disk(folder, options=f"data={mode}") as made:
            cuts = cuts_of(made, folder, moments, seed=first)
        for cut in cuts:
            try:
                look_at(cut, made.path, folder)
            except BaseException as error:
                error.add_note(f"after the power cut {cut.moment}, seed {first}, image {cut.image}")
                raise
            kinds[cut.moment] += 1
            told["uploads"] += len(cut.told.assets)
            told["jobs"] += len(cut.told.states)
    assert kinds.total() == wanted
    assert told["uploads"] and told["jobs"]
    print(
        json.dumps(
            {"power cuts": wanted, "lost": 0, "held": told, "at": kinds, "seconds": round(time.monotonic() - begun)}
        )
    )


def test_who_watches_a_job_misses_nothing_after_a_power_cut(tmp_path: Path) -> None:
    """Progress is not synced: its events may be lost, but their numbers are not given to others."""
    content = b"a clip"
    edit = edit_of(hashlib.sha256(content).hexdigest())
    with disk(tmp_path) as made:
        server = server_on(made, tmp_path)
        try:
            with server.start().connect() as connection:
                connection.assets.UploadAsset(pieces(content))
                job_id = submit(connection, edit, "steps=30 pause=0.05")
                seen = next(event for event in watch(connection, job_id) if event.sequence == 10)
                stopped = held_still(server)
                image = made.cut(tmp_path / "cut")
                let_go(stopped)
        finally:
            server.stop(signal.SIGKILL)
    with remounted(image, made.path):
        try:
            with server.start().connect() as connection:
                later = list(watch(connection, job_id, after=seen.sequence))
                everything = list(watch(connection, job_id))
        finally:
            server.stop()
    assert states(later) == ["INTERRUPTED", "QUEUED", "RUNNING", "SUCCEEDED"]
    assert states(everything) == ["QUEUED", "RUNNING", *states(later)]
