# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent as Resolve would run it, in a process of its own, and its objects borrowed over loopback."""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.errors import ServerUnreachable
from plugin_client.resolve import agent, remote

HOST = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("agent", sys.argv[1])
agent = importlib.util.module_from_spec(spec)
spec.loader.exec_module(agent)

class Item:
    def __init__(self, name): self.name = name
    def GetName(self): return self.name

class Resolve:
    '''Names as fusionscript has them: everything seems to be there, only dir() tells.'''
    def __init__(self): self.items = [Item("a"), Item("b")]
    def __getattr__(self, name): return None
    def __dir__(self): return ["GetItems", "Echo", "IsFirst", "Broken", "Count"]
    def GetItems(self): return self.items
    def Echo(self, value): return value
    def IsFirst(self, item): return item is self.items[0]
    def Broken(self): raise RuntimeError("inside")
    def Count(self): return len(lending._lender._objects)

lending = agent.Lending(Resolve())
print(lending.address, lending.token, flush=True)
print(lending.serve(lambda: True, seconds=20), flush=True)
"""
# Resolve 18.5 takes any Python from 3.6 on: the oldest that is here stands for them.
PYTHONS = sorted({sys.executable, *filter(None, map(shutil.which, ("python3.6", "python3.8")))})


def works(python: str) -> bool:
    return subprocess.run([python, "-c", "pass"], capture_output=True).returncode == 0


@pytest.fixture(params=[python for python in PYTHONS if works(python)])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that lends a small object tree; its first line says where and for which token."""
    script = tmp_path / "host.py"
    script.write_text(HOST)
    process = subprocess.Popen([request.param, str(script), agent.__file__], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()


def borrowed(host: subprocess.Popen[str], **more) -> remote.Remote:
    assert host.stdout is not None
    address, token = host.stdout.readline().split()
    return remote.Remote(remote.Wire(address, more.pop("token", token), **more), 0)


def test_objects_are_used_as_inside(host):
    resolve = borrowed(host)
    first, second = resolve.GetItems()
    assert (first.GetName(), second.GetName()) == ("a", "b")
    assert resolve.IsFirst(first) is True and resolve.IsFirst(second) is False
    marker = {96.0: {"color": "Blue", "note": "é"}, "list": [1, None, [True, 2.5]]}
    assert resolve.Echo(marker) == marker


def test_what_resolve_does_not_have_answers_none_and_only_dir_tells(host):
    resolve = borrowed(host)
    assert resolve.GetSelectedClips() is None
    assert "GetSelectedClips" not in dir(resolve) and "Echo" in dir(resolve)
    assert resolve.Broken() is None  # an exception inside is one more failure
    assert resolve.Echo(1) == 1


def test_objects_that_nobody_holds_are_let_go(host):
    resolve = borrowed(host)
    for _ in range(50):
        resolve.GetItems()
    gc.collect()
    resolve.Echo(0)
    assert resolve.Count() <= 3


def test_the_script_ends_when_its_client_goes(host):
    resolve = borrowed(host)
    resolve._wire.close()
    assert host.stdout.readline().strip() == "True"


def test_without_the_token_nothing_is_lent_and_the_next_one_may_try(host):
    address, token = host.stdout.readline().split()
    for said in (b'{"token": "0"}\n', b"GET / HTTP/1.1\r\n\r\n", b"[1]\n", b'{"token": 1}' * 2000):
        with socket.create_connection(tuple(address.rsplit(":", 1)), timeout=10) as stranger:
            stranger.sendall(said + b'{"id": 1, "on": 0, "call": "dir"}\n')
            with contextlib.suppress(ConnectionResetError):
                assert stranger.recv(100) == b""
    assert remote.Remote(remote.Wire(address, token), 0).Echo("in") == "in"


def test_a_lost_resolve_is_said(host):
    resolve = borrowed(host)
    host.kill()
    with pytest.raises(ServerUnreachable, match="does not answer any more"):
        for _ in range(3):
            resolve.Echo(1)


def test_private_names_and_unknown_objects_are_refused():
    lender = agent.Lender(object())
    assert lender.answer({"id": 1, "on": 0, "call": "__class__"}) == {"id": 1, "missing": True}
    assert "error" in lender.answer({"id": 2, "on": 7, "call": "dir"})
    assert "error" in lender.answer({"id": 3})


def test_calls_can_be_written_down(host):
    spoken: list[tuple[dict, dict]] = []
    resolve = borrowed(host, on_call=lambda request, answer: spoken.append((request, answer)))
    resolve.Echo("x")
    assert spoken[0][0]["call"] == "Echo" and spoken[0][1]["value"] == "x"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 10**6), inner),
    max_leaves=20,
)


@given(value=VALUES)
def test_values_survive_both_ways(value):
    lender = agent.Lender(None)
    assert remote.unpacked(None, json.loads(json.dumps(lender.packed(value)))) == value
    assert lender.unpacked(json.loads(json.dumps(remote.packed(value)))) == value


def test_the_agent_is_written_for_the_oldest_python_and_imports_nothing_of_ours():
    tree = ast.parse(Path(agent.__file__).read_text(), feature_version=(3, 6))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= set(sys.stdlib_module_names)


def test_the_program_is_found_where_it_was_installed_or_on_the_path(tmp_path, monkeypatch):
    program = tmp_path / "maskedit"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert agent.find_program([str(program), "-m", "x"]) == [str(program), "-m", "x"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert agent.find_program(["/not/there"]) == [str(program)]
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert agent.find_program([]) is None
    assert agent.run(object(), "edit") == agent.NO_PROGRAM


def test_a_program_that_ends_at_once_is_said(tmp_path):
    program = tmp_path / "maskedit"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    assert "did not open" in agent.run(object(), "edit", [str(program)])
    assert "does not answer its own scripting" in agent.run(None, "edit", [str(program)])


def test_a_started_program_borrows_resolve_and_the_pythons_stay_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    said = tmp_path / "said"
    code = (
        "import os, pathlib; from plugin_client.resolve.remote import resolve_from_environment as borrow;"
        f"lent = borrow(); left = [each for each in os.environ if each.startswith(('PYTHON', 'MASKEDIT_RESOLVE'))];"
        f"pathlib.Path({str(said)!r}).write_text(lent.GetName() + str(left))"
    )
    program = tmp_path / "maskedit"
    program.write_text(f'#!/bin/sh\ncd {Path(__file__).parents[3]} && exec {sys.executable} -c "{code}"\n')
    program.chmod(0o755)

    class Resolve:
        def GetName(self) -> str:
            return "borrowed "

    assert agent.run(Resolve(), "edit", [str(program)]) == ""
    assert said.read_text() == "borrowed []"


def test_without_resolve_one_sentence_says_where_to_start(monkeypatch):
    monkeypatch.delenv(agent.ADDRESS, raising=False)
    with pytest.raises(ServerUnreachable, match="Resolve's own menu"):
        remote.resolve_from_environment()
