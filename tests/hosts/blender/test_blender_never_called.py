# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that crash Blender without a window are called by nothing that we ship."""

from __future__ import annotations

import ast

import pytest

from tests.hosts.blender.conftest import ROOT

# Adding movies crashes 5.0 and 5.2 in the background, adding retiming keys 4.2 to 5.0 everywhere.
CRASHING = ("sequencer.movie_strip_add", "retiming_keys.add")
SHIPPED = sorted(
    path for folder in ("plugin_client/blender", "packaging/blender", "docs") for path in (ROOT / folder).rglob("*.py")
)


def called(source: str) -> list[str]:
    """The last two names of everything that is called: `a.b.c()` → `b.c`."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [".".join(ast.unparse(function).split(".")[-2:]) for function in calls]


def test_the_search_finds_such_calls():
    assert set(CRASHING) < set(called("bpy.ops.sequencer.movie_strip_add(x=1)\nstrip.retiming_keys.add()\nprint(1)"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_crashing_operator_is_called(path):
    assert not set(CRASHING) & set(called(path.read_text()))
