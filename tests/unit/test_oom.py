# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that runs out so fast that the kernel ends the worker: told from other kills, and met with a smaller plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bridge_server.dispatch.oom import OomWatch, offer_to_kernel
from maskedit.request import EditRequest, MediaReference, to_json

SERVER = (sys.executable, str(Path(__file__).parents[1] / "children" / "limited_server.py"))
LIMIT_MB = 256
GROUPS = Path("/sys/fs/cgroup")


class Machine:
    """A tree like /proc and /sys, with a process 7."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, *lines: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    ("groups", "counts"),
    [
        (("0::/user/app",), "sys/fs/cgroup/user/app/memory.events"),
        (("0::/user/app",), "sys/fs/cgroup/user/memory.events"),  # whose own group has no such controller
        (("0::/",), "proc/vmstat"),
        (("4:cpu,memory:/box", "0::/"), "sys/fs/cgroup/memory/box/memory.oom_control"),
        (("4:memory:/docker/0123", "0::/"), "sys/fs/cgroup/memory/memory.oom_control"),  # seen from inside
        (("3:cpu:/box", "0::/"), "proc/vmstat"),
        ((), "proc/vmstat"),
    ],
)
def test_a_kill_is_found_where_the_system_counts_it(tmp_path: Path, groups: tuple[str, ...], counts: str) -> None:
    machine = Machine(tmp_path)
    if groups:
        machine.write("proc/7/cgroup", *groups)
    machine.write("proc/vmstat", "nr_free_pages 12", "oom_kill 3")
    machine.write(counts, "oom 9", "oom_kill 3", "oom_kill_disable 0")
    watch = OomWatch(7, root=tmp_path)
    assert not watch.killed
    machine.write(counts, "oom 9", "oom_kill 4", "oom_kill_disable 0")
    assert watch.killed and not OomWatch(7, root=tmp_path).killed


def test_a_kill_elsewhere_on_the_machine_is_not_this_ones(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("proc/7/cgroup", "0::/app")
    machine.write("sys/fs/cgroup/app/memory.events", "oom_kill 0")
    machine.write("proc/vmstat", "oom_kill 3")
    watch = OomWatch(7, root=tmp_path)
    machine.write("proc/vmstat", "oom_kill 4")
    assert not watch.killed


@pytest.mark.parametrize("said", ["", "oom_kill_disable 0", "oom_kill many"])
def test_where_nobody_counts_there_are_none(tmp_path: Path, said: str) -> None:
    assert not OomWatch(7, root=tmp_path).killed
    Machine(tmp_path).write("proc/vmstat", said)
    assert not OomWatch(7, root=tmp_path).killed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets processes be offered")
def test_a_worker_is_offered_to_the_kernel_before_its_server(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        own, score = (Path(f"/proc/{pid}/oom_score_adj") for pid in ("self", process.pid))
        offer_to_kernel(process.pid)
        assert int(score.read_text()) == min(1000, int(own.read_text()) + 500)
        offer_to_kernel(process.pid)
        offer_to_kernel(process.pid)
        assert score.read_text() == "1000\n"
        process.kill()
    offer_to_kernel(process.pid)  # gone by now


@pytest.fixture
def group() -> Iterator[Path]:
    """A memory cgroup of its own, without swap, in which more than LIMIT_MB is the end."""
    old = (GROUPS / "memory" / "memory.limit_in_bytes").exists()
    folder = (GROUPS / "memory" if old else GROUPS) / f"maskedit-test-{os.getpid()}"
    limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes") if old else ("memory.max", "memory.swap.max")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here ({error.strerror}): needs root and a cgroup mount for writing")
    try:
        for name in limits:
            if (folder / name).exists() or name == limits[0]:
                (folder / name).write_text("0" if name == "memory.swap.max" else str(LIMIT_MB << 20))
    except OSError as error:
        folder.rmdir()
        pytest.skip(f"memory cannot be limited here ({error.strerror}): needs the memory controller")
    yield folder
    for _ in range(100):  # what was killed leaves a moment later
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.05)
    raise AssertionError(f"{folder} cannot be removed")


def served(folder: Path, group: Path, script: str) -> dict:
    """What a server in that cgroup makes of a job: its ending, its sentences, and what it told each worker."""
    (folder / "job").mkdir()
    request = EditRequest(target=MediaReference(), regions=(), keyframes=(), prompt=script)
    (folder / "job" / "request.json").write_text(to_json(request))
    done = subprocess.run([*SERVER, group, folder], stdout=subprocess.PIPE, timeout=30, check=True)
    tries = (folder / "logs" / "job.log").read_text().splitlines()
    return json.loads(done.stdout.splitlines()[-1]) | {"tries": [line.split()[2:] for line in tries]}


def test_a_worker_that_the_kernel_kills_is_tried_once_more_with_a_smaller_plan(tmp_path: Path, group: Path) -> None:
    said = served(tmp_path, group, "steps=1 grow=350")
    assert said["ending"] == "succeeded"
    assert [message for message in said["heard"] if "tried once more" in message]
    assert said["tries"] == [[], ["ran_out", "5000000000"]]


def test_one_that_the_kernel_kills_twice_ends_the_job_with_a_sentence(tmp_path: Path, group: Path) -> None:
    said = served(tmp_path, group, "steps=1 grow=800")
    assert (said["ending"], len(said["tries"])) == ("out_of_memory", 2)
    assert "its system ended the work: close other programs" in said["message"]
