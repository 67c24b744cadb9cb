# SPDX-License-Identifier: GPL-3.0-or-later
"""The second Blender: it is followed, it ends when it should, and when it dies that is said in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import bpy
import masking
import pytest

from plugin_client.blender import carried, child
from plugin_client.blender.child_jobs import (
    MATTE,
    FilePictures,
    MaskPictures,
    RenderJob,
    StripPictures,
    from_line,
    to_line,
)
from plugin_client.core.errors import BadInput

SIZE = (96, 64)


@pytest.fixture
def job(scene, tmp_path):
    """Makes a job of so many frames of a mask, in a folder of its own."""

    def made(frames: int, size=SIZE) -> RenderJob:
        masking.keyed_mask("Mask", {1: [(8, 8), (40, 8), (40, 40), (8, 40)]}, size=size)
        folder = tmp_path / "render"
        folder.mkdir()
        carried.mask_alone(bpy.data.masks["Mask"], str(folder / "mask.blend"))
        pictures = MaskPictures(
            blend=str(folder / "mask.blend"), mask="Mask", mask_first=1, mask_last=frames, offset=0, start=1,
            length=frames, size=size,
        )  # fmt: skip
        return RenderJob(pictures=pictures, first=1, last=frames, form=MATTE, folder=str(folder))

    return made


@pytest.mark.parametrize(
    "pictures",
    [
        FilePictures(path='/clips/"Ä" %d.mov', is_movie=True),
        StripPictures(blend="/a.blend", scene="Szene\n1", name="Plate", as_placed=True),
    ],
)
def test_a_job_is_one_line_of_text(pictures):
    job = RenderJob(pictures=pictures, first=3, last=7, form=MATTE, folder="/tmp/x")
    line = to_line(job)
    assert from_line(line) == job and line.isascii() and "\n" not in line


def test_progress_counts_the_frames_that_are_written(job):
    told = []
    made = child.render(job(6), lambda done, total: told.append((done, total)))
    assert [path.is_file() for path in made] == [True] * 6
    assert sorted(told) == told and told[0] == (0, 6) and told[-1] == (6, 6)


def test_cancelling_in_the_middle_ends_it_within_a_second_and_leaves_nothing(job, children):
    class CancelledError(Exception):
        pass

    cancelled_at = 0.0

    def cancel_midway(done: int, total: int) -> None:
        nonlocal cancelled_at
        if done >= 3:
            cancelled_at = time.monotonic()
            raise CancelledError

    long = job(3000, size=(640, 360))
    with pytest.raises(CancelledError), child.gone_after(long.folder):
        child.render(long, cancel_midway)
    assert time.monotonic() - cancelled_at < 1
    assert not os.path.exists(long.folder)
    assert not children()


def test_one_that_dies_is_told_in_one_sentence(job, children):
    def kill(done: int, total: int) -> None:
        if done == 2:
            for pid in children():
                os.kill(pid, signal.SIGSEGV)

    with pytest.raises(
        BadInput, match=r"^The Blender .* ended by itself \(.*SIGSEGV.*\): try again, or .*\.$"
    ) as raised:
        child.render(job(2000), kill)
    assert "\n" not in str(raised.value)
    assert not children()


def test_one_that_fails_says_its_last_words(job, tmp_path):
    mended = job(2)
    broken = RenderJob(**vars(mended) | {"pictures": MaskPictures(**vars(mended.pictures) | {"blend": "/gone.blend"})})
    with pytest.raises(BadInput, match=r"ended by itself \(status 1, its last words .*gone\.blend"):
        child.render(broken, lambda done, total: None)


@pytest.mark.parametrize("write", [carried.whole_file, lambda blend: carried.mask_alone(bpy.data.masks["Mask"], blend)])
def test_what_cannot_be_written_says_so(job, write):
    job(2)
    with pytest.raises(
        BadInput, match=r"^/no/such/folder/a\.blend could not be written to be rendered \(.*\): see that"
    ):
        write("/no/such/folder/a.blend")


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"Nothing can be written into .*file \(.*\): choose another folder"):
        child.new_folder(tmp_path / "file", "render")


def test_one_that_cannot_be_started_says_so(job, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/blender")
    with pytest.raises(BadInput, match=r"could not be started to render .*: check that /no/such/blender may run"):
        child.render(job(2), lambda done, total: None)


def test_it_ends_with_the_blender_that_asked(job, tmp_path):
    """Otherwise a Blender that is killed leaves one behind that renders for nobody."""
    line = to_line(job(100_000))
    # A process of its own, which starts the second Blender as this one would, says which it is, and dies.
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, subprocess, sys\n"
        f"process = subprocess.Popen({child._command()!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n"
        f"process.stdin.write({line!r} + '\\n'); process.stdin.flush()\n"
        "while not process.stdout.readline().startswith('maskedit> '): pass\n"
        "print(process.pid, flush=True); os._exit(1)\n"
    )
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    grandchild = int(said.stdout)
    deadline = time.monotonic() + 10
    while _runs(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def children():
    """The processes that the test has started and that still run; other tests may have left a server that is ending."""
    before = set(_children())
    return lambda: [pid for pid in _children() if pid not in before]


def _children() -> list[int]:
    """The processes that this one has started and that still run."""
    if not Path("/proc/self/task").exists():
        pytest.skip("only Linux says which processes a process has started")
    started = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # threads come and go
            started += map(int, (task / "children").read_text().split())
    return [pid for pid in started if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
