# SPDX-License-Identifier: GPL-3.0-or-later
"""The check at submission, in a process that may do anything but bring the server down."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bridge_server.checks import CHECKER, Checker, report_from_json, report_to_json
from bridge_server.children import ask_child, share_of_memory
from bridge_server.conversion import Converter
from maskedit.errors import InputError
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Region

HERE = MediaReference(locations=("/nowhere/clip.mov",))
EDIT = EditRequest(
    target=HERE, regions=(Region(mattes=(Matte(media=HERE),)),), keyframes=(Keyframe(frame=0, image=HERE),)
)
ANSWER = """{"ok": true, "facts": {"frame_count": 5, "width": 64, "height": 48, "rate": "24000/1001",
"pixel_format": "bgr0"}, "frames": {"first": 0, "last": 4}, "region_frames": [1, 2],
"bounds": {"x": 1, "y": 2, "width": 3, "height": 4}}"""


def saying(code: str) -> Checker:
    return Checker((sys.executable, "-c", code))


async def test_the_real_check_refuses_with_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file clip\.mov at /nowhere"):
        await Checker((*CHECKER, "--data-dir", str(tmp_path))).check(EDIT)


async def test_a_report_survives_the_job_store() -> None:
    report = await saying(f"print('''{ANSWER}''')").check(EDIT)
    assert (report.facts.rate.numerator, report.frames.last, report.region_frames) == (24000, 4, (1, 2))
    assert report_from_json(report_to_json(report)) == report


@pytest.mark.parametrize(
    "code", ["import os; os.abort()", "print('half a lin')", "print('{\"ok\": true}')", "print('[]')", ""]
)
async def test_a_check_that_dies_is_the_files_fault_and_not_the_servers(code: str) -> None:
    with pytest.raises(InputError, match="crashed its reader"):
        await saying(code).check(EDIT)


async def test_a_check_that_nobody_waits_for_is_ended(tmp_path_factory: pytest.TempPathFactory) -> None:
    mark = tmp_path_factory.mktemp("check") / "alive"
    code = f"import time, pathlib\nwhile True: pathlib.Path({str(mark)!r}).touch(); time.sleep(0.01)"
    checking = asyncio.create_task(saying(code).check(EDIT))
    while not mark.exists():
        await asyncio.sleep(0.02)
    checking.cancel()
    await asyncio.gather(checking, return_exceptions=True)
    await asyncio.sleep(0.1)
    mark.unlink()
    await asyncio.sleep(0.1)
    assert not mark.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process limit another's memory")
async def test_a_child_gets_its_memory_and_no_more() -> None:
    takes = (sys.executable, "-c", "print(len(bytearray(int(input()))))")
    limit = 256 << 20
    assert await ask_child(takes, f"{limit // 2}\n", seconds=20, memory_bytes=limit) == f"{limit // 2}\n".encode()
    assert await ask_child(takes, f"{limit}\n", seconds=20, memory_bytes=limit) == b""


TELLS_ITS_LIMIT = """
import json, resource, sys
sys.stdin.read()
print(json.dumps({"ok": False, "error": str(resource.getrlimit(resource.RLIMIT_DATA)[0])}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process limit another's memory")
async def test_checks_and_conversions_are_held_to_a_share_of_the_machines_memory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^{share_of_memory(0.5, most=12e9)}$"):
        await saying(TELLS_ITS_LIMIT).check(EDIT)
    converter = Converter(tmp_path, command=(sys.executable, "-c", TELLS_ITS_LIMIT))
    with pytest.raises(InputError, match=f"^{share_of_memory(0.75)}$"):
        await converter.to_ours(tmp_path, tmp_path, model="", expert="", name="")


async def test_two_checks_run_at_once_and_no_more(tmp_path: Path) -> None:
    """Each may take its share of the memory."""
    code = f"""
import json, os, time
os.mkdir(f"{tmp_path}/{{os.getpid()}}")
time.sleep(0.5)
print(json.dumps({{"ok": False, "error": str(len(os.listdir("{tmp_path}")))}}))
os.rmdir(f"{tmp_path}/{{os.getpid()}}")
"""
    checker = saying(code)
    said = await asyncio.gather(*(checker.check(EDIT) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(each, InputError) and int(str(each)) <= 2 for each in said), said
