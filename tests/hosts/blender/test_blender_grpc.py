# SPDX-License-Identifier: GPL-3.0-or-later
"""gRPC and protobuf beside Blender's own libraries, whichever comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "scripts" / "grpc_stream.py"


@pytest.mark.parametrize("order", [("bpy", "grpc"), ("grpc", "bpy")], ids="-then-".join)
def test_a_thread_reads_a_stream_while_blender_works(blender, order):
    ran = blender.run(SCRIPT, *order, seconds=50, paths=(blender.tools,))
    assert (ran.returncode, ran.stdout.strip().splitlines()[-1:]) == (0, ["streamed"]), ran.stdout + ran.stderr
