# SPDX-License-Identifier: GPL-3.0-or-later
"""Children that convert or check: what they say reaches the caller, and what becomes of them does not hurt it."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from bridge_server.children import ask_child
from bridge_server.conversion import Converter
from maskedit.errors import InputError
from maskedit.request import AdapterFormat


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_a_child_is_told_and_heard() -> None:
    assert await ask_child(python("print(input()[::-1])"), "abc\n", seconds=20) == b"cba\n"


async def test_its_refusal_is_the_callers() -> None:
    with pytest.raises(InputError, match="Too big: give less"):
        await ask_child(python('print(\'{"ok": false, "error": "Too big: give less."}\')'), "", seconds=20)


async def test_one_that_takes_too_long_is_ended() -> None:
    before = set(psutil.Process().children())
    with pytest.raises(TimeoutError):
        await ask_child(python("import time; time.sleep(60)"), "", seconds=0.3)
    left = set(psutil.Process().children()) - before
    assert psutil.wait_procs(left, timeout=5)[1] == []


@pytest.mark.parametrize("code", ["import os; os.abort()", "print('{\"ok\": true}')", "print('garbage')"])
async def test_a_conversion_without_a_result_is_a_damaged_file(tmp_path: Path, code: str) -> None:
    converter = Converter(tmp_path, command=python(code))
    with pytest.raises(InputError, match="damaged"):
        await converter.to_theirs(tmp_path / "a", tmp_path / "b", form=AdapterFormat.KOHYA, expert="")


async def test_the_real_converter_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no LoRA")
    with pytest.raises(InputError, match="no safetensors file"):
        await Converter(tmp_path).to_ours(tmp_path / "a", tmp_path / "b", model="bundled", expert="", name="")
    assert not (tmp_path / "b").exists()
